"""The way back: from a record to a request, a cell, the Python that asks the same, or a `curl` command."""

from __future__ import annotations

import glob
import json
import keyword
import re
import secrets
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbbanana.errors import ImageError, NotInStoreError, UsageError
from nbbanana.grammar import FileOperand, Operand, to_cell
from nbbanana.images import ImageInput, inspect, load
from nbbanana.models import AUTO, Model, from_schema
from nbbanana.models.carrying import checked, transferred
from nbbanana.prompts import code_of, words_of
from nbbanana.providers.base import Wire
from nbbanana.providers.registry import find
from nbbanana.regions import Area, area_of, read, written
from nbbanana.request import EditRequest
from nbbanana.session.call_args import with_count
from nbbanana.settings import DEFAULT_PROVIDER, settings
from nbbanana.store import Store
from nbbanana.store.records import Edit, InputRecord

__all__ = [
    "area_at",
    "as_cell",
    "as_code",
    "as_curl",
    "check_asked",
    "image_of",
    "operand_of",
    "part_of",
    "provider_again",
    "request_of",
]

NOT_PARAMETERS = frozenset(
    {"assume_price", "images", "max_price", "mode", "model", "n", "name", "prompt", "provider", "region"}
)
"""What `nb.edit` takes besides a model's parameters."""


def request_of(
    edit: Edit,
    model: Model,
    store: Store,
    seed: int | None = None,
    n: int | None = None,
    *,
    other: Model | None = None,
    without: Iterable[str] = (),
) -> EditRequest:
    """
    Return the request of a record, with the pictures from the store; `seed` and `n` replace its seed and its count.

    They keep the identity they were asked with, so that the ask is the same although what was kept is what was sent.

    Args:
        edit: the record.
        model: the model that it was asked of.
        store: keeps its pictures.
        seed: the seed to ask with.
        n: how many pictures to ask for.
        other: the model to ask now, under whose names the parameters go; None is the same.
        without: the parameters that are given up since that has no counterpart for them.

    Raises:
        UsageError: a seed for a model that takes none.
        ParameterError: a seed or a number of pictures that the model does not take, or something that the other model
            has no counterpart for.
    """
    given, target = edit.parameters, other or model
    is_carried = target.id != model.id
    if is_carried:
        replaced = {model.seed_field if seed is not None else None, model.count_field if n is not None else None}
        given = {name: value for name, value in given.items() if name not in replaced}
    request = EditRequest(
        edit.model,
        given,
        tuple(image_of(record, store) for record in edit.inputs),
        seed_field=model.seed_field,
        prompt_field=model.prompt_field,
        mask=image_of(edit.masks[0], store) if edit.masks else None,
        region=edit.region,
        parts=edit.parts,
    )
    return _changed(_carried(request, model, target, without) if is_carried else request, target, seed, n)


def _changed(request: EditRequest, model: Model, seed: int | None, n: int | None) -> EditRequest:
    """Return a request with another seed and another count."""
    parameters, images = request.parameters, len(request.images)
    if seed is not None:
        if model.seed_field is None:
            raise UsageError(f"{model.id} takes no seed.", "Its schema has none.", "Use rerun() for a new sample.")
        parameters = model.check({**parameters, model.seed_field: seed}, images=images)
    if n is not None:
        rest = {name: value for name, value in parameters.items() if name != model.count_field}
        parameters = model.check(with_count(model, rest, n), images=images)
    return replace(request, parameters=parameters)


def _carried(request: EditRequest, before: Model, after: Model, without: Iterable[str]) -> EditRequest:
    """Return the same request to another model; nothing of it is dropped without being named."""
    if after.id == AUTO:
        raise UsageError("auto is for a new request.", "This one was made.", "Name the model: model='kontext'.")
    moved = transferred(request.parameters, before, after)
    given = checked(moved, before, after, without)
    if request.parts and after.prompt_field:  # composed anew, in the grammar of the other model
        words = words_of(request.prompt, request.parts, before.id).for_grammar(after.grammar)
        given[after.prompt_field] = str(words)
    return replace(
        request,
        model=after.id,
        parameters=after.check(given, images=len(request.images)),
        seed_field=after.seed_field,
        prompt_field=after.prompt_field,
        mask=request.mask if after.mask_field in given else None,
        model_note=" ".join([f"Asked of {after.id} as it was asked of {before.id}.", *moved.said]),
    )


def provider_again(edit: Edit) -> str | None:
    """
    Return the provider that a record is asked again at: the one that made it, for another charges and paints otherwise.
    What was made for play money, or by another person, is asked at the one that is chosen: None.
    """
    return None if not edit.id or edit.is_play or edit.is_foreign else edit.provider


def check_asked(edit: Edit) -> None:
    """
    Check that a record was asked of a service.

    Raises:
        UsageError: it was made here.
    """
    if edit.is_local:
        raise UsageError(
            f"No service made {f'edit {edit.id}' if edit.id else 'this picture'}.",
            "It was made here from two pictures: there is nothing to ask again.",
            "Ask the edit that it was made from, or make it once more with rerun().",
        )


def image_of(record: InputRecord, store: Store) -> ImageInput:
    """Return the picture of a record, under the identity it was asked with."""
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
    """
    Return the `%%nbedit` cell that asks the same.

    An input that an edit of this store made is named by that edit, a file that still lies here by its name, and what
    has no name of its own, such as an upload or an array, by the edit that was asked with it. What no service made is
    a cell of Python.
    """
    if edit.is_local:
        return f"{name} = " * bool(name) + _as_local_code(edit, store)
    return to_cell(
        EditRequest(
            edit.model,
            {**edit.parameters, **_masks(edit)},
            prompt_field=edit.prompt_field,
            parts=edit.parts,
        ),
        [_operand(edit, number, store) for number in range(len(edit.inputs))],
        name=name,
        region=_region_on_line(edit),
        provider=_named_provider(edit),
    )


def as_code(edit: Edit, store: Store) -> str:
    """
    Return the Python that asks the same.

    Raises:
        UsageError: a parameter that is no name, or that `nb.edit` takes for something else: a stranger's record; or
            what was made here from a picture that is not.
    """
    if edit.is_local:
        return _as_local_code(edit, store)
    rest = dict(edit.options)
    for name in rest:
        if not name.isidentifier() or keyword.iskeyword(name) or name in NOT_PARAMETERS:
            raise UsageError(
                f"The parameter {name!r:.80} cannot be written as Python.",
                "It is not the name of a parameter.",
                "See what the record holds: .parameters.",
            )
    words = code_of(words_of(edit.prompt, edit.parts, edit.model)).replace("\n", "\n    ")
    arguments = [words, *(_expression(edit, number, store) for number in range(len(edit.inputs)))]
    rest |= _masks(edit)
    arguments += [f"model={edit.model!r}", *(f"{name}={value!r}" for name, value in rest.items())]
    arguments += [f"region={_region(edit.region, edit.id)}"] if edit.region else []
    arguments += [f"provider={provider!r}"] if (provider := _named_provider(edit)) else []
    inner = "".join(f"    {argument},\n" for argument in arguments)
    return f"nb.edit(\n{inner})"


def _as_local_code(edit: Edit, store: Store) -> str:
    """Return the Python that makes again what was made here: a call of the output that it was made from."""
    name, part = part_of(edit)
    first, changed = edit.inputs
    made = _made_by(changed, store)
    if made is None or (edit.masks and not edit.id):
        raise UsageError(
            "The picture that it was made from is not in this store.",
            "It was made here from two pictures, and a call names them.",
            "Take their bundle in: nb.history.merge(…).",
        )
    if edit.masks:
        return f"nb.history[{edit.id}].rerun()"
    area = area_at(part)
    if isinstance(part, str):
        boxes = [tuple(round(side, 4) for side in shape.box()) for shape in area.shapes]
        said = repr(boxes[0] if len(boxes) == 1 else boxes)
    else:
        said = f"nbbanana.regions.area_of({area.as_json()!r})"
    arguments = [said if name == "keep" else f"outside={said}"]
    own = store.get(made[0]).inputs[:1]
    if not own or own[0].identity != first.identity:
        arguments.append(f"original={_expression(edit, 0, store)}")
    return f"nb.history[{made[0]}][{made[1]}].protect({', '.join(arguments)})"


def part_of(edit: Edit) -> tuple[str, Any]:
    """
    Return what a record says that was made here: `keep` or `outside`, and the part of the original that it names.

    Raises:
        UsageError: it says nothing of that: a stranger's record.
    """
    for name in ("keep", "outside"):
        if name in edit.parameters and len(edit.inputs) == 2:
            return name, edit.parameters[name]
    raise UsageError(
        "It cannot be said how this picture was made.",
        "Its record says that it was made here, and not from what.",
        "See what the record holds: .parameters.",
    )


def area_at(part: Any) -> Area:
    """
    Return the part of a picture that a record of what was made here names: boxes as text, or shapes as JSON.

    Raises:
        UsageError: neither: a stranger's record.
    """
    try:
        return read(part) if isinstance(part, str) else area_of(part)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UsageError(
            f"{part!r:.80} is not a part of a picture.",
            "A record says so that came from elsewhere.",
            "See what it holds: .parameters.",
        ) from None


def _named_provider(edit: Edit) -> str | None:
    """Return the provider that a copy names: the one that is asked again, unless that is so without a word."""
    provider = provider_again(edit)
    goes_without_saying = provider == DEFAULT_PROVIDER and settings().provider in {"", DEFAULT_PROVIDER}
    return None if goes_without_saying else provider


def _masks(edit: Edit) -> dict[str, str]:
    """Return the words for its masks when it is asked again: a file of that name here, else the edit that kept it."""
    return {
        str(mask.parameter): mask.name if _is_here(mask) or not edit.id else f"edit:{edit.id}.mask"
        for mask in edit.masks
    }


def _region_on_line(edit: Edit) -> str | None:
    """Return the region as an option has it: boxes as they are, what was drawn otherwise by its edit."""
    if edit.region is None:
        return None
    is_boxes = all(shape.kind == "box" for shape in edit.region.shapes)
    return written(edit.region) if is_boxes or not edit.id else f"edit:{edit.id}"


def _region(region: Area, edit_id: int) -> str:
    """Return the region as Python: boxes as they are, of the main picture; what was drawn otherwise by its edit."""
    if (region.input == 0 and all(shape.kind == "box" for shape in region.shapes)) or not edit_id:
        return repr([tuple(round(part, 4) for part in box) for box in region.boxes])
    return f"nb.history[{edit_id}].region"


def _made_by(record: InputRecord, store: Store) -> tuple[int, int] | None:
    """Return the edit and the index of the output that an input is, by content; the newest where several made it."""
    kind, _, digest = record.identity.partition(":")
    for parent in store.by_output(digest) if kind == "sha256" else []:
        for output in parent.outputs:
            if output.sha256 == digest:
                return parent.id, output.index
    return None


def operand_of(edit: Edit, number: int, store: Store) -> str:
    """Return the word that stands on the line of a cell for an input of an edit, counted from 0."""
    record = edit.inputs[number]
    if made := _made_by(record, store):
        return f"edit:{made[0]}[{made[1]}]"
    return record.url or (record.name if _is_here(record) else f"edit:{edit.id}.inputs[{number}]")


def _operand(edit: Edit, number: int, store: Store) -> Operand | str:
    record = edit.inputs[number]
    if edit.id or _made_by(record, store):
        return operand_of(edit, number, store)
    # The record came with a file: its name is all there is, and must mean that one file.
    return FileOperand(glob.escape(record.name) if glob.has_magic(record.name) else record.name)


def _expression(edit: Edit, number: int, store: Store) -> str:
    record = edit.inputs[number]
    if made := _made_by(record, store):
        return f"nb.history[{made[0]}][{made[1]}]"
    if record.url or _is_here(record):
        return repr(record.url or record.name)
    return f"nb.history[{edit.id}].originals[{number}]" if edit.id else repr(glob.escape(record.name))


def _is_here(record: InputRecord) -> bool:
    """Return whether a file of that name lies in this folder and holds what was asked with."""
    file = Path(record.name)
    if not file.is_file():
        return False
    try:
        return load(file).identity == record.identity
    except ImageError:
        return False


END = "NBBANANA_REQUEST"

_ACTIVE = re.compile(r"[\\$`]")
"""What a shell still acts upon inside an unquoted here-document."""


def as_curl(edit: Edit, model: Model, store: Store) -> str:
    """
    Return the `curl` command that sends the request of a record, seed included, to the service that ran it.

    Args:
        edit: the record.
        model: its model, whose schema says where the pictures stand.
        store: where the pictures lie.

    Raises:
        UsageError: no service made it.
        ConfigError: the provider of the record is not installed.
        NotInStoreError: a picture that is not in the store, such as one from a bundle that left it out.
    """
    check_asked(edit)
    marks = [secrets.token_hex(16) for _ in edit.inputs]  # no word of the request can be one of them
    uris = [_uri(record, mark, store) for mark, record in zip(marks, edit.inputs, strict=True)]
    sent = {**request_of(edit, model, store).parameters}
    if model.seed_field and edit.seed is not None:
        sent[model.seed_field] = edit.seed
    names = {mark: _word(record, store) for mark, record in zip(marks, edit.inputs, strict=True)}
    for record in edit.masks:
        names[mark := secrets.token_hex(16)] = _word(record, store)
        sent[str(record.parameter)] = _uri(record, mark, store)
    spec = find(edit.provider)
    found = spec.offer(edit.model)
    there = from_schema(edit.model, found.schema) if found else None
    payloads = (there or model).posts(model.payload(sent, uris, live=there), counts=spec.counts)
    several = f" It takes {len(payloads)} POSTs, one a picture." if len(payloads) > 1 else ""
    wires = [spec.wire(spec.endpoints.from_environment(), edit.model, payload) for payload in payloads]
    return "\n".join(
        [f"# Sends the request once more; that is paid for.{several}", *(_command(wire, names) for wire in wires)]
    )


def _command(wire: Wire, names: dict[str, str]) -> str:
    lines = [
        f"curl --globoff --fail-with-body {shlex.quote(wire.url)} \\",
        f'  --header "{wire.key_header}" \\',
        *(f'  --header "{name}: {value}" \\' for name, value in wire.headers.items()),
        '  --header "Content-Type: application/json" \\',
        f"  --data-binary @- <<{END}",
        _document(wire.body, names),
        END,
    ]
    return "\n".join(lines) + "\n"


def _document(payload: Mapping[str, Any], words: dict[str, str]) -> str:
    """Write the JSON for a here-document, one parameter a line, each mark replaced by its picture."""
    # ASCII only: a shell in another encoding, and a terminal that reads control or bidi characters, see none of them.
    text = _ACTIVE.sub(r"\\\g<0>", json.dumps(payload, indent=2))
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text


def _uri(record: InputRecord, mark: str, store: Store) -> str:
    """Return a picture as a request has it, with a mark in the place of its address or of its bytes."""
    if record.url is not None or record.sha256 is None:
        return mark
    return f"data:{inspect(store.blob_path(record.sha256)).mime};base64,{mark}"


def _word(record: InputRecord, store: Store) -> str:
    """Return what a mark stands for: the address of a picture, or what reads its bytes from the store."""
    if record.url is not None:
        return _ACTIVE.sub(r"\\\g<0>", json.dumps(record.url)[1:-1])
    if record.sha256 is None:
        raise NotInStoreError(f"{record.name} is not in the store.", "Its record names no file.", "Use .cell().")
    return f"$(base64 < {shlex.quote(str(store.blob_path(record.sha256)))} | tr -d '\\n')"
