"""When jobs are asked after: laws that hold for any history, and what the schedule does in the cases that matter."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbbanana.engine.polling import LONGEST_DELAY, SHORTEST_DELAY, PollSchedule

ANYTHING = st.lists(st.floats() | st.floats(0.01, 3600), max_size=60)
"""Histories as a store could hold them, and worse: infinities, not-a-numbers, nothing."""
SENSIBLE = st.lists(st.floats(0.5, 1800), min_size=1, max_size=40)
TWELVE = [12.3, 10.1, 14.2, 11.8, 9.4, 13.1, 12.0, 16.5, 11.1, 12.9, 10.8, 13.6, 8.9, 12.2, 15.1, 11.4, 12.6, 10.4]
"""Jobs of around 12 s, the shortest 8.9 s, the longest 16.5 s."""


def moments(schedule: PollSchedule, until: float) -> list[float]:
    """When a job that is not seen in a queue is asked after, until `until` and once beyond."""
    at = [schedule.delay(0.0)]
    while at[-1] < until:
        at.append(at[-1] + schedule.delay(at[-1], running_for=at[-1] - at[0]))
    return at


def found(schedule: PollSchedule, duration: float) -> float:
    """When a job of this duration is noticed."""
    return moments(schedule, duration)[-1]


@given(ANYTHING, st.lists(st.tuples(st.floats(0, 600), st.none() | st.integers(-3, 50), st.booleans()), max_size=12))
def test_a_delay_is_within_its_bounds_whatever_the_history_and_the_answers(
    history: list[float], answers: list[tuple[float, int | None, bool]]
) -> None:
    """No history and no course of answers makes a delay too short, too long, or not a number."""
    schedule, elapsed = PollSchedule(history), 0.0
    for pause, place, runs in answers:
        elapsed += pause
        delay = schedule.delay(elapsed, running_for=pause if runs else None, queued=not runs, queue_position=place)
        assert SHORTEST_DELAY <= delay <= LONGEST_DELAY
        assert math.isfinite(schedule.began)


@given(ANYTHING, st.floats(0, 7200), st.floats(0, 1e6))
def test_a_delay_is_at_least_what_the_service_asks_for(history: list[float], elapsed: float, asked: float) -> None:
    """`Retry-After` is honoured, and only ever lengthens a delay."""
    delay = PollSchedule(history).delay(elapsed, retry_after=asked)
    assert delay == max(asked, PollSchedule(history).delay(elapsed))


@pytest.mark.parametrize("asked", [-5.0, 0.0, math.inf, math.nan])
def test_a_wish_that_is_no_time_changes_nothing(asked: float) -> None:
    """A negative, infinite or meaningless `Retry-After` is not waited for."""
    assert PollSchedule(TWELVE).delay(3.0, retry_after=asked) == PollSchedule(TWELVE).delay(3.0)


@given(ANYTHING)
def test_half_an_hour_takes_less_than_half_the_requests_of_asking_every_two_seconds(history: list[float]) -> None:
    """A job that runs for 30 minutes is asked after fewer than 450 times, whatever jobs took before."""
    assert len(moments(PollSchedule(history), 1800.0)) < 450


@given(SENSIBLE, st.floats(0, 3600))
def test_the_same_history_gives_the_same_moments(history: list[float], elapsed: float) -> None:
    """Two schedules of the same history agree to the last bit."""
    assert PollSchedule(history).delay(elapsed) == PollSchedule(tuple(history)).delay(elapsed)


@pytest.mark.parametrize("middle", [4.0, 6.0, 9.0, 12.0, 20.0, 30.0])
def test_without_history_it_is_no_worse_than_asking_every_two_seconds(middle: float) -> None:
    """Around any usual time it waits no longer in the mean, and makes at most one request in a hundred more."""
    durations = [middle * math.exp(0.4 * z / 100) for z in range(-250, 251)]
    weights = [math.exp(-((z / 100) ** 2) / 2) for z in range(-250, 251)]
    wait = requests = fixed_wait = fixed_requests = 0.0
    for duration, weight in zip(durations, weights, strict=True):
        at = moments(PollSchedule(), duration)
        wait, requests = wait + weight * (at[-1] - duration), requests + weight * len(at)
        fixed_wait, fixed_requests = fixed_wait + weight * (-duration % 2), fixed_requests + weight * -(-duration // 2)
    assert wait <= fixed_wait
    assert requests <= 1.01 * fixed_requests


def test_known_jobs_are_slept_through_until_they_can_be_done_and_then_asked_after_often() -> None:
    """Jobs of around 12 s are first asked after shortly before the shortest known, then more than once a second."""
    at = moments(PollSchedule(TWELVE), 16.0)
    assert 6.0 < at[0] < 8.9
    assert max(later - earlier for earlier, later in pairwise(at[1:])) < 1.0


def test_the_gap_between_two_kinds_of_jobs_is_slept_through() -> None:
    """Where jobs take about 8 s or about 40 s, those not done at 14 s are left alone for a while."""
    schedule = PollSchedule([8.1, 40.2, 7.6, 38.5, 8.4, 8.0, 41.7, 7.9, 43.0, 8.3, 39.1, 7.7, 8.2, 37.9])
    assert schedule.delay(14.0) > 3.0
    assert schedule.delay(8.0) < 1.0
    assert schedule.delay(40.0) < 1.0


def test_a_job_far_beyond_all_known_is_asked_after_ever_less_often() -> None:
    """Delays grow in overtime, up to their bound."""
    schedule = PollSchedule(TWELVE)
    delays = [schedule.delay(age) for age in (40.0, 80.0, 160.0, 320.0, 640.0)]
    assert delays == sorted(delays)
    assert delays[0] < 3.0
    assert delays[-1] == LONGEST_DELAY


def test_newer_jobs_count_more() -> None:
    """The same durations in the other order expect a service that has become slow, not one that has become fast."""
    fast_then_slow = PollSchedule([30.0] * 15 + [10.0] * 15)
    slow_then_fast = PollSchedule([10.0] * 15 + [30.0] * 15)
    assert fast_then_slow.delay(9.9) > slow_then_fast.delay(9.9)
    assert (fast_then_slow.expected, slow_then_fast.expected) == (30.0, 10.0)


def test_a_service_that_got_much_faster_is_noticed_within_a_few_jobs() -> None:
    """Jobs that take a tenth of what they did are noticed late at first, and in time after eight of them."""
    history, late = list(TWELVE), []
    for _ in range(10):
        seen = found(PollSchedule(history), 1.2)
        late.append(seen - 1.2)
        history.insert(0, seen)
    assert late[0] < 12.0
    assert max(late[8:]) < 1.2


def test_a_service_that_got_much_slower_is_never_waited_for_long() -> None:
    """Jobs that take three times as long as ever are noticed within three seconds, from the first one on."""
    history = list(TWELVE)
    for i in range(10):
        duration = 36.0 + 0.3 * i
        seen = found(PollSchedule(history), duration)
        assert seen - duration < 3.0
        history.insert(0, seen)


def test_a_queued_job_has_all_its_work_before_it() -> None:
    """In the queue the delay is that of a job that begins now, however long it has waited already."""
    first = PollSchedule(TWELVE).delay(0.0)
    assert PollSchedule(TWELVE).delay(300.0, queued=True) == first
    assert PollSchedule(TWELVE).delay(40.0, queue_position=2) == first


def test_a_queue_that_moves_is_slept_through_at_its_pace() -> None:
    """With 30 places to go at a place a second, more is slept than one job takes; near the front it is not."""
    schedule = PollSchedule([4.0, 4.2, 3.9, 4.1, 4.0, 3.8])
    first = schedule.delay(1.0, queue_position=40)
    assert schedule.delay(11.0, queue_position=30) == pytest.approx(14.5)
    assert schedule.delay(40.0, queue_position=1) == first


def test_a_place_that_rises_begins_the_measure_anew() -> None:
    """A job put back in the queue is not taken to move backwards."""
    schedule = PollSchedule([4.0] * 8)
    first = schedule.delay(1.0, queue_position=5)
    assert schedule.delay(5.0, queue_position=9) == first
    assert schedule.delay(15.0, queue_position=8) > first


def test_work_counts_from_when_the_queue_was_left() -> None:
    """A job that waited for 100 s and then began is asked after as one that began, give or take the unseen moment."""
    waited = PollSchedule(TWELVE)
    waited.delay(100.0, queue_position=1)
    delay = waited.delay(100.4, running_for=0.0)
    assert delay == pytest.approx(PollSchedule(TWELVE).delay(0.2), abs=0.5)
    assert waited.began == pytest.approx(100.25, abs=0.25)


def test_the_moment_it_began_lies_between_two_answers() -> None:
    """Last seen in the queue at 20 s and running at 26 s, it is taken to have begun at 23 s, and stays so."""
    schedule = PollSchedule(TWELVE)
    assert schedule.began == 0.0
    schedule.delay(20.0, queue_position=1)
    schedule.delay(26.0, running_for=0.0)
    assert schedule.began == 23.0
    schedule.delay(30.0, running_for=4.0)
    assert schedule.began == 23.0


def test_an_unknown_word_for_working_is_asked_after_as_work() -> None:
    """A state that says neither queued nor running counts from the acceptance, so that its end is not slept through."""
    assert PollSchedule(TWELVE).delay(12.0) == PollSchedule(TWELVE).delay(12.0, running_for=3.0) < 1.0


def test_what_is_typical_is_known_once_a_job_was() -> None:
    """There is no typical duration without history; with it, it is the median of what is usable."""
    assert PollSchedule().expected is None
    assert PollSchedule([math.nan, -1.0, 0.0, math.inf]).expected is None
    assert PollSchedule([9.0, math.nan, 30.0, 11.0]).expected == 11.0


def test_only_the_newest_positive_durations_are_used() -> None:
    """What is no duration is left out, and so is what lies more than twenty jobs back."""
    assert PollSchedule([math.nan, 12.0, -3.0, math.inf, 0.0]).delay(5.0) == PollSchedule([12.0]).delay(5.0)
    assert PollSchedule([*TWELVE, 9.0, 14.0, 600.0]).delay(20.0) == PollSchedule([*TWELVE, 9.0, 14.0]).delay(20.0)


def test_waiting_needs_no_numerical_library() -> None:
    """The schedule loads nothing beyond the standard library."""
    code = "import sys, nbbanana.engine.polling; print(*{'numpy', 'scipy', 'httpx', 'PIL'}.intersection(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
