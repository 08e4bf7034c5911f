"""Which stored edit answers an unseeded request: by cell, execution and ordinal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import nbbanana as nb
from nbbanana import errors
from nbbanana.request import Origin, origin

SNOW = "Keep the subject unchanged. Make it snow."


@contextmanager
def cell(name: str, execution: int) -> Iterator[None]:
    """A cell while it runs, as the notebook sets it."""
    token = origin.set(Origin("study", name, "kernel", execution, "notebook"))
    try:
        yield
    finally:
        origin.reset(token)


@pytest.fixture
def kernel(tmp_path, photo, paint):
    """Runs cells of one text in a new kernel over one store; gives the ids of the edits that each cell got."""

    def run(*cells: tuple[str, int], mode: str = "auto") -> list[list[int]]:
        with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
            found = []
            for execution, (name, times) in enumerate(cells, start=1):
                with cell(name, execution):
                    found.append([session.edit(SNOW, photo("portrait"), mode=mode).id for _ in range(times)])
            return found

    return run


def test_each_occurrence_in_a_cell_is_answered_by_its_own_record(kernel):
    """Two cells of one text and a loop get after a restart what they got before; nothing is made."""
    made = kernel(("first", 1), ("loop", 3), ("second", 1))
    assert sorted(edit for cell in made for edit in cell) == [1, 2, 3, 4, 5]
    assert kernel(("first", 1), ("loop", 3), ("second", 1)) == made


def test_the_order_in_which_cells_run_after_a_restart_does_not_matter(kernel):
    """A cell finds its own record, not the next one."""
    [[first], [second]] = kernel(("first", 1), ("second", 1))
    assert kernel(("second", 1), ("first", 1)) == [[second], [first]]


def test_a_cell_that_runs_again_asks_for_a_new_sample(kernel):
    """In one kernel a second execution is a new edit; after a restart the newest of them answers."""
    [[one], [two]] = kernel(("first", 1), ("first", 1))
    assert two != one
    assert kernel(("first", 1)) == [[two]]


def test_replay_follows_the_same_order_and_sends_nothing(kernel):
    """Each cell gets its own record; one occurrence more than was recorded is an error."""
    made = kernel(("first", 1), ("loop", 2))
    assert kernel(("first", 1), ("loop", 2), mode="replay") == made
    with pytest.raises(errors.NotInStoreError):
        kernel(("first", 1), ("loop", 3), mode="replay")


def test_without_cell_ids_requests_are_counted_in_the_kernel(tmp_path, photo, paint):
    """As nbclient and papermill run notebooks: the k-th request is answered by the k-th record."""
    runs = []
    for _ in range(2):
        with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
            runs.append([session.edit(SNOW, photo("portrait")).id for _ in range(3)])
    assert runs[0] == runs[1] == [1, 2, 3]
