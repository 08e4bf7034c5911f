"""What changed between edits and between their pictures, and what came of what: `nb.diff` and `history.lineage`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any

from nbbanana import images
from nbbanana.display import diff_bundle, lineage_bundle, phrases, word_diff
from nbbanana.display.views import Change, DiffView, LineageNode, PairView, Picture
from nbbanana.errors import ImageError, ImageNotFoundError, MeasureError, NBBananaError, translated
from nbbanana.measure import is_installed
from nbbanana.prompts import parts_of, parts_that_differ
from nbbanana.regions import Area
from nbbanana.session.call_args import whole
from nbbanana.session.drift_reports import DriftReport, measured
from nbbanana.session.jobs import outputs_of
from nbbanana.session.library import BY_NUMBER, Library, expression, holders
from nbbanana.session.results import EditResult, Output
from nbbanana.session.view_builders import picture_of
from nbbanana.settings import Guarded
from nbbanana.store.records import Edit
from nbbanana.text import counted, one_line

__all__ = [
    "NO_FIGURES",
    "Compared",
    "Diff",
    "Lineage",
    "PixelPair",
    "Side",
    "changed_parameters",
    "changed_parts",
    "data_of",
    "pair_view",
    "paired",
    "recorded",
    "side_of",
    "values_sent",
]

NO_FIGURES = 'Figures of what changed need NumPy: pip install "nbbanana[measure]".'
SHAPE = 0.02
"""How far the shape of a picture may be off that of the one on which a region was drawn, as a part."""


@dataclass(frozen=True, slots=True)
class Side:
    """
    One picture of a comparison.

    Args:
        picture: its name, bytes or file, and size.
        output: what it is of an edit, where it is an output.
        identity: what its content is known by; empty where that is not known.
    """

    picture: Picture
    output: Output | None = None
    identity: str = ""

    @property
    def label(self) -> str:
        """What it is called."""
        return self.picture.label

    @property
    def result(self) -> EditResult | None:
        """The edit that it came from, where it came from one."""
        return None if self.output is None else self.output.result


def side_of(source: Any, call: str) -> Side:
    """
    Return an output, or whatever else is a picture, as a side.

    Args:
        source: an output, or what `nb.edit` takes but a URL.
        call: what the user called, such as `compare()`, for messages.

    Raises:
        ImageError: no picture, damaged, too large, or a URL.
    """
    if isinstance(source, Output):
        file = source.result.library.blob(source.sha256)  # None where it is lost; the rest can be compared all the same
        picture = Picture(source.label, file, source.width, source.height, caption=source.result.prompt)
        return Side(picture, source, f"sha256:{source.sha256}")
    image = images.load(source)
    if image.content is None:
        raise ImageError(
            f"{image.name} is a URL, and its picture is not here.",
            f"{call} does not download.",
            "Download it and give the file.",
        )
    return Side(picture_of(image), identity=image.identity)


def data_of(side: Side) -> bytes:
    """
    Return the bytes of a picture as they are; its file is read now.

    Raises:
        ImageNotFoundError: the file is not there any more.
    """
    source = side.picture.source
    if isinstance(source, bytes):
        return source
    lost = ImageNotFoundError(
        f"{side.label} cannot be read.", "Its file is not there any more.", "nb.history.verify() says what is missing."
    )
    if source is None:
        raise lost
    with translated(OSError, lambda _: lost):
        return source.read_bytes()


class PixelPair(Guarded):
    """
    Two pictures and what changed between them. Nothing is measured before it is asked for, and then once.

    `sentence` says it in words, whatever came of it: what changed, that both are the same file, or why nothing can be
    said. `drift` holds the figures.

    Args:
        left: the picture before.
        right: the picture after.
    """

    def __init__(self, left: Side, right: Side) -> None:
        self.left = left
        self.right = right
        super().__init__()

    def __repr__(self) -> str:
        return one_line(f"<PixelPair {self.left.label} → {self.right.label}>")

    @property
    def is_same_file(self) -> bool:
        """Whether both are the same bytes, or pictures in memory with the same pixels; needs no measuring."""
        return bool(self.left.identity) and self.left.identity == self.right.identity

    @property
    def region(self) -> Area | None:
        """
        The part that was meant to change, where both agree on it; else it is estimated.

        It is that of both edits where they have the same one, or that of one edit where the other picture is the one
        on which it was drawn.
        """
        left, right = self.left.result, self.right.result
        own = (left.region if left else None, right.region if right else None)
        if left and right and own[0] and own[1]:
            is_same = own[0].shapes == own[1].shapes and own[0].input == own[1].input == 0
            return own[0] if is_same and _has_shape_of(self.left.picture, own[0]) else None
        for edit, area, other in ((right, own[1], self.left), (left, own[0], self.right)):
            if edit and area and edit.inputs[area.input].identity == other.identity:
                return area if _has_shape_of(self.left.picture, area) else None
        return None

    @property
    def drift(self) -> DriftReport | None:
        """The figures, as `nb.drift` gives them; None for the same file, and where they could not be measured."""
        return None if isinstance(self._measured, NBBananaError) else self._measured

    @property
    def change(self) -> Change | None:
        """What is shown of it; None for the same file, and where it could not be measured."""
        return self.drift.change if self.drift else None

    @property
    def refusal(self) -> NBBananaError | None:
        """Why there are no figures; None where there are, and for the same file."""
        return self._measured if isinstance(self._measured, NBBananaError) else None

    @property
    def sentence(self) -> str:
        """What changed, or why that cannot be said."""
        if self.is_same_file:
            return "The same file." if self.left.identity.startswith("sha256:") else "The same pixels."
        if self.drift is not None:
            return self.drift.sentence
        if not is_installed():
            return NO_FIGURES
        refusal = self.refusal
        return "" if refusal is None else " ".join(filter(None, (refusal.what, refusal.why)))

    def as_json(self) -> dict[str, Any]:
        """Return names, sentence and figures as JSON."""
        refusal = self.refusal
        return {
            "left": self.left.label,
            "right": self.right.label,
            "same_file": self.is_same_file,
            "sentence": self.sentence,
            "reason": refusal.reason if isinstance(refusal, MeasureError) else None,
            "drift": self.drift.as_json() if self.drift else None,
        }

    @property
    def is_measured(self) -> bool:
        """Whether what is asked for is there without measuring."""
        return "_found" in self.__dict__ or self.is_same_file

    @property
    def _measured(self) -> DriftReport | NBBananaError | None:
        with self._guard:  # a form measures in the background, and its still may be asked for meanwhile
            return self._found

    @cached_property
    def _found(self) -> DriftReport | NBBananaError | None:
        if self.is_same_file:
            return None
        try:
            before, after = (images.load(data_of(side), name=side.label) for side in (self.left, self.right))
            return measured(before, after, self.region)
        except NBBananaError as error:
            return error


def _has_shape_of(picture: Picture, area: Area) -> bool:
    """Return whether places of a region are the same places of a picture: both have the same width by height."""
    ratio = picture.ratio
    drawn = area.size[0] / area.size[1]
    # An area that was given in parts alone was drawn on no picture: it says so with a size of one pixel.
    return area.size == (1, 1) or (ratio is not None and abs(ratio / drawn - 1) <= SHAPE)


def paired(left: Sequence[Side], right: Sequence[Side]) -> tuple[PixelPair, ...]:
    """
    Return the pairs of two lists of pictures: the first with the first, and so on.

    One picture alone against several is paired with the one of its own index, where there is one, else with the first.
    """
    if len(left) == 1 < len(right):
        right = [right[_index(left[0], right)]]
    elif len(right) == 1 < len(left):
        left = [left[_index(right[0], left)]]
    return tuple(map(PixelPair, left, right))


def _index(one: Side, several: Sequence[Side]) -> int:
    wanted = 0 if one.output is None else one.output.index
    return next((at for at, side in enumerate(several) if side.output and side.output.index == wanted), 0)


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
        if old is None or new is None:
            return
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
        return paired(*self._sides)

    @cached_property
    def _sides(self) -> tuple[tuple[Side, ...], tuple[Side, ...]]:
        return _sides_of(self.left), _sides_of(self.right)

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
        # What is to be done for figures is said once, below all pairs.
        views = map(pair_view, self.pixels)
        pairs = [replace(view, sentence="") if view.sentence == NO_FIGURES else view for view in views]
        named = {side.label for pair in self.pixels for side in (pair.left, pair.right)}
        shown = DiffView(
            left=self.left.label,
            right=self.right.label,
            words=phrases(self.words),
            parameters=(
                *((f"{name}:", *values) for name, values in self.parts.items()),
                *((name, *values) for name, values in self.parameters.items()),
            ),
            inputs=self.inputs,
            pairs=tuple(pairs),
            others=tuple(side.picture for sides in self._sides for side in sides if side.label not in named),
            note=NO_FIGURES if any(pair.sentence == NO_FIGURES for pair in self.pixels) else "",
        )
        return diff_bundle(shown), {}


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
    old, new = values_sent(left), values_sent(right)
    return {name: (old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)}


def values_sent(edit: Edit) -> dict[str, Any]:
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
        return f"<Lineage of edit {self._current}: {counted(len(self._seen), 'edit')}>"

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
            source=self._library.blob(edit.outputs[0].sha256) if edit.outputs else None,
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

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return lineage_bundle(self.roots, "There is more than is shown here." if self._is_cut else ""), {}


def _said(edit: Edit, parent: Edit | None) -> str:
    """Return only what changed: new words, or what else is not as in the edit above."""
    if parent is None or edit.prompt != parent.prompt:
        return edit.prompt
    unlike = changed_parameters(parent, edit)
    return "the same words" + "".join(f", {name} {now}" for name, (_, now) in unlike.items() if name != "seed")
