"""How many jobs go to a provider at once."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from nbbanana.engine.context import AdaptiveLimit


async def crowd(limit: AdaptiveLimit, people: int) -> int:
    """Let many in at once; the most that were inside together."""
    inside = most = 0

    async def one() -> None:
        nonlocal inside, most
        async with limit:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(people)))
    return most


@given(st.integers(1, 8), st.integers(0, 30))
def test_never_more_than_the_limit_and_everybody_gets_in(size, people):
    """The limit holds, and nobody is forgotten."""
    assert asyncio.run(crowd(AdaptiveLimit(size), people)) == min(size, people)


@given(st.lists(st.booleans(), max_size=200))
def test_the_limit_stays_between_one_and_the_most(answers):
    """Whatever the service says, at least one job goes, and never more than the most."""
    limit = AdaptiveLimit(16)
    for taken in answers:
        limit.accepted() if taken else limit.refused()
        assert 1 <= limit.size <= 16


def test_it_shrinks_at_once_and_is_back_after_one_round():
    """A 429 halves it; as many accepted jobs as ran at once then bring it back, quickly at first."""
    limit = AdaptiveLimit(64)
    limit.refused()
    assert limit.size == 32
    sizes = []
    for _ in range(64):
        limit.accepted()
        sizes.append(limit.size)
    assert sizes[31] == 60
    assert sizes[-1] == 64


def test_one_refusal_of_a_hundred_costs_a_tenth_of_the_limit_at_most():
    """A service that says 429 now and then is not asked by one job at a time for the rest of a long batch."""
    now, sizes = [0.0], []
    limit = AdaptiveLimit(64, clock=lambda: now[0])
    for number in range(2_000):
        now[0] += 1.0
        limit.refused() if number % 100 == 0 else limit.accepted()
        sizes.append(limit.size)
    assert sum(sizes) / len(sizes) > 0.9 * limit.most


def test_a_service_that_takes_few_at_once_is_refused_seldom():
    """Near the size that was refused it grows slowly: a few refusals a round, and hardly any place is left free."""
    now, takes, sizes, refusals = [0.0], 20, [], 0
    limit = AdaptiveLimit(64, clock=lambda: now[0])
    for _ in range(2_000):
        now[0] += 1.0
        if int(limit.size) > takes:
            limit.refused()
            refusals += 1
        else:
            limit.accepted()
        sizes.append(min(limit.size, takes))
    assert refusals < 0.05 * 2_000
    assert sum(sizes) / len(sizes) > 0.8 * takes


def test_a_burst_of_refusals_halves_once():
    """Requests that were on their way together are refused together."""
    now = [0.0]
    limit = AdaptiveLimit(16, clock=lambda: now[0])
    for _ in range(10):
        limit.refused()
    assert limit.size == 8
    now[0] = 1.0
    limit.refused()
    assert limit.size == 4


def test_a_cancelled_waiter_hands_its_place_on():
    """Who gives up while waiting blocks nobody."""

    async def work() -> str:
        limit = AdaptiveLimit(1)
        order: list[str] = []

        async def one(name: str, gate: asyncio.Event) -> None:
            async with limit:
                order.append(name)
                await gate.wait()

        first_gate, open_gate = asyncio.Event(), asyncio.Event()
        open_gate.set()
        first = asyncio.create_task(one("first", first_gate))
        await asyncio.sleep(0)
        second, third = (asyncio.create_task(one(name, open_gate)) for name in ("second", "third"))
        await asyncio.sleep(0)
        first_gate.set()
        while limit._taken:  # noqa: ASYNC110
            await asyncio.sleep(0)
        second.cancel()  # its turn was just called, and it never takes it
        await asyncio.gather(first, second, third, return_exceptions=True)
        return " ".join(order)

    assert asyncio.run(asyncio.wait_for(work(), 5)) == "first third"
