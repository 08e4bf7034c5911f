"""Measuring the outputs of an edit that just was completed: what changed goes into its record."""

from __future__ import annotations

import asyncio
import logging

from nbbanana.engine.context import Context
from nbbanana.engine.helping import Measures
from nbbanana.engine.output_drift import Measure, can_measure, first_input, keep, measure_output
from nbbanana.errors import StoreError
from nbbanana.store.records import Edit

__all__ = ["measure"]

log = logging.getLogger("nbbanana.engine")


async def measure(edit: Edit, context: Context, known: Measures) -> Edit:
    """
    Measure the outputs of a completed edit and return it with its figures; as it was where there are none.

    The pictures are recorded by now. Nothing here makes an error of that: what cannot be measured or written is logged,
    and an end of the run (■, or a session that closes) ends the measuring and gives the pictures.
    """
    if not context.measure() or edit.drifts or first_input(edit) is None or not can_measure():
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
            found = await context.threads.measure(measure_output, context.rows.store, edit, output)
        measures += [] if found is None else [found]
    return await context.rows.call(keep, context.rows.store, edit, measures) if measures else edit
