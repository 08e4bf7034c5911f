"""Sessions of two providers at work at once, in threads and in tasks: each edit goes to its own session's provider."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from meetings.conftest import Enter
from PIL import Image

import nbbanana as nb
from nbbanana.sandbox import Sandbox

EDITS = 5


@pytest.fixture
def service(services: tuple[Sandbox, Sandbox], log_in: Enter) -> Sandbox:
    """A service that is logged in to; it stands for the one that takes money."""
    log_in(services[0])
    return services[0]


@pytest.fixture
def pair(service: Sandbox, tmp_path: Path) -> Iterator[tuple[nb.Session, nb.Session]]:
    """A session over the sandbox in this process, and one over the service, each with its store."""
    with (
        nb.Session(provider="sandbox", store=tmp_path / "play") as play,
        nb.Session(provider="runcomfy", store=tmp_path / "paid") as paid,
    ):
        yield play, paid


def end(service: Sandbox) -> None:
    """Let the jobs of the service end once all were accepted."""
    service.wait_for(EDITS)
    service.finish()


def seeds(session: nb.Session) -> list[int | None]:
    """The seeds of what a session's store holds, in their order."""
    return sorted(result.record.seed for result in session.history)


def check(pair: tuple[nb.Session, nb.Session], service: Sandbox) -> None:
    """Each store holds its session's edits, and the service was asked for those of the second alone."""
    assert [seeds(session) for session in pair] == [[0, 1, 2, 3, 4], [10, 11, 12, 13, 14]]
    assert sorted(job.payload["seed"] for job in service.submissions) == [10, 11, 12, 13, 14]


def test_threads_ask_their_own_providers(
    service: Sandbox, pair: tuple[nb.Session, nb.Session], picture: Image.Image
) -> None:
    """Two threads with a session each ask at once."""

    def work(session: nb.Session, first: int) -> None:
        jobs = [session.submit("Make it snow.", picture, seed=first + n, resolution="0.5K") for n in range(EDITS)]
        done.extend(len(job.result()) for job in jobs)

    done: list[int] = []
    threads = [threading.Thread(target=work, args=(session, 10 * n)) for n, session in enumerate(pair)]
    for thread in threads:
        thread.start()
    end(service)
    for thread in threads:
        thread.join()
    assert done == [1] * 2 * EDITS
    check(pair, service)


def test_tasks_ask_their_own_providers(
    service: Sandbox, pair: tuple[nb.Session, nb.Session], picture: Image.Image
) -> None:
    """The same in one loop, where tasks of both sessions take turns."""

    async def work() -> None:
        asked = [
            session.aedit("Make it snow.", picture, seed=10 * number + n, resolution="0.5K")
            for n in range(EDITS)
            for number, session in enumerate(pair)
        ]
        await asyncio.gather(*asked, asyncio.to_thread(end, service))

    asyncio.run(work())
    check(pair, service)
