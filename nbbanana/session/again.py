"""The way back: from a record to a request, a cell, or the Python that asks the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbbanana.images import ImageInput
from nbbanana.request import EditRequest

if TYPE_CHECKING:
    from nbbanana.models import Model
    from nbbanana.store import Store
    from nbbanana.store.records import Edit, InputRecord

__all__ = ["as_cell", "as_code", "request_of"]


def request_of(edit: Edit, model: Model, store: Store) -> EditRequest:
    """
    The request of a record, with the pictures from the store.

    They keep the identity they were asked with, so that the ask is the same although what was kept is what was sent.
    """
    images = tuple(_image(record, store) for record in edit.inputs)
    return EditRequest(edit.model, edit.parameters, images, seed_field=model.seed_field)


def _image(record: InputRecord, store: Store) -> ImageInput:
    source = store.blob_path(record.sha256).read_bytes() if record.sha256 else None
    return ImageInput(
        name=record.name,
        identity=record.identity,
        width=record.width,
        height=record.height,
        source=source,
        url=record.url,
    )


def as_cell(edit: Edit, store: Store, name: str | None = None) -> str:
    """The `%%nbedit` cell that asks the same; an input that an edit of this store made is named by that edit."""
    from nbbanana.grammar import to_cell

    return to_cell(
        EditRequest(edit.model, edit.parameters), [_operand(record, store) for record in edit.inputs], name=name
    )


def as_code(edit: Edit, store: Store) -> str:
    """The Python that asks the same."""
    rest = {name: value for name, value in edit.parameters.items() if name != "prompt"}
    arguments = [repr(edit.prompt), *(_expression(record, store) for record in edit.inputs)]
    arguments += [f"model={edit.model!r}", *(f"{name}={value!r}" for name, value in rest.items())]
    inner = "".join(f"    {argument},\n" for argument in arguments)
    return f"nb.edit(\n{inner})"


def _made_by(record: InputRecord, store: Store) -> tuple[int, int] | None:
    """The edit and the index of the output that an input is, by content; the newest where several made it."""
    kind, _, digest = record.identity.partition(":")
    for parent in store.by_output(digest) if kind == "sha256" else []:
        for output in parent.outputs:
            if output.sha256 == digest:
                return parent.id, output.index
    return None


def _operand(record: InputRecord, store: Store) -> str:
    made = _made_by(record, store)
    return f"edit:{made[0]}[{made[1]}]" if made else record.url or record.name


def _expression(record: InputRecord, store: Store) -> str:
    made = _made_by(record, store)
    return f"nb.history[{made[0]}][{made[1]}]" if made else repr(record.url or record.name)
