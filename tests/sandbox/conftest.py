"""A sandbox that is served, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from support.sandboxes import Client, Serve

from nbbanana.sandbox import Sandbox


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a sandbox with the given options and hands out a client for it; both are closed in the end."""
    with ExitStack() as stack:

        def start(**options: Any) -> tuple[Sandbox, Client]:
            box = stack.enter_context(Sandbox(**{"time_scale": 0.0} | options))
            return box, stack.enter_context(Client(box))

        yield start
