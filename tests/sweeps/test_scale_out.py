"""A sweep on a Dask cluster: each result once, whatever worker dies, and no key leaves the process that asks."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import clustered, swept
from support.faulty_sandbox import FaultySandbox, faulty_sandbox
from support.tiers import scaled

from nbbanana import errors
from nbbanana.images.thumbnails import SIDE
from nbbanana.settings import cache_dir
from nbbanana.sweeps import scale_out
from nbbanana.sweeps.scale_out import Work, fetch_output

SLOTS, SCALE = 64, 0.01


def swept_on_a_cluster(
    box: FaultySandbox, store: Path, cells: int, workers: int, kills: int, *more: str, **variables: str
) -> dict[str, Any]:
    """Run a sweep in a process of its own, which makes the cluster; what it tells."""
    path = os.pathsep.join([str(Path(clustered.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, **box.environment, "PYTHONPATH": path, **variables}
    command = [sys.executable, clustered.__file__, str(store), str(cells), str(workers), str(kills), *more]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.nightly
@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("cells", "workers", "kills"),
    [(24, 2, 1), (200 * scaled(1), 4, 2 * scaled(1))],  # 2,000 at scale 10
)
def test_each_result_is_once_in_the_store_whatever_worker_dies(tmp_path, cells, workers, kills):
    """Workers are killed with SIGKILL at moments of a dice; all cells are here, once; no worker has the key."""
    with faulty_sandbox(cells=cells, slots=SLOTS, scale=SCALE, share=0.0) as box:
        found = swept_on_a_cluster(box, tmp_path / "store", cells, workers, kills)
        seen = box.seen()
    sys.stdout.write(
        f"\n{cells} cells, {workers} workers: {found}; {seen['accepted']} accepted, {seen['twice']} twice\n"
    )
    assert found["states"] == {"here": cells}
    assert (seen["accepted"], seen["twice"]) == (cells, 0)
    assert found["killed"] >= min(1, kills)
    assert found["fetched"] + found["returned"] == cells
    assert found["fetched"] > 0
    assert found["ok"]
    assert found["has the key"], "the memory was not read"
    assert found["workers with the key"] == 0
    assert any((cache_dir() / "thumbnails").rglob(f"*-{SIDE}.webp")), (
        "workers made thumbnails, and the client kept them"
    )


@pytest.mark.nightly
@pytest.mark.timeout(0)
def test_workers_measure_where_they_share_the_store(tmp_path):
    """The record of each cell has its figures."""
    with faulty_sandbox(cells=20, slots=SLOTS, scale=SCALE, share=0.0) as box:
        found = swept_on_a_cluster(box, tmp_path / "store", 20, 2, 0, NBBANANA_MEASURE="1")
    assert found["states"] == {"here": 20}
    assert (found["fetched"], found["measured"]) == (20, 20)


@pytest.mark.nightly
@pytest.mark.timeout(0)
def test_workers_without_the_store_put_pictures_into_a_file_system_of_their_own(tmp_path):
    """The client takes them from there, and nothing is left."""
    with faulty_sandbox(cells=40, slots=SLOTS, scale=SCALE, share=0.0) as box:
        found = swept_on_a_cluster(box, tmp_path / "store", 40, 2, 1, f"file://{tmp_path / 'place'}")
        assert box.seen()["accepted"] == 40
    assert found["states"] == {"here": 40}
    assert found["ok"]


class Recorded:
    """A client in this process that records what would go to workers, and does it at once."""

    asynchronous = False

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def nthreads(self) -> dict[str, int]:
        """One worker with one thread."""
        return {"here": 1}

    def run(self, function, *arguments):
        """Ask each worker."""
        self.sent.append(pickle.dumps((function, arguments)))
        return {"here": function(*arguments)}

    def submit(self, function, work, **options):
        """Do a task in a thread, from its pickled form."""
        sent = pickle.dumps((function, work, options))
        self.sent.append(sent)
        done, given, _ = pickle.loads(sent)
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(done, given)


@pytest.fixture
def recorded(monkeypatch):
    """A client of that kind that passes for a real one."""
    client = Recorded()
    monkeypatch.setattr(scale_out, "cluster", scale_out.Cluster)
    return client


def test_no_key_is_in_what_goes_to_workers(served, recorded):
    """Neither in a task nor in what surrounds it; the address of an output is, and the pictures come by it."""
    session, box = served()
    sweep = swept.planned(session, colour=["red", "blue"], seed=[1, 2]).run(on=recorded)
    assert {cell.state for cell in sweep} == {"here"}
    assert len(recorded.sent) == 4
    assert all(b"/outputs/" in sent for sent in recorded.sent)
    assert not any(box.token.encode() in sent for sent in recorded.sent)
    assert not any(b"Paint the wall" in sent for sent in recorded.sent)
    assert not any(job.request_id.encode() in sent for sent in recorded.sent for job in box.submissions)
    assert not any(session.store.get(cell.edit_id).error for cell in sweep)


def test_an_output_that_no_worker_can_fetch_is_fetched_here(served, recorded, monkeypatch):
    """A cluster that loses every task costs time, and no picture."""
    session, box = served()

    def lost(*_: object, **__: object) -> None:
        raise OSError("the scheduler is gone")

    monkeypatch.setattr(recorded, "submit", lost)
    sweep = swept.planned(session, colour=["red", "blue"], seed=[1, 2]).run(on=recorded)
    assert {cell.state for cell in sweep} == {"here"}
    assert len(box.submissions) == 4


def test_a_cluster_without_workers_is_given_up(served, recorded, monkeypatch):
    """Where all of them died for good, tasks would wait for ever: the outputs are fetched here."""
    session, box = served()
    monkeypatch.setattr(scale_out, "LOOK", 0.02)
    monkeypatch.setattr(scale_out, "DESERTED", 0.05)
    waiting: list[Future[None]] = []

    def nobody(*_: object, **__: object) -> Future[None]:
        waiting.append(Future())
        monkeypatch.setattr(recorded, "nthreads", dict)
        return waiting[-1]

    monkeypatch.setattr(recorded, "submit", nobody)
    sweep = swept.planned(session, colour=["red", "blue"], seed=[1, 2]).run(on=recorded)
    assert {cell.state for cell in sweep} == {"here"}
    assert waiting
    assert len(box.submissions) == 4


def test_a_client_that_went_away_is_taken_up_by_the_next(served, recorded, photo):
    """Its jobs stay `downloading`; a sweep without a cluster, or with one, collects them and sends nothing."""
    session, box = served()
    sweep = swept.planned(session, colour=["red", "blue"], seed=[1, 2])
    for cell in sweep.plan.cells:
        session.start(cell.request, download=False).result()
    again = swept.planned(session, colour=["red", "blue"], seed=[1, 2])
    assert {cell.state for cell in again} == {"under way"}
    assert {cell.state for cell in again.run(on=recorded)} == {"here"}
    assert len(recorded.sent) == len(box.submissions) == 4


def test_a_task_that_is_done_twice_leaves_one_blob(served, recorded):
    """Dask does a task again whose worker died after it: the blob is named by its content."""
    session, _ = served()
    swept.planned(session, colour=["red", "blue"], seed=[1]).run(on=recorded)
    before = sorted((session.folder / "blobs").rglob("*"))
    for sent in recorded.sent:
        function, work, _ = pickle.loads(sent)
        assert function is fetch_output
        assert isinstance(work, Work)
        assert not isinstance(function(work), str)
    assert session.store.verify().ok
    assert sorted((session.folder / "blobs").rglob("*")) == before


def test_a_worker_fetches_from_nowhere_else(served, recorded):
    """Hosts, redirects and sizes are checked there as here: an address of another host is not asked."""
    session, _ = served()
    swept.planned(session, colour=["red", "blue"], seed=[1]).run(on=recorded)
    _, work, _ = pickle.loads(recorded.sent[0])
    assert fetch_output(replace(work, url="https://evil.example/a.png")) == "UnsafeDownloadError"
    assert "outputs" not in repr(work)


def test_a_client_that_is_none_is_refused_before_anything_is_sent(served):
    """The error says what it takes."""
    session, box = served()
    with pytest.raises(errors.UsageError, match="used without await"):
        swept.planned(session, colour=["red", "blue"], seed=[1]).run(on="tcp://127.0.0.1:8786")
    assert not box.submissions


def test_without_dask_the_error_names_the_extra(served, monkeypatch):
    """It is loaded on first use, and not needed otherwise."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    session, box = served()
    with pytest.raises(errors.UsageError, match=r'pip install "nbbanana\[dask\]"'):
        swept.planned(session, colour=["red", "blue"], seed=[1]).run(on=object())
    assert not box.submissions


def test_workers_that_do_not_see_the_store_are_named(served, recorded, monkeypatch):
    """Before anything is sent; the error says where pictures can go instead."""
    session, _ = served()
    monkeypatch.setattr(recorded, "run", lambda *_: {"one": True, "two": False})
    with pytest.raises(errors.UsageError, match="1 of 2 workers do not see the folder"):
        scale_out.Cluster(recorded, session.store, None).check()
