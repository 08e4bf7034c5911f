"""What changed between edits, and what came of what: the data behind `history.diff` and `history.lineage`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from nbbanana.display.views import DiffView, LineageNode
from nbbanana.prompts import parts_of, parts_that_differ
from nbbanana.session.library import Library
from nbbanana.session.names import BY_NUMBER, expression, holders
from nbbanana.session.results import EditResult
from nbbanana.store.records import Edit
from nbbanana.text import one_line

__all__ = ["Diff", "Lineage", "changed_parameters", "changed_parts"]

MOST_NODES = 200
DEEPEST = 60
"""A lineage that grows beyond these is cut, and says so."""


class Diff:
    """
    What is unlike between two edits.

    `words` is the two prompts as one, `parameters` maps a name to its two values (None is not set), `parts` a part of
    the prompts to how it is written in both, where both are made of parts, and `inputs` pairs the names of the pictures
    that differ.
    """

    def __init__(self, left: EditResult, right: EditResult) -> None:
        from nbbanana.display import word_diff

        self.left, self.right = left, right
        self.words = word_diff(left.prompt, right.prompt)
        self.parameters = changed_parameters(left.record, right.record)
        self.parts = changed_parts(left.record, right.record)
        self.inputs = tuple(
            (a.name if a else None, b.name if b else None)
            for a, b in zip_longest(left.inputs, right.inputs)
            if a is None or b is None or a.identity != b.identity
        )

    def __repr__(self) -> str:
        return one_line(
            f"<Diff {self.left.label} → {self.right.label}: "
            f"{', '.join([*self.parts, *self.parameters]) or 'same parameters'}>"
        )

    def __bool__(self) -> bool:
        return bool(self.parameters or self.inputs) or any(kind != "same" for kind, _ in self.words)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        from nbbanana.display import diff_bundle

        left, right = self.left.view(), self.right.view()
        view = DiffView(
            left=self.left.label,
            right=self.right.label,
            words=self.words,
            parameters=(
                *((f"{name}:", *values) for name, values in self.parts.items()),
                *((name, *values) for name, values in self.parameters.items()),
            ),
            inputs=self.inputs,
            left_pictures=left.pictures,
            right_pictures=right.pictures,
        )
        return diff_bundle(view), {}


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
