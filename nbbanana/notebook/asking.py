"""From a line and a body to a request: parse, look the images up, load them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbbanana.errors import ImageError, VariableError
from nbbanana.grammar import Cell, NameOperand, Operand, Surroundings, parse
from nbbanana.session import EditResult, Job, current

if TYPE_CHECKING:
    from nbbanana.request import EditRequest

__all__ = ["load", "look_up", "read", "request_of"]

Found = tuple[Operand, object]
"""An operand and one of the things that it stands for."""


def read(line: str, body: str | None, namespace: Mapping[str, Any]) -> Cell:
    """What a line and a body ask of the current session."""
    model = current().default_model
    return parse(line, body, default_model=model, namespace=namespace, model_of=current().model_of)


def look_up(cell: Cell, namespace: Mapping[str, Any]) -> list[Found]:
    """The things that a cell's operands stand for, not loaded."""
    session = current()
    around = Surroundings(namespace, session.history.__getitem__, lambda: session.last, _outputs)
    return [(operand, thing) for operand in cell.operands for thing in around.find(operand)]


def load(found: Iterable[Found]) -> list[Any]:
    """
    Load pictures; what has to be awaited first is left as it is.

    Raises:
        ImageError: as `images.load_all` does; the variable that holds it is named.
    """
    images: list[Any] = []
    for operand, thing in found:
        if hasattr(thing, "__await__"):
            images.append(thing)
            continue
        try:
            images.extend(current().load([thing]))
        except ImageError as error:
            if not isinstance(operand, NameOperand):
                raise
            raise type(error)(f"{operand}: {error.what}", error.why, error.how) from None
    return images


def request_of(cell: Cell, images: Sequence[Any]) -> EditRequest:
    """The checked request; nothing is sent."""
    return current().request(cell.prompt, images, model=cell.model, parameters=cell.parameters, region=cell.region)


def _outputs(value: object) -> Sequence[object] | None:
    """The outputs of a result, or of a job that is over; None for any other value."""
    if isinstance(value, EditResult):
        return value
    if not isinstance(value, Job):
        return None
    if not value.done():
        raise VariableError(
            "The job is not over yet.",
            f"It is {value.status}; its pictures are not there.",
            "Wait for it with job.result() in a cell before.",
        )
    # Not value.result(): looking a picture up does not make it this kernel's last edit.
    return EditResult(value.session, value.run.future.result(), value.name)
