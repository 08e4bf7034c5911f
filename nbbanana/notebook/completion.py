"""
Completion on the lines of `%%nbedit` and `%nbedit`: options and their values, models, pictures, edits; and of
`%nbhistory`: its options, models, states.

File names are quoted where the line needs it. IPython's own completers, which know Python and its magics, are kept from
these lines and from the prompt below them: where there is nothing to offer, what is typed already is offered, since
IPython only lets a matcher that has found something suppress the others.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

    from nbbanana.grammar import Option

__all__ = ["matcher_for"]

IDENTIFIER = "nbbanana"
NEWEST_EDITS = 20
MANY_FILES = 5000
"""So many entries of a folder are looked at."""
MOST_FILES = 200
"""So many of them are offered at once."""

_CELL = re.compile(r"\s*%%nbedit(?P<line>\s.*)", re.DOTALL)
_LINE = re.compile(r"\s*(?:[\w.]+\s*=\s*)?%nbedit(?P<line>\s.*)", re.DOTALL)
_HISTORY = re.compile(r"\s*%nbhistory(?P<line>\s.*)", re.DOTALL)

_WORD = re.compile(r"""(["'])(?:(?!\1).|\1\1)*\1?|\S+""")

Matcher = Callable[["CompletionContext"], Any]


@dataclass(frozen=True)
class _Found:
    """What may stand at the cursor: the texts with their kinds, and what of the line they replace."""

    texts: tuple[tuple[str, str], ...]
    fragment: str
    is_ours: bool = True


def matcher_for(shell: InteractiveShell) -> Matcher | None:
    """Return the matcher of a shell for IPython's matcher API of version 2; None where IPython has no such API."""
    try:
        from IPython.core.completer import SimpleCompletion, context_matcher
    except ImportError:
        return None

    def match(context: CompletionContext) -> Any:
        """Return what IPython asks for at each Tab."""
        found = _complete(context.full_text, context.cursor_line, context.cursor_position, shell.user_ns)
        texts = found.texts or (((found.fragment, "text"),) if found.is_ours else ())
        return {
            "completions": [SimpleCompletion(text=text, type=kind) for text, kind in texts],
            "matched_fragment": found.fragment if found.is_ours else context.token,
            "suppress": found.is_ours,
            "ordered": True,
        }

    matcher: Matcher = context_matcher(identifier=IDENTIFIER)(match)
    return matcher


def _complete(text: str, row: int, column: int, namespace: Mapping[str, Any]) -> _Found:
    """Return what may stand at the cursor."""
    lines = text.split("\n")
    before = lines[row][:column]
    if history := _HISTORY.fullmatch(before):
        from nbbanana.notebook.line_magics import OPTIONS

        return _of_options(history["line"], OPTIONS) or _Found((), _last_word(before))
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    cell = _CELL.fullmatch(before if row == first else lines[first] + " ")
    if cell is not None and row > first:
        return _placeholder(before, namespace) or _Found((), _last_word(before))
    ours = cell or _LINE.fullmatch(before)
    if ours is None:
        return _Found((), "", is_ours=False)
    return _placeholder(before, namespace) or _on_the_line(ours["line"], namespace, is_cell=cell is not None)


def _placeholder(before: str, namespace: Mapping[str, Any]) -> _Found | None:
    """Return names behind two open braces: the variables whose value is text."""
    _, braces, start = before.rpartition("{{")
    if not braces or "}" in start or not (start == "" or start.isidentifier()):
        return None
    from nbbanana.grammar import fits

    return _Found(_beginning(start, {name: "variable" for name in _names(namespace) if fits(namespace[name])}), start)


def _on_the_line(line: str, namespace: Mapping[str, Any], *, is_cell: bool) -> _Found:
    fragment = _last_word(line)
    found = _of_options(line, _options(line.split(), is_cell=is_cell))
    return found or _Found((*_beginning(fragment, _pictures(fragment, namespace)), *_files(fragment)), fragment)


def _of_options(line: str, options: Iterable[Option]) -> _Found | None:
    """Return the options, or the values of one, that may stand at the end of a line; None where neither may."""
    fragment = _last_word(line)
    words = line[: len(line) - len(fragment)].split()
    forms = {form: option for option in options for form in (option.name, option.short) if form}
    name, equals, value = fragment.partition("=")
    if equals and name.replace("_", "-") in forms:
        return _Found(_beginning(value, _values(forms[name.replace("_", "-")])), value)
    if words and (option := forms.get(words[-1].replace("_", "-"))) and option.takes:
        return _Found(_beginning(fragment, _values(option)), fragment)
    if fragment.startswith("-"):
        given = {word.partition("=")[0].replace("_", "-") for word in words}
        left = [option for option in options if not given & {option.name, option.short}]
        spellings = [*(option.name for option in left), *(option.negative for option in left if option.is_switch)]
        return _Found(_beginning(fragment, dict.fromkeys(spellings, "option")), fragment)
    return None


def _last_word(line: str) -> str:
    """Return the word at the end of a line, with the blanks of one whose quote is open; empty behind a blank."""
    *_, last = ["", *(word.group() for word in _WORD.finditer(line) if word.end() == len(line))]
    return last


def _files(fragment: str) -> Iterator[tuple[str, str]]:
    """Yield picture files and folders that begin like this, quoted as the line needs it."""
    from nbbanana.grammar import FileOperand, quote

    mark = fragment[:1] if fragment[:1] in {'"', "'"} else ""
    typed = fragment.removeprefix(mark).replace(mark * 2, mark) if mark else fragment
    head, slash, start = typed.rpartition("/")
    try:
        entries = sorted(
            islice(os.scandir(Path(head + slash or ".").expanduser()), MANY_FILES), key=lambda one: one.name
        )
        folders = {entry.name for entry in entries if entry.is_dir()}
    except OSError:
        return  # a folder that is not there, or may not be read
    names = [entry.name for entry in entries if entry.name.startswith(start) and (start or entry.name[:1] != ".")]
    wanted = [name for name in names if name in folders or _names_a_picture(name)]
    for name in sorted(wanted, key=folders.__contains__)[:MOST_FILES]:
        path = head + slash + name
        if name in folders:
            # Without its closing quote, so that the next Tab goes on in the folder.
            opened = quote(path, always=bool(mark))
            yield (opened[:-1] if opened != path else opened) + "/", "path"
        else:
            yield quote(path, always=True) if mark else str(FileOperand(path)), "path"


def _options(words: list[str], *, is_cell: bool) -> list[Option]:
    """Return the options of the model that the line names, or of the one that is set."""
    from nbbanana import models
    from nbbanana.grammar import options_of
    from nbbanana.settings import DEFAULT_MODEL, settings

    named = [models.canonical(after) for word, after in pairwise(words) if word in {"--model", "-m"}]
    known = [name for name in (*named, models.canonical(settings().model), DEFAULT_MODEL) if name in models.ids()]
    model = models.auto_model() if models.AUTO in named else models.get(known[0])
    return [option for option in options_of(model) if not (is_cell and option.line_only)]


def _values(option: Option) -> dict[str, str]:
    """Return the values that an option takes, where they are counted."""
    from nbbanana.models import AUTO
    from nbbanana.models.offers import known_models

    choices = (*known_models(), AUTO) if option.key == "model" and option.field is None else option.choices
    if option.is_switch:
        choices = ("true", "false")
    return dict.fromkeys(choices, "value")


def _pictures(fragment: str, namespace: Mapping[str, Any]) -> dict[str, str]:
    """Return variables that hold pictures, the outputs of a result whose name is there already, and edits."""
    if fragment.startswith("edit:"):
        from nbbanana.session import current

        return {f"edit:{result.id}": "edit" for result in current().history.latest(NEWEST_EDITS)}
    name, bracket, _ = fragment.partition("[")
    if bracket:
        count = _length(namespace.get(name))
        items = [f"{name}[{index}]" for index in range(count)]
        return dict.fromkeys([*items, f"{name}[*]"] if count else [], "picture")
    return {name: "picture" for name in _names(namespace) if _is_picture(namespace[name])} | {"edit:": "edit"}


def _names(namespace: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in namespace if not name.startswith("_"))


def _length(value: object) -> int:
    """Return how many pictures a result or a list holds; 0 for anything else."""
    holds_some = isinstance(value, list | tuple) or _is_result(value)
    return len(value) if holds_some and _is_picture(value) else 0  # type: ignore[arg-type]


def _is_result(value: object) -> bool:
    # Where there is a result, the session was imported by what made it.
    session = sys.modules.get("nbbanana.session")
    return session is not None and isinstance(value, session.EditResult)


def _names_a_picture(name: str) -> bool:
    """Return whether a file's name ends as those of pictures do."""
    from nbbanana.images.reading import ENDINGS  # Pillow is no part of loading the extension

    return name.lower().endswith(ENDINGS)


def _is_picture(value: object) -> bool:
    """Return whether a variable is likely meant as an image of a request."""
    if isinstance(value, str | PurePath):
        return _names_a_picture(str(value))
    if isinstance(value, list | tuple):
        return bool(value) and _is_picture(value[0])
    if hasattr(type(value), "__nbbanana_image__") or _is_result(value):
        return True
    pillow, numpy = sys.modules.get("PIL.Image"), sys.modules.get("numpy")
    if pillow is not None and isinstance(value, pillow.Image):
        return True
    return numpy is not None and isinstance(value, numpy.ndarray) and value.ndim in {2, 3}


def _beginning(start: str, texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((text, kind) for text, kind in texts.items() if text.startswith(start))
