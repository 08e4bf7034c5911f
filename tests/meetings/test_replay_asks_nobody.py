"""A session in replay asks no service and reads no token, whatever is done in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import nbbanana as nb
from nbbanana import errors
from nbbanana.providers import credentials
from nbbanana.sandbox import Sandbox
from nbbanana.session.dry_run import describe_requests

WORDS = "Make it snow."

QUESTIONS: dict[str, Callable[[nb.Session, Image.Image], Any]] = {
    "a stored edit": lambda session, picture: session.edit(WORDS, picture, seed=3),
    "another edit": lambda session, picture: session.edit("Another.", picture),
    "a quote": lambda session, picture: session.quote(session.request("Another.", [picture])),
    "a dry run": lambda session, picture: describe_requests(session, [session.request("Another.", [picture])]),
    "a model that is not known": lambda session, picture: session.edit(WORDS, picture, model="other/strange"),
    "the engine": lambda session, _: session.engine_at(),
    "who would run it": lambda session, _: session.choice().name,
    "another sample": lambda session, _: session.history[1].rerun(),
    "variations": lambda session, _: session.history[1].vary(seeds=[3, 4]),
    "collecting": lambda session, _: session.history.resume(),
    "a form": lambda session, _: nb.studio(session=session),
    "a form of a record": lambda session, _: nb.studio(edit=1, session=session),
    "a public form": lambda session, _: nb.studio(public=True, budget=1.0, session=session),
}


@pytest.fixture
def study(tmp_path: Path, picture: Image.Image, services: tuple[Sandbox, Sandbox], log_in) -> tuple[Path, Sandbox]:
    """A store with an edit that is done and one that waits to be collected, and the service that made them."""
    service, _ = services
    log_in(service)
    with nb.Session(store=tmp_path / "study") as session:
        done = session.submit(WORDS, picture, seed=3)
        while done.request_id is None:
            done.wait(0.02)
        service.finish()
        done.result(20)
        waiting = session.submit("Make it rain.", picture, seed=3)
        while waiting.request_id is None:
            waiting.wait(0.02)
    return tmp_path / "study", service


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_session_in_replay_asks_no_service_and_reads_no_token(
    study: tuple[Path, Sandbox], picture: Image.Image, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    """What is stored is given, all else is an error of ours; a valid token lies beside it and is not looked for."""
    folder, service = study
    looked: list[object] = []
    monkeypatch.setattr(credentials, "find_credential", lambda *asked: looked.append(asked))
    before = len(service.requests)
    with nb.Session(store=folder, mode="replay") as session, suppress(errors.NBBananaError):
        QUESTIONS[question](session, picture)
    assert service.requests[before:] == []
    assert looked == []
