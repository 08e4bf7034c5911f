"""From records and runs to what the display room shows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from nbbanana._version import __version__
from nbbanana.display import history_bundle
from nbbanana.display.differences import around
from nbbanana.display.paper import SheetPicture
from nbbanana.display.views import Change, Picture, ResultView, Row, edits
from nbbanana.engine.run import Outcome, Run
from nbbanana.images import ImageInput
from nbbanana.models import Model
from nbbanana.models.catalogue import short_name
from nbbanana.regions import Area
from nbbanana.request import quiet_line
from nbbanana.session.library import BY_NUMBER, Library, expression, holders
from nbbanana.session.model_choice import other_model
from nbbanana.store.drifts import FIGURES, OutputDrift
from nbbanana.store.embedding import has_content_credentials
from nbbanana.store.records import Edit, InputRecord, OutputRecord
from nbbanana.text import one_line, written

__all__ = [
    "Axes",
    "axes",
    "changes_of",
    "history_view",
    "picture_of",
    "provenance",
    "result_view",
    "run_view",
    "set_view",
    "sheet_pictures",
]

DEEP = 4
"""From so many passes on a caption says how many there were: each pass redraws the whole picture."""
NOTHING = "—"
"""What stands for words that one prompt has and another has not."""
MOST_WORDS = 120
"""Characters of a prompt in a header."""


@dataclass(frozen=True, slots=True)
class Axes:
    """
    What edits share, and what each has for itself.

    Args:
        prompt: the words that all have, with `…` where they differ; empty where they share next to nothing.
        parameters: the parameters that all have, but the prompt.
        titles: for each edit what it has for itself, but the seed: `aspect_ratio 1:1`, or the words that differ.
        seeds: for each edit its seed as a title, where not all have the same.
    """

    prompt: str
    parameters: Mapping[str, Any]
    titles: tuple[str, ...]
    seeds: tuple[str, ...]

    @property
    def full_titles(self) -> tuple[str, ...]:
        """For each edit all that it has for itself."""
        return tuple(" · ".join(filter(None, pair)) for pair in zip(self.titles, self.seeds, strict=True))

    @property
    def is_crossed(self) -> bool:
        """Whether edits with one title follow each other with several seeds: rows of titles, columns of seeds."""
        titles = list(dict.fromkeys(self.titles))
        in_order = [title for title, _ in groupby(self.titles)]
        return any(self.seeds) and 1 < len(titles) < len(self.titles) and titles == in_order


def axes(edits: Sequence[Edit]) -> Axes:
    """Compare edits by their prompts, pictures, models and parameters."""
    prompt, words = _words([edit.prompt for edit in edits])
    known = [_facts(edit) for edit in edits]
    names = dict.fromkeys(name for facts in known for name in facts)
    unlike = [name for name in names if len({written(facts.get(name)) for facts in known}) > 1]
    titles = [
        " · ".join(filter(None, [said, *(_title(name, facts.get(name)) for name in unlike)]))
        for said, facts in zip(words, known, strict=True)
    ]
    have_one_seed = len({edit.seed for edit in edits}) == 1
    return Axes(
        prompt=prompt,
        parameters={name: value for name, value in edits[0].options.items() if name not in unlike and name != "seed"},
        titles=tuple(titles),
        seeds=tuple("" if have_one_seed or edit.seed is None else f"seed {edit.seed}" for edit in edits),
    )


def _facts(edit: Edit) -> dict[str, Any]:
    """Return what an edit was asked with, but its words and its seed."""
    parameters = {name: value for name, value in edit.options.items() if name != "seed"}
    inputs = ", ".join(record.name for record in edit.inputs)
    return {"input": inputs, "model": edit.model, "provider": edit.provider, **parameters}


def _title(name: str, value: Any) -> str:
    if name == "input":
        return one_line(value or "no input", 80)
    if name == "model":
        return one_line(short_name(value), 80)
    return f"{one_line(name)} {'default' if value is None else written(value, 60)}"


def _words(prompts: Sequence[str]) -> tuple[str, list[str]]:
    """Return what the prompts share, and for each what it has for itself; nothing where all are equal."""
    if len(set(prompts)) == 1:
        return prompts[0], [""] * len(prompts)
    before, parts, after = around(prompts)
    shared = len(before.strip()) + len(after.strip())
    if shared < max(map(len, parts)) / 2:
        return "", [one_line(prompt, MOST_WORDS) for prompt in prompts]
    return f"{before}…{after}", [one_line(part.strip(), MOST_WORDS) or NOTHING for part in parts]


def result_view(outcome: Outcome, library: Library, label: str, stored: str) -> ResultView:
    """Return a result as it is shown under a label; `stored` gives it by its number."""
    edit = outcome.edit
    model = library.model(edit)
    changes = changes_of(edit, library)
    return ResultView(
        prompt=edit.prompt,
        inputs=tuple(
            Picture(record.name, library.blob(record.sha256), record.width, record.height) for record in edit.inputs
        ),
        pictures=tuple(
            _picture(output, edit, library, f"{label}[{output.index}]", changes.get(output.index))
            for output in edit.outputs
        ),
        expected=model.count(edit.parameters),
        label=label,
        stored=stored,
        model=edit.model,
        provider=edit.provider,
        model_name=other_model(edit.model, edit.provider),
        is_play=edit.is_play,
        edit_id=edit.id,
        seconds=edit.duration,
        cost=edit.cost,
        origin=_origins([(outcome.origin, edit)]),
        parameters=edit.options,
        defaults=_defaults(model, edit.parameters),
        notes=(*(outcome.notes or _kept(edit)), *_about(edit.region, edit.inputs), *_depth(edit, library)),
        provenance=provenance(edit),
    )


def set_view(
    results: Sequence[tuple[ResultView, str, Edit]], name: str | None = None, notes: Sequence[str] = ()
) -> ResultView:
    """
    Return one view of several results: what they share is said once, what sets each apart stands at its row.

    Edits of one picture each have it at the picture instead, unless several of one title follow each other.

    Args:
        results: for each its view, its origin and its record.
        name: the variable that holds all of them.
        notes: sentences about all of them.
    """
    views, records = [view for view, _, _ in results], [edit for _, _, edit in results]
    costs = [view.cost for view, origin, _ in results if origin == "made"] or [view.cost for view in views]
    found = axes(records)
    pictures, rows = _in_rows(views, found)
    return replace(
        views[0],
        prompt=found.prompt,
        inputs=views[0].inputs if len({tuple(one.identity for one in edit.inputs) for edit in records}) == 1 else (),
        label=name or f"{len(views)} edits",
        model_name=_models_of(records),
        origin=_origins([(origin, edit) for _, origin, edit in results]),
        pictures=pictures,
        rows=rows,
        expected=sum(view.expected for view in views),
        seconds=None,
        cost=None if any(cost is None for cost in costs) else sum(cost for cost in costs if cost is not None),
        parameters=found.parameters,
        notes=(*notes, *dict.fromkeys(note for view in views for note in view.notes)),
        provenance={"edits": [dict(view.provenance) for view in views]},
    )


def _models_of(edits: Sequence[Edit]) -> str:
    """Return what one writes for the models of several edits: each once; of one model, only where it is no default."""
    names = list(dict.fromkeys(short_name(edit.model) for edit in edits))
    return ", ".join(names) if len(names) > 1 else other_model(edits[0].model, edits[0].provider)


def _in_rows(views: Sequence[ResultView], found: Axes) -> tuple[tuple[Picture, ...], tuple[Row, ...]]:
    """Return all pictures, captioned where they are the only one of their edit, and the rows that they stand in."""
    if any(len(view.pictures) > 1 for view in views):
        rows = tuple((title, len(view.pictures)) for title, view in zip(found.full_titles, views, strict=True))
        return tuple(picture for view in views for picture in view.pictures), rows
    captions = found.seeds if found.is_crossed else found.full_titles
    pictures = tuple(
        replace(picture, caption=caption)
        for caption, view in zip(captions, views, strict=True)
        for picture in view.pictures
    )
    if not found.is_crossed:
        return pictures, ()
    counts = Counter(title for title, view in zip(found.titles, views, strict=True) for _ in view.pictures)
    return pictures, tuple(counts.items())


def run_view(run: Run, library: Library, name: str | None) -> ResultView:
    """Return the place of a result that is under way."""
    request, edit = run.request, run.edit
    label = name or (expression(library, edit.id, nearest=BY_NUMBER) if edit else "_")
    return ResultView(
        prompt=request.prompt,
        inputs=tuple(map(picture_of, request.images)),
        pictures=tuple(
            Picture(f"{label}[{o.index}]", library.blob(o.sha256), o.width, o.height, o.mime, o.size, request.seed)
            for o in sorted(run.arrived, key=lambda record: record.index)
        ),
        expected=run.model.count(request.parameters),
        label=label,
        model=request.model,
        provider=run.provider,
        model_name=other_model(request.model, run.provider),
        is_play=run.is_play,
        edit_id=edit.id if edit else None,
        parameters={key: value for key, value in request.parameters.items() if key != request.prompt_field},
        defaults=_defaults(run.model, request.parameters),
        notes=(*filter(None, [quiet_line(request.advice)]), *_about(request.region, request.images)),
    )


def picture_of(image: ImageInput) -> Picture:
    """Return a loaded picture as it is shown."""
    return Picture(image.name, image.content, image.width, image.height)


def history_view(edits: Sequence[Edit], library: Library, total: int, heading: str = "") -> dict[str, str]:
    """Return a page of edits as a MIME bundle: an overview, whose pictures are found by their ids."""
    sources = [library.blob(edit.outputs[0].sha256) if edit.outputs else None for edit in edits]
    known = holders()
    names = [expression(library, edit.id, nearest=BY_NUMBER, among=known) for edit in edits]
    return history_bundle(edits, sources, total, names=names, heading=heading)


def sheet_pictures(edit: Edit, library: Library) -> list[SheetPicture]:
    """Return the pictures of an edit for a contact sheet, named by its number."""
    return [
        SheetPicture(
            source=library.blob(output.sha256),
            ratio=output.width / output.height if output.width and output.height else 1.0,
            name=f"{edit.id}[{output.index}]" if len(edit.outputs) > 1 else str(edit.id),
            facts=f"seed {edit.seed}" if edit.seed is not None else "",
            prompt=edit.prompt,
        )
        for output in edit.outputs
    ]


def provenance(edit: Edit) -> dict[str, Any]:
    """Return what a notebook may keep of a record: no secret, no address, no path."""
    return {
        "nbbanana": __version__,
        "edit": edit.id,
        "uid": edit.uid,
        "model": edit.model,
        "provider": edit.provider,
        "ask": edit.ask,
        "digest": edit.digest,
        "parameters": dict(edit.parameters),
        "seed": edit.seed,
        "seed_given": edit.seed_given,
        "inputs": [
            {name: getattr(record, name) for name in ("name", "identity", "width", "height")} for record in edit.inputs
        ],
        **({"region": edit.region.as_json()} if edit.region else {}),
        "outputs": [
            {"sha256": o.sha256, "mime": o.mime, "width": o.width, "height": o.height, "size": o.size}
            for o in edit.outputs
        ],
        **({"drifts": [_drift_provenance(drift) for drift in edit.drifts]} if edit.drifts else {}),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(edit.created_at)),
        "seconds": edit.duration,
        "cost": edit.cost,
    }


def _drift_provenance(drift: OutputDrift) -> dict[str, Any]:
    """Return what was measured of an output without the places, which a notebook need not keep."""
    said: dict[str, Any] = {"output": drift.index, "against": drift.against, "sentence": drift.sentence}
    if not drift.is_measured:
        return {**said, "reason": drift.reason}
    return {**said, **{str(name): drift.value(name) for name in FIGURES}}


def _kept(edit: Edit) -> list[str]:
    """Return what the record of a completed edit says of pictures that are missing."""
    ended = next((step for step in edit.transitions if step.state == "completed"), None)
    return [ended.note] if ended is not None and ended.note and len(edit.outputs) else []


def _depth(edit: Edit, library: Library) -> tuple[str, ...]:
    """Return the line of a caption that says how deep a chain is, from where that shows in a picture."""
    before = [one for one in library.ancestors(edit) if not one.is_local]
    if len(before) + 1 < DEEP or edit.is_local:
        return ()
    since = f"Pass {len(before) + 1} since edit {before[0].id}"
    return (f"{since}: each pass redraws all of it (nb.rebase folds them into one).",)


def _about(region: Area | None, inputs: Sequence[InputRecord | ImageInput]) -> tuple[str, ...]:
    """Return the line of a caption that says what it is about."""
    if region is None or region.input >= len(inputs):
        return ()
    return (f"Region: {region.words} of {inputs[region.input].name}.",)


def changes_of(edit: Edit, library: Library) -> dict[int, Change]:
    """Return what was recorded of how each output differs from the first input."""
    if not edit.drifts:
        return {}
    maps = library.store.heat_maps(edit.id)
    area = edit.region if edit.region is not None and edit.region.input == 0 else None
    return {
        drift.index: Change(drift.sentence, drift.figures or {}, maps.get(drift.index), area) for drift in edit.drifts
    }


def _picture(output: OutputRecord, edit: Edit, library: Library, label: str, change: Change | None) -> Picture:
    path = library.store.blob_path(output.sha256)
    return Picture(
        label=label,
        source=path,
        width=output.width,
        height=output.height,
        mime=output.mime,
        size=output.size,
        seed=edit.seed,
        signed=has_content_credentials(path.read_bytes()),
        change=change,
    )


def _origins(results: Sequence[tuple[str, Edit]]) -> str | None:
    """Return where results came from, if not all were made just now."""
    old = [(origin, edit) for origin, edit in results if origin != "made"]
    if not old:
        return None
    days = dict.fromkeys(time.strftime("%d %B %Y", time.localtime(edit.created_at)).lstrip("0") for _, edit in old)
    how = "from the store" if all(origin == "replayed" for origin, _ in old) else "fetched now"
    part = "" if len(old) == len(results) else "partly "
    return f"{part}{how}: {edits(edit.id for _, edit in old)}, made {' and '.join(days)}"


def _defaults(model: Model, parameters: Any) -> dict[str, Any]:
    return {
        field.name: field.default for field in model.options if field.name not in parameters and field.role != "seed"
    }
