"""The input pictures of a form: what each is, and what a cell calls it."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.errors import UsageError
from nbbanana.grammar import EditOperand, FileOperand, LastOperand, NameOperand, Operand, Scope, split
from nbbanana.grammar.operands import read
from nbbanana.images import load_all
from nbbanana.images.reading import expand, is_glob
from nbbanana.prompts.placeholders import fill
from nbbanana.session import EditResult, Output
from nbbanana.session.scope import scope

if TYPE_CHECKING:
    from nbbanana.images import ImageInput
    from nbbanana.session import Session
    from nbbanana.store import Store

__all__ = ["Slot", "expression_of", "namespace", "operand_of", "slots_of", "typed"]

_BARE_HISTORY = re.compile(r"(?<![.\w])history\[([0-9]+)\]")
"""An edit without the module's name before it; the line of a cell says `edit:12`."""

_keys = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Slot:
    """
    One input picture.

    Args:
        image: the picture.
        operand: the word that stands for it on the line of a cell; None for an upload or a value without a name,
            which only gets one from an edit that was asked with it.
        note: a sentence about it, such as that it was scaled in the browser.
        key: names it in this process; equal pictures in two slots have two keys.
    """

    image: ImageInput
    operand: str | None = None
    note: str | None = None
    key: str = field(default_factory=lambda: f"slot{next(_keys)}")


def namespace() -> Mapping[str, Any]:
    """The notebook's variables: kernels and marimo run cells in the module `__main__`."""
    return vars(sys.modules["__main__"])


def typed(text: str, session: Session, variables: Mapping[str, Any]) -> list[Slot]:
    """
    The pictures that the user named: paths, globs, URLs, variables, `edit:12[0]`, `nb.history[12][0]`, `_`.

    Raises:
        UsageError, VariableError, ImageError: one that cannot be read, found or used.
    """
    text = _BARE_HISTORY.sub(r"edit:\1", text.strip())
    if not text:
        raise UsageError("No picture was named.", "The field is empty.", "Type a path, a URL, a variable or an edit.")
    if _is_file(text):
        return _loaded(FileOperand(text), [text])
    words, _ = split(text)
    around = scope(session, variables)
    return [slot for word in words for operand in _single(read(word)) for slot in _looked_up(operand, around)]


def slots_of(sources: Iterable[Any], session: Session, variables: Mapping[str, Any]) -> list[Slot]:
    """Pictures as calls take them; texts may be anything that can be typed."""
    found: list[Slot] = []
    for source in sources:
        if isinstance(source, str):
            found += typed(source, session, variables)
        elif isinstance(source, EditResult | list | tuple):
            found += slots_of(source, session, variables)
        else:
            found += [Slot(image, _name_of(source)) for image in load_all([source])]
    return found


def operand_of(slot: Slot, store: Store) -> str:
    """
    The word for a picture on the line of a cell; an upload is named by an edit that was asked with it.

    Raises:
        UsageError: no edit was asked with it yet, so that it has no name.
    """
    if slot.operand is not None:
        return slot.operand
    for edit in store.filter(input=slot.image.identity, limit=20):
        asked = [record.identity for record in edit.inputs]
        if slot.image.identity in asked:  # it may also have been a mask
            return f"edit:{edit.id}.inputs[{asked.index(slot.image.identity)}]"
    raise UsageError(
        f"{slot.image.name} has no name that a cell could call it by.",
        "It was uploaded, and an upload is named by the edit that was asked with it.",
        "Run it once, then copy the cell; or give the picture as a path or a variable.",
    )


def expression_of(slot: Slot, store: Store) -> str:
    """
    The Python for a picture as an argument of `nb.edit`: what `operand_of` names, and raises what it does.

    >>> from nbbanana.images import ImageInput
    >>> asked = ImageInput("cup.png", "sha256:00")
    >>> [expression_of(Slot(asked, word), None) for word in ("edit:12[0]", "edit:12.inputs[1]", '"my cup.png"')]
    ['nb.history[12][0]', 'nb.history[12].originals[1]', "'my cup.png'"]
    """
    word = split(operand_of(slot, store))[0][0]
    operand = read(word)
    if isinstance(operand, EditOperand):
        place = "" if operand.index is None else f"[{operand.index}]"
        return f"nb.history[{operand.id}]{'.originals' if operand.inputs else ''}{place}"
    if isinstance(operand, NameOperand) and operand.name in namespace():
        return str(operand)
    return repr(fill(word.text, {}))


def _is_file(text: str) -> bool:
    try:
        return Path(text).expanduser().is_file()
    except (OSError, ValueError):
        return False


def _single(operand: Operand) -> Iterable[Operand]:
    """A glob as the files that it matches, so that each can be moved and named by itself."""
    if isinstance(operand, FileOperand) and is_glob(operand.text):
        return [FileOperand(path) for path in expand(operand.text)]
    return [operand]


def _looked_up(operand: Operand, around: Scope) -> list[Slot]:
    things = around.find(operand)
    if isinstance(operand, NameOperand | EditOperand) and operand.index == "*":
        kinds = type(operand)
        start = operand.name if isinstance(operand, NameOperand) else operand.id
        each = [kinds(start, number) for number in range(len(things))]  # type: ignore[arg-type]
        return [slot for one, thing in zip(each, things, strict=True) for slot in _loaded(one, [thing])]
    return _loaded(operand, things)


def _loaded(operand: Operand, things: Sequence[Any]) -> list[Slot]:
    images = load_all(list(things))
    name = str(operand)
    if isinstance(operand, LastOperand):  # `_` is another edit tomorrow
        return [Slot(image, _name_of(thing)) for image, thing in zip(images, things, strict=True)]
    return [Slot(image, name if len(images) == 1 else None) for image in images]


def _name_of(source: Any) -> str | None:
    """What a cell calls a value, where it has a name of its own: an output by its edit, a path by itself."""
    if isinstance(source, Output):
        return f"edit:{source.edit_id}[{source.index}]"
    return str(FileOperand(str(source))) if isinstance(source, Path) else None
