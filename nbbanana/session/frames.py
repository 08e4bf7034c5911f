"""The history as a pandas table; pandas is loaded only here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbbanana.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pandas import DataFrame

    from nbbanana.session.results import EditResult

__all__ = ["frame"]

FIRST = ["created", "state", "model", "provider", "prompt", "seed"]


def frame(results: Iterable[EditResult]) -> DataFrame:
    """
    Return edits as a table, a row an edit, indexed by id.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise UsageError("A table needs pandas.", "It is not installed.", "pip install pandas") from None
    rows = [_row(result) for result in results]
    table = pd.DataFrame(rows, columns=None if rows else ["id", *FIRST]).set_index("id")
    if "created" in table:
        table["created"] = pd.to_datetime(table["created"], unit="s", utc=True)
    return table


def _row(result: EditResult) -> dict[str, Any]:
    edit = result.record
    parameters = {name: value for name, value in edit.options.items() if name != "seed"}
    return {
        "id": edit.id,
        "created": edit.created_at,
        "state": edit.state,
        "model": edit.model,
        "provider": edit.provider,
        "prompt": edit.prompt,
        "seed": edit.seed,
        **parameters,
        "inputs": [record.name for record in edit.inputs],
        "outputs": len(edit.outputs),
        "parents": list(edit.parents),
        "seconds": edit.duration,
        "cost": edit.cost,
        "starred": edit.starred,
        "rejected": edit.rejected,
        "tags": list(edit.tags),
        "note": edit.note,
    }
