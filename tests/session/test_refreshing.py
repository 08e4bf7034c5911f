"""`nbbanana models refresh`: services are asked what they have now, and a new model works without a release."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.fal_service import KEY, FalService, document
from support.gemini_service import GeminiService
from support.openrouter_service import COST, OpenRouterService
from support.sandboxes import png

import nbbanana as nb
from nbbanana import errors
from nbbanana.grammar import parse
from nbbanana.models import ids, model_bundle
from nbbanana.models.offers import known_models, offer, told_model
from nbbanana.sandbox import Sandbox
from nbbanana.session.dry_run import describe_requests
from nbbanana.session.services import refresh_models
from nbbanana.settings import config_dir, settings

EDIT, NEWER = "google/nano-banana-2/edit", "google/nano-banana-2.1/edit"
NEW = "fal-ai/nano-banana-3/edit"
DUSK = "Make it dusk."


@pytest.fixture
def at_fal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A session at a fal."""
    with FalService() as fal:
        for name, value in fal.environment.items():
            monkeypatch.setenv(name, value)
        with nb.Session(provider="fal", store=tmp_path / "store") as session:
            yield SimpleNamespace(fal=fal, session=session)


def test_a_price_that_changed_is_the_one_that_is_quoted(at_fal: SimpleNamespace) -> None:
    """From then on, with the day, in the dry run too; a paid request is not needed to learn it."""
    at_fal.fal.prices["fal-ai/nano-banana-2/edit"] = 0.10
    request = at_fal.session.request(DUSK, [png()], model=EDIT, n=2)
    at_fal.session.quote(request)
    lines = refresh_models("nano-banana-2", session=at_fal.session)
    assert [(line.provider, line.model, line.outcome) for line in lines if line.model] == [("fal", EDIT, "read")]
    at_fal.fal.prices.clear()  # the list that was read stands in for a price that is not told now
    with nb.Session(provider="fal", store=at_fal.session.folder) as later:
        assert later.quote(request).low == 0.20
        shown = describe_requests(later, [request])["text/plain"]
        assert "(nbbanana models refresh)" in shown
        assert later.edit(DUSK, png(), model=EDIT).record.price_quoted == 0.10
    assert at_fal.fal.posts[-1].model == "fal-ai/nano-banana-2/edit"


def test_a_model_that_this_package_does_not_know_works_by_its_id(at_fal: SimpleNamespace) -> None:
    """Asked about by name once; before that it is an error that sends nothing."""
    at_fal.fal.offers(NEW, document(EDIT))
    with pytest.raises(errors.UnknownModelError):
        at_fal.session.edit(DUSK, png(), model=NEW)
    (line,) = [line for line in refresh_models(NEW, session=at_fal.session) if line.provider == "fal"]
    assert (line.model, line.outcome) == (NEW, "read")
    result = at_fal.session.edit(DUSK, png(), model=NEW, num_images=2)
    assert (len(result), result.record.model, at_fal.fal.posts[-1].model) == (2, NEW, NEW)
    with nb.Session(provider="sandbox", store=at_fal.session.folder) as elsewhere:
        assert elsewhere.edit(DUSK, png(), model=NEW, provider="fal").record.provider == "fal"


def test_all_that_is_known_is_asked_about_where_nothing_is_named(at_fal: SimpleNamespace) -> None:
    """Also what was named before; each has its line, and a model that is gone is said to be."""
    at_fal.fal.offers(NEW, document(EDIT))
    refresh_models(NEW, session=at_fal.session)
    at_fal.fal.gone.add("fal-ai/nano-banana-2/edit")
    at_fal.fal.catalogue["google/nano-banana-2.1/edit"] = {"paths": {}}
    outcomes = {line.model: line.outcome for line in refresh_models(session=at_fal.session) if line.provider == "fal"}
    assert outcomes == {
        NEWER: "not read",
        EDIT: "gone",
        "google/nano-banana-2/text-to-image": "read",
        NEW: "read",
    }
    found = offer("fal", EDIT)
    assert found is not None
    assert found.gone
    shown = describe_requests(at_fal.session, [at_fal.session.request(DUSK, [png()], model=EDIT)])["text/plain"]
    assert f"fal said that it does not have {EDIT} any more" in shown
    at_fal.fal.gone.clear()
    refresh_models(EDIT, session=at_fal.session)
    again = offer("fal", EDIT)
    assert again is not None
    assert not again.gone


def test_a_service_without_a_key_or_with_play_money_is_not_asked(
    at_fal: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a line that says so."""
    monkeypatch.delenv("FAL_KEY")
    lines = {line.provider: line for line in refresh_models(session=at_fal.session)}
    assert (lines["fal"].outcome, lines["runcomfy"].outcome) == ("not asked", "not asked")
    assert at_fal.fal.asked == []
    assert not (config_dir() / "models").exists()


def test_a_name_that_is_no_id_goes_into_no_address(at_fal: SimpleNamespace) -> None:
    """Neither by a way up nor by a question mark."""
    for name in ("../keys", "a b", "a?b=c", "x" * 300):
        with pytest.raises(errors.UsageError):
            refresh_models(name, session=at_fal.session)
    with pytest.raises(errors.UsageError):
        refresh_models(*[f"a/{number}" for number in range(101)], session=at_fal.session)
    assert at_fal.fal.asked == []


def test_the_file_holds_no_key(at_fal: SimpleNamespace) -> None:
    """And no address of the service."""
    refresh_models(session=at_fal.session)
    text = (config_dir() / "models" / "fal.json").read_text(encoding="utf-8")
    assert KEY not in text
    assert at_fal.fal.url not in text


@pytest.mark.parametrize("absent", ["bare", "empty", "404"])
def test_each_way_in_which_a_catalogue_may_say_that_a_model_is_gone_is_taken(
    at_fal: SimpleNamespace, absent: str
) -> None:
    """Which of them fal says is not sure; a model that it never had is told apart."""
    at_fal.fal.absent = absent
    at_fal.fal.gone.add("fal-ai/nano-banana-2/edit")
    lines = [
        line for line in refresh_models(EDIT, "fal-ai/never-there", session=at_fal.session) if line.provider == "fal"
    ]
    assert [line.outcome for line in lines] == ["gone", "none"]


def test_a_price_that_cannot_be_asked_leaves_the_one_that_is_known(at_fal: SimpleNamespace) -> None:
    """The fields are read all the same."""
    del at_fal.fal.prices["fal-ai/nano-banana-2/edit"]
    (line,) = [line for line in refresh_models(EDIT, session=at_fal.session) if line.provider == "fal"]
    assert line.outcome == "read"
    found = offer("fal", EDIT)
    assert found is not None
    assert found.is_refreshed
    assert found.prices is not None
    assert found.prices.base == 0.08


def test_a_model_that_only_another_service_has_is_asked_of_that_one(
    at_fal: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line names model and provider: neither the session's service nor the catalogue knows it."""
    schema = {
        "properties": {
            "prompt": {"type": "string"},
            "image_urls": {"type": "array", "format": "image_uris"},
            "glow": {"type": "number"},
        }
    }
    with Sandbox(time_scale=0, paint="flat", models={"acme/paint": {"input_schema": schema}}) as box:
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        with pytest.raises(errors.UnknownModelError):
            at_fal.session.edit(DUSK, png(), model="acme/paint")
        cell = parse("--model acme/paint --glow 0.5 --provider runcomfy", DUSK, choose=at_fal.session.model_at)
        assert cell.parameters == {"glow": 0.5}
        result = at_fal.session.edit(DUSK, png(), model="acme/paint", glow=0.5, provider="runcomfy")
        assert result.record.provider == "sandbox"
        assert box.submissions[-1].payload["glow"] == 0.5


def test_the_list_of_services_shows_a_model_that_this_package_does_not_know(at_fal: SimpleNamespace) -> None:
    """Where it is the one of the settings."""
    at_fal.fal.offers(NEW, document(EDIT))
    refresh_models(NEW, session=at_fal.session)
    settings().model = NEW
    (line,) = [line for line in nb.list_providers() if line.name == "fal"]
    assert line.model == NEW
    assert "num_images" not in line.dropped


def test_openrouter_s_own_catalogue_tells_fields_and_price(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of models that this package knows and of one that it does not, which then works by its id; one is gone."""
    newer = "google/gemini-nano-banana-3"
    with OpenRouterService(retired=["google/gemini-3.1-flash-image"]) as service:
        service.models.add(newer)
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        with nb.Session(provider="openrouter", store=tmp_path / "store") as session:
            lines = [
                line for line in refresh_models(NEWER, EDIT, newer, session=session) if line.provider == "openrouter"
            ]
            assert [(line.model, line.outcome) for line in lines] == [(NEWER, "read"), (EDIT, "gone"), (newer, "read")]
            found = offer("openrouter", NEWER)
            assert found is not None
            assert found.prices is not None
            assert found.prices.base == COST
            result = session.edit(DUSK, png(), model=newer, n=2, resolution="2K")
            assert len(result) == 2
            assert {post.payload["model"] for post in service.posts} == {newer}
            assert {post.payload["resolution"] for post in service.posts} == {"2K"}
            with pytest.raises(errors.ParameterError, match="openrouter does not carry output_format"):
                session.edit(DUSK, png(), model=NEWER, output_format="png")
            with pytest.raises(errors.ModelRetiredError):
                session.edit(DUSK, png(), model=EDIT)


def test_google_s_own_list_tells_which_models_are_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither fields nor prices: those stay, and a new model is taken to have those of the newest that is known."""
    newer = "gemini-nano-banana-3"
    with GeminiService(retired=["gemini-3.1-flash-image"]) as service:
        service.newer.add(newer)
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        with nb.Session(provider="gemini", store=tmp_path / "store") as session:
            asked = [NEWER, EDIT, newer, "fal-ai/other"]
            lines = [line for line in refresh_models(*asked, session=session) if line.provider == "gemini"]
            assert [line.outcome for line in lines] == ["read", "gone", "read", "none"]
            found = offer("gemini", NEWER)
            assert found is not None
            assert (found.is_refreshed, found.tokens is not None, found.prices is not None) == (True, True, True)
            result = session.edit(DUSK, png(), model=newer, thinking_level="high")
            assert (len(result), result.record.model) == (1, newer)
            assert service.posts[-1].model == newer
            with pytest.raises(errors.ModelRetiredError, match="does not have google/nano-banana-2/edit any more"):
                session.edit(DUSK, png(), model=EDIT)
    assert len(service.posts) == 1


def test_a_model_that_was_asked_about_is_listed_with_the_others(at_fal: SimpleNamespace) -> None:
    """By `%nbproviders`, `%nbmodels`, the completion of `--model` and the shell, without asking again."""
    at_fal.fal.offers(NEW, document(EDIT))
    assert NEW not in known_models()
    refresh_models(NEW, session=at_fal.session)
    asked = len(at_fal.fal.asked)
    assert known_models() == (*ids(), NEW)
    model = told_model(NEW)
    assert model is not None
    assert "--num-images" in model_bundle(model)["text/plain"]
    assert "at fal (it was asked 20" in model_bundle(model)["text/plain"]
    (line,) = [line for line in nb.list_providers() if line.name == "fal"]
    assert NEW in line.models
    assert len(at_fal.fal.asked) == asked


def test_a_call_does_what_the_shell_does(at_fal: SimpleNamespace) -> None:
    """With the session that is current; a page's address is a name too."""
    at_fal.fal.offers(NEW, document(EDIT))
    with at_fal.session:
        lines = nb.refresh_models(f"https://fal.ai/models/{NEW}/api")
    assert [(line.model, line.outcome) for line in lines if line.provider == "fal"] == [(NEW, "read")]
