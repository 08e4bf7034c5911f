"""Sessions as those of tests/session."""

from session.conftest import served, session

__all__ = ["served", "session"]
