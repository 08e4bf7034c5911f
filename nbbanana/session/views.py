"""From results and jobs to what the display room shows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbbanana._version import __version__
from nbbanana.display.views import Picture, ResultView
from nbbanana.display.words import edits

if TYPE_CHECKING:
    from pathlib import Path

    from nbbanana.images import ImageInput
    from nbbanana.models import Model
    from nbbanana.regions import Area
    from nbbanana.session.jobs import Job
    from nbbanana.session.results import EditResult, Output
    from nbbanana.session.session import Session
    from nbbanana.store.records import Edit, InputRecord

__all__ = ["history_view", "job_view", "output_view", "result_view", "set_view"]


def result_view(result: EditResult, label: str) -> ResultView:
    """A result as it is shown."""
    edit = result.record
    model = result.session.model_of(edit.model)
    return ResultView(
        prompt=edit.prompt,
        inputs=_inputs(edit, result.session),
        pictures=tuple(_picture(output, f"{label}[{output.index}]") for output in result),
        expected=model.count(edit.parameters),
        label=label,
        model=edit.model,
        provider=edit.provider,
        edit_id=edit.id,
        seconds=edit.duration,
        cost=edit.cost,
        origin=_origin(result),
        parameters=_without_prompt(edit),
        defaults=_defaults(model, edit.parameters),
        notes=(*result.notes, *_about(edit.region, edit.inputs)),
        provenance=provenance(edit),
    )


def output_view(output: Output) -> ResultView:
    """One output as it is shown by itself."""
    from dataclasses import replace

    result = output._result  # noqa: SLF001 - an output and its result are one thing
    view = result_view(result, result.label)
    return replace(view, pictures=(view.pictures[result[:].index(output)],), expected=1)


def set_view(results: Sequence[EditResult]) -> ResultView:
    """Several results of one question as one grid."""
    from dataclasses import replace

    views = [result.view() for result in results]
    costs = [result.cost for result in results if result.origin == "made"] or [view.cost for view in views]
    return replace(
        views[0],
        origin=_origins(results),
        pictures=tuple(picture for view in views for picture in view.pictures),
        expected=sum(view.expected for view in views),
        seconds=None,
        cost=None if any(cost is None for cost in costs) else sum(cost for cost in costs if cost is not None),
        parameters={name: value for name, value in views[0].parameters.items() if name != "seed"},
        provenance={"edits": [dict(view.provenance) for view in views]},
    )


def job_view(job: Job) -> ResultView:
    """The place of a result that is on its way."""
    run, edit = job.run, job.run.edit
    label = job.name or (f"history[{edit.id}]" if edit else "_")
    parameters = {name: value for name, value in run.request.parameters.items() if name != "prompt"}
    return ResultView(
        prompt=run.request.prompt,
        inputs=tuple(Picture(image.name, image.source, image.width, image.height) for image in run.request.images),
        pictures=_arrived(job, label),
        expected=run.model.count(run.request.parameters),
        label=label,
        model=run.request.model,
        provider=job.session.provider_name,
        edit_id=edit.id if edit else None,
        parameters=parameters,
        defaults=_defaults(run.model, run.request.parameters),
        notes=_about(run.request.region, run.request.images),
    )


def _arrived(job: Job, label: str) -> tuple[Picture, ...]:
    store, seed = job.session.store, job.request.seed
    return tuple(
        Picture(f"{label}[{o.index}]", store.blob_path(o.sha256), o.width, o.height, o.mime, o.size, seed)
        for o in sorted(job.run.arrived, key=lambda record: record.index)
    )


def history_view(results: Sequence[EditResult], total: int, heading: str = "") -> dict[str, str]:
    """A page of edits as a MIME bundle: an overview, whose pictures are found by their ids."""
    from nbbanana.display import HistoryRow, history_bundle

    rows = [
        HistoryRow(
            edit_id=result.id,
            when=result.record.created_at,
            prompt=result.prompt,
            provider=result.provider,
            state=result.record.state,
            seed=result.seed,
            source=_blob(result.record.outputs[0].sha256, result.session) if result.record.outputs else None,
            outputs=len(result),
            cost=result.cost,
            starred=result.record.starred,
            rejected=result.record.rejected,
            tags=result.record.tags,
            note=result.record.note,
        )
        for result in results
    ]
    return history_bundle(rows, total, heading=heading)


def provenance(edit: Edit) -> dict[str, Any]:
    """What a notebook may keep of a record: no secret, no address, no path."""
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
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(edit.created_at)),
        "seconds": edit.duration,
        "cost": edit.cost,
    }


def _about(region: Area | None, inputs: Sequence[InputRecord | ImageInput]) -> tuple[str, ...]:
    """The line of a caption that says what it is about."""
    if region is None or region.input >= len(inputs):
        return ()
    return (f"Region: {region.words} of {inputs[region.input].name}.",)


def _input_provenance(record: InputRecord) -> dict[str, Any]:
    return {"name": record.name, "identity": record.identity, "width": record.width, "height": record.height}


def _inputs(edit: Edit, session: Session) -> tuple[Picture, ...]:
    return tuple(
        Picture(record.name, _blob(record.sha256, session), record.width, record.height) for record in edit.inputs
    )


def _blob(sha256: str | None, session: Session) -> Path | None:
    if sha256 is None or not session.store.has_blob(sha256):
        return None
    return session.store.blob_path(sha256)


def _picture(output: Output, label: str) -> Picture:
    return Picture(
        label=label,
        source=output.path,
        width=output.width,
        height=output.height,
        mime=output.mime,
        size=output.size,
        seed=output.seed,
        signed=output.has_content_credentials,
    )


def _origin(result: EditResult) -> str | None:
    return _origins([result])


def _origins(results: Sequence[EditResult]) -> str | None:
    """Where results came from, if not all were made just now."""
    old = [result for result in results if result.origin != "made"]
    if not old:
        return None
    days = dict.fromkeys(
        time.strftime("%d %B %Y", time.localtime(result.record.created_at)).lstrip("0") for result in old
    )
    how = "replayed from the store" if all(result.origin == "replayed" for result in old) else "collected"
    part = "" if len(old) == len(results) else "partly "
    return f"{part}{how}, {edits(result.id for result in old)} of {' and '.join(days)}"


def _without_prompt(edit: Edit) -> dict[str, Any]:
    return {name: value for name, value in edit.parameters.items() if name != "prompt"}


def _defaults(model: Model, parameters: Any) -> dict[str, Any]:
    return {
        field.name: field.default for field in model.options if field.name not in parameters and field.role != "seed"
    }
