"""What is taken along: outputs as files, edits as a pandas frame, and the ledger of every POST, as CSV too."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from nbbanana.display.drift_views import drift_words
from nbbanana.display.listings import columns_bundle
from nbbanana.display.views import money
from nbbanana.errors import UsageError, translated
from nbbanana.models.model import Listed
from nbbanana.session.call_args import file
from nbbanana.store.drifts import worst
from nbbanana.store.provenance import embedded_copy, sidecar_path
from nbbanana.store.provenance import sidecar as sidecar_text
from nbbanana.store.records import Edit, Post
from nbbanana.text import clip, counted, one_line

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "COLUMNS",
    "Ledger",
    "check_free",
    "file_name",
    "history_frame",
    "load_pandas",
    "target_of",
    "write",
    "writing",
]

SUFFIXES = {"image/png": {".png"}, "image/jpeg": {".jpg", ".jpeg"}, "image/webp": {".webp"}}


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def file_name(name: str | None, edit_id: int) -> str:
    """Return what the files of a result begin with: the variable it is bound to, else its number."""
    return name if name and name.isidentifier() else f"edit-{edit_id}"


def target_of(path: Any, name: str, index: int, mime: str) -> Path:
    """
    Return the file that an output is written to.

    Args:
        path: a file, with or without a suffix, or a folder: one that is there, or a path that ends in `/`.
        name: what a file in a folder begins with.
        index: the place of the output in its result.
        mime: the type of its bytes.

    Raises:
        UsageError: no path, or a suffix of another type.
    """
    if not isinstance(path, str | PurePath):
        kind = type(path).__name__
        raise UsageError(f"A {kind} is no path.", "save() takes the name of a file or a folder.", "save('neon.png')")
    target = file(path) if str(path) else Path()
    fitting = SUFFIXES.get(mime, {target.suffix.lower()})
    if str(path).endswith(("/", "\\")) or not str(path) or os.path.isdir(target):  # noqa: PTH112 - also of a name that is too long
        return target / f"{name}-{index}{min(fitting)}"
    if not target.suffix:
        target = target.with_suffix(min(fitting))
    if target.suffix.lower() not in fitting:
        raise UsageError(
            f"{target.name} would hold {mime} under the suffix {target.suffix}.",
            "save() writes the bytes as they came.",
            f"Use {min(fitting)}, or .pil.save({target.name!r}) to convert it.",
        )
    return target


def check_free(targets: Sequence[Path], *, overwrite: bool) -> None:
    """
    Refuse to replace files.

    Raises:
        UsageError: one of them is there, and `overwrite` is False.
    """
    with writing("The file"):  # a folder that cannot be looked into
        there = [target.name for target in targets if target.exists()]
    if there and not overwrite:
        raise UsageError(
            f"{there[0]} is there already.", "No file is replaced unasked.", "Use overwrite=True, or another name."
        )


def writing(what: str) -> translated:
    """Return a block in which a file is written, `what` as it is called: that it cannot be is a UsageError."""
    mend = "Choose another place or name."
    return translated(
        OSError, lambda error: UsageError(f"{what} could not be written.", f"{error.strerror or error}.", mend)
    )


def write(target: Path, data: bytes, record: Edit, index: int, *, sidecar: bool, embed: bool) -> None:
    """
    Write an output's bytes, making the folders on the way.

    Raises:
        UsageError: `embed` for a file that cannot hold a record, and nothing is written then; or the file cannot be
            written.
    """
    if embed:
        data = embedded_copy(data, record, index)
    with writing("The picture"):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        if sidecar:
            sidecar_path(target).write_text(sidecar_text(record, index), encoding="utf-8")


# ── tables ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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


COLUMNS = ("time", "edit", "post", "provider", "id", "outcome", "quote", "cost", "difference", "seed")

LONGEST_ID = 16
"""Characters of an id that are shown."""
ACTIVE = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that spreadsheets take for a formula."""


class Ledger(Listed[Post]):
    """
    POSTs, the newest first: when each was sent, where, its id there, how it ended, its quote and its cost.

    >>> ledger = Ledger([Post(7, 0, 0.0, "fal", "accepted", "r-1", quote=0.08, cost=0.1, seed=3)])
    >>> print(ledger.csv(), end="")
    time,edit,post,provider,id,outcome,quote,cost,difference,seed
    1970-01-01T00:00:00Z,7,0,fal,r-1,accepted,0.08,0.1,0.02,3
    """

    def __repr__(self) -> str:
        return f"<Ledger {counted(len(self), 'POST')}>"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A dictionary a POST; times are UTC, money is US dollars, what is not known is None."""
        return [_row(post) for post in self]

    def csv(self) -> str:
        """Return CSV with a line a POST; a text that a spreadsheet would take for a formula gets an apostrophe."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_harmless(value) for value in _row(post).values()] for post in self)
        return text.getvalue()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return columns_bundle(COLUMNS, [_shown(post) for post in self])


def _row(post: Post) -> dict[str, Any]:
    known = post.quote is not None and post.cost is not None
    difference = round(post.cost - post.quote, 9) if known else None  # type: ignore[operator]
    sent = datetime.fromtimestamp(post.sent_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    outcome = post.outcome or "under way"
    values = (
        sent, post.edit_id, post.ordinal, post.provider, post.handle, outcome, post.quote, post.cost, difference,
        post.seed,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _shown(post: Post) -> list[str]:
    """Return the cells of a row: whole ids and seconds of UTC are in `rows` and in the CSV."""
    amounts = {"quote", "cost", "difference"}
    row = _row(post)
    row["time"] = datetime.fromtimestamp(post.sent_at).astimezone().strftime("%d %b %H:%M")
    row["id"] = clip(post.handle, LONGEST_ID) if post.handle else None
    return [_amount(value) if name in amounts else "" if value is None else str(value) for name, value in row.items()]


def _amount(value: float | None) -> str:
    if value is None:
        return ""
    return f"-{money(-value)}" if value < 0 else money(value)


def _harmless(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = one_line(value, 300)
    return f"'{text}" if text.startswith(ACTIVE) else text


FRAME_COLUMNS = ["created", "state", "model", "provider", "prompt", "seed"]


def history_frame(edits: Iterable[Edit]) -> DataFrame:
    """
    Return edits as a table, a row an edit, indexed by id.

    Raises:
        UsageError: pandas is not installed.
    """
    pd = load_pandas()
    rows = [_frame_row(edit) for edit in edits]
    table = pd.DataFrame(rows, columns=None if rows else ["id", *FRAME_COLUMNS]).set_index("id")
    if "created" in table:
        table["created"] = pd.to_datetime(table["created"], unit="s", utc=True)
    return table


def _frame_row(edit: Edit) -> dict[str, Any]:
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
        "drift_outside": worst(edit.drifts, "recoloured_outside"),
        "redrawn_outside": worst(edit.drifts, "redrawn_outside"),
        "moved": worst(edit.drifts, "moved"),
        "drift": drift_words(edit.drifts),
        "starred": edit.starred,
        "rejected": edit.rejected,
        "tags": list(edit.tags),
        "note": edit.note,
    }
