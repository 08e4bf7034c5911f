"""Which model: the one that is named, else the provider's default, which is shown and recorded as not named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.fal_service import FalService
from support.sandboxes import png

import nbbanana as nb
from nbbanana import errors
from nbbanana.grammar import parse
from nbbanana.models.offers import offered
from nbbanana.providers import fal as module
from nbbanana.providers import registry
from nbbanana.sandbox import Sandbox
from nbbanana.session.dry_run import describe_requests
from nbbanana.settings import settings

EDIT, MAKE, NEWER = "google/nano-banana-2/edit", "google/nano-banana-2/text-to-image", "google/nano-banana-2.1/edit"
DUSK = "Make it dusk."


@pytest.fixture
def fal(monkeypatch: pytest.MonkeyPatch) -> Iterator[FalService]:
    """A fal whose key is in the environment and whose default is the newer model."""
    defaults_to(monkeypatch, NEWER)
    with FalService() as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        yield service


@pytest.fixture
def session(fal: FalService, tmp_path: Path) -> Iterator[nb.Session]:
    """A session at that fal."""
    with nb.Session(provider="fal", store=tmp_path / "store") as session:
        yield session


def defaults_to(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    """Change fal's default model, as a release of this package may."""
    monkeypatch.setattr(module, "SPEC", replace(module.SPEC, default_model=model))


def test_a_request_that_names_no_model_goes_to_the_provider_s_default(session: nb.Session, fal: FalService) -> None:
    """It is recorded as such, and shown before it is sent."""
    result = session.edit(DUSK, png())
    assert (result.record.model, result.record.model_named) == (NEWER, False)
    assert fal.posts[-1].model == "google/nano-banana-2.1/edit"
    shown = describe_requests(session, [session.request(DUSK, [png()])])["text/plain"]
    assert f"No model was named: {NEWER} is the default." in shown


@pytest.mark.parametrize("how", ["argument", "alias", "setting", "session"])
def test_a_model_that_is_named_is_that_one(session: nb.Session, fal: FalService, how: str) -> None:
    """In the call, by its short name, in the settings or for the session."""
    named = {"argument": {"model": EDIT}, "alias": {"model": "nano-banana-2"}}.get(how, {})
    if how == "setting":
        settings().model = EDIT
    model = EDIT if how == "session" else None
    with nb.Session(provider="fal", store=session.folder, model=model) as asked:
        result = asked.edit(DUSK, png(), **named)
        assert (result.record.model, result.record.model_named) == (EDIT, True)
        assert (
            "No model was named" not in describe_requests(asked, [asked.request(DUSK, [png()], **named)])["text/plain"]
        )
    assert fal.posts[-1].model == "fal-ai/nano-banana-2/edit"


@pytest.mark.parametrize("seed", [{"seed": 7}, {}])
def test_a_default_that_changes_makes_no_new_question_of_an_old_cell(
    session: nb.Session, fal: FalService, monkeypatch: pytest.MonkeyPatch, seed: dict[str, int]
) -> None:
    """What was asked without a model is answered by what it was then; a named model is asked anew."""
    first = session.edit(DUSK, png(), **seed)
    defaults_to(monkeypatch, EDIT)
    with nb.Session(provider="fal", store=session.folder) as later:
        again = later.edit(DUSK, png(), **seed)
        assert (again.record.id, again.record.model) == (first.record.id, NEWER)
        assert len(fal.posts) == 1
        assert later.edit(DUSK, png(), model=EDIT, **seed).record.model == EDIT
    assert len(fal.posts) == 2


def test_a_named_model_answers_no_request_that_named_none_when_the_default_is_another(
    session: nb.Session, fal: FalService
) -> None:
    """Whoever named it asked another question."""
    session.edit(DUSK, png(), model=EDIT, seed=7)
    assert session.edit(DUSK, png(), seed=7).record.model == NEWER
    assert len(fal.posts) == 2


def test_one_word_moves_a_cell_that_names_no_model(fal: FalService, tmp_path: Path) -> None:
    """The options are those of the default of the provider that the line names."""
    with nb.Session(provider="sandbox", store=tmp_path / "box") as session:

        def read(line: str) -> object:
            cell = parse(line, DUSK, choose=session.model_at)
            return session.request(cell.prompt, [png()], model=cell.model, provider=cell.provider).model

        assert read("-n 2") == EDIT
        assert read("-n 2 --provider fal") == NEWER
        assert read("--thinking-level high --provider fal") == NEWER
        assert session.edit(DUSK, png(), provider="fal").record.model == NEWER


def test_a_replay_takes_the_model_that_such_requests_went_to(
    session: nb.Session, fal: FalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a bundle, where the service is not installed, and its default is not known."""
    first = session.edit(DUSK, png(), thinking_level="high", seed=7)
    bundle = tmp_path / "study.zip"
    session.history.export(bundle)
    monkeypatch.setattr(registry, "OWN", {name: entry for name, entry in registry.OWN.items() if name != "fal"})
    for name in fal.environment:
        monkeypatch.delenv(name)
    for provider in ({}, {"provider": "fal"}):
        with nb.Session(store=bundle) as replayed:
            again = replayed.edit(DUSK, png(), thinking_level="high", seed=7, **provider)
            assert again[0].sha256 == first[0].sha256
    assert len(fal.posts) == 1


def test_a_provider_that_lacks_a_named_model_says_who_has_it() -> None:
    """Never another model in its place."""
    with pytest.raises(errors.UnknownModelError, match="Gemini has no google/nano-banana-2/text-to-image") as caught:
        offered("gemini", "Gemini", MAKE)
    assert "fal" in caught.value.why


def test_a_setting_of_a_provider_that_is_not_there_is_said_where_a_request_starts(
    make_session: Callable[[], nb.Session],
) -> None:
    """Help and forms show the usual model meanwhile."""
    settings().provider = "fall"
    session = make_session()
    assert session.default_model_at() == EDIT
    with pytest.raises(errors.ConfigError, match="Did you mean fal"):
        session.edit(DUSK, png())


@pytest.fixture
def make_session(tmp_path: Path) -> Iterator[Callable[[], nb.Session]]:
    """Makes a session where nobody chose."""
    opened: list[nb.Session] = []

    def make() -> nb.Session:
        opened.append(nb.Session(store=tmp_path / "store"))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_a_model_that_the_service_does_not_have_any_more_is_an_error_that_names_its_successor(
    session: nb.Session, fal: FalService
) -> None:
    """From the answer to the POST, which took nothing; the record says it, and no other model is tried."""
    fal.gone.add("fal-ai/nano-banana-2/edit")
    with pytest.raises(
        errors.ModelRetiredError, match="fal does not have google/nano-banana-2/edit any more"
    ) as caught:
        session.edit(DUSK, png(), model=EDIT)
    assert f'%config NBBanana.model = "{NEWER}"' in caught.value.how
    record = session.history[1].record
    assert (record.state, record.error_kind, record.cost) == ("rejected", "ModelRetiredError", None)
    assert fal.posts == []
    assert session.edit(DUSK, png()).record.model == NEWER


@pytest.mark.parametrize(
    "written", ["https://fal.ai/models/fal-ai/nano-banana-2/edit/api", "fal-ai/nano-banana-2/edit"]
)
def test_a_page_s_address_names_its_model(session: nb.Session, fal: FalService, written: str) -> None:
    """The record has the catalogue's id, so that it is the same question as by its id."""
    first = session.edit(DUSK, png(), model=written, seed=7)
    assert (first.record.model, first.record.model_named) == (EDIT, True)
    assert session.edit(DUSK, png(), model=EDIT, seed=7).record.id == first.record.id
    assert len(fal.posts) == 1


def test_a_page_of_a_model_that_only_the_service_knows_is_asked_about_by_its_id(tmp_path: Path) -> None:
    """Nothing of it is shipped; the id is what the page is about."""
    schema = {"properties": {"prompt": {"type": "string"}, "image_urls": {"type": "array", "format": "image_uris"}}}
    with (
        Sandbox(time_scale=0, paint="flat", models={"google/nano-banana/pro/edit": {"input_schema": schema}}) as box,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in box.addresses["environment"].items():
            patch.setenv(name, value)
        with nb.Session(store=tmp_path / "store") as session:
            page = "https://www.runcomfy.com/models/google/nano-banana-pro/edit"
            assert session.edit(DUSK, png(), model=page).record.model == "google/nano-banana/pro/edit"
            with pytest.raises(errors.UnknownModelError, match="Did you mean google/nano-banana/pro/edit"):
                session.edit(DUSK, png(), model="google/nano-banana-pro/edit")
