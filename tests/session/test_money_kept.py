"""What may cost money is sent once and never after a stop; what is uncertain is not sent again; no id is lost."""

from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from support.waiting import until

import nbbanana as nb
from nbbanana import errors
from nbbanana.sandbox import Fault, Sandbox

SNOW = "Keep the subject unchanged. Make it snow."


def posts(box):
    """The submissions that reached the server, refused ones too."""
    return [seen for seen in box.requests if seen.target == "submit"]


def test_a_stop_ends_the_pause_before_another_try_and_nothing_is_sent_afterwards(served, photo):
    """Refused with 429 and told to wait, a stopped request is cancelled at once and never sent again."""
    session, box = served(faults=[Fault("submit", status=429, retry_after=30.0, times=None)])
    job = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: job.status == "paused")
    assert job.cancel()
    assert job.message == "Stopped before it was sent: nothing is charged."
    until(job.run.task.done)
    assert len(posts(box)) == 1
    assert session.store.get(job.edit_id).state == "cancelled"
    assert not box.submissions


def test_a_stop_ends_the_pause_after_a_connection_that_was_never_made(served, photo):
    """The same where the service cannot be reached."""
    session, box = served()
    with box.refusing():
        job = session.submit(SNOW, photo("portrait"), seed=1)
        until(lambda: job.status == "paused")
        assert job.cancel()
    until(job.run.task.done)
    session.close()
    assert not posts(box)
    assert session.store.get(job.edit_id).state == "cancelled"


def test_stops_that_come_together_get_one_true_answer(served, photo):
    """Four threads stop one job in the queue: none fails, and all hear the same."""
    session, _ = served(slots=1, duration=30.0, time_scale=1)
    first = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: first.status == "running")
    second = session.submit(SNOW, photo("portrait"), seed=2)
    until(lambda: second.status == "queued")
    with ThreadPoolExecutor(4) as pool:
        reports = [report.result() for report in pool.map(lambda _: second.cancelling(), range(4))]
    assert len({report.message for report in reports}) == 1
    assert all(report.cancelled for report in reports)
    first.cancel()


@pytest.mark.parametrize("seed", [7, None])
def test_an_edit_that_may_have_been_charged_is_not_sent_again_by_itself(served, photo, seed):
    """`auto` names the uncertain edit and sends nothing; `fresh` sends; a settled one stands in nobody's way."""
    session, box = served(faults=[Fault.named("drop after accept", "submit")])
    with pytest.raises(errors.UncertainError) as caught:
        session.edit(SNOW, photo("portrait"), seed=seed)
    number = caught.value.edit_id
    session.close()
    session, sent = nb.Session(store=session.folder), len(posts(box))
    with session:
        with pytest.raises(errors.UncertainError, match=f"Edit {number} asked the same"):
            session.edit(SNOW, photo("portrait"), seed=seed)
        assert len(posts(box)) == sent
        session.history.settle(number, cost=0)
        assert len(session.edit(SNOW, photo("portrait"), seed=seed)) == 1
        assert len(session.edit(SNOW, photo("portrait"), seed=seed, mode="fresh")) == 1


def test_an_id_that_the_store_cannot_take_is_kept_beside_it_and_found_again(served, photo, monkeypatch):
    """A store that is locked when a request is accepted loses nothing: the next session collects the picture."""
    from nbbanana.store.store import Store

    session, box = served()
    monkeypatch.setattr("nbbanana.engine.submit.RECORD_ATTEMPTS", 1)
    move = Store.move

    def locked(self, edit_id, state, **facts):
        if state == "queued":
            raise errors.StoreError("The store is locked.", "Another program writes to it.")
        return move(self, edit_id, state, **facts)

    monkeypatch.setattr(Store, "move", locked)
    with pytest.raises(errors.StoreError):
        session.edit(SNOW, photo("portrait"), seed=1)
    session.close()
    monkeypatch.setattr(Store, "move", move)
    assert len(box.submissions) == 1
    with nb.Session(store=session.folder) as again:
        assert len(again.edit(SNOW, photo("portrait"), seed=1)) == 1
    assert len(box.submissions) == 1
    assert not list((session.folder / "accepted").iterdir())


def test_leaving_the_block_during_a_post_waits_for_its_answer(served, photo, capsys):
    """The answer to a request that is being sent is recorded before the session is closed, and that is said."""
    session, box = served(faults=[Fault("submit", delay=1.0, after_accept=True)])
    with session:
        job = session.submit(SNOW, photo("portrait"), seed=1)
        until(lambda: box.submissions)
    assert "waits" in capsys.readouterr().err
    with nb.Session(store=session.folder) as again:
        assert again.store.get(job.edit_id).request_id == box.submissions[0].request_id
        assert len(again.edit(SNOW, photo("portrait"), seed=1)) == 1
    assert len(box.submissions) == 1


def test_a_script_that_ends_during_a_post_waits_for_its_answer(tmp_path, photo):
    """Also where nothing closes the session."""
    with Sandbox(time_scale=0, faults=[Fault("submit", delay=1.0, after_accept=True)]) as box:
        script = (
            "import time, nbbanana as nb\n"
            f"session = nb.Session(store={str(tmp_path / 'store')!r})\n"
            f"job = session.submit({SNOW!r}, {str(photo('portrait'))!r}, seed=1)\n"
            "while job.status != 'submitting': time.sleep(0.01)\n"
            "time.sleep(0.3)\n"
        )
        environment = {"RUNCOMFY_MODEL_API_BASE": box.api_base, "RUNCOMFY_TOKEN": box.token, "PATH": "/usr/bin:/bin"}
        environment |= {"HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
        subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)
        assert len(box.submissions) == 1
        database = sqlite3.connect(tmp_path / "store" / "edits.sqlite")
        assert database.execute("SELECT request_id FROM edits").fetchall() == [(box.submissions[0].request_id,)]
        database.close()


def test_an_id_that_comes_with_an_error_is_kept(served, photo):
    """An answer that is no acceptance may hold the id all the same: the edit is uncertain, and knows it."""
    fault = Fault("submit", status=500, body='{"request_id": "11111111-2222-3333-4444-555555555555"}')
    session, _ = served(faults=[fault])
    with pytest.raises(errors.UncertainError) as caught:
        session.edit(SNOW, photo("portrait"), seed=1)
    assert session.store.get(caught.value.edit_id).request_id == "11111111-2222-3333-4444-555555555555"


def test_a_request_that_is_closed_before_it_was_sent_keeps_no_money_back(served, photo):
    """Closing cancels what was never sent, and a budget has its money again."""
    session, _ = served(faults=[Fault("submit", status=429, retry_after=30.0, times=None)])
    session.store.set_budget("sandbox", 1.0)
    job = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: job.status == "paused")
    session.close()
    with nb.Session(store=session.folder) as again:
        assert again.store.get(job.edit_id).state == "cancelled"
        assert again.store.budget("sandbox").spending.total == 0


def test_a_listener_that_fails_holds_up_nothing(served, photo):
    """Progress is looked at by others' code; it is not let near the money."""
    session, _ = served()
    job = session.submit(SNOW, photo("portrait"), seed=1)
    job.listen(lambda _: 1 / 0)
    assert len(job.result(20)) == 1


def test_a_store_that_breaks_in_mid_job_ends_the_call(served, photo, monkeypatch):
    """A full disk is an error and not a call that never returns."""
    from nbbanana.store.store import Store

    session, _ = served(duration=0.3, time_scale=1)
    job = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: job.status in {"queued", "running"})

    def full(*_, **__):
        raise errors.StoreError("The disk is full.")

    for name in ("move", "release", "adopt"):
        monkeypatch.setattr(Store, name, full)
    with pytest.raises(errors.StoreError):
        job.result(30)


def test_two_sessions_with_the_same_seeded_ask_pay_once(served, photo):
    """The second follows the job of the first, and its own stop ends only its waiting."""
    session, box = served(duration=1.0, time_scale=1)
    first = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: first.request_id)
    with nb.Session(store=session.folder) as other:
        impatient = other.submit(SNOW, photo("portrait"), seed=1)
        assert other.edit(SNOW, photo("portrait"), seed=1).id == first.result().id
        assert impatient.result().id == first.edit_id
    assert len(box.submissions) == 1


def test_who_follows_a_job_that_fails_is_told_so_in_words(served, photo):
    """That it failed, where and why, and that nothing was sent here."""
    session, box = served(duration=1.0, time_scale=1, faults=[Fault("job", error="The painter fell asleep.")])
    first = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: first.request_id)
    with (
        nb.Session(store=session.folder) as other,
        pytest.raises(errors.JobFailedError, match="Edit 1, which asks the same, failed in the kernel that ran it"),
    ):
        other.edit(SNOW, photo("portrait"), seed=1)
    assert len(box.submissions) == 1


def test_many_sessions_at_the_same_moment_pay_once(served, photo):
    """Where none sees the other before it writes, the later row gives way."""
    session, box = served()
    ready = threading.Barrier(6)

    def ask(_):
        with nb.Session(store=session.folder) as one:
            request = one.request(SNOW, [photo("portrait")], parameters={"seed": 1})
            ready.wait()
            return one.start(request).result(60).record.outputs[0].sha256

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(6)))) == 1
    assert len(box.submissions) == 1


def full(*_, **__):
    """Stand for any write to a store whose disk is full."""
    raise errors.StoreError("The disk is full.")


def test_closing_on_a_full_disk_ends_every_call(served, photo, monkeypatch):
    """A lease that cannot be given up and a row that cannot be written keep no call waiting, and close all the same."""
    from nbbanana.store.store import Store

    session, box = served(faults=[Fault("submit", status=429, retry_after=30.0, times=None)])
    job = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: job.status == "paused")
    for name in ("move", "release"):
        monkeypatch.setattr(Store, name, full)
    session.close()
    assert isinstance(job.exception(5), errors.NBBananaError)
    assert not box.submissions


def test_an_id_that_nothing_can_keep_is_asked_for_again_until_something_does(served, photo, monkeypatch):
    """Neither the store nor a file takes it: the call goes on, and has the picture once there is room."""
    from nbbanana.engine import kept
    from nbbanana.store.store import Store

    session, box = served()
    monkeypatch.setattr("nbbanana.engine.submit.RECORD_ATTEMPTS", 1)
    monkeypatch.setattr("nbbanana.engine.submit.RECORD_PAUSE", 0.1)
    move, tries = Store.move, []

    def locked(self, edit_id, state, **facts):
        return full() if state == "queued" else move(self, edit_id, state, **facts)

    def no_room(*_):
        tries.append(1)
        raise OSError("No space left on device")

    monkeypatch.setattr(Store, "move", locked)
    monkeypatch.setattr(kept, "keep_id", no_room)
    job = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: len(tries) > 3)
    assert not job.done()
    monkeypatch.setattr(Store, "move", move)
    assert len(job.result(20)) == 1
    assert len(box.submissions) == 1


def abandoned(session, photo, *, outcome=None):
    """Leave an edit as a kernel does that is killed while its request is being sent; its id."""
    job = session.submit(SNOW, photo("portrait"), seed=1, mode="fresh")
    edit = session.store.get(job.result(20).id)
    with sqlite3.connect(session.folder / "edits.sqlite") as database:
        database.execute("UPDATE edits SET state = 'submitting', request_id = NULL, handle = NULL, cost = NULL")
        database.execute("UPDATE posts SET outcome = ?, handle = NULL", (outcome,))
    database.close()
    return edit.id


def test_a_request_whose_kernel_was_killed_while_it_was_sent_is_not_sent_again_by_itself(served, photo):
    """It may have been taken: `auto` names it, also before anything collected or settled it."""
    session, box = served()
    number = abandoned(session, photo)
    sent = len(posts(box))
    with pytest.raises(errors.UncertainError, match=f"Edit {number} asked the same"):
        session.edit(SNOW, photo("portrait"), seed=1)
    assert len(posts(box)) == sent
    assert session.store.get(number).state == "unknown"


def test_a_request_whose_kernel_was_killed_after_a_refusal_holds_nothing_and_is_sent_again(served, photo):
    """Its last POST was surely not taken: it is cancelled, and not uncertain."""
    session, _ = served()
    number = abandoned(session, photo, outcome="refused")
    assert len(session.edit(SNOW, photo("portrait"), seed=1)) == 1
    assert session.store.get(number).state == "cancelled"


def test_of_two_kernels_that_ask_at_once_the_later_sends_nothing_though_the_first_ended_meanwhile(served, photo):
    """While the second prepares its picture, the first became uncertain: the second does not send it either."""
    from nbbanana.engine.reuse import Reuse

    session, box = served(faults=[Fault.named("drop after accept", "submit")])
    ahead, may_go_on, second_is_written = Reuse.ahead, threading.Event(), threading.Event()

    with pytest.MonkeyPatch.context() as patch, nb.Session(store=session.folder) as other:

        def late(self, *asked):
            (may_go_on if self._store is other.store else second_is_written).wait(20)
            return ahead(self, *asked)

        patch.setattr(Reuse, "ahead", late)
        patch.setattr(Reuse, "followed", lambda *_: None)  # as when it was not there yet
        first = session.submit(SNOW, photo("portrait"), seed=1)
        until(lambda: first.edit_id)
        second = other.submit(SNOW, photo("portrait"), seed=1)
        until(lambda: second.edit_id)
        second_is_written.set()
        assert isinstance(first.exception(20), errors.UncertainError)
        sent = len(posts(box))
        may_go_on.set()
        assert isinstance(second.exception(20), errors.UncertainError)
        assert len(posts(box)) == sent


def test_a_request_that_nothing_watched_before_its_post_gives_way_to_one_that_was_sent_meanwhile(served, photo):
    """A kernel that slept, or whose disk was full, kept no lease: of the same seeded ask only one is sent."""
    from nbbanana.engine import steps

    session, box = served()
    payload_of, may_go_on = steps.payload_of, threading.Event()

    with pytest.MonkeyPatch.context() as patch, nb.Session(store=session.folder) as other:

        def late(run, prepared, store):
            if store is session.store:
                may_go_on.wait(20)
            return payload_of(run, prepared, store)

        patch.setattr(steps, "payload_of", late)
        first = session.submit(SNOW, photo("portrait"), seed=1)
        until(lambda: first.edit_id)
        number = first.edit_id
        with session.store._database.write() as database:
            database.execute("DELETE FROM leases")
        second = other.submit(SNOW, photo("portrait"), seed=1).result()
        may_go_on.set()
        assert first.result().record.id == second.record.id
    assert len(posts(box)) == 1
    assert session.store.get(number).state == "cancelled"


def test_an_id_that_comes_with_an_error_is_kept_beside_a_store_that_cannot_take_it(served, photo, monkeypatch):
    """The same as with the id of an acceptance: a file has it until the row does."""
    from nbbanana.store.store import Store

    monkeypatch.setattr("nbbanana.engine.submit.RECORD_ATTEMPTS", 1)
    seen = "11111111-2222-3333-4444-555555555555"
    session, _ = served(faults=[Fault("submit", status=500, body=f'{{"request_id": "{seen}"}}')])
    move = Store.move

    def locked(self, edit_id, state, **facts):
        return full() if state == "unknown" else move(self, edit_id, state, **facts)

    monkeypatch.setattr(Store, "move", locked)
    with pytest.raises(errors.StoreError):
        session.edit(SNOW, photo("portrait"), seed=1)
    session.close()
    assert seen in next((session.folder / "accepted").glob("*.json")).read_text()


def queued_behind(session, photo):
    """A job that waits in the queue behind another; both."""
    first = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: first.status == "running")
    second = session.submit(SNOW, photo("portrait"), seed=2)
    until(lambda: second.status == "queued")
    return first, second


def connections_to(box):
    """The sockets of this process that are connected to the sandbox."""
    port = httpx.URL(box.api_base).port
    return [one for one in psutil.Process().net_connections("tcp") if one.raddr and one.raddr.port == port]


def test_closing_waits_for_a_cancel_under_way(served, photo):
    """The job is over for its caller, the service has not answered yet: its answer is recorded all the same."""
    session, box = served(slots=1, duration=30.0, time_scale=1, faults=[Fault("cancel", after_accept=True, delay=1.0)])
    _, job = queued_behind(session, photo)
    stopping = job.cancelling()
    until(job.run.task.done)
    session.close()
    assert stopping.result(5).cancelled
    assert isinstance(job.exception(5), errors.JobCancelledError)
    assert box.submissions[1].state == "cancelled"
    with nb.Session(store=session.folder) as later:
        assert later.store.get(job.edit_id).state == "cancelled"


def test_closing_leaves_no_connection_of_a_cancel_without_an_answer(served, photo, monkeypatch):
    """It is given up after a while, in words, and what holds its connection with it."""
    monkeypatch.setattr("nbbanana.engine.engine.STOP_PATIENCE", 0.2)
    session, box = served(slots=1, duration=30.0, time_scale=1, faults=[Fault("cancel", delay=math.inf)])
    _, job = queued_behind(session, photo)
    stopping = job.cancelling()
    until(job.run.task.done)
    session.close()
    assert "did not answer the cancel" in stopping.result(5).message
    assert isinstance(job.exception(5), errors.JobCancelledError)
    until(lambda: not connections_to(box))
