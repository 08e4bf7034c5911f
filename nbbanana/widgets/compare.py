"""Pictures seen large: two to six compared, and what differs; one at a time, before and after its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, permutations
from typing import Any, ClassVar

from nbbanana.display import ComparisonView, bundle, comparison_bundle, note_bundle, phrases, word_diff
from nbbanana.display.drift_views import Value, figure_table
from nbbanana.display.thumbs import data_uri, legend
from nbbanana.display.views import paid
from nbbanana.errors import UsageError
from nbbanana.session import EditResult, Output
from nbbanana.session.changes import PixelPair, Side, data_of, pair_view, side_of, values_sent
from nbbanana.session.picture_calls import result_behind
from nbbanana.text import counted, one_line, written
from nbbanana.widgets.base import Answers, Form, Message, Row, error_lines, ui_thread
from nbbanana.widgets.pictures import (
    VIEW_SIDE,
    Thumbnails,
    answer,
    asked_for,
    blob_source,
    heat_over,
    seen,
    view_row,
    whole,
)
from nbbanana.widgets.rows import TILE_SIDE, are_alike, when

__all__ = ["Compare", "Viewer", "compare", "made_from", "only_output", "rows", "same", "sides_of", "view", "words"]

LEAST, MOST = 2, 6
UNSET = "default"


class Compare(Form, title="Compare", script="compare/main.js", styles=("compare.css", "viewer.css")):
    """
    Two to six pictures compared: `nb.compare(a, b)` opens it.

    >>> import nbbanana as nb
    >>> shown = nb.compare(nb.samples.still_life((64, 48)), nb.samples.still_life((96, 72)))
    >>> shown
    <Compare image 64×48 RGB, image 96×72 RGB>
    >>> shown.close()
    """

    def __init__(self, sides: Sequence[Side]) -> None:
        super().__init__()
        self.sides = tuple(sides)
        self._pairs: dict[tuple[int, int], PixelPair] = {}

    def __repr__(self) -> str:
        return one_line(f"<Compare {', '.join(side.picture.label for side in self.sides)}>")

    def still(self) -> tuple[str, str]:
        """The pictures small, after what differs; the pixels of the first two are measured unless this may not wait."""
        between = words(*self.sides) if len(self.sides) == 2 else ()
        if any(kind in {"left", "right"} for kind, _ in between):
            between = ()  # the pictures' own captions say them
        pictures = tuple(side.picture for side in self.sides)
        first = self._pair(0, 1)
        pair = None if ui_thread.is_ui_thread() and not first.is_measured else pair_view(first)
        found = comparison_bundle(ComparisonView(pictures, between, rows(self.sides), same(self.sides), pair))
        return found["text/html"], found["text/plain"]

    def _pair(self, left: int, right: int) -> PixelPair:
        """Return two of the pictures, whose pixels are measured once however often they are asked for."""
        found = self._pairs.get((left, right))
        if found is None or (found.left, found.right) != (self.sides[left], self.sides[right]):
            found = self._pairs[left, right] = PixelPair(self.sides[left], self.sides[right])
        return found

    def _measure(self, message: Message) -> None:
        """Send what changed between the pixels of two pictures; measured in a background thread, returns at once."""
        left, right = int(message["left"]), int(message["right"])
        pair = self._pair(left, right)

        def work() -> None:
            try:
                said = _figures(pair)
                heat = heat_over(pair.right.picture.source, pair.change) if pair.change else None
            except Exception as error:  # noqa: BLE001 - said in the place of the figures
                said, heat = {"sentence": " ".join(error_lines(error))}, None
            buffers = [heat] if heat else []
            ui_thread.post(self.emit, "measured", left=left, right=right, is_hot=bool(buffers), **said, buffers=buffers)

        ui_thread.background(work)

    def _hello(self, _: Message) -> None:
        """Tell a front end that is new all there is; a picture with all its pixels only where it asks for it."""
        pairs = {f"{a}-{b}": (self.sides[a], self.sides[b]) for a, b in permutations(range(len(self.sides)), 2)}
        self.emit(
            "sides",
            sides=[_row(side) for side in self.sides],
            rows=[[name, values] for name, values in rows(self.sides)],
            same=same(self.sides),
            words={name: words(*pair) for name, pair in pairs.items()},
            made=[name for name, pair in pairs.items() if made_from(*pair)],
        )
        for number in range(len(self.sides)):
            self._send_picture(number, seen)

    def _send_picture(self, number: int, made: Callable[[bytes], bytes]) -> None:
        """Send a picture as `seen` or `whole` makes it of its bytes; returns at once."""
        side = self.sides[number]
        self.emit_made("picture", lambda: made(data_of(side)), number=number, full=made is whole)

    def _send_whole(self, message: Message) -> None:
        self._send_picture(int(message["side"]), whole)

    def _answer(self, message: Message) -> None:
        answer(self, [side.output for side in self.sides if side.output], message)

    answers: ClassVar[Answers] = {
        "hello": _hello,
        "measure": _measure,
        "full": _send_whole,
        "view": _answer,
        "save": _answer,
    }


def _row(side: Side) -> Row:
    picture = side.picture
    width, height = picture.width or 1, picture.height or 1
    return {
        "label": picture.label,
        "caption": picture.caption or picture.label,
        "width": width,
        "height": height,
        "sent": min(1.0, VIEW_SIDE / max(width, height)),
        "output": None if side.output is None else {"edit": side.output.edit_id, "index": side.output.index},
    }


def compare(*pictures: Any) -> Compare:
    """
    Compare pictures: slider, side by side, flicker and difference, zoomed and moved together.

    Args:
        *pictures: two to six: outputs, results with one output, or whatever `nb.edit` takes but URLs. One output
            alone is compared with its input, a result alone shows its outputs. What differs stands below them.

    Raises:
        UsageError: fewer than two or more than six, or a result of several outputs.
        ImageError: not a picture, damaged, too large, or a URL.
    """
    return Compare(sides_of(pictures))


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
    return side_of(only_output(source) if isinstance(source, EditResult) else source, "compare()")


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
    changes = word_diff(left.result.prompt, right.result.prompt)
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
    edits = [side.result.record for side in sides if side.result]
    if len(edits) == len(sides):
        sent = [values_sent(edit) for edit in edits]
        for name in dict.fromkeys(chain.from_iterable(sent)):
            yield name, tuple(UNSET if values.get(name) is None else written(values[name], 80) for values in sent)
        yield "input", tuple(", ".join(record.name for record in edit.inputs) for edit in edits)


def _records(sides: Sequence[Side]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is on record of each picture: its size, when it was made and what it cost."""
    yield "size", tuple(f"{side.picture.width}×{side.picture.height}" for side in sides)
    edits = [side.result and side.result.record for side in sides]
    if any(edits):
        yield "made", tuple(f"edit {one.id}, {when(one.created_at)}" if one else "not an edit" for one in edits)
        yield "cost", tuple(paid(one.cost, one.provider, is_play=one.is_play) if one else "—" for one in edits)


def _figures(pair: PixelPair) -> Row:
    """Return the sentence and the figures of a pair; measures it, so never in the UI thread."""
    if pair.change is None:
        return {"sentence": pair.sentence}
    table = figure_table(pair.change.figures)
    return {
        "sentence": pair.sentence,
        "heads": list(table.heads),
        "rows": [{"name": name, "values": [one and _figure(one) for one in values]} for name, values in table.rows],
        "scale": data_uri(legend(), "image/png"),
    }


def _figure(value: Value) -> Row:
    return {
        "said": value.said,
        "noise": ", ".join(filter(None, (value.floor, value.more))),
        "is_above": value.is_above,
    }


# ── one picture large ───────────────────────────────────────────────────────────────────────────────────


MOST_SAVED = 6
"""So many results are saved with the notebook."""


class Viewer(Form, title="Viewer", script="viewer/main.js", styles=("viewer.css",)):
    """
    Pictures seen large, one at a time: `nb.view(result)` opens it.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")) as session:
    ...     shown = nb.view(session.edit("Make it snow.", nb.samples.still_life(), seed=7))
    >>> shown
    <Viewer nbbanana.history[1][0]>
    >>> shown.close()
    """

    def __init__(self, outputs: Iterable[Output]) -> None:
        super().__init__()
        self.outputs = tuple(outputs)
        self.thumbnails = Thumbnails(self.emit)
        self.comparison = Compare(())  # made here, in the thread of the cell

    def __repr__(self) -> str:
        return f"<Viewer {', '.join(output.label for output in self.outputs)}>"

    def still(self) -> tuple[str, str]:
        """The results that its pictures belong to; of many the first few, for each of their pictures is decoded."""
        results = list({output.edit_id: output.result for output in self.outputs}.values())
        found = [bundle(result.view())[0] for result in results[:MOST_SAVED]]
        if len(results) > MOST_SAVED:
            more = counted(len(results) - MOST_SAVED, "more result")
            found.append(note_bundle(f"Not shown here: {more}."))
        return "".join(one["text/html"] for one in found), "\n\n".join(one["text/plain"] for one in found)

    def _hello(self, _: Message) -> None:
        self.thumbnails.forget()
        self.emit("pictures", pictures=[view_row(one) | {"key": self._key(one)} for one in self.outputs])

    def _key(self, output: Output) -> str | None:
        return self.thumbnails.want(blob_source(output.sha256, output.result.library.store, TILE_SIDE))

    def _compare(self, message: Message) -> None:
        self.comparison.sides = sides_of([asked_for(self.outputs, message)])
        self.emit("compare", model=self.comparison.model_id)

    def _answer(self, message: Message) -> None:
        answer(self, self.outputs, message)

    answers: ClassVar[Answers] = {"hello": _hello, "compare": _compare, "view": _answer, "save": _answer}

    def on_close(self) -> None:
        """End the comparison with it."""
        self.comparison.close()


def view(*pictures: Any) -> Viewer:
    """
    See pictures large: whole or with their true pixels, next to their words, and their input while Space is held.

    Args:
        *pictures: outputs, results, or several results, such as `result.vary(…)` gives.

    Raises:
        UsageError: something else, or nothing that has a picture.
    """
    outputs = list(_outputs(pictures))
    if not outputs:
        raise UsageError("There is no picture to view.", "view() shows outputs of edits.", "Try: nb.view(result).")
    return Viewer(outputs)


def _outputs(sources: Iterable[Any]) -> Iterable[Output]:
    for source in sources:
        if isinstance(source, Output):
            yield source
        elif isinstance(source, Sequence) and not isinstance(source, str | bytes):
            yield from _outputs(source)
        else:
            raise UsageError(
                f"view() was given a value of type {type(source).__name__}.",
                "It shows outputs of edits.",
                "Try: nb.view(result), or nb.view(result[0]).",
            )
