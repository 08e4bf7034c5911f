"""
The way back to the wire: the request of a record as a `curl` command.

The command is made for a POSIX shell. What was sent of a local picture lies in the store, megabytes of it, so the
command reads it from there: a here-document has no limit of length, which an argument has.
"""

from __future__ import annotations

import json
import re
import secrets
import shlex
from collections.abc import Mapping
from typing import Any

from nbbanana.errors import NotInStoreError
from nbbanana.images import inspect
from nbbanana.models import Model, from_schema
from nbbanana.providers.base import Wire
from nbbanana.providers.registry import find
from nbbanana.session.reproduce import check_asked, request_of
from nbbanana.store import Store
from nbbanana.store.records import Edit, InputRecord

__all__ = ["as_curl"]

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
    path = store.blob_path(record.sha256)
    return f"$(base64 < {shlex.quote(str(path))} | tr -d '\\n')"
