"""The engine's loop and thread."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from nbbanana.engine.loop import EngineLoop


async def who() -> str:
    return threading.current_thread().name


def test_work_runs_in_the_engines_thread():
    """A coroutine runs in the engine's own thread, and its future is for this one."""
    assert EngineLoop.shared().run(who()).result(5) == "nbbanana-engine"


def test_there_is_one_a_process():
    """Everybody shares one loop."""
    assert EngineLoop.shared() is EngineLoop.shared()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_gets_its_own():
    """After a fork the parent's thread is not there; the child starts another."""
    EngineLoop.shared().run(who()).result(5)
    child = os.fork()
    if child == 0:
        os._exit(0 if EngineLoop.shared().run(who()).result(5) == "nbbanana-engine" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_stopping_cancels_what_is_under_way():
    """The end of the process does not wait for jobs."""
    loop = EngineLoop()
    endless = loop.run(asyncio.sleep(3600))
    loop.stop()
    assert endless.cancelled()
