"""What a comparison compares: pictures with what is known about them, and what of that is unlike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from nbbanana.display import phrases
from nbbanana.display.words import paid
from nbbanana.errors import UsageError
from nbbanana.session import EditResult, Output
from nbbanana.session.changes import Diff
from nbbanana.session.pixel_pairs import Side, side_of
from nbbanana.session.standing_for import result_behind
from nbbanana.text import one_line
from nbbanana.widgets.payloads import are_alike, when

__all__ = ["made_from", "only_output", "rows", "same", "sides_of", "words"]

LEAST, MOST = 2, 6
UNSET = "default"


def sides_of(sources: Sequence[Any]) -> tuple[Side, ...]:
    """
    The pictures of a comparison: those that are given, or what one of them suggests.

    A result with several outputs alone is its outputs. One output alone is compared with its own main picture.

    Raises:
        UsageError: fewer than two or more than six, or a result of several outputs beside others.
        ImageError: no picture, or a URL.
    """
    sources = [result_behind(source) for source in sources]
    if len(sources) == 1 and isinstance(sources[0], EditResult | Output):
        return _of_one(sources[0])
    if not LEAST <= len(sources) <= MOST:
        raise UsageError(
            f"compare() was given {len(sources)} picture{'' if len(sources) == 1 else 's'}.",
            f"It takes {LEAST} to {MOST}.",
            "For example: nb.compare(neon[0], neon[1]).",
        )
    return tuple(_side(source) for source in sources)


def _of_one(source: EditResult | Output) -> tuple[Side, ...]:
    """What there is to compare where one result or output is given."""
    if isinstance(source, EditResult) and len(source) > 1:
        return tuple(map(_side, source[:MOST]))
    output = only_output(source) if isinstance(source, EditResult) else source
    if not output.result.originals:
        raise UsageError(
            f"{output.label} was made from words alone.",
            "There is no input picture to compare it with.",
            f"Give another picture: nb.compare({output.label}, …).",
        )
    return _side(output.result.originals[0]), _side(output)


def _side(source: Any) -> Side:
    if isinstance(source, EditResult):
        source = only_output(source)
    return side_of(source, "compare()")


def only_output(result: EditResult) -> Output:
    """
    The one output of a result.

    Raises:
        UsageError: it has several, or none.
    """
    if len(result) != 1:
        raise UsageError(
            f"{result.label} has {len(result)} pictures.",
            "This takes one picture.",
            f"Say which: {result.label}[0]." if len(result) else "Choose an edit that has a picture.",
        )
    return result[0]


def words(left: Side, right: Side) -> tuple[tuple[str, str], ...]:
    """
    What the prompts of two pictures say, as pairs of a kind and words.

    Two prompts that are alike are one text of `same`, `gone` and `new`; two that have little in common are `left` and
    `right`, for a mixture of both reads as noise. Where only one picture has a prompt it is `left` or `right`.
    """
    if left.result is None or right.result is None:
        only = left.result or right.result
        return () if only is None else (("left" if left.result else "right", only.prompt),)
    changes = Diff(left.result, right.result).words
    if not are_alike(changes, left.result.prompt, right.result.prompt):
        return ("left", left.result.prompt), ("right", right.result.prompt)
    return phrases(changes)


def made_from(left: Side, right: Side) -> bool:
    """Whether one picture was made from the other."""
    pairs = ((left, right), (right, left))
    return any(b.result is not None and a.identity in {one.identity for one in b.result.inputs} for a, b in pairs)


def rows(sides: Sequence[Side]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """
    What is unlike, apart from the words: names, and a value for each picture.

    >>> from nbbanana.display import Picture
    >>> tiny = [Side(Picture(name, None, side, 512)) for name, side in (("a.png", 512), ("b.png", 640))]
    >>> rows(tiny)
    (('size', ('512×512', '640×512')),)
    """
    found = dict(_parameters(sides)) | dict(_records(sides))
    return tuple((name, values) for name, values in found.items() if len(set(values)) > 1)


def same(sides: Sequence[Side]) -> tuple[str, ...]:
    """What was set and is alike, in words; nothing where one of the pictures is not an edit's."""
    results = [side.result for side in sides if side.result]
    if len(results) < len(sides):
        return ()
    unlike = {name for name, _ in rows(sides)}
    first = results[0]
    known = {"model": first.model, "seed": first.seed, **first.parameters}
    said = [f"{name.replace('_', ' ')} {value}" for name, value in known.items() if name not in {*unlike, "prompt"}]
    if "input" not in unlike and first.inputs:
        said.append("input " + ", ".join(record.name for record in first.inputs))
    return tuple(one_line(words, 80) for words in said if not words.endswith(" None"))


def _parameters(sides: Sequence[Side]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What was sent, where all pictures are edits'."""
    results = [side.result for side in sides if side.result]
    if len(results) < len(sides):
        return
    diffs = [Diff(results[0], other) for other in results[1:]]
    for name in dict.fromkeys(name for diff in diffs for name in diff.parameters):
        base = next(diff.parameters[name][0] for diff in diffs if name in diff.parameters)
        yield name, tuple(map(_value, (base, *(diff.parameters.get(name, (base, base))[1] for diff in diffs))))
    if any(diff.inputs for diff in diffs):
        yield "input", tuple(", ".join(record.name for record in result.inputs) for result in results)


def _records(sides: Sequence[Side]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is on record of each picture: its size, when it was made and what it cost."""
    yield "size", tuple(f"{side.picture.width}×{side.picture.height}" for side in sides)
    if any(side.result for side in sides):
        yield "made", tuple(_made(side.result) for side in sides)
        yield "cost", tuple(_paid(side.result) for side in sides)


def _made(result: EditResult | None) -> str:
    return f"edit {result.id}, {when(result.record.created_at)}" if result else "not an edit"


def _paid(result: EditResult | None) -> str:
    return paid(result.cost, result.provider, is_play=result.record.is_play) if result else "—"


def _value(value: Any) -> str:
    if value is None:
        return UNSET
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 80)
