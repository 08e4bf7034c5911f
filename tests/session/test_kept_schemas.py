"""The schema of a model that is not shipped is asked for once, kept with its day, and never taken for ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.runcomfy_service import RunComfyService
from support.sandboxes import png
from support.waiting import until

import nbbanana as nb
from nbbanana import errors, models
from nbbanana.models.offer_files import today
from nbbanana.models.offers import known_models, offer, who_has
from nbbanana.sandbox import Fault, Sandbox
from nbbanana.session.dry_run import describe_requests
from nbbanana.settings import config_dir

ID = "acme/paint/v2"
WORDS = "Make it dusk."
SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Paint 2",
    "required": ["prompt", "picture"],
    "x-nbbanana": {"grammar": {"references": "the {ordinal} image"}},
    "properties": {
        "prompt": {"type": "string", "default": "A sample."},
        "picture": {"type": "string", "format": "image_uri"},
        "gloss": {"type": "integer", "minimum": 1, "maximum": 3},
    },
}
ENTRY = {"input_schema": SCHEMA, "base_price_usd": 0.02, "price_unit": "output"}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A service that is no sandbox by its key, with one model more, and a way to open a kernel's session at it."""
    box = Sandbox(time_scale=0, paint="flat", token=RunComfyService.key, models={ID: ENTRY})
    with box:
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        yield SimpleNamespace(box=box, kernel=lambda: nb.Session(store=tmp_path / "store"))


def asked(service: SimpleNamespace) -> int:
    """How often the service was asked about the model."""
    return sum(ID in seen.path and seen.method == "GET" for seen in service.box.requests)


def test_the_next_kernel_asks_nothing_and_says_how_old_it_is(service: SimpleNamespace) -> None:
    """Its fields, checks and form are there at once; also without a network, and a dry run says the day."""
    with service.kernel() as session:
        assert session.model_of(ID).field("gloss").maximum == 3
        assert session.choice().name == "runcomfy"
    assert asked(service) == 1
    with service.kernel() as session:
        model = session.model_of(ID)
        assert (model.title, model.images_field) == ("Paint 2", "picture")
        with pytest.raises(errors.ParameterError, match="gloss must be"):
            session.request(WORDS, [png()], model=ID, parameters={"gloss": 4})
        assert asked(service) == 1
        shown = describe_requests(session, [session.request(WORDS, [png()], model=ID)])["text/plain"]
        assert f"What runcomfy has of {ID} was asked on {today()}, today (nbbanana models refresh)." in " ".join(
            shown.split()
        )
        assert session.edit(WORDS, png(), model=ID, gloss=2).record.options["gloss"] == 2
    service.box.close()
    with service.kernel() as session:
        assert session.model_of(ID).field("gloss").minimum == 1
    assert who_has(ID) == ("runcomfy",)
    assert ID in known_models()


def test_how_old_it_is_follows_the_day_that_was_kept(service: SimpleNamespace) -> None:
    """A file of September says so in November; a day that is none is not taken."""
    with service.kernel() as session:
        session.model_of(ID)
        path = config_dir() / "models" / "runcomfy.json"
        for day, words in (("2026-01-01", r"2026-01-01, \d+ days ago"), ("<b>", "a day that is not known")):
            kept = json.loads(path.read_text(encoding="utf-8"))
            kept["models"][ID]["read"] = day
            path.write_text(json.dumps(kept), encoding="utf-8")
            shown = describe_requests(session, [session.request(WORDS, [png()], model=ID)])["text/plain"]
            assert re.search(f"was asked on {words}", " ".join(shown.split()))


def test_what_is_kept_is_checked_and_holds_nothing_of_ours(service: SimpleNamespace) -> None:
    """Plain words; a grammar that a service states is none."""
    with service.kernel() as session:
        session.model_of(ID)
        found = offer("runcomfy", ID)
        assert found is not None
        assert {*found.schema} == {"type", "title", "properties", "required"}
        assert session.model_of(ID).grammar == models.Grammar()
    assert (config_dir() / "models" / "runcomfy.json").stat().st_mode & 0o077 == 0


def test_a_shipped_model_is_not_kept(service: SimpleNamespace) -> None:
    """This package has it; what the service lists is asked where it is sent."""
    with service.kernel() as session:
        session.edit(WORDS, png(), model="gpt-image")
    assert not (config_dir() / "models").exists()


def test_a_sandbox_is_asked_while_it_answers_and_is_no_service_that_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A schema that is being written changes with each run; nobody is told that the sandbox has it."""
    for most in (3, 5):
        gloss = {"gloss": {"type": "integer", "maximum": most}}
        schema = {**SCHEMA, "properties": {**SCHEMA["properties"], **gloss}}
        with Sandbox(time_scale=0, paint="flat", models={ID: {**ENTRY, "input_schema": schema}}) as box:
            for name, value in box.addresses["environment"].items():
                monkeypatch.setenv(name, value)
            with nb.Session(store=tmp_path / "store") as session:
                assert session.model_of(ID).field("gloss").maximum == most
    with nb.Session(store=tmp_path / "store") as session:
        assert session.model_of(ID).field("gloss").maximum == 5  # it does not answer any more
    assert who_has(ID) == ()
    assert ID not in known_models()


def test_what_cannot_be_kept_is_asked_again(service: SimpleNamespace, isolated: Path) -> None:
    """A folder that cannot be made hurts no edit."""
    config_dir().parent.mkdir(parents=True, exist_ok=True)
    config_dir().write_text("in the way", encoding="utf-8")
    for _ in range(2):
        with service.kernel() as session:
            assert session.model_of(ID).field("gloss").maximum == 3
    assert asked(service) == 2
    assert isolated.is_dir()


def test_a_short_name_is_written_down_as_the_id(service: SimpleNamespace) -> None:
    """Asking by the short name and by the id is the same question, and a record means what it meant."""
    with service.kernel() as session:
        for alias, model_id in (("gpt-image", "openai/gpt-image-2/edit"), ("nano-banana", "google/nano-banana-2/edit")):
            by_alias, by_id = (session.request(WORDS, [png()], model=name) for name in (alias, model_id))
            assert by_alias.model == model_id
            assert by_alias.ask == by_id.ask
        made = session.edit(WORDS, png(), model="gpt-image")
        assert made.record.model == "openai/gpt-image-2/edit"
        again = session.edit(WORDS, png(), model="openai/gpt-image-2/edit", mode="auto")
        assert again.record.model == made.record.model
        assert "openai/gpt-image-2/edit" in made.cell()


def test_a_question_under_way_ends_with_its_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It leaves no connection, and whoever waits for it is told; the session that is closed asks nothing more."""
    with Sandbox(time_scale=0, paint="flat", faults=[Fault("catalog", delay=30.0)], models={ID: ENTRY}) as box:
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        session = nb.Session(store=tmp_path / "store")
        engine = session.engine_at()
        asked = engine.live_model(ID)
        until(lambda: box.requests)
        session.close()
        with pytest.raises(errors.JobCancelledError, match="The question was ended"):
            asked.result(5)
