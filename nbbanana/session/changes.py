"""What changed between edits, and what came of what: the data behind `nb.diff` and `history.lineage`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

from nbbanana.display.views import DiffView, LineageNode, PairView
from nbbanana.prompts import parts_of, parts_that_differ
from nbbanana.session.history_values import whole
from nbbanana.session.jobs import outputs_of
from nbbanana.session.library import Library
from nbbanana.session.names import BY_NUMBER, expression, holders
from nbbanana.session.pixel_pairs import NO_FIGURES, PixelPair, Side, paired, side_of
from nbbanana.session.results import EditResult, Output
from nbbanana.store.records import Edit
from nbbanana.text import one_line

__all__ = ["Compared", "Diff", "Lineage", "changed_parameters", "changed_parts", "pair_view", "recorded"]

MOST_NODES = 200
DEEPEST = 60
"""A lineage that grows beyond these is cut, and says so."""


Compared = EditResult | Output | Side
"""What a diff compares: an edit, one of its pictures, or a picture that is no edit's."""


class Diff:
    """
    What is unlike between two edits, or two pictures.

    `words` is the two prompts as one, `parameters` maps a name to its two values (None is not set), `parts` a part of
    the prompts to how it is written in both, where both are made of parts, and `inputs` pairs the names of the pictures
    that differ. Where one of the two is no edit, these are empty.

    `pixels` are the pairs of pictures: the first output with the first, and so on; one picture alone is paired with the
    output of its own index, where there is one, else with the first. What changed between them is measured when it is
    first asked for or shown: `diff.pixels[0].sentence`.

    A diff is true where something is unlike by what is on record: words, parameters, inputs or the bytes of a pair's
    files. Nothing is measured for that.

    Args:
        left: the one before.
        right: the one after.
    """

    def __init__(self, left: Compared, right: Compared) -> None:
        self.left, self.right = left, right
        self.words: tuple[tuple[str, str], ...] = ()
        self.parameters: dict[str, tuple[Any, Any]] = {}
        self.parts: dict[str, tuple[str | None, str | None]] = {}
        self.inputs: tuple[tuple[str | None, str | None], ...] = ()
        old, new = _edit_of(left), _edit_of(right)
        if old is not None and new is not None:
            self._compare(old, new)

    def _compare(self, old: EditResult, new: EditResult) -> None:
        from nbbanana.display import word_diff

        self.words = word_diff(old.prompt, new.prompt)
        self.parameters = changed_parameters(old.record, new.record)
        self.parts = changed_parts(old.record, new.record)
        self.inputs = tuple(
            (a.name if a else None, b.name if b else None)
            for a, b in zip_longest(old.inputs, new.inputs)
            if a is None or b is None or a.identity != b.identity
        )

    @cached_property
    def pixels(self) -> tuple[PixelPair, ...]:
        """The pairs of pictures, which measure themselves when they are asked; empty where one side has none."""
        return paired(self._left_sides, self._right_sides)

    @cached_property
    def _left_sides(self) -> tuple[Side, ...]:
        return _sides_of(self.left)

    @cached_property
    def _right_sides(self) -> tuple[Side, ...]:
        return _sides_of(self.right)

    def __repr__(self) -> str:
        unlike = ", ".join([*self.parts, *self.parameters])
        is_of_edits = _edit_of(self.left) is not None and _edit_of(self.right) is not None
        said = unlike or ("same parameters" if is_of_edits else "pictures")
        return one_line(f"<Diff {self.left.label} → {self.right.label}: {said}>")

    def __bool__(self) -> bool:
        if self.parameters or self.inputs or any(kind != "same" for kind, _ in self.words):
            return True
        return any(not pair.is_same_file for pair in self.pixels)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON; measures what was not measured yet."""
        return {
            "words": [list(pair) for pair in self.words],
            "parameters": self.parameters,
            "inputs": [list(pair) for pair in self.inputs],
            "pixels": [pair.as_json() for pair in self.pixels],
        }

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        from nbbanana.display import diff_bundle

        return diff_bundle(self._view()), {}

    def _view(self) -> DiffView:
        from nbbanana.display import phrases

        # What is to be done for figures is said once, below all pairs.
        views = map(pair_view, self.pixels)
        pairs = [replace(view, sentence="") if view.sentence == NO_FIGURES else view for view in views]
        shown = {side.label for pair in self.pixels for side in (pair.left, pair.right)}
        return DiffView(
            left=self.left.label,
            right=self.right.label,
            words=phrases(self.words),
            parameters=(
                *((f"{name}:", *values) for name, values in self.parts.items()),
                *((name, *values) for name, values in self.parameters.items()),
            ),
            inputs=self.inputs,
            pairs=tuple(pairs),
            others=tuple(side.picture for side in (*self._left_sides, *self._right_sides) if side.label not in shown),
            note=NO_FIGURES if any(pair.sentence == NO_FIGURES for pair in self.pixels) else "",
        )


def recorded(value: Any, numbered: Callable[[Any], EditResult]) -> EditResult | Output:
    """
    Return the edit, or the picture of one, that a user names to be compared.

    Args:
        value: a result, an output, a job that is over, or the number of an edit.
        numbered: gives the edit of a number.

    Raises:
        VariableError: a job that is under way.
        UsageError: no number of an edit.
        NotInStoreError: no such edit.
    """
    if isinstance(value, EditResult | Output):
        return value
    found = outputs_of(value)
    return found if isinstance(found, EditResult) else numbered(whole(value))


def pair_view(pair: PixelPair) -> PairView:
    """Return what to show of two pictures; it measures them."""
    return PairView(pair.left.picture, pair.right.picture, pair.sentence, pair.change)


def _edit_of(side: Compared) -> EditResult | None:
    """Return the edit that something is of."""
    return side if isinstance(side, EditResult) else side.result


def _sides_of(side: Compared) -> tuple[Side, ...]:
    if isinstance(side, Side):
        return (side,)
    return tuple(side_of(output, "") for output in ([side] if isinstance(side, Output) else side))


def changed_parts(left: Edit, right: Edit) -> dict[str, tuple[str | None, str | None]]:
    """Return the parts of two prompts that are unlike, as they are written; none where a prompt has no parts."""
    old, new = parts_of(left.parts), parts_of(right.parts)
    return parts_that_differ(old, new) if old and new else {}


def changed_parameters(left: Edit, right: Edit) -> dict[str, tuple[Any, Any]]:
    """Return what else than words and pictures is unlike between two edits: both values by name, None is not set."""
    old, new = _sent(left), _sent(right)
    return {name: (old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)}


def _sent(edit: Edit) -> dict[str, Any]:
    """Return everything that was sent but the words and the pictures."""
    return {"model": edit.model, "provider": edit.provider, "seed": edit.seed, **edit.options}


class Lineage:
    """
    What an edit came from and what came of it: `roots` are trees of nodes, the oldest edits on top.

    An edit that took outputs of several edits stands under the first of them.
    """

    def __init__(self, library: Library, edit: Edit) -> None:
        self._library = library
        self._current = edit.id
        self._holders = holders()
        self._seen: set[int] = set()
        self._is_cut = False
        self.roots = tuple(self._node(root, None, 0) for root in self._roots(edit))

    def __repr__(self) -> str:
        return f"<Lineage of edit {self._current}: {len(self._seen)} edits>"

    def __iter__(self) -> Iterator[int]:
        """Yield the ids of the edits in it, the oldest first."""
        return iter(sorted(self._seen))

    def _roots(self, edit: Edit) -> list[Edit]:
        """Return the oldest edits that it goes back to."""
        waiting, seen, roots = [edit], {edit.id}, []
        while waiting and len(seen) < MOST_NODES:
            one = waiting.pop()
            if not one.parents:
                roots.append(one)
            fresh = [number for number in one.parents if number not in seen]
            seen.update(fresh)
            waiting += [self._library.store.get(number) for number in fresh]
        return sorted(roots, key=lambda root: root.id)

    def _node(self, edit: Edit, parent: Edit | None, depth: int) -> LineageNode:
        self._seen.add(edit.id)
        children = [number for number in self._library.store.children(edit.id) if number not in self._seen]
        if children and (depth >= DEEPEST or len(self._seen) >= MOST_NODES):
            self._is_cut, children = True, []
        return LineageNode(
            name=self._name(edit.id),
            said=_said(edit, parent),
            edit_id=edit.id,
            source=self._source(edit),
            facts=tuple(self._facts(edit, parent)),
            is_current=edit.id == self._current,
            children=tuple(
                self._node(self._library.store.get(number), edit, depth + 1)
                for number in children
                if number not in self._seen
            ),
        )

    def _name(self, number: int) -> str:
        return expression(self._library, number, nearest=BY_NUMBER, among=self._holders)

    def _facts(self, edit: Edit, parent: Edit | None) -> Iterator[str]:
        if edit.seed is not None and (parent is None or parent.seed != edit.seed):
            yield f"seed {edit.seed}"
        if edit.state != "completed":
            yield edit.state
        others = [number for number in edit.parents if parent is None or number != parent.id]
        if others:
            yield "also from " + ", ".join(map(self._name, others))

    def _source(self, edit: Edit) -> Path | None:
        return self._library.blob(edit.outputs[0].sha256) if edit.outputs else None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        from nbbanana.display import lineage_bundle

        return lineage_bundle(self.roots, "There is more than is shown here." if self._is_cut else ""), {}


def _said(edit: Edit, parent: Edit | None) -> str:
    """Return only what changed: new words, or what else is not as in the edit above."""
    if parent is None or edit.prompt != parent.prompt:
        return edit.prompt
    unlike = changed_parameters(parent, edit)
    return "the same words" + "".join(f", {name} {now}" for name, (_, now) in unlike.items() if name != "seed")
