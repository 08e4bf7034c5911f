"""The examples in the docstrings of the room run as printed."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize("module", ["sandbox", "state", "faults", "exchanges", "painter.canvas"])
def test_examples_run(module: str) -> None:
    """Each module that has examples has right ones."""
    outcome = doctest.testmod(import_module(f"nbbanana.sandbox.{module}"))
    assert outcome.attempted > 0
    assert outcome.failed == 0
