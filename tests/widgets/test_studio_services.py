"""The Studio's choice of a service: who runs this form's requests, for how much, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from support.axe import violations
from support.fal_service import KEY, FalService
from support.form_pages import opened, spills
from support.forms import Wire
from support.gemini_service import GeminiService
from support.lab import Browser
from support.openrouter_service import OpenRouterService
from support.runcomfy_service import RunComfyService
from support.tiers import in_every_view
from support.waiting import until

import nbbanana as nb
from nbbanana import errors
from nbbanana.providers import fal as fal_module
from nbbanana.providers.credentials import save_token
from nbbanana.providers.gemini import SPEC as GEMINI
from nbbanana.providers.registry import find
from nbbanana.widgets.base import ui_thread
from nbbanana.widgets.studio import Studio


@pytest.fixture
def fal(monkeypatch: pytest.MonkeyPatch) -> Iterator[FalService]:
    """A second service whose key is here; nobody chose it."""
    with FalService() as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        yield service


@pytest.fixture
def form(fal: FalService, session: nb.Session, photo: Callable[[str], Path]) -> Iterator[Studio]:
    form = nb.studio(photo("coffee"), prompt="Make it snow.", session=session)
    yield form
    form.close()


class Front:
    """The front end of a form: what it says, and the last that it was told of a kind."""

    def __init__(self, form: Studio) -> None:
        self.form = form
        self.wire = Wire(form)
        self.say("hello")

    def say(self, kind: str, **content: Any) -> None:
        """Say something, and wait until it was heard."""
        ui_thread.post(self.form._receive, {"kind": kind, "number": 1, **content}, []).result()

    def told(self, kind: str) -> dict[str, Any]:
        """The last message of a kind; empty where there is none."""
        return next((said for said, _ in reversed(self.wire.said) if said["kind"] == kind), {})


def test_services_whose_key_is_here_are_offered_with_their_prices(form: Studio) -> None:
    """By their lists, asking none of them; one without a key is no choice."""
    form.set(number_of_images=2)
    service = Front(form).told("form")["service"]
    assert service["choices"] == [{"value": "", "label": "Sandbox"}, {"value": "fal", "label": "fal, $0.16"}]
    assert (service["chosen"], service["words"]) == ("", "Sandbox: test pictures, play money")


def test_nothing_is_asked_of_a_service_that_was_not_chosen(form: Studio, fal: FalService) -> None:
    """Its price is that of its dated list."""
    Front(form)
    form.run().result()
    assert fal.asked == []


def test_another_service_runs_this_form_s_requests_alone(form: Studio, fal: FalService) -> None:
    """Price, words and budget are its own; the session goes on where it was."""
    form.session.store.set_budget("fal", 1.0)
    front = Front(form)
    front.say("service", name="fal")
    until(lambda: front.told("price").get("amount") == "$0.08")
    price = front.told("price")
    assert (price["is_play"], price["left"]) == (False, "$1.00 of $1.00 left")
    assert front.told("form")["service"]["chosen"] == "fal"
    assert front.told("form")["service"]["words"] == ""
    assert front.told("past")["spent"] == "$0.00"
    result = form.run().result()
    assert (form.provider, result.provider, len(fal.posts)) == ("fal", "fal", 1)
    assert form.session.edit("Make it rain.", result.originals[0]).provider == "sandbox"
    assert len(fal.posts) == 1


def test_a_choice_is_taken_back_by_undo(form: Studio, fal: FalService) -> None:
    """Nothing was sent meanwhile."""
    form.provider = "fal"
    assert form.undo() == "the service"
    assert form.provider == "sandbox"
    assert form.run().result().provider == "sandbox"
    assert fal.posts == []


def test_the_copied_cell_and_code_name_the_service(form: Studio) -> None:
    """Run in a cell, they go where the form would have sent them."""
    assert "--provider" not in form.cell()
    form.provider = "fal"
    assert "--provider fal" in form.cell().splitlines()[0]
    assert "provider='fal'" in form.code()


def test_vary_and_run_again_go_where_the_form_sends(form: Studio, fal: FalService) -> None:
    """Vary to the service that is chosen now; a failed job again to the one that it failed at."""
    first = form.run().result()
    form.provider = "fal"
    assert ui_thread.call(lambda: form.state.vary(first.id)).job.result().provider == "fal"
    fal.locked = "Exhausted balance"
    task = ui_thread.call(form.state.run)
    with pytest.raises(errors.BalanceError):
        task.job.result()
    fal.locked, form.provider = "", ""
    assert ui_thread.call(lambda: form.state.run_again(task)).job.result().provider == "fal"


def test_what_is_on_its_way_says_where(form: Studio, fal: FalService) -> None:
    """Play money on its line in the sandbox; the service's name where the form chose one."""
    front = Front(form)
    fal.duration = 3600.0
    form.provider = "fal"
    job = form.run()
    until(lambda: front.told("task").get("phase") == "queued")
    assert front.told("task")["facts"].endswith("fal")
    job.cancel()
    form.provider = ""
    form.run().result()
    assert front.told("task")["facts"].endswith("Sandbox")


def test_an_unnamed_model_is_the_service_s_default(
    form: Studio, monkeypatch: pytest.MonkeyPatch, session: nb.Session
) -> None:
    """One that was chosen stays."""
    newer = "google/nano-banana-2.1/edit"
    monkeypatch.setattr(fal_module, "SPEC", replace(fal_module.SPEC, default_model=newer))
    form.provider = "fal"
    assert form.model == newer
    form.provider = ""
    assert form.model == session.default_model_at()
    form.model = "google/nano-banana-2/text-to-image"
    form.provider = "fal"
    assert form.model == "google/nano-banana-2/text-to-image"


def test_a_form_opens_at_a_service(session: nb.Session, fal: FalService, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not exist is an error; one without its key is shown with what is missing."""
    form = nb.studio(provider="fal", session=session)
    assert form.provider == "fal"
    form.close()
    with pytest.raises(errors.ConfigError, match="Did you mean fal"):
        nb.studio(provider="fall", session=session)
    monkeypatch.delenv("FAL_KEY")
    form = nb.studio(provider="fal", session=session)
    front = Front(form)
    assert "FAL_KEY" in front.told("price")["problem"][2]
    service = front.told("form")["service"]
    assert (service["chosen"], service["choices"][-1]) == ("fal", {"value": "fal", "label": "fal"})
    form.close()


def test_where_nobody_chose_and_none_fits_the_form_offers_a_choice(
    tmp_path: Path, fal: FalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a script without the default key, and after two logins: the price line says why, and a choice settles it."""
    with nb.Session(store=tmp_path / "store") as session:
        form = nb.studio(prompt="Make it snow.", session=session)
        front = Front(form)
        service = front.told("form")["service"]
        assert [one["value"] for one in service["choices"]] == ["", "fal", "sandbox"]
        assert service["words"] == "No service: log in with %nblogin"
        assert front.told("price")["problem"]
        save_token(GEMINI, KEY, GEMINI.endpoints())
        save_token(fal_module.SPEC, KEY, fal_module.SPEC.endpoints.from_environment())
        front.say("hello")
        assert "logged in at" in front.told("price")["problem"][0]
        front.say("service", name="fal")
        until(lambda: front.told("price").get("amount") == "$0.08")
        form.close()


def test_a_replay_has_no_choice(tmp_path: Path, fal: FalService) -> None:
    """Everything is answered from the store there."""
    with nb.Session(store=tmp_path / "store", mode="replay") as session:
        form = nb.studio(prompt="Make it snow.", session=session)
        assert Front(form).told("form")["service"]["choices"] == []
        form.close()


def test_visitors_do_not_choose_who_is_paid(session: nb.Session, fal: FalService) -> None:
    """The owner does; a page that says otherwise is refused."""
    form = nb.studio(public=True, budget=1.0, session=session)
    front = Front(form)
    assert front.told("form")["service"]["choices"] == []
    front.say("service", name="fal")
    assert "one service" in front.told("error")["what"]
    assert form.provider == "sandbox"
    form.close()
    owned = nb.studio(public=True, budget=1.0, provider="fal", session=session)
    assert owned.provider == "fal"
    owned.close()


def test_no_key_is_told_to_a_page(form: Studio) -> None:
    """The page knows names and prices."""
    front = Front(form)
    front.say("service", name="fal")
    until(lambda: front.told("price").get("amount") == "$0.08")
    assert KEY not in str(front.wire.said)


@pytest.mark.nightly
@pytest.mark.browser
@in_every_view(320, 860, 1440)
def test_the_choice_stands_at_the_price(browser: Browser, form: Studio, width: int, theme: str) -> None:
    """It has a name, is not cut, and changes prices and words; axe finds nothing serious."""
    form.show_edit(form.run().result().id)
    with opened(browser, form, width=width, theme=theme) as page:
        choice = page.get_by_label("Runs at")
        expect(choice).to_have_value("")
        expect(page.locator(".st-price")).to_contain_text("Play money")
        page.locator(".st-tile").first.click()
        expect(page.get_by_role("button", name="Vary, $0.07")).to_be_visible()
        choice.select_option("fal")
        expect(page.locator(".st-amount")).to_have_text("$0.08")
        expect(page.locator(".st-price")).not_to_contain_text("Play money")
        expect(page.get_by_role("button", name="Vary, $0.08")).to_be_visible()
        expect(page.locator(".st-toast")).to_contain_text("fal runs what this form asks for.")
        assert spills(page) == []
        assert violations(page, ".nbb-studio") == []
        page.get_by_role("button", name="Undo", exact=True).first.click()
        expect(choice).to_have_value("")


@pytest.mark.parametrize(
    ("name", "emulator"),
    [("runcomfy", RunComfyService), ("fal", FalService), ("gemini", GeminiService), ("openrouter", OpenRouterService)],
)
def test_every_service_runs_varies_and_keeps_a_budget(
    session: nb.Session, monkeypatch: pytest.MonkeyPatch, photo: Callable[[str], Path], name: str, emulator: Any
) -> None:
    """With its default model, a price before and a record after; what would overspend is not sent."""
    with emulator() as service:
        for variable, value in service.environment.items():
            monkeypatch.setenv(variable, value)
        form = nb.studio(photo("coffee"), prompt="Make it snow.", provider=name, session=session)
        front = Front(form)
        until(lambda: front.told("price").get("amount") is not None)
        assert form.model == find(name).default_model
        first = form.run().result()
        varied = ui_thread.call(lambda: form.state.vary(first.id)).job.result()
        assert [one.record.provider for one in (first, varied)] == [name, name]
        assert len(service.posts) == 2
        session.store.set_budget(name, 0.001)
        with pytest.raises(errors.BudgetError):
            form.run().result()
        assert len(service.posts) == 2
        assert service.key not in str(front.wire.said)
        form.close()


def test_each_input_picture_is_in_the_price(
    session: nb.Session, monkeypatch: pytest.MonkeyPatch, photo: Callable[[str], Path]
) -> None:
    """Where a service charges for them, one more is more, in the form and before a vary."""
    with GeminiService() as service:
        for variable, value in service.environment.items():
            monkeypatch.setenv(variable, value)
        form = nb.studio(photo("coffee"), prompt="Make it snow.", provider="gemini", session=session)
        front = Front(form)
        until(lambda: front.told("price").get("amount") == "about $0.0353")
        form.inputs = [photo("coffee"), photo("chelsea")]
        until(lambda: front.told("price")["amount"] == "about $0.037")
        made = form.run().result()
        quote = ui_thread.call(lambda: form.state.quote_again(made.id)).result()
        assert quote.low == pytest.approx(0.0336 + 2 * 0.00168)
        form.close()
