"""Values that stand for a result, such as a cell of a sweep: what takes outputs and results takes them too."""

from __future__ import annotations

from typing import Any

__all__ = ["result_behind"]


def result_behind(value: Any) -> Any:
    """Return the result that a value stands for, by its `__nbbanana_result__()`; any other value as it is."""
    return value.__nbbanana_result__() if hasattr(type(value), "__nbbanana_result__") else value
