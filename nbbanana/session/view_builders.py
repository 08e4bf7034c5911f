"""From records and runs to what the display room shows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbbanana._version import __version__
from nbbanana.display.drift_facts import drift_words
from nbbanana.display.sheets import SheetPicture
from nbbanana.display.views import Change, Picture, ResultView, Row
from nbbanana.display.words import edits
from nbbanana.engine.run import Outcome, Run
from nbbanana.images import ImageInput
from nbbanana.models import Model
from nbbanana.models.naming import short_name
from nbbanana.prompts.advice import quiet_line
from nbbanana.regions import Area
from nbbanana.session.ancestry import DEEP, ancestors
from nbbanana.session.axes import Axes, axes
from nbbanana.session.dataframes import load_pandas
from nbbanana.session.library import Library
from nbbanana.session.model_choice import other_model
from nbbanana.session.names import BY_NUMBER, expression, holders
from nbbanana.store.drift_records import FIGURES, OutputDrift, worst
from nbbanana.store.provenance import has_content_credentials
from nbbanana.store.records import Edit, InputRecord, OutputRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pandas import DataFrame


__all__ = [
    "changes_of",
    "history_frame",
    "history_view",
    "provenance",
    "result_view",
    "run_view",
    "set_view",
    "sheet_pictures",
]


def result_view(outcome: Outcome, library: Library, label: str, stored: str) -> ResultView:
    """Return a result as it is shown under a label; `stored` gives it by its number."""
    edit = outcome.edit
    model = library.model(edit)
    changes = changes_of(edit, library)
    return ResultView(
        prompt=edit.prompt,
        inputs=_inputs(edit, library),
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
        inputs=views[0].inputs if len({_identities(edit) for edit in records}) == 1 else (),
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
        rows = tuple(Row(title, len(view.pictures)) for title, view in zip(found.full_titles, views, strict=True))
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
    return pictures, tuple(Row(title, count) for title, count in counts.items())


def _identities(edit: Edit) -> tuple[str, ...]:
    return tuple(record.identity for record in edit.inputs)


def run_view(run: Run, library: Library, name: str | None) -> ResultView:
    """Return the place of a result that is under way."""
    request, edit = run.request, run.edit
    label = name or (expression(library, edit.id, nearest=BY_NUMBER) if edit else "_")
    return ResultView(
        prompt=request.prompt,
        inputs=tuple(Picture(image.name, image.content, image.width, image.height) for image in request.images),
        pictures=_arrived(run, library, label),
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


def _arrived(run: Run, library: Library, label: str) -> tuple[Picture, ...]:
    return tuple(
        Picture(f"{label}[{o.index}]", library.blob(o.sha256), o.width, o.height, o.mime, o.size, run.request.seed)
        for o in sorted(run.arrived, key=lambda record: record.index)
    )


def history_view(edits: Sequence[Edit], library: Library, total: int, heading: str = "") -> dict[str, str]:
    """Return a page of edits as a MIME bundle: an overview, whose pictures are found by their ids."""
    from nbbanana.display import history_bundle

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
        "inputs": [_input_provenance(record) for record in edit.inputs],
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
    before = [one for one in ancestors(edit, library) if not one.is_local]
    if len(before) + 1 < DEEP or edit.is_local:
        return ()
    since = f"Pass {len(before) + 1} since edit {before[0].id}"
    return (f"{since}: each pass redraws all of it (nb.rebase folds them into one).",)


def _about(region: Area | None, inputs: Sequence[InputRecord | ImageInput]) -> tuple[str, ...]:
    """Return the line of a caption that says what it is about."""
    if region is None or region.input >= len(inputs):
        return ()
    return (f"Region: {region.words} of {inputs[region.input].name}.",)


def _input_provenance(record: InputRecord) -> dict[str, Any]:
    return {"name": record.name, "identity": record.identity, "width": record.width, "height": record.height}


def _inputs(edit: Edit, library: Library) -> tuple[Picture, ...]:
    return tuple(
        Picture(record.name, library.blob(record.sha256), record.width, record.height) for record in edit.inputs
    )


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


FRAME_COLUMNS = ["created", "state", "model", "provider", "prompt", "seed"]


def history_frame(edits: Iterable[Edit]) -> DataFrame:
    """
    Return edits as a table, a row an edit, indexed by id.

    Raises:
        UsageError: pandas is not installed.
    """
    pd = load_pandas()
    rows = [_frame_row(edit) for edit in edits]
    table = pd.DataFrame(rows, columns=None if rows else ["id", *FRAME_COLUMNS]).set_index("id")
    if "created" in table:
        table["created"] = pd.to_datetime(table["created"], unit="s", utc=True)
    return table


def _frame_row(edit: Edit) -> dict[str, Any]:
    parameters = {name: value for name, value in edit.options.items() if name != "seed"}
    return {
        "id": edit.id,
        "created": edit.created_at,
        "state": edit.state,
        "model": edit.model,
        "provider": edit.provider,
        "prompt": edit.prompt,
        "seed": edit.seed,
        **parameters,
        "inputs": [record.name for record in edit.inputs],
        "outputs": len(edit.outputs),
        "parents": list(edit.parents),
        "seconds": edit.duration,
        "cost": edit.cost,
        "drift_outside": worst(edit.drifts, "recoloured_outside"),
        "redrawn_outside": worst(edit.drifts, "redrawn_outside"),
        "moved": worst(edit.drifts, "moved"),
        "drift": drift_words(edit.drifts),
        "starred": edit.starred,
        "rejected": edit.rejected,
        "tags": list(edit.tags),
        "note": edit.note,
    }
