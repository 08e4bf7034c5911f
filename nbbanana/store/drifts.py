"""
What changed from the first input of an edit to each output: the record, its row, and the heat map that is kept with it.

A heat map is kept as a PNG of 8-bit greys with nothing else in it, a tile a pixel; `Drift.heat_file` makes it. So small
a picture can be shown by anything that shows pictures, without NumPy. One of unknown origin is unpacked within bounds
before it is kept. Functions that take a connection work inside the caller's transaction.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from nbbanana.store.values import json_text, text

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "COLUMNS",
    "FIGURES",
    "MOST_BYTES",
    "DriftFigure",
    "OutputDrift",
    "is_heat_map",
    "keep",
    "worst",
]

DriftFigure = Literal["moved", "recoloured_outside", "redrawn_outside", "recoloured_inside", "redrawn_inside"]
FIGURES: dict[DriftFigure, tuple[str, str]] = {
    "moved": ("moved", "corner"),
    "recoloured_outside": ("outside", "recoloured"),
    "redrawn_outside": ("outside", "redrawn"),
    "recoloured_inside": ("inside", "recoloured"),
    "redrawn_inside": ("inside", "redrawn"),
}
"""
The figures that have a column of their own, and where they stand in the JSON of `Drift.as_json`: pixels of the first
picture by which the corner moved that moved most; outside and inside of what was to change, the mean ΔE00, and how far
the most changed place was redrawn, 0 to 1.
"""


@dataclass(frozen=True, slots=True)
class OutputDrift:
    """
    What was measured of one output of an edit; see docs/explanation/measuring.md for what the figures mean.

    Args:
        index: the output.
        against: SHA-256 of the picture that it was measured against.
        sentence: what changed, or why that cannot be said.
        reason: why it was refused, as the `reason` of a MeasureError; None where it was measured.
        figures: what `Drift.as_json` gave; None where it was refused.

    >>> figures = {"moved": {"corner": {"value": 2.0, "floor": 0.1}}, "outside": None, "inside": None}
    >>> one = OutputDrift(0, "ab" * 32, "Moved 2.0 px.", figures=figures)
    >>> one.value("moved"), one.value("recoloured_outside"), one.floor("moved")
    (2.0, None, 0.1)
    """

    index: int
    against: str
    sentence: str
    reason: str | None = None
    figures: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def is_measured(self) -> bool:
        """Whether there are figures."""
        return self.figures is not None

    @property
    def reach(self) -> tuple[float, float]:
        """How far the tiles of the heat map reach over the first picture, across and down: 1, or a little less."""
        found = _at(self.figures, "frame", "reach")
        across, down = found if isinstance(found, list | tuple) and len(found) == 2 else (1.0, 1.0)
        return float(across), float(down)

    def value(self, name: DriftFigure) -> float | None:
        """Return a figure by its name; None where it was not measured."""
        return self._number(name, "value")

    def floor(self, name: DriftFigure) -> float | None:
        """Return what noise alone gives for a figure; None where it was not measured."""
        return self._number(name, "floor")

    def _number(self, name: DriftFigure, which: str) -> float | None:
        found = _at(self.figures, *FIGURES[name], which)
        return float(found) if isinstance(found, int | float) else None


def _at(value: Any, *names: str) -> Any:
    """Return what stands at a place of a JSON value; None where nothing does: the file of a store may be another's."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def worst(drifts: Iterable[OutputDrift], name: DriftFigure) -> float | None:
    """Return the largest value of a figure among the outputs of an edit; None where it was measured for none."""
    return max((value for drift in drifts if (value := drift.value(name)) is not None), default=None)


COLUMNS = "edit_id, position, against, sentence, reason, figures"
"""What a record needs of a row: all but the heat map, and what the figures hold already."""
_INSERT = (
    f"INSERT INTO drifts ({COLUMNS}, {', '.join(FIGURES)}, heat_map)"  # noqa: S608 - constants
    f" VALUES (?, ?, ?, ?, ?, ?{', ?' * len(FIGURES)}, ?)"
)


def keep(
    connection: sqlite3.Connection, edit_id: int, drifts: Iterable[OutputDrift], maps: Mapping[int, bytes]
) -> None:
    """Write down what was measured of an edit of which nothing was."""
    connection.executemany(
        _INSERT,
        [
            (
                edit_id,
                drift.index,
                drift.against,
                text(drift.sentence),
                text(drift.reason),
                None if drift.figures is None else json_text(drift.figures),
                *map(drift.value, FIGURES),
                maps.get(drift.index),
            )
            for drift in drifts
        ],
    )


MOST_BYTES = 64 << 10
MOST_SIDE = 256
"""Tiles along a side; as it is measured now there are about 64 along the longer one."""
_START = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 13, b"IHDR")
_SIDES = struct.Struct(">II")
_GREY_8 = bytes((8, 0, 0, 0, 0))
"""Bits of a sample, colour type, compression, filter and interlace methods."""
_FILTERS = 5
"""How many ways there are to write a row."""


def is_heat_map(data: bytes) -> bool:
    """
    Return whether bytes are a small grey PNG of one part, whatever they would unpack to.

    >>> is_heat_map(b"<svg>")
    False
    """
    at = len(_START) + 17
    if len(data) > MOST_BYTES or not data.startswith(_START) or len(data) < at + 8:
        return False
    width, height = _SIDES.unpack_from(data, len(_START))
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE):
        return False
    (length,) = struct.unpack_from(">I", data, at)
    packed = data[at + 8 : at + 8 + length]
    header = _SIDES.pack(width, height) + _GREY_8
    whole = _START[:8] + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")
    return data == whole and _unpacks_to(packed, width, height)


def _unpacks_to(packed: bytes, width: int, height: int) -> bool:
    """Return whether these are so many rows, each with the number of its filter before it."""
    unpacking, size = zlib.decompressobj(), height * (width + 1)
    try:
        plain = unpacking.decompress(packed, size + 1)
    except zlib.error:
        return False
    is_whole = len(plain) == size and unpacking.eof and not unpacking.unused_data
    return is_whole and all(number < _FILTERS for number in plain[:: width + 1])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
