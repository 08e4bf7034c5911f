"""What has the wrong type is refused in words, wherever it is given, and nothing is sent or written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import nbbanana as nb
from nbbanana import errors

SEEDS = 10**9
CALLS: dict[str, Callable[[nb.EditResult], Any]] = {
    "a model that is a number": lambda made: made.edit("Make it rain.", model=5),
    "a model that is nothing": lambda _: nb.models.get(None),  # type: ignore[arg-type]
    "a service that is a number": lambda made: made.edit("Make it rain.", provider=5),
    "a prompt for a model that is a number": lambda _: nb.prompt(change="Make it rain.", model=5),
    "a picture that is nothing": lambda _: nb.recover(None),  # type: ignore[arg-type]
    "an output in the place of its file": lambda made: nb.recover(made[0]),  # type: ignore[arg-type]
    "bytes in the place of their file": lambda _: nb.recover(b"picture"),  # type: ignore[arg-type]
    "a gallery without a prompt": lambda made: nb.gallery([made[0]], None),  # type: ignore[arg-type]
    "a gallery whose prompt is a number": lambda made: nb.gallery([made[0]], 5),  # type: ignore[arg-type]
    "passes that are a number": lambda made: nb.chain(5, made[0]),  # type: ignore[arg-type]
    "a star that is a word": lambda made: made.annotate(starred="no"),  # type: ignore[arg-type]
    "a rejection that is a word": lambda made: made.annotate(rejected="no"),  # type: ignore[arg-type]
    "a name that no disk takes": lambda made: made[0].save("x" * 300 + ".png"),
    "more seeds than a sweep has cells": lambda made: made.vary(range(SEEDS)),
    "seeds without an end": lambda made: made.vary(iter(range(SEEDS))),
    "so many more seeds": lambda made: made.vary(n=SEEDS),
}


@pytest.mark.parametrize("call", CALLS)
def test_it_is_refused_in_words(session: nb.Session, call: str) -> None:
    """An error of ours, in whole sentences; the store has the one edit that it had, as it was."""
    made = session.edit("Make it snow.", nb.samples.still_life((64, 48)), seed=1, resolution="0.5K")
    with session, pytest.raises(errors.NBBananaError) as refused:
        CALLS[call](made)
    assert all(line.endswith((".", "?", ")")) for line in refused.value.lines)
    assert [edit.record.starred for edit in session.history] == [False]
