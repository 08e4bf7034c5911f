"""Pictures as samples: of which request and seed each is, for measuring how alike they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbbanana.store.records import Edit

__all__ = ["Sample", "Sampled"]


@dataclass(frozen=True, slots=True)
class Sample:
    """
    A picture, and what asked for it.

    Args:
        label: what one types to get it, such as `neon[0]`; of a picture that no edit made, its name.
        source: its bytes, or the file that holds them.
        edit: the record of what made it; None where that is not known.
        index: its place in that edit's result, from 0.
        sha256: SHA-256 of its bytes; empty where that is not known.
    """

    label: str
    source: bytes | Path = field(repr=False)
    edit: Edit | None = field(default=None, repr=False)
    index: int = 0
    sha256: str = field(default="", repr=False)

    @property
    def seed(self) -> int | None:
        """The seed that was sent; None where there was none, or where it is not known."""
        return None if self.edit is None else self.edit.seed


class Sampled(ABC):
    """A value that holds pictures of requests: a base of `Output`, `EditResult`, and several of those."""

    @abstractmethod
    def __nbbanana_samples__(self) -> Sequence[Sample]:
        """Return its pictures in their order."""
