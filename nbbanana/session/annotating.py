"""What a person says of a result: stars, rejections, tags and a note."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Self

from nbbanana.session.call_args import texts
from nbbanana.session.library import Library
from nbbanana.store.records import Edit, Rating

__all__ = ["Annotated"]


class Annotated(ABC):
    """A result that can be annotated: the base of `EditResult`."""

    library: Library

    @property
    @abstractmethod
    def id(self) -> int:
        """The store's id of the edit."""

    @abstractmethod
    def known(self, edit: Edit) -> Self:
        """Return the same with what was said of its edit since."""

    def annotate(
        self,
        *,
        tags: Iterable[str] | str | None = None,
        note: str | None = None,
        starred: bool | None = None,
        rejected: bool | None = None,
        add_tags: Iterable[str] | str = (),
        remove_tags: Iterable[str] | str = (),
    ) -> Self:
        """
        Say what you think of it; None leaves as it is.

        Args:
            tags: its tags from now on, in place of those it has; one text is one tag.
            note: a sentence about it; an empty one takes it away.
            starred: a mark for the edit as a whole.
            rejected: likewise.
            add_tags: tags to add.
            remove_tags: tags to take away.

        Returns:
            The result with what was said.
        """
        added, removed = texts(add_tags), texts(remove_tags)
        if tags is not None:
            added = [*added, *texts(tags)]
            removed = [*removed, *(tag for tag in self.library.store.get(self.id).tags if tag not in added)]
        edit = self.library.store.annotate(
            self.id, starred=starred, rejected=rejected, note=note, add_tags=added, remove_tags=removed
        )
        return self.known(edit)

    def star(self) -> Self:
        """Star it."""
        return self.annotate(starred=True)

    def unstar(self) -> Self:
        """Take its star away, and those of its outputs."""
        return self.annotate(starred=False)

    def reject(self) -> Self:
        """Reject it: a rating, it stays in the store."""
        return self.annotate(rejected=True)

    def unreject(self) -> Self:
        """Take that mark away."""
        return self.annotate(rejected=False)

    def rated(self, position: int, rating: Rating | None) -> Self:
        """Rate one output: `starred`, `rejected`, or None for neither."""
        return self.known(self.library.store.rate(self.id, position, rating))
