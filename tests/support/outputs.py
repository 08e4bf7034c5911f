"""Every output of the display room with the same words wherever words can stand."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from nbbanana.display import (
    ComparisonView,
    DiffView,
    DryRun,
    LineageNode,
    PairView,
    Picture,
    ProgressDisplay,
    ResultView,
    bundle,
    comparison_bundle,
    diff_bundle,
    dry_run_bundle,
    history_bundle,
    lineage_bundle,
    note_bundle,
)
from nbbanana.display.drift_views import drift_bundle
from nbbanana.display.picture_tables import LikenessView, likeness_bundle
from nbbanana.display.sweep_grid import GridCell, GridFacet, SweepView, sweep_grid_bundle
from nbbanana.display.views import Change
from nbbanana.engine.run import Progress
from nbbanana.models import Model, ModelList, Ranked, Ranking, compare, from_schema, get
from nbbanana.store.records import Edit, OutputRecord

__all__ = ["FIGURES", "everything", "model_saying", "payloads"]

FIGURES: dict[str, Any] = {
    "confidence": 0.98,
    "moved": {
        "corner": {"value": 2.0, "floor": 0.1},
        "shift": [2.0, 0.0],
        "scale": 1.0,
        "stretch": 1.0,
        "rotation": 0.0,
        "lost": 0.0,
        "added": 0.0,
    },
    "outside": {
        "area": 0.7,
        "recoloured": {"value": 0.4, "floor": 0.6},
        "by_tone": 0.3,
        "redrawn": {"value": 0.92, "floor": 0.25},
        "redrawn_area": 0.03,
        "boxes": [[0.1, 0.8, 0.3, 0.9]],
    },
    "inside": {
        "area": 0.3,
        "recoloured": None,
        "by_tone": 0.0,
        "redrawn": {"value": 0.9, "floor": 0.25},
        "redrawn_area": 1.0,
        "boxes": [[0, 0, 1, 0.3]],
    },
    "is_region_given": True,
    "region": [[0, 0, 1, 0.3]],
    "tone": [0, 64, 128, 191, 255],
    "compared_at": [450, 528],
    "frame": {"matrix": [1, 0, 2, 0, 1, 0], "before": [450, 528], "after": [450, 528], "reach": [1.0, 1.0]},
    "places": [
        {"box": [0.1, 0.8, 0.12, 0.82], "redrawn": 0.92, "recoloured": 31.5, "is_inside": False},
        {"box": [0.8, 0.1, 0.82, 0.12], "redrawn": 0.9, "recoloured": 0.2, "is_inside": True},
    ],
    "sentence": "Moved 2.0 px; outside the region: the lower left redrawn.",
}
"""What changed between two pictures, as `Drift.as_json` writes it."""

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==")
"""A picture of one pixel."""
CALL = "__xss(0)"
"""What a payload calls, or `alert`; the number says which payload it was."""


@cache
def payloads() -> tuple[str, ...]:
    """What would like to run in a browser, from `payloads.json`; each calls `__xss` with its own number."""
    families = json.loads(Path(__file__).with_name("payloads.json").read_text("utf-8"))
    written = [words for family in families.values() for words in family]
    return tuple(words.replace(CALL, f"__xss({number})") for number, words in enumerate(written, 1))


def model_saying(words: str, model_id: str = "a/b") -> Model:
    """A model whose title, summary, parameter, values and descriptions are these words."""
    look = {"type": "string", "title": words, "enum": [words], "default": words, "description": words}
    schema = {
        "type": "object",
        "title": words,
        "description": words,
        "properties": {
            "prompt": {"type": "string", "description": words},
            "image_urls": {"type": "array", "items": {"type": "string"}, "format": "image_uris", "description": words},
            "look": {**look, "x-nbbanana": {"cost": words}},
        },
    }
    return from_schema(model_id, schema)


def view_of(words: str) -> ResultView:
    """A result in which everything that is words is these."""
    pictures = tuple(Picture(words, None, 3, 2, words, 9, 7, words) for _ in range(2))
    record = {"edit": 1, "seed_given": True, "digest": words, "inputs": [{"identity": f"sha256:{words}"}] * 2}
    return ResultView(
        prompt=words,
        inputs=pictures,
        pictures=pictures,
        expected=3,
        label=words,
        model=words,
        provider=words,
        edit_id=1,
        origin=f"replayed {words}",
        parameters={words: words, "seed": words, "aspect_ratio": words},
        defaults={words: [words]},
        notes=(words,),
        provenance=record,
    )


def edit_row(edit_id: int, when: float, prompt: str, provider: str, state: Any = "completed", **facts: Any) -> Edit:
    """An edit in a list of edits; `outputs` is how many pictures came."""
    outputs = [OutputRecord(index, "0" * 64, "image/png", 1, 1, 1) for index in range(facts.pop("outputs", 0))]
    made = Edit("m", provider, "", "", {"prompt": prompt}, facts.pop("seed", None), seed_given=True, id=edit_id)
    return replace(made, created_at=when, state=state, outputs=tuple(outputs), **facts)


def _alike(words: str) -> LikenessView:
    """Two pictures that are called by the words."""
    return LikenessView(
        labels=(words, words),
        seeds=(1, None),
        sources=(b"", b""),
        ssim=((1.0, 0.5), (0.5, 1.0)),
        bits=((0, 9), (9, 0)),
        registered=((True, False), (False, True)),
        sentence=words,
        error=0.1,
        notes=(words,),
    )


def everything(words: str) -> Iterator[str]:
    """The HTML of every output of the room, with the words wherever words can stand."""
    view = view_of(words)
    yield bundle(view)[0]["text/html"]
    yield from _on_its_way(view, words)
    row = edit_row(1, 0.0, words, words, words, seed=7, outputs=1, cost=0.5, tags=(words,), note=words)
    yield history_bundle([row], [None], 1, heading=words)["text/html"]
    run = DryRun(words, words, {words: words}, view.pictures, 1, 0.5, is_exact=True, how=words, notes=(words,))
    yield dry_run_bundle(run)["text/html"]
    yield note_bundle(words)["text/html"]
    yield likeness_bundle(_alike(words))["text/html"]
    yield from _of_the_catalogue(words)
    yield from _against_each_other(view, words)
    yield drift_bundle(*view.pictures, Change(words, FIGURES))["text/html"]
    yield from _changed(view, words)
    yield sweep_grid_bundle(sweep_saying(words))["text/html"]
    yield sweep_grid_bundle(replace(sweep_saying(words), columns=()))["text/html"]
    yield sweep_grid_bundle(sweep_saying(words, rows=101))["text/html"]


def _changed(view: ResultView, words: str) -> Iterator[str]:
    """Results of which it is recorded what changed: of one picture, of a few, of many, and of none of them."""
    measured, refused = Change(words, FIGURES), Change(words)
    for count, change in ((1, measured), (2, measured), (5, refused), (2, refused)):
        pictures = [replace(view.pictures[0], change=change)] * count
        some = replace(view.pictures[0], change=measured if count > 2 else refused)
        yield bundle(replace(view, pictures=(*pictures, some) if count > 1 else tuple(pictures)))[0]["text/html"]


def sweep_saying(words: str, rows: int = 1) -> SweepView:
    """A sweep of two columns whose last row and header say these words; more than a hundred rows are strips."""
    last = (words, [GridCell(words, None, words, words, words)] * 2)
    before = [("row", [GridCell("cell", None)] * 2)] * (rows - 1)
    facets, said = [GridFacet(words, [*before, last])], [(words, False), (words, True)]
    return SweepView([words] * 2, words, [words] * 2, facets, [words], said, [words], [(PIXEL, words)])


def _of_the_catalogue(words: str) -> Iterator[str]:
    model = replace(model_saying(words), guidance=f"# {words}\n\n## {words}\n\n- {words}\n- {words}\n")
    entry = Ranked(model, (words,), words, words, words, words)
    ranking = Ranking((entry,), {words: words}, words, words)
    for shown in (model, ModelList([model], words), compare(model, get("nano-banana")), ranking):
        yield shown._repr_mimebundle_()["text/html"]


def _on_its_way(view: ResultView, words: str) -> Iterator[str]:
    display = ProgressDisplay(view)
    for phase in ("queued", "running", "downloading"):
        yield display.bundle(Progress(phase, 1, 2, 1, 1, 3, 4, words))["text/html"]
    yield display.stopped(Progress("failed"), f"{words} x\n{words}")["text/html"]


def _against_each_other(view: ResultView, words: str) -> Iterator[str]:
    changes = (("same", words), ("gone", words), ("new", words))
    values = ((words, words, None), (words, None, [words]))
    pairs = tuple(PairView(one, one, words, Change(words, FIGURES)) for one in view.pictures)
    yield diff_bundle(DiffView(words, words, changes, values, ((words, None),), pairs, view.pictures))["text/html"]
    rows = ((words, (words, words)),)
    yield comparison_bundle(ComparisonView(view.pictures, changes, rows, (words,), pairs[0]))["text/html"]
    child = LineageNode(words, words, None, facts=(words, words), is_current=True)
    yield lineage_bundle([LineageNode(words, words, 1, facts=(words,), children=(child,))], more=words)["text/html"]
