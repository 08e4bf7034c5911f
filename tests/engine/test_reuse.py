"""What a question costs the store before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.stores import asked, complete

from nbbanana import models
from nbbanana.engine.reuse import Reuse
from nbbanana.request import EditRequest
from nbbanana.store import Store

OTHER = "google/nano-banana-2/text-to-image"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(tmp_path / "store") as store:
        yield store


def test_a_request_that_names_no_model_asks_the_store_once(store: Store) -> None:
    """However many models are shipped, each of which may have been the default when the same was asked."""
    request = EditRequest("google/nano-banana-2/edit", {"prompt": "Make it snow."}, model_named=False)
    old = complete(store, replace(asked(model_named=False), model=OTHER, ask=request.ask_at(OTHER)), "snow")
    said: list[str] = []
    with store._database.read() as connection:
        connection.set_trace_callback(said.append)
    reuse = Reuse(store)
    assert reuse.newest(request, "sandbox") == old
    questions = [statement for statement in said if statement.startswith("SELECT * FROM edits")]
    assert len(questions) == 1
    assert len(models.ids()) > 1
    said.clear()
    assert reuse.newest(replace(request, model_named=True), "sandbox") is None
    assert sum(statement.startswith("SELECT * FROM edits") for statement in said) == 1
