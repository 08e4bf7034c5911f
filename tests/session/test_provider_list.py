"""What is told of services before one is chosen: keys by name, models, what is carried, what a request costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.fal_service import KEY, FalService
from support.sandboxes import png

import nbbanana as nb
from nbbanana.models.offers import PriceList
from nbbanana.providers import fal as fal_module
from nbbanana.session.dry_run import describe_requests
from nbbanana.settings import settings

MODEL = "google/nano-banana-2/edit"


@pytest.fixture
def fal(monkeypatch: pytest.MonkeyPatch) -> Iterator[FalService]:
    """fal, whose key is in the environment."""
    with FalService() as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        yield service


@pytest.fixture
def session(tmp_path: Path) -> Iterator[nb.Session]:
    """A session in the sandbox."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        yield session


def line_of(name: str) -> Any:
    """A line of the list."""
    return next(line for line in nb.list_providers() if line.name == name)


def shown_of(name: str) -> str:
    """The same as it is shown."""
    text = nb.list_providers()._repr_mimebundle_()["text/plain"]
    return next(line for line in text.splitlines() if line.startswith(name))


def offering(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Have fal offer its model otherwise than the catalogue says."""
    offer = fal_module.SPEC.offer(MODEL)
    assert offer is not None
    changed = replace(offer, **changes)
    offers = {MODEL: changed}
    monkeypatch.setattr(fal_module, "SPEC", replace(fal_module.SPEC, offers=offers.get))


def test_the_sandbox_takes_play_money_and_needs_no_key() -> None:
    """Its price is nobody's to ask."""
    assert "play money" in shown_of("sandbox")
    assert "needs none" in shown_of("sandbox")
    assert "asked when needed" not in shown_of("sandbox")


def test_each_service_says_its_models_and_what_it_can(fal: FalService) -> None:
    """With its key by the variable's name and a dated price, and nothing asked."""
    line = line_of("fal")
    assert (line.key, line.can) == ("FAL_KEY", ("resume", "cancel", "count", "seed"))
    assert MODEL in line.models
    assert f"${line.price:.4g} by its list of {line.read}" in shown_of("fal")
    assert line_of("runcomfy").key is None
    assert "get one at runcomfy.com" in shown_of("runcomfy")
    assert fal.asked == []
    assert KEY not in repr(list(nb.list_providers()))


def test_what_is_not_carried_and_what_is_with_loss_is_in_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the names that one sets."""
    offer = fal_module.SPEC.offer(MODEL)
    assert offer is not None
    properties = {name: node for name, node in offer.schema["properties"].items() if name != "safety_tolerance"}
    properties["seed"] = {"type": "integer", "x-nbbanana": {"role": "seed", "loss": "best effort"}}
    offering(monkeypatch, schema={**offer.schema, "properties": properties})
    assert (line_of("fal").dropped, line_of("fal").lossy) == (("safety_tolerance",), ("seed",))
    assert "all but safety_tolerance; seed with loss" in shown_of("fal")


def test_the_list_is_about_the_model_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service without it shows its own default."""
    settings().model = "google/nano-banana-2.1/edit"
    assert line_of("fal").model == "google/nano-banana-2.1/edit"
    assert line_of("runcomfy").model == MODEL


def test_a_dry_run_says_what_this_request_costs_elsewhere(session: nb.Session, fal: FalService) -> None:
    """By dated lists, with whose key is here; only the chosen service is asked."""
    request = session.request("Make it dusk.", [png()], n=4, parameters={"resolution": "2K"})
    text = describe_requests(session, [request])["text/plain"]
    assert "fal: $0.48, by its price list of 2026-11-29; its key is here: FAL_KEY." in text
    assert "RunComfy: its price is asked for once it is chosen; no key here." in text
    assert "nobody else was asked" in text
    assert (fal.asked, fal.keys) == ([], set())
    passes = describe_requests(session, [session.request("Make it dawn.", [png()]), request])["text/plain"]
    assert "fal: $0.56, by its price list of 2026-11-29" in passes, "passes cost what all of them cost"
    at_fal = describe_requests(session, [request], provider="fal")["text/plain"]
    assert "fal: $" not in at_fal
    assert at_fal.startswith("Not sent: 4 pictures · google/nano-banana-2/edit · fal\n$0.48")


def test_a_dry_run_says_who_could_not_run_it(session: nb.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter that would be dropped, a model that is not there, a price that is the least."""

    def said(**parameters: Any) -> str:
        request = session.request("Make it dusk.", [png()], model=MODEL, parameters=parameters)
        text = describe_requests(session, [request])["text/plain"]
        return next(line for line in text.splitlines() if line.startswith("fal: "))

    offering(monkeypatch, prices=PriceList(0.07, "2026-11-29", "x", is_floor=True))
    assert said().startswith("fal: at least $0.07, by its price list")
    offering(monkeypatch, schema={"properties": {"prompt": {"type": "string", "x-nbbanana": {"role": "prompt"}}}})
    assert said(safety_tolerance=5) == "fal: it does not carry safety_tolerance; no key here."
    monkeypatch.setattr(fal_module, "SPEC", replace(fal_module.SPEC, offers=lambda _: None))
    assert said() == "fal: by what is known here it does not have this model; no key here."


def test_replay_tells_of_no_other_service(session: nb.Session) -> None:
    """There is nothing to choose: everything is answered from the store."""
    request = session.request("Make it dusk.", [png()])
    assert "elsewhere" not in describe_requests(session, [request], mode="replay")["text/plain"]
