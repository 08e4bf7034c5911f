"""View models: the plain data that the display renders, without store, engine or session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbbanana.regions import Area
    from nbbanana.request import Advice

__all__ = ["Change", "ComparisonView", "DiffView", "DryRun", "LineageNode", "PairView", "Picture", "ResultView", "Row"]


@dataclass(frozen=True, slots=True)
class Change:
    """
    What was measured between a picture and the one that it was made from.

    Args:
        sentence: what changed, or why nothing can be said.
        figures: those of `nbbanana.measure.Drift.as_json`; none where nothing can be said.
        heat: where it changed, as `nbbanana.measure.Drift.heat_file` writes it.
        area: what was to change, on the picture that it was made from.
    """

    sentence: str
    figures: Mapping[str, Any] = field(default_factory=dict, repr=False)
    heat: bytes | None = field(default=None, repr=False)
    area: Area | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """
    A picture to show.

    Args:
        label: what one types to get it, such as `neon[0]` or `nb.history[12][0]`; for an input, its name.
        source: its bytes, or the file that holds them; None where it cannot be shown (an input that is a URL).
        width, height: of the original, in pixels.
        mime: of the original.
        size: bytes of the original.
        seed: the seed that was sent, where there was one.
        caption: what sets it apart from the pictures beside it, where something does.
        signed: whether the file carries Content Credentials.
        change: what was measured against the picture that it was made from, where that was.
    """

    label: str
    source: bytes | Path | None = field(repr=False)
    width: int | None = None
    height: int | None = None
    mime: str | None = None
    size: int | None = None
    seed: int | None = None
    caption: str = ""
    signed: bool = False
    change: Change | None = None

    @property
    def ratio(self) -> float | None:
        """Width to height; None where they are not known."""
        return self.width / self.height if self.width and self.height else None


@dataclass(frozen=True, slots=True)
class Row:
    """
    Pictures of a grid that belong together, such as those of one edit of several.

    Args:
        title: what sets them apart from the others, such as `seed 3`.
        count: how many of the grid's pictures they are.
    """

    title: str
    count: int


@dataclass(frozen=True, slots=True)
class ResultView:
    """
    A result to show, or the place of one that is on its way.

    Args:
        prompt: the words.
        inputs: the input pictures in their order.
        pictures: the outputs; while a job runs, those that are here.
        rows: how the pictures of several edits belong together, in their order; none where they are one edit's.
        expected: how many outputs were asked for.
        label: what one types to get it, such as `neon` or `nb.history[12]`.
        model, provider: who ran it.
        model_name: what one writes for the model, where it is not the provider's default; of several edits each one's
            once, where they have several.
        is_play: whether its money is play money, so that no model made it; said on every line that names the result.
        edit_id: the row in the store.
        seconds: how long it took, where known.
        cost: US dollars, where known; None is unknown, never free.
        origin: where it came from if it was not made just now, such as `from the store: edit 41, made 11 March`.
        parameters: what the user set, the prompt left out.
        defaults: the parameters left to the model, by name, with what the model says it takes.
        notes: sentences the reader should see: an input that was scaled, fewer outputs than asked.
        provenance: what goes into `application/vnd.nbbanana.v1+json`; holds no secret, URL or path.
        stored: what one types to get it by its number, such as `nb.history[12]`.
    """

    prompt: str
    inputs: tuple[Picture, ...]
    pictures: tuple[Picture, ...]
    expected: int
    label: str
    model: str
    provider: str
    edit_id: int | None = None
    seconds: float | None = None
    cost: float | None = None
    origin: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    stored: str = ""
    rows: tuple[Row, ...] = ()
    is_play: bool = False
    model_name: str = ""


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """
    A few pictures beside each other, and what is unlike about how they were made.

    Args:
        pictures: in their order.
        words: where there are two, their prompts as one: pairs of `same`, `gone` or `new` and the text.
        rows: what differs: its name, and a value for each picture.
        same: what does not differ, in words.
        pair: the first two, and what changed between their pixels; None where nothing is said of that.
    """

    pictures: tuple[Picture, ...]
    words: tuple[tuple[str, str], ...] = ()
    rows: tuple[tuple[str, tuple[str, ...]], ...] = ()
    same: tuple[str, ...] = ()
    pair: PairView | None = None


@dataclass(frozen=True, slots=True)
class DryRun:
    """
    What would be sent, and what it would cost.

    Args:
        model, provider: who would run it.
        request: the JSON body, with words such as those of `describe` where the pictures would stand.
        inputs: the input pictures in their order.
        expected: how many outputs it asks for.
        is_play: whether its money is play money.
        cost: US dollars; None is unknown, never free.
        is_exact: whether `cost` is the whole price.
        most: what it costs at most, where `cost` is not exact; None is unknown.
        how: how the price comes about, such as `4 × $0.07`.
        notes: sentences the reader should see: what the service says of the price, an input that would be scaled.
        elsewhere: sentences about the same request at other services.
        composed: of each prompt that is made of parts, its words and the lines of its parts.
        advice: what the lint says of it.
    """

    model: str
    provider: str
    request: Mapping[str, Any]
    inputs: tuple[Picture, ...] = ()
    expected: int = 1
    cost: float | None = None
    is_exact: bool = False
    most: float | None = None
    how: str = ""
    notes: tuple[str, ...] = ()
    is_play: bool = False
    elsewhere: tuple[str, ...] = ()
    composed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True)
class PairView:
    """
    Two pictures and what changed between them.

    Args:
        left, right: the pictures.
        sentence: what changed, or why that cannot be said; empty where nothing is said of it.
        change: what was measured, where that could be done.
    """

    left: Picture
    right: Picture
    sentence: str = ""
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class DiffView:
    """
    Two edits, or two pictures, side by side.

    Args:
        left, right: what one types to get each.
        words: the two prompts as one: pairs of `same`, `gone` or `new` and the text.
        parameters: name, left and right value of each that differs; None is not set.
        inputs: pairs of names of the inputs that differ; None where one side has none.
        pairs: the pictures of both in pairs, and what changed between them.
        others: pictures that have none to be compared with.
        note: a sentence about the pictures, such as how to get figures.
    """

    left: str
    right: str
    words: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, Any, Any], ...] = ()
    inputs: tuple[tuple[str | None, str | None], ...] = ()
    pairs: tuple[PairView, ...] = ()
    others: tuple[Picture, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class LineageNode:
    """
    An edit among those it came from and those that came of it.

    Args:
        name: what one types to get it, or an input's name.
        said: what changed against the edit above it; the whole prompt at the top.
        edit_id: the row in the store; None for an input picture.
        source: a picture to know it by.
        facts: its seed, a second parent, and the like.
        is_current: whether it is the one that was asked about.
        children: the edits that took one of its outputs.
    """

    name: str
    said: str
    edit_id: int | None = None
    source: bytes | Path | None = field(default=None, repr=False)
    facts: tuple[str, ...] = ()
    is_current: bool = False
    children: tuple[LineageNode, ...] = ()
