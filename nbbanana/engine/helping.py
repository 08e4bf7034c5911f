"""Who fetches outputs in the place of an engine: other processes or machines, which get addresses and never a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from nbbanana.engine.output_drift import Measure
from nbbanana.store.records import Edit

if TYPE_CHECKING:
    from nbbanana.providers.downloads import OutputSource

__all__ = ["Fetched", "Helper", "Measures"]

Measures = Mapping[int, Measure | None]
"""What was measured of outputs already, by their index; None where nothing could be."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """
    An output that another process fetched, checked, and put into the store.

    Args:
        sha256: the name of its blob.
        mime: its media type, read from its bytes.
        width: in pixels.
        height: in pixels.
        size: in bytes.
        measures: what was measured of it; empty where it was not measured.
        thumbnail: a small copy of it, as `nbbanana.images.kept_thumbnails` keeps them; empty where none was made.
    """

    sha256: str
    mime: str
    width: int
    height: int
    size: int
    measures: Measures
    thumbnail: bytes = field(default=b"", repr=False)


class Helper(Protocol):
    """Fetches outputs somewhere else. Whatever it does, rows are written by the engine alone."""

    async def fetch(self, edit: Edit, index: int, url: str, source: OutputSource, *, measures: bool) -> Fetched | None:
        """
        Have an output in the store; called in the engine's loop.

        Args:
            edit: the record that it belongs to.
            index: which of its outputs it is.
            url: where the service has it.
            source: where it may be fetched from.
            measures: whether it is to be measured too.

        Returns:
            None where that did not work out for whatever reason: then the engine fetches it itself.
        """
        ...
