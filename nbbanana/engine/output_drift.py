"""What changed from the first input of a recorded edit to its outputs, measured from the store's files. No network."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from nbbanana.errors import MeasureError, NBBananaError
from nbbanana.store import Store
from nbbanana.store.records import Edit, InputRecord, OutputDrift, OutputRecord

__all__ = ["Files", "Measure", "can_measure", "first_input", "keep", "measure_output", "region_asked"]

Measure = tuple[OutputDrift, bytes | None]
"""What was measured of an output, and its heat map; without one where it was refused."""


class Files(Protocol):
    """Where the pictures of a store are."""

    def blob_path(self, sha256: str) -> Path:
        """Return the file of a blob."""
        ...


log = logging.getLogger("nbbanana.engine")


def can_measure() -> bool:
    """Return whether measuring is installed; it is loaded when it is asked for, and NumPy not even then."""
    from nbbanana.measure import is_installed

    return is_installed()


def first_input(edit: Edit) -> InputRecord | None:
    """Return the picture that the outputs of a completed edit are measured against; None where it is not in a file."""
    is_file = edit.state == "completed" and bool(edit.inputs) and edit.inputs[0].sha256 is not None
    return edit.inputs[0] if is_file else None


def measure_output(store: Files, edit: Edit, output: OutputRecord) -> Measure | None:
    """
    Measure one output against the first input, with the edit's own region.

    What cannot be told is a measure with its reason. A file that is missing, damaged or too large is logged and gives
    None: nothing about measuring is an error of the edit.
    """
    from nbbanana.measure import drift

    against = first_input(edit)
    if against is None or against.sha256 is None:
        return None
    try:
        files = [store.blob_path(sha256) for sha256 in (against.sha256, output.sha256)]
        found = drift(files[0], files[1], region=region_asked(store, edit))
        figures = found.as_json()
        return OutputDrift(output.index, against.sha256, found.sentence, None, figures), found.heat_file()
    except MeasureError as error:
        sentence = " ".join(filter(None, [error.what, error.why]))
        return OutputDrift(output.index, against.sha256, sentence, error.reason), None
    except (NBBananaError, MemoryError, OSError) as error:
        log.warning("output %s of edit %s was not measured: %s", output.index, edit.id, type(error).__name__)
        return None


def keep(store: Store, edit: Edit, measures: Sequence[Measure]) -> Edit:
    """
    Write down what was measured of an edit, and return it with that.

    Raises:
        StoreError: it cannot be written.
    """
    maps = {drift.index: heat_map for drift, heat_map in measures if heat_map is not None}
    return store.measured(edit.id, [drift for drift, _ in measures], maps)


def region_asked(store: Files, edit: Edit) -> Any:
    """Return what was to change in the first input: the region, else what a mask has in white; None if neither."""
    if edit.region is not None:
        return edit.region if edit.region.input == 0 else None
    mask = next((one.sha256 for one in edit.masks if one.sha256), None)
    if mask is None:
        return None
    from nbbanana.measure.pixels import picture_of

    plane = picture_of(store.blob_path(mask)).convert("L")
    # The mask of a request is white where it is to change, that of what was put back may be white where it is not.
    return plane if edit.masks[0].parameter != "keep" else plane.point(lambda value: 255 - value)
