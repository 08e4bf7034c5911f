"""
A line as words, and the images among them: files, variables and edits. They are looked up, never evaluated.

Words are separated by blanks, as in a shell if a backslash were a backslash. A quote groups words only where a word, or
an option's value, begins, so that an apostrophe inside a word is text. Inside a group its quote is written twice;
nothing else is special.

A bare word that could be a variable's name is a variable if there is one of that name, else a file of that name.
Everything else is a path, a glob or an https URL; so is whatever stands in quotes.
"""

from __future__ import annotations

import glob
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeGuard, cast

from nbbanana.errors import UsageError, VariableError
from nbbanana.images.reading import existing
from nbbanana.models.checking import nearest
from nbbanana.prompts.prompting import escape, normal
from nbbanana.text import clip

__all__ = [
    "EditOperand",
    "FileOperand",
    "Index",
    "LastOperand",
    "NameOperand",
    "Operand",
    "Scope",
    "Word",
    "named",
    "quote",
    "read",
    "split",
]

BLANKS = " \t\r\n\f\v"
"""What separates words. Other Unicode spaces do not: macOS writes one into the names of its screenshots."""

SILENCER = ";"

_OPENING = re.compile(r"(?P<prefix>--[\w-]+=|-[A-Za-z])?(?P<quote>[\"'])")
_BARE = re.compile(f"[^{BLANKS}]+")

Index = int | Literal["*"] | None
"""Which of several: one, all, or not said."""

HISTORY = "history"
"""What captions call the store's edits where no variable holds a result: `nb.history[12]`."""

MODULE_NAMES = ("", "nb", "nbbanana")
"""What stands before the dot where captions are not of a session that a variable holds."""

LONG_DASHES = "‐‑‒–—―−"
"""What editors make of dashes."""

MANY_FILES = 2000
"""So many entries of a folder are looked at to guess what was meant."""

_NUMBER = r"(?:\[(?P<index>-?[0-9]+|\*)\])?"
_NAME = re.compile(r"(?P<name>[^\[]+)(?:\[(?P<of>-?[0-9]+)\](?=\[))?" + _NUMBER)
_STORED = re.compile(r"(?P<owner>[^\W\d]\w*)\.history\[(?P<id>[0-9]+)\]" + _NUMBER)
_EDIT = re.compile(rf"edit:(?P<id>[0-9]+)(?P<inputs>\.inputs(?=\[))?{_NUMBER}")


@dataclass(frozen=True, slots=True)
class Word:
    """
    A word of a line, its quotes taken off.

    Args:
        text: the word.
        quoted: whether it began with a quote, so that it is no option and no name.
    """

    text: str
    quoted: bool = False


def split(line: str) -> tuple[list[Word], bool]:
    r"""
    Return the words of a line, and whether a `;` at its end silences it.

    Raises:
        UsageError: a quote that is never closed, or that could close a group or be text.

    >>> words, silent = split("C:\\pics\\cat's.jpg -p 'The cat's eyes, green';")
    >>> [word.text for word in words], silent
    (["C:\\pics\\cat's.jpg", '-p', "The cat's eyes, green"], True)
    """
    words: list[Word] = []
    groups: set[str] = set()
    at = _skip(line, 0)
    while at < len(line):
        opening = _OPENING.match(line, at)
        if opening is None:
            bare = _BARE.match(line, at)
            assert bare is not None
            word, at = Word(bare.group()), bare.end()
            if word.text[-1] in groups:
                raise _ambiguous(word.text)
        else:
            text, at = _group(line, opening.end(), opening["quote"])
            word = Word((opening["prefix"] or "") + text, quoted=not opening["prefix"])
            groups.add(opening["quote"])
        words.append(word)
        at = _skip(line, at)
    return _unsilenced(words)


def quote(text: str, *, always: bool = False) -> str:
    """
    Return a text as one word of a line, in quotes only where it needs them, or always.

    >>> quote("portrait.jpg"), quote("my portrait.jpg"), quote('the "A" cup')
    ('portrait.jpg', '"my portrait.jpg"', '"the ""A"" cup"')
    """
    if not always and text and text[0] != "-" and not re.search(r"[\s\"';]|<<", text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _skip(line: str, at: int) -> int:
    return len(line) - len(line[at:].lstrip(BLANKS))


def _group(line: str, start: int, mark: str) -> tuple[str, int]:
    """Return the text of a quoted group and where it ends."""
    text, at = "", start
    while (found := line.find(mark, at)) >= 0:
        after = line[found + 1 : found + 2]
        if after == mark:
            text, at = text + line[at : found + 1], found + 2
        elif not after or after in BLANKS or line[found + 1 :].strip(BLANKS) == SILENCER:
            return text + line[at:found], found + 1
        elif mark == "'" and line[found - 1].isalnum() and after.isalnum():
            text, at = text + line[at : found + 1], found + 1
        else:
            raise _ambiguous(line[start - 1 : found + 2])
    raise UsageError(
        f"The quote before {clip(line[start:], 40)} is never closed.",
        "A quote at the beginning of a word groups words up to the next such quote.",
        "Close it, or put a name that begins with a quote into quotes of the other kind.",
    )


def _unsilenced(words: list[Word]) -> tuple[list[Word], bool]:
    """Take the `;` off; a `;` inside quotes belongs to the text."""
    if not words or words[-1].quoted or not words[-1].text.endswith(SILENCER):
        return words, False
    kept = words[-1].text[: -len(SILENCER)]
    return [*words[:-1], *([Word(kept)] if kept else [])], True


def _ambiguous(text: str) -> UsageError:
    return UsageError(
        f"A quote in {clip(text, 40)} could end a group or be text.",
        "A group ends at a quote that a blank or the end of the line follows.",
        "Write a quote inside its own kind of quotes twice, or use the other kind.",
    )


@dataclass(frozen=True, slots=True)
class FileOperand:
    """A path, a glob or an https URL; one in quotes is no expression, whatever it looks like."""

    text: str
    quoted: bool = field(default=False, compare=False, repr=False)

    def __str__(self) -> str:
        could_be_more = (
            self.text.startswith("edit:")
            or "=" in self.text.partition("/")[0]
            or self.text[:1] in LONG_DASHES
            or not isinstance(read(Word(self.text)), FileOperand)
        )
        return escape(quote(self.text, always=could_be_more))


@dataclass(frozen=True, slots=True)
class NameOperand:
    """
    A variable, or a file that is called like one: `name`, `name[2]` or `name[*]`; of several results, one's output,
    `name[1][0]`, where `of` is the first number.
    """

    name: str
    index: Index = None
    of: int | None = None

    def __str__(self) -> str:
        return self.name + _bracket(self.of) + _bracket(self.index)


@dataclass(frozen=True, slots=True)
class EditOperand:
    """
    An edit of the store: `edit:12`, `edit:12[0]`, `edit:12[*]`; with `.inputs` the pictures it was asked with.

    As captions have it, `nb.history[12][0]`; `owner` is the variable before the dot, whose history it is.
    """

    id: int
    index: Index = None
    inputs: bool = False
    owner: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return f"edit:{self.id}{'.inputs' if self.inputs else ''}{_bracket(self.index)}"


@dataclass(frozen=True, slots=True)
class LastOperand:
    """The last edit of this kernel: `_`, `_[0]` or `_[*]`."""

    index: Index = None

    def __str__(self) -> str:
        return "_" + _bracket(self.index)


Operand = FileOperand | NameOperand | EditOperand | LastOperand
"""An image as it stands on the line; `str()` gives the word that reads as it again."""


def read(word: Word) -> Operand:
    """
    Return what a word of the line means.

    Raises:
        UsageError: it begins like an edit and is none.

    >>> read(Word("neon[2]")), read(Word("shots/*.jpg"))
    (NameOperand(name='neon', index=2, of=None), FileOperand(text='shots/*.jpg'))
    >>> read(Word("edit:12[*]")), read(Word("nb.history[12][0]"))
    (EditOperand(id=12, index='*', inputs=False), EditOperand(id=12, index=0, inputs=False))
    """
    if word.quoted:
        return FileOperand(word.text, quoted=True)
    if isinstance(edit := named(word.text), EditOperand):
        return edit
    if word.text.startswith("edit:"):
        raise UsageError(
            f"{word.text} is not an edit.",
            "After edit: stands the number of an edit, and which of its outputs.",
            "Write edit:12, edit:12[0], edit:12[*] or edit:12.inputs[0]; %nbhistory lists the numbers.",
        )
    if stored := _STORED.fullmatch(word.text):
        return EditOperand(int(stored["id"]), _index(stored["index"]), owner=stored["owner"])
    name = _NAME.fullmatch(word.text)
    if name is None or not name["name"].isidentifier():
        return FileOperand(word.text)
    index, of = _index(name["index"]), None if name["of"] is None else int(name["of"])
    return LastOperand(index) if name["name"] == "_" and of is None else NameOperand(name["name"], index, of)


def named(text: str) -> Operand:
    """
    Return what a text means that is an edit or a file.

    >>> named("edit:12.inputs[0]"), named("history[12]")
    (EditOperand(id=12, index=0, inputs=True), FileOperand(text='history[12]'))
    """
    if edit := _EDIT.fullmatch(text):
        return EditOperand(int(edit["id"]), _index(edit["index"]), inputs=edit["inputs"] is not None)
    return FileOperand(text)


@dataclass(frozen=True, slots=True)
class Scope:
    """
    Where operands are looked up.

    Args:
        namespace: the notebook's variables.
        edit: gives the result of an edit's number.
        last: gives this kernel's last result, or None.
        outputs: gives the outputs of a value that is a result, and None for any other value.
        history: gives the edits of a value that is a history or has one, by number; None for any other value.
    """

    namespace: Mapping[str, Any]
    edit: Callable[[int], Any]
    last: Callable[[], object | None]
    outputs: Callable[[object], Sequence[object] | None]
    history: Callable[[object], Callable[[int], Any] | None] = lambda _: None

    def find(self, operand: Operand) -> list[object]:
        """
        Return what an operand stands for: paths and URLs as text, values as they are.

        Raises:
            VariableError: no such variable or item, or a result that does not say which of its outputs.
        """
        if isinstance(operand, FileOperand):
            return [operand.text if operand.quoted else _checked(operand.text, self.namespace)]
        if isinstance(operand, NameOperand):
            return self._named(operand)
        if isinstance(operand, EditOperand):
            return self._of_edit(operand)
        last = self.last()
        if last is None:
            raise VariableError(
                "There is no last edit.", "_ is the last edit of this kernel, and it made none yet.", "Name a picture."
            )
        return self._which("_", last, operand.index)

    def _of_edit(self, operand: EditOperand) -> list[object]:
        owner, edits = normal(operand.owner), self.edit
        if owner in self.namespace:
            history = self.history(self.namespace[owner])
            if history is None:
                raise VariableError(
                    f"{owner} has no history.", "Captions begin with the module, a session or a history.", f"{operand}"
                )
            edits = history
        elif owner not in MODULE_NAMES:
            raise self._nothing_called(operand.owner)
        edit = edits(operand.id)
        if operand.inputs:
            return self._which(f"edit:{operand.id}.inputs", edit.originals, operand.index)
        return self._which(f"edit:{operand.id}", edit, operand.index)

    def _named(self, operand: NameOperand) -> list[object]:
        name = normal(operand.name)
        if name in self.namespace:
            value = self.namespace[name]
            if self.history(value) is not None and (edit := _as_edit(operand)) is not None:
                return self._of_edit(replace(edit, owner=name))
            if operand.of is None:
                return self._which(name, value, operand.index)
            return self._which(f"{name}[{operand.of}]", self._item(name, value, operand.of), operand.index)
        if name == HISTORY and (edit := _as_edit(operand)) is not None:
            return self._of_edit(edit)
        if existing(str(operand)) is not None:
            return [str(operand)]
        raise self._nothing_called(operand.name)

    def _which(self, name: str, value: object, index: Index) -> list[object]:
        if index is None:
            return [self._single(name, value, f"Write one of {name}[0] … {name}[{{last}}], or {name}[*] for all.")]
        chosen = list(self._items(name, value, index)) if index == "*" else [self._item(name, value, index)]
        label = f"{name}{_bracket(index)}"
        mend = "Put it into a variable first." if index == "*" else f"Write one of {label}[0] … {label}[{{last}}]."
        return [self._single(label, item, mend) for item in chosen]

    def _item(self, name: str, value: object, index: int) -> object:
        items = self._items(name, value, index)
        count = len(items)
        if not -count <= index < count:
            raise VariableError(
                f"There is no {name}[{index}].",
                f"{name} has {count} {'item' if count == 1 else 'items'}, counted from 0.",
                f"Write one of {name}[0] … {name}[{count - 1}]." if count else "Use another picture.",
            )
        return cast("object", items[index])

    def _items(self, name: str, value: object, index: Index) -> Sequence[Any]:
        outputs = self.outputs(value)
        items = value if outputs is None else outputs
        if not _is_several(items):
            raise VariableError(
                f"{name}{_bracket(index)}: {name} holds a value of type {type(value).__name__}.",
                "Only results, lists and arrays are counted.",
                f"Write {name}, or put the picture into a variable.",
            )
        return items

    def _single(self, name: str, value: object, mend: str) -> object:
        """Return a value as it is; of a result its only output."""
        outputs = self.outputs(value)
        if outputs is None:
            return value
        if len(outputs) == 1:
            return outputs[0]
        if not outputs:
            raise VariableError(f"{name} has no output.", "Its job gave no picture.", "Use another picture.")
        raise VariableError(
            f"{name} has {len(outputs)} outputs.",
            "A result with several outputs must say which of them is meant.",
            mend.format(last=len(outputs) - 1),
        )

    def _nothing_called(self, name: str) -> VariableError:
        files = [entry.name for entry in islice(Path().iterdir(), MANY_FILES) if not entry.name.startswith(".")]
        variables = [known for known in self.namespace if not known.startswith("_")]
        near = [
            f"the {kind} {found}"
            for kind, found in (("variable", nearest(name, variables)), ("file", _file_like(name, files)))
            if found
        ]
        spaced = next((file for file in files if name in file.split()), None)
        if spaced is not None:
            mend = f"A name with spaces needs quotes: {quote(spaced, always=True)}"
        else:
            mend = f"Did you mean {' or '.join(near)}?" if near else "Give a variable, a path, a glob or an https URL."
        return VariableError(
            f"There is no variable and no file {name[:80]}.",
            "A word without a dot is the name of a variable, or else of a file in this folder.",
            mend,
        )


def _checked(text: str, namespace: Mapping[str, Any]) -> str:
    """Say what is wrong with `neon[0].pil` before it is taken for a glob that matches nothing."""
    stem, bracket, _ = text.partition("[")
    is_item = bracket and normal(stem) in namespace
    if not is_item or existing(text) is not None or glob.glob(text):  # noqa: PTH207 - it takes any text
        return text
    raise UsageError(
        f"{text} is more than a variable.",
        "The line takes names, not Python: name, name[2], name[1][0] or name[*].",
        "Put the picture into a variable of its own first.",
    )


def _as_edit(operand: NameOperand) -> EditOperand | None:
    """Read `history[12]` and `history[12][0]`, as captions have it, where no variable is called so."""
    if operand.of is not None:
        return EditOperand(operand.of, operand.index) if operand.of >= 0 else None
    if not isinstance(operand.index, int) or operand.index < 0:
        return None
    return EditOperand(operand.index)


def _is_several(value: object) -> TypeGuard[Sequence[Any]]:
    if isinstance(value, str | bytes | bytearray | memoryview | Mapping):
        return False
    if isinstance(value, Sequence):
        return True
    # NumPy is imported already where a value is an array of it; a scalar array cannot be counted.
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray) and value.ndim > 0


def _file_like(name: str, files: Iterable[str]) -> str | None:
    """Return a file whose name, or whose name without its suffix, is like a word."""
    names = list(files)
    stems = {Path(file).stem: file for file in reversed(names)}
    found = nearest(name, [*stems, *names])
    return stems.get(found, found) if found else None


def _index(text: str | None) -> Index:
    return "*" if text == "*" else int(text) if text else None


def _bracket(index: Index) -> str:
    return "" if index is None else f"[{index}]"
