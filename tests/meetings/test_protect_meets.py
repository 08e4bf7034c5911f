"""Where `protect` meets other things: jobs, bundles, replay, other kernels, budgets, closed and read-only stores."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from meetings.conftest import Enter
from support.edited import SKY, kept_edit, photograph, rendered
from support.kernels import environment, run_cells, text_of

import nbbanana as nb
from nbbanana import errors
from nbbanana.sandbox import Sandbox


def edited(session: nb.Session, **changes: object) -> nb.EditResult:
    """A photograph whose sky was to be changed."""
    return kept_edit(session, photograph("astronaut"), [rendered()], region=SKY, **changes)


def test_while_a_job_runs_a_picture_is_protected_and_the_job_goes_on(
    services: tuple[Sandbox, Sandbox], log_in: Enter, tmp_path: Path
) -> None:
    """It is made in the caller's thread: the engine's loop goes on polling, and the job's picture comes."""
    service = services[0]
    log_in(service)
    with nb.Session(store=tmp_path / "store") as session:
        result = edited(session)
        job = session.submit("Make it rain.", photograph("astronaut"), seed=2)
        service.wait_for(1, "in_progress")
        before = len(service.requests)
        made: list[nb.EditResult] = []
        worker = threading.Thread(target=lambda: made.append(result[0].protect()))
        worker.start()
        worker.join()
        assert not job.done()
        service.finish()
        assert len(job.result()) == 1
        assert made[0].record.state == "completed"
        posts = [request for request in service.requests[before:] if request.method == "POST"]
        assert posts == []


def test_a_budget_of_nothing_forbids_no_picture_that_is_made_here(tmp_path: Path) -> None:
    """It is no request: it is neither refused nor counted."""
    with nb.Session(provider="sandbox", store=tmp_path / "store", budget=0.0) as session:
        made = edited(session)[0].protect()
        assert made.cost == 0
        assert session.store.budget("local") is None
        with pytest.raises(errors.BudgetError):
            made[0].edit("Make it snow.", seed=1)


def test_what_came_from_a_merged_bundle_is_protected_and_another_s_record_stays_as_it_was(tmp_path: Path) -> None:
    """The record of the other is foreign; the new one is this store's own."""
    with nb.Session(provider="sandbox", store=tmp_path / "one") as session:
        edited(session)
        session.history.export(tmp_path / "study.zip")
    with nb.Session(provider="sandbox", store=tmp_path / "two") as session:
        session.history.merge(tmp_path / "study.zip")
        theirs = session.history.latest(1)[0]
        made = theirs[0].protect()
        assert theirs.record.is_foreign
        assert not made.record.is_foreign
        assert made.record.parents == (theirs.id,)
        assert session.history.verify().ok


def test_a_history_that_was_opened_to_be_read_says_who_can(tmp_path: Path) -> None:
    """Nothing is written into it; the mend names a session on its folder, and no provider that is none."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        edited(session)[0].protect()
    for number in (1, 2):
        read = nb.History.open(tmp_path / "store")[number]
        with pytest.raises(errors.UsageError, match="was opened to be read") as refused:
            read[0].protect((0, 0.5, 1, 1))
        assert "nb.Session(" in refused.value.lines[-1]
        assert "local" not in refused.value.lines[-1]


def test_a_store_that_cannot_be_written_says_so_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the store."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        edited(session)
    monkeypatch.setattr("nbbanana.store.store._is_writable", lambda _: False)
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        with pytest.raises(errors.StoreError):
            session.history[1][0].protect()
        assert len(session.history) == 1


def test_after_its_session_was_closed_a_picture_can_still_be_protected(tmp_path: Path) -> None:
    """The store is opened again, as for looking; no engine is."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        result = edited(session)
    made = result[0].protect()
    assert made.id == result.id + 1
    session.close()


def test_in_replay_it_is_found_and_what_was_not_made_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without NumPy; of a bundle too, which is never written."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        made = edited(session)[0].protect()
        session.history.export(tmp_path / "study.zip", [1, made])
    monkeypatch.setattr("nbbanana.measure.find_spec", lambda _: None)
    for place in ("store", "study.zip"):
        with nb.Session(store=tmp_path / place, mode="replay") as session:
            found = session.history[1][0].protect()
            assert found.origin == "replayed"
            assert found.id == made.id
            assert found[0].sha256 == made[0].sha256
            assert found.rerun()[0].sha256 == made[0].sha256
            with pytest.raises(errors.NotInStoreError, match="does not hold this picture"):
                session.history[1][0].protect((0, 0.5, 1, 1))
            assert len(session.history) == 2


SECOND = """
import sys, nbbanana as nb
with nb.Session(provider="sandbox", store=sys.argv[1]) as session:
    made = session.history[1][0].protect()
    print(made.id, made[0].sha256, made.record.kernel != session.history[2].record.kernel)
"""


@pytest.mark.nightly
def test_a_second_kernel_makes_the_same_bytes_as_an_edit_of_its_own(tmp_path: Path) -> None:
    """So that what is asked of it further is answered from the store in both."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        made = edited(session)[0].protect()
        done = subprocess.run(
            [sys.executable, "-c", SECOND, tmp_path / "store"],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ["3", made[0].sha256, "True"]
        assert session.history[3].record.parents == (1,)


def test_a_studio_says_why_it_cannot_ask_it_again_and_goes_on_with_what_a_service_made(tmp_path: Path) -> None:
    """It is no request that a form could hold; its picture can be an input."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        made = edited(session)[0].protect()
        form = nb.studio(session=session)
        with pytest.raises(errors.UsageError, match="No service made edit 2"):
            form.recall(made.id)
        form.close()
        with pytest.raises(errors.UsageError, match="No service made edit 2"):
            nb.studio(edit=made.id, session=session)


CELLS = [
    "%load_ext nbbanana\nimport nbbanana as nb\ntable = nb.samples.still_life((320, 240))",
    "%%nbedit night << table --seed 7 --resolution 0.5K\nMake it night.",
    "kept = night[0].protect('the lower half')",
    "%%nbedit snow << kept --seed 3 --resolution 0.5K\nMake it snow.",
    "print(len(nb.history), kept.origin, snow.origin, snow.record.parents == (kept.id,), kept[0].sha256[:8])",
]


@pytest.mark.nightly
@pytest.mark.kernel
def test_restart_and_run_all_makes_it_again_and_sends_nothing(tmp_path: Path) -> None:
    """The second kernel makes the same bytes, so that the edit of them is answered from the store."""
    first, second = (text_of(run_cells(CELLS, home=tmp_path)[-1]).split() for _ in range(2))
    assert first[:4] == ["3", "made", "made", "True"]
    assert second[:3] == ["4", "made", "replayed"]
    assert first[4] == second[4]


def test_two_threads_that_protect_at_once_write_two_edits(tmp_path: Path) -> None:
    """Each its own, both whole."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        result = edited(session)
        parts = [(0, 0.5, 1, 1), (0, 0.6, 1, 1)]
        made: list[nb.EditResult] = []
        threads = [threading.Thread(target=lambda p=part: made.append(result[0].protect(p))) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(one.id for one in made) == [2, 3]
        assert all(np.asarray(one[0]).shape == (256, 256, 3) for one in made)
        assert session.history.verify().ok
