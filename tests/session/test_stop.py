"""Stopping: cancelled at the service where that still works, true words, true record, nothing bought twice."""

from __future__ import annotations

import asyncio

import pytest
from support.waiting import until

from nbbanana import errors
from nbbanana.sandbox import Fault

SNOW = "Keep the subject unchanged. Make it snow."


def stopped(job) -> str:
    """What a stop came to, in words; it says the same as the answer of `cancel`."""
    surely_not_charged = job.cancel()
    assert surely_not_charged == ("nothing is charged" in job.message)
    return job.message


def test_a_queued_job_is_cancelled_and_costs_nothing(served, photo):
    """In the queue a cancel works: the record says so, the wallet too."""
    session, box = served(slots=1, duration=30.0, time_scale=1)
    running = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: running.status == "running")
    queued = session.submit(SNOW, photo("portrait"), seed=2)
    until(lambda: queued.status == "queued")
    assert "nothing is charged" in stopped(queued)
    with pytest.raises(errors.JobCancelledError):
        queued.result()
    assert session.store.get(queued.edit_id).state == "cancelled"
    assert box.submissions[1].state == "cancelled"
    running.cancel()


def test_a_running_job_runs_on_and_can_be_collected(served, photo):
    """A running job cannot be cancelled: it may be charged, and running the cell again takes it up."""
    session, box = served(duration=1.0, time_scale=1)
    job = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: job.status == "running")
    words = stopped(job)
    assert "may be charged" in words.lower()
    assert "%nbresume" in words
    assert session.store.get(job.edit_id).state == "running"
    again = session.edit(SNOW, photo("portrait"), seed=1)
    assert again.id == job.edit_id
    assert again.origin == "collected"
    assert len(box.submissions) == 1


def test_a_post_on_its_way_is_recorded_whatever_comes(served, photo):
    """Stopped during the POST, the answer is still waited for, recorded, and what it started is cancelled."""
    session, box = served(
        slots=1, duration=30.0, time_scale=1, faults=[Fault("submit", delay=0.5, after_accept=True, nth=2)]
    )
    first = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: first.status == "running")
    second = session.submit(SNOW, photo("portrait"), seed=2)
    until(lambda: len(box.submissions) == 2)
    assert "nothing is charged" in stopped(second)
    assert session.store.get(second.edit_id).state == "cancelled"
    first.cancel()


def test_a_cancelled_task_cancels_the_job(served, photo):
    """Async code that is cancelled cancels at the service, too."""
    session, box = served(slots=1, duration=30.0, time_scale=1)

    async def work():
        blocker = session.submit(SNOW, photo("portrait"), seed=1)
        while blocker.status != "running":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task = asyncio.create_task(session.aedit(SNOW, photo("portrait"), seed=2))
        while len(box.submissions) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        blocker.cancel()

    asyncio.run(work())
    assert box.submissions[1].state == "cancelled"


def test_stopping_what_is_over_says_so(session, photo):
    """A job that is over cannot be stopped, and its result stays."""
    job = session.submit(SNOW, photo("portrait"))
    assert len(job.result()) == 1
    assert "over already" in stopped(job)


def test_a_deadline_leaves_the_job_collectable(served, photo):
    """A job that takes longer than the time-out is said with its id and can be collected."""
    from nbbanana.settings import settings

    settings().timeout = 1.0
    session, box = served(duration=2.0, time_scale=1)
    with pytest.raises(errors.DeadlineError) as caught:
        session.edit(SNOW, photo("portrait"), seed=1)
    assert box.submissions[0].request_id in str(caught.value)
    assert caught.value.edit_id is not None
    settings().timeout = 60.0
    box.finish(box.submissions[0].request_id)
    other = type(session)(store=session.folder)
    with other:
        assert [result.id for result in other.history.resume()] == [caught.value.edit_id]
    assert len(box.submissions) == 1


def test_stopped_while_it_downloads_nothing_is_lost(served, photo):
    """What is made is paid for: the words say so, and it is fetched later without a second submission."""
    session, box = served(faults=[Fault("download", delay=20.0)])
    job = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: [seen for seen in box.requests if seen.target == "download"])
    assert "%nbresume fetches them" in stopped(job)
    assert session.store.get(job.edit_id).state == "downloading"
    assert [result.id for result in session.history.resume()] == [job.edit_id]
    assert len(box.submissions) == 1


def test_stopped_after_the_service_was_done_but_before_anybody_looked(served, photo):
    """A job that was completed between two looks is said to be made, not to run."""
    session, box = served(duration=0.05, time_scale=1)
    job = session.submit(SNOW, photo("portrait"), seed=1)
    until(lambda: box.submissions and box.submissions[0].state == "completed")
    assert "made and paid for" in stopped(job)
    assert [result.id for result in session.history.resume()] == [job.edit_id]
    assert len(box.submissions) == 1
