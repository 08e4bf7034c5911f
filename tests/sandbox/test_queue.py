"""The queue, its slots, its durations, the wallet and what a cancel comes to."""

from __future__ import annotations

import math
import statistics
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sandboxes import EDIT, Client, Serve, ask

from nbbanana.images import load
from nbbanana.sandbox import Fault, Sandbox
from nbbanana.sandbox.accounts import Account, Submission

LONG = {"time_scale": 1.0, "duration": math.inf, "paint": "flat"}


def test_jobs_run_in_their_order_on_the_slots_there_are(serve: Serve) -> None:
    """Two slots: two run, the third is next, the fourth has one ahead; as one ends, the next begins."""
    box, client = serve(slots=2, **LONG)
    ids = [client.accepted() for _ in range(4)]
    box.wait_for(2, "in_progress")
    assert [client.status(each)["status"] for each in ids] == ["in_progress"] * 2 + ["in_queue"] * 2
    assert [client.status(each).get("queue_position") for each in ids] == [None, None, 0, 1]
    box.finish(ids[1])
    box.wait_for(1, "completed")
    box.wait_for(2, "in_progress")
    assert [client.status(each)["status"] for each in ids] == ["in_progress", "completed", "in_progress", "in_queue"]
    assert client.status(ids[3])["queue_position"] == 0


def test_a_queued_job_is_cancelled_and_costs_nothing(serve: Serve) -> None:
    """The others move up; the wallet keeps its money."""
    box, client = serve(slots=1, **LONG)
    first, second, third = (client.accepted() for _ in range(3))
    box.wait_for(1, "in_progress")
    assert client.cancel(second) == {"request_id": second, "status": "cancelled", "outcome": "cancelled"}
    assert client.status(third)["queue_position"] == 0
    assert client.result(second, include_cost="true")["status"] == "cancelled"
    assert client.result(second, include_cost="true")["cost"] == 0
    assert client.cancel(second)["outcome"] == "not_cancellable"
    assert client.status(first)["status"] == "in_progress"
    assert box.balance == 20.0


def test_a_running_and_a_finished_job_are_not_cancellable(serve: Serve) -> None:
    """The answer is 200 with the state as it is; the job runs on and is charged."""
    box, client = serve(slots=1, **LONG)
    request_id = client.accepted(resolution="1K")
    box.wait_for(1, "in_progress")
    assert client.cancel(request_id) == {
        "request_id": request_id,
        "status": "in_progress",
        "outcome": "not_cancellable",
    }
    box.finish(request_id)
    box.settle()
    assert client.cancel(request_id)["status"] == "completed"
    assert box.balance == pytest.approx(19.93)


def test_the_wallet_pays_once_a_job_completes(serve: Serve) -> None:
    """Nothing is taken before; what unfinished jobs will take cannot be spent twice."""
    box, client = serve(slots=1, balance=0.20, **LONG)
    first = client.accepted(resolution="1K")
    client.accepted(resolution="1K")
    assert box.balance == 0.20
    assert client.submit(resolution="1K").json()["error_code"] == 400002
    box.finish(first)
    box.wait_for(1, "completed")
    assert client.get("/balance").json()["balance_usd"] == pytest.approx(0.13)
    assert client.submit(resolution="1K").json()["error_code"] == 400002


@pytest.mark.parametrize(
    ("changes", "cost"),
    [
        ({"resolution": "0.5K"}, 0.0525),
        ({"resolution": "1K"}, 0.07),
        ({"resolution": "2K"}, 0.105),
        ({"resolution": "4K"}, 0.14),
        ({"resolution": "1K", "number_of_images": 3}, 0.21),
        ({"resolution": "1K", "number_of_images": 2, "enable_web_search": True}, 0.17),
        ({"resolution": "1K", "enable_web_search": False}, 0.07),
    ],
)
def test_what_a_request_costs(changes: dict[str, object], cost: float) -> None:
    """The base price for each output, by resolution, and the web search on top."""
    entry = Sandbox().catalogue.find(EDIT)
    payload = ask(**changes)
    assert entry.unit_price(payload) * entry.count(payload) == pytest.approx(cost)


def test_a_failed_job_says_why_and_costs_nothing(serve: Serve) -> None:
    """`Fault("job", error=…)` is a job that the service ran and that gave no picture."""
    box, client = serve(faults=[Fault("job", nth=2, error="The model refused the picture.")])
    good, bad = client.accepted(), client.accepted()
    box.settle()
    assert client.result(good)["status"] == "completed"
    failed = client.result(bad, include_cost="true")
    assert failed["status"] == "failed"
    assert failed["error"] == "The model refused the picture."
    assert failed["cost"] == 0
    assert "output" not in failed
    assert box.balance == pytest.approx(20 - 0.0525)


@pytest.mark.parametrize("made", [0, 1])
def test_a_job_can_make_fewer_outputs_than_asked(serve: Serve, made: int) -> None:
    """It is completed all the same, and only what was made is charged."""
    box, client = serve(faults=[Fault("job", outputs=made)])
    request_id = client.accepted(number_of_images=3, resolution="1K")
    box.settle()
    result = client.result(request_id, include_cost="true")
    assert result["status"] == "completed"
    assert len(result["output"]["images"]) == made
    assert result["cost"] == pytest.approx(0.07 * made)


def test_a_picture_that_cannot_be_painted_fails_its_job_and_not_the_queue(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong in the painter is the job's reason; the next job runs."""
    from nbbanana.sandbox import painter

    box, client = serve(slots=1)
    with monkeypatch.context() as patch:
        patch.setattr(painter, "paint", lambda *_, **__: 1 / 0)
        bad = client.accepted()
        box.settle()
    good = client.accepted()
    box.settle()
    assert client.result(bad)["status"] == "failed"
    assert "division by zero" in client.result(bad)["error"]
    assert client.result(good)["status"] == "completed"


def test_durations_are_log_normal_and_the_same_for_the_same_seed() -> None:
    """The median of many is 12 s; a seed gives the same draws, another seed others; a scale of 0 gives none."""

    def draws(box: Sandbox, count: int, **changes: object) -> list[float]:
        entry = box.catalogue.find(EDIT)
        payload = ask(resolution="1K", **changes)
        job = Submission(
            EDIT, payload, box.accounts.first, (), entry.count(payload), 0.07, entry.resolution(payload), "png"
        )
        return [box._draw(replace(job, number=number)) for number in range(count)]

    many = draws(Sandbox(seed=1), 2000)
    assert statistics.median(many) == pytest.approx(12.0, rel=0.05)
    assert statistics.stdev(math.log(each) for each in many) == pytest.approx(0.4, rel=0.1)
    assert draws(Sandbox(seed=1), 5) == many[:5] != draws(Sandbox(seed=2), 5)
    assert draws(Sandbox(seed=1, time_scale=0.5), 5) == pytest.approx([each / 2 for each in many[:5]])
    assert draws(Sandbox(time_scale=0), 5) == [0.0] * 5
    assert draws(Sandbox(duration=3.0, time_scale=0.5), 2) == [1.5, 1.5]
    assert all(four > one for four, one in zip(draws(Sandbox(seed=1), 5, number_of_images=4), many, strict=False))


def test_a_job_takes_its_time(serve: Serve) -> None:
    """From start to end at least the duration, painting included."""
    box, client = serve(time_scale=0.1, duration=3.0)
    client.accepted()
    box.settle()
    job = box.submissions[0]
    assert job.finished_at - job.started_at >= 0.29
    assert job.duration == pytest.approx(0.3)


def test_threads_end_with_the_work_and_with_the_box() -> None:
    """An idle sandbox has none; a closed one has none even with jobs that would run for hours."""
    before = set(threading.enumerate())
    with Sandbox(**LONG) as box:
        with Client(box) as client:
            client.accepted()
            client.accepted()
            client.accepted()
        assert len(set(threading.enumerate()) - before) > 1
    assert not {thread for thread in set(threading.enumerate()) - before if thread.name.startswith("nbbanana")}
    assert [job.state for job in box.submissions][2] == "in_queue"


def test_settle_says_when_a_job_still_runs(serve: Serve) -> None:
    """It raises instead of waiting for ever."""
    box, client = serve(**LONG)
    client.accepted()
    with pytest.raises(TimeoutError):
        box.settle(timeout=0.01)


def test_a_test_goes_step_by_step_without_sleeping(serve: Serve) -> None:
    """Jobs of an infinite duration end one at a time or all at once, as the test says."""
    box, client = serve(slots=1, **LONG)
    with pytest.raises(TimeoutError):
        box.wait_for(1, timeout=0.01)
    first, _, third = (client.accepted(seed=number) for number in range(3))
    assert len(box.wait_for(3)) == 3
    box.finish(first)
    box.wait_for(1, "completed")
    with pytest.raises(TimeoutError):
        box.wait_for(2, "completed", timeout=0.05)
    box.finish()
    box.settle()
    assert {job.state for job in box.submissions} == {"completed"}
    later = client.accepted()
    box.wait_for(1, "in_progress")
    assert client.status(third)["status"] == "completed"
    assert client.status(later)["status"] == "in_progress"


def test_flat_pictures_differ_by_words_seed_and_index(serve: Serve) -> None:
    """They are marked, in the format that was asked for, and no two are alike."""
    box, client = serve(paint="flat")
    for changes in ({}, {"seed": 8}, {"prompt": "Make it dawn."}):
        client.accepted(number_of_images=2, output_format="webp", **changes)
    box.settle()
    pictures = [box.files.find(name).read_bytes() for job in box.submissions for name in job.outputs]
    assert len(set(pictures)) == 6
    assert {data[8:12] for data in pictures} == {b"WEBP"}
    assert all(load(data).is_play for data in pictures)


def test_many_clients_at_once_lose_and_double_nothing(serve: Serve) -> None:
    """Submissions from many threads are each accepted once, run once and paid once."""
    box, client = serve(slots=8, balance=5.0, faults=[Fault("job", times=None, outputs=0)])
    threads = [threading.Thread(target=lambda: [client.accepted() for _ in range(5)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    box.settle()
    assert len({job.request_id for job in box.submissions}) == 40
    assert [job.number for job in box.submissions] == list(range(1, 41))
    assert box.balance == 5.0
    assert box.accounts.first.reserved == 0.0


@given(st.lists(st.sampled_from([0.07, 0.0525, 0.085, 0.14, 0.42]), max_size=60))
def test_a_wallet_never_goes_below_zero_and_loses_no_cent(prices: list[float]) -> None:
    """Law: what is reserved is reached, and balance and payments always add up to what there was."""
    account = Account("id", "mail", 5.0)
    taken = [price for price in prices if account.reserve(price)]
    assert account.reserved <= account.balance + 1e-9
    for price in taken:
        account.settle(price, price)
    assert account.reserved == 0
    assert account.balance == pytest.approx(5.0 - sum(taken), abs=1e-9)
    assert account.balance >= 0
