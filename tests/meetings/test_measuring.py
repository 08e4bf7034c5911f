"""Measuring meets what else goes on: forked children, other kernels, stores that are only read."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

import nbbanana as nb
from nbbanana import samples
from nbbanana.engine.outputs import keep_measures, measure_output
from nbbanana.errors import StoreError
from nbbanana.settings import settings
from nbbanana.store import Store

SNOW = "Keep the subject unchanged. Make it snow."
SMALL = {"resolution": "0.5K"}


def _edit_in_child(session: nb.Session, answers: Any) -> None:
    result = session.edit(SNOW, samples.still_life((320, 240)), seed=2, **SMALL)
    answers.put([drift.index for drift in result.record.drifts])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this machine has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_measures_what_it_asked_for(tmp_path: Path, paint: str) -> None:
    """The thread that measured stayed with the parent; the child has one of its own."""
    settings().measure = True
    with nb.Session(provider="sandbox", store=tmp_path) as session:
        first = session.edit(SNOW, samples.still_life((320, 240)), seed=1, **SMALL)
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        child = context.Process(target=_edit_in_child, args=(session, answers), daemon=True)
        child.start()
        assert answers.get(timeout=60) == [0]
        child.join(20)
        assert [len(result.record.drifts) for result in session.history] == [1, 1]
        assert len(first.record.drifts) == 1


def test_two_kernels_that_measure_the_same_edit_write_the_same(tmp_path: Path, paint: str) -> None:
    """Whoever is second replaces what the first wrote by the same figures, and nothing is there twice."""
    with nb.Session(provider="sandbox", store=tmp_path) as session:
        edit = session.edit(SNOW, samples.still_life((320, 240)), seed=1, **SMALL).record
    with Store.open(tmp_path) as one, Store.open(tmp_path) as other:
        measures = [measure_output(store.blob_path, edit, edit.outputs[0]) for store in (one, other)]
        kept = [
            keep_measures(store, edit, [found]) for store, found in zip((one, other), measures, strict=True) if found
        ]
        assert kept[0].drifts == kept[1].drifts == one.get(edit.id).drifts
        assert len(one.get(edit.id).drifts) == 1
        assert one.heat_maps(edit.id) == other.heat_maps(edit.id)


def test_a_store_that_is_only_read_shows_its_figures_and_takes_none(tmp_path: Path, paint: str) -> None:
    """What was measured is there; writing is refused, and nothing is changed."""
    settings().measure = True
    with nb.Session(provider="sandbox", store=tmp_path) as session:
        made = session.edit(SNOW, samples.still_life((320, 240)), seed=1, **SMALL)
    with Store.open(tmp_path, read_only=True) as store:
        assert store.get(made.id).drifts == made.record.drifts != ()
        with pytest.raises(StoreError):
            store.measured(made.id, [], {})
        assert store.get(made.id).drifts == made.record.drifts
