"""Waiting for what another thread or process does, without saying how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

__all__ = ["PATIENCE", "until"]

PATIENCE = 60.0
"""Seconds after which nothing will come any more, on a machine that has much else to do."""


def until(condition: Callable[[], Any]) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.01)
