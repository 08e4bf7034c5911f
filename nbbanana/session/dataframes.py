"""pandas, which is loaded when a table is asked for."""

from __future__ import annotations

from typing import Any

from nbbanana.errors import UsageError

__all__ = ["load_pandas"]


def load_pandas() -> Any:
    """
    Return the module of pandas.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise UsageError("A table needs pandas.", "It is not installed.", "pip install pandas") from None
    return pd
