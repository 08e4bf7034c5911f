"""A name for this process, which stands for the kernel in records that are made outside of one."""

from __future__ import annotations

import functools
import os
import secrets

__all__ = ["process_id"]


def process_id() -> str:
    """Return a name for this process that no other has; a forked child has another."""
    return _process(os.getpid())


@functools.cache
def _process(pid: int) -> str:
    return f"{pid}-{secrets.token_hex(6)}"
