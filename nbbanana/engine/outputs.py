"""
What a job gave: pictures, checked, moved into the store and measured; or none, with why and what was charged.

Measuring says what changed from the first input to each output. It reads the store's files and asks no service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nbbanana.engine.context import Context
from nbbanana.engine.kept import set_aside
from nbbanana.engine.prices import dollars
from nbbanana.engine.run import Measure, Measures, Run, log
from nbbanana.errors import (
    BlockedError,
    DownloadError,
    ImageError,
    JobCancelledError,
    JobError,
    JobFailedError,
    MeasureError,
    NBBananaError,
    NoImagesError,
    ServiceError,
    StoreError,
)
from nbbanana.images import verify_pixels
from nbbanana.measure import is_installed
from nbbanana.providers.base import Downloaded, JobStatus
from nbbanana.store import Store
from nbbanana.store.records import Edit, InputRecord, OutputDrift, OutputRecord

__all__ = [
    "NoPictureError",
    "first_input",
    "judge",
    "keep_measures",
    "measure",
    "measure_output",
    "region_asked",
    "take_in",
]

PAGE_STARTS = (b"<", b"{")


class NoPictureError(ServiceError):
    """What came is no picture."""


class PageError(DownloadError):
    """A web page or a message came in the place of a picture."""


async def take_in(run: Run, context: Context, index: int, file: Downloaded, url: str | None = None) -> OutputRecord:
    """
    Check a file that came as an output and move it into the store.

    Raises:
        ServiceError: it is no picture; its bytes are kept in the store's folder.
        StoreError: the store does not take it.
    """
    try:
        info = await context.threads.check(verify_pixels, file.path)
        sha256 = await context.rows.call(context.rows.store.adopt, file.path)
    except ImageError as error:
        raise _no_picture(index, run.row, file.path, error, context) from error
    finally:
        file.path.unlink(missing_ok=True)
    return OutputRecord(index, sha256, info.mime, info.width, info.height, file.size, url)


def _no_picture(index: int, edit: Edit, path: Path, error: ImageError, context: Context) -> ServiceError:
    """Return the error for a file that is no picture; what may have been paid for is kept beside the store."""
    what, why = f"Output {index} is not a picture.", error.why or "Its bytes say so."
    with path.open("rb") as file:
        if file.read(64).lstrip().startswith(PAGE_STARTS):
            return PageError(what, why, "Look at the request's page.")
    try:
        place = set_aside(context.rows.store, path, f"{edit.uid}-{index}")
    except OSError as trouble:
        log.warning("what came as output %s of edit %s could not be kept: %s", index, edit.id, trouble)
        return NoPictureError(what, why, "Look at the request's page.")
    return NoPictureError(what, why, f"What came is kept in the store's folder as {place}.")


async def judge(run: Run, context: Context, status: JobStatus) -> None:
    """Record an end without pictures, and raise it as a JobError; one with pictures is nothing."""
    error = _error_of(status)
    if error is not None:
        await context.rows.fail(run, "cancelled" if status.state == "cancelled" else "failed", error, cost=status.cost)
        raise error


def _error_of(status: JobStatus) -> JobError | None:
    if status.state == "cancelled":
        return JobCancelledError("The job was cancelled.", "It was cancelled at the service.", "Run it again.")
    charged = "Charged: unknown." if status.cost is None else f"Charged: {dollars(status.cost)}."
    if status.state == "failed" and status.is_blocked:
        mend = f"Change the prompt or the picture, or try --safety-tolerance 5. {charged}"
        return BlockedError("The content filter blocked this.", status.error or "", mend)
    if status.state == "failed":
        mend = f"Run it again, or change the prompt. {charged}"
        return JobFailedError("The model failed.", status.error or "The service gave no reason.", mend)
    if not status.urls:
        return NoImagesError(
            "The service completed the job without a picture.",
            "It gave no reason; refused content can look like this.",
            f"Change the prompt or the picture. {charged}",
        )
    return None


# ── what changed ────────────────────────────────────────────────────────────────────────────────────────────────────


async def measure(edit: Edit, context: Context, known: Measures) -> Edit:
    """
    Measure the outputs of a completed edit and return it with its figures; as it was where there are none.

    The pictures are recorded by now. Nothing here makes an error of that: what cannot be measured or written is logged,
    and an end of the run (■, or a session that closes) ends the measuring and gives the pictures.
    """
    if not context.measure() or edit.drifts or first_input(edit) is None or not is_installed():
        return edit
    try:
        return await _measured(edit, context, known)
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
    except StoreError as error:
        log.warning("what was measured of edit %s could not be written: %s", edit.id, error.what)
    except Exception:
        log.exception("Edit %s could not be measured, in a way that was not foreseen.", edit.id)
    return edit


async def _measured(edit: Edit, context: Context, known: Measures) -> Edit:
    measures: list[Measure] = []
    for output in edit.outputs:
        if output.index in known:
            found = known[output.index]
        else:
            found = await context.threads.measure(measure_output, context.rows.store.blob_path, edit, output)
        measures += [] if found is None else [found]
    return await context.rows.call(keep_measures, context.rows.store, edit, measures) if measures else edit


def first_input(edit: Edit) -> InputRecord | None:
    """Return the picture that the outputs of a completed edit are measured against; None where it is not in a file."""
    is_file = edit.state == "completed" and bool(edit.inputs) and edit.inputs[0].sha256 is not None
    return edit.inputs[0] if is_file else None


def measure_output(blob_path: Callable[[str], Path], edit: Edit, output: OutputRecord) -> Measure | None:
    """
    Measure one output against the first input, with the edit's own region.

    `blob_path` gives the file of a blob. What cannot be told is a measure with its reason. A file that is missing,
    damaged or too large is logged and gives None: nothing about measuring is an error of the edit.
    """
    from nbbanana.measure import drift

    against = first_input(edit)
    if against is None or against.sha256 is None:
        return None
    try:
        files = [blob_path(sha256) for sha256 in (against.sha256, output.sha256)]
        found = drift(files[0], files[1], region=region_asked(blob_path, edit))
        figures = found.as_json()
        return OutputDrift(output.index, against.sha256, found.sentence, None, figures), found.heat_file()
    except MeasureError as error:
        sentence = " ".join(filter(None, [error.what, error.why]))
        return OutputDrift(output.index, against.sha256, sentence, error.reason), None
    except (NBBananaError, MemoryError, OSError) as error:
        log.warning("output %s of edit %s was not measured: %s", output.index, edit.id, type(error).__name__)
        return None


def keep_measures(store: Store, edit: Edit, measures: Sequence[Measure]) -> Edit:
    """
    Write down what was measured of an edit, and return it with that.

    Raises:
        StoreError: it cannot be written.
    """
    maps = {drift.index: heat_map for drift, heat_map in measures if heat_map is not None}
    return store.measured(edit.id, [drift for drift, _ in measures], maps)


def region_asked(blob_path: Callable[[str], Path], edit: Edit) -> Any:
    """Return what was to change in the first input: the region, else what a mask has in white; None if neither."""
    if edit.region is not None:
        return edit.region if edit.region.input == 0 else None
    mask = next((one.sha256 for one in edit.masks if one.sha256), None)
    if mask is None:
        return None
    from nbbanana.measure.pixels import picture_of

    plane = picture_of(blob_path(mask)).convert("L")
    # The mask of a request is white where it is to change, that of what was put back may be white where it is not.
    return plane if edit.masks[0].parameter != "keep" else plane.point(lambda value: 255 - value)
