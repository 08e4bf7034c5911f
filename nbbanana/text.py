"""
Any string made safe to show: in a terminal, a notebook, a log, an error, or as HTML out of a template.

Strings come from services, files, bundles and other people's records. Control, bidi and unpaired characters are
shown as their code points, such as `⟨U+001B⟩`; addresses can be taken out, since they may hold a signature. Templates
escape every string, and nothing in their HTML is read as LaTeX by a notebook.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = [
    "as_options",
    "clip",
    "counted",
    "environment",
    "is_unseen",
    "joined",
    "one_line",
    "packaged",
    "plain",
    "render",
    "storable",
    "without_addresses",
    "without_secrets",
    "written",
]

JOINERS = "\u200c\u200d"
"""Zero-width joiners: Persian, Indic scripts and family emoji are spelled with them, so between letters they stay."""

UNSTORABLE = frozenset({"Cc", "Cs"})
"""Unicode categories that a notebook file or an HTML page cannot hold: control characters, lone surrogates."""

MISLEADING = UNSTORABLE | {"Cf", "Zl", "Zp"}
"""Those, and what moves or hides other text: bidi controls, zero-width and tag characters, line separators."""

_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SCRIPT_ADDRESS = re.compile("(javascript|vbscript)://", re.IGNORECASE)

# Words are looked at one by one and every repetition is bounded: a message of megabytes costs no more than its length.
_WORD = re.compile(r"""[^\s"'<>]+""")
_ADDRESS = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]{1,20}(?::|%3a)(?:\\{0,2}/|%2f){2}|\bdata:[a-z0-9/+.;=-]{0,80},)", re.IGNORECASE
)
_SIGNED = re.compile(r"[?&][\w.-]{0,40}(?:sig|token|key|secret|credential|policy|expires)[\w.-]{0,40}=", re.IGNORECASE)
_MONEY = re.compile(r"\b(max|assume)_price\b(=?)")
_BEARER = re.compile(r"\b(bearer|basic|key)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_FOLDERS = re.compile(r"^(?:[a-z]:[\\/]|[\\/]|~[\\/])(?:.*[\\/])?(?=[^\\/])", re.IGNORECASE)


def plain(text: object) -> str:
    r"""
    Return text that does nothing to a terminal: control, bidi and zero-width characters become code points.

    Line feeds and tabs stay. Notebooks make a link of whatever looks like an address; one that would run a script
    keeps its words, not its colon.

    >>> plain("\x1b[31mred\x07"), plain("photo\u202egpj.exe")
    ('⟨U+001B⟩[31mred⟨U+0007⟩', 'photo⟨U+202E⟩gpj.exe')
    """
    return _neutral(_SCRIPT_ADDRESS.sub(r"\1⟨U+003A⟩//", str(text)), MISLEADING)


def storable(text: object) -> str:
    """Return text that HTML and JSON files can hold; scripts that need bidi and joining marks keep them."""
    given = str(text)
    # A page with pictures in it is long: it is not read letter by letter unless there is something to find.
    return _neutral(given, UNSTORABLE) if _UNSTORABLE.search(given) else given


def as_options(text: str) -> str:
    """
    Return a sentence with the options of a line where it names the arguments of a call.

    >>> as_options("max_price allows $5.00. Say what to count for each: assume_price=0.21. Nothing was sent.")
    '--max-price allows $5.00. Say what to count for each: --assume-price 0.21. Nothing was sent.'
    """
    said = text.replace("mode='fresh'", "--fresh")
    return _MONEY.sub(lambda found: f"--{found[1]}-price{' ' if found[2] else ''}", said)


def counted(count: int, noun: str) -> str:
    """
    Return a number of things.

    >>> counted(1, "edit"), counted(1200, "more row"), counted(0, "picture")
    ('1 edit', '1,200 more rows', '0 pictures')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def one_line(text: object, width: int | None = None) -> str:
    r"""
    Return the `plain` text on one line, shortened to `width` characters where one is given.

    >>> one_line("Keep the pose.\n  Make it snow.", 20)
    'Keep the pose. Make…'
    """
    line = plain(" ".join(str(text).split()))
    return line if width is None else clip(line, width)


def joined(*phrases: str | None) -> str:
    """
    Return phrases as one, those that say nothing left out.

    >>> joined("seed 7", "", "4 pictures")
    'seed 7 · 4 pictures'
    """
    return " · ".join(filter(None, phrases))


def clip(text: str, width: int) -> str:
    """Return at most `width` characters, cut between words where a space is not too far back, with an ellipsis."""
    if len(text) <= width:
        return text
    head = text[: width - 1]
    space = head.rfind(" ")
    if space > width // 2 and not text[width - 1].isspace():
        head = head[:space]
    return head.rstrip(" ,;:") + "…"


def is_unseen(letter: str) -> bool:
    """Return whether a letter only says how others are drawn: a joiner, or a choice of a variant."""
    return unicodedata.category(letter) == "Cf" or "\ufe00" <= letter <= "\ufe0f"


def without_addresses(text: str) -> str:
    """
    Return the text with every address in it, which may be signed, replaced by `⟨address⟩`.

    >>> without_addresses("Cannot read https://files.example/a.png?X-Amz-Signature=00ff now.")
    'Cannot read ⟨address⟩ now.'
    """
    return _WORD.sub(lambda word: _without_address(word[0]), text)


def without_secrets(text: str) -> str:
    """
    Return the text without addresses, without what follows `Bearer`, and without the folders of absolute paths.

    >>> without_secrets("No such file: '/home/jane/a.png'; sent Bearer 0123456789")
    "No such file: '…/a.png'; sent Bearer ⟨token⟩"
    """
    bare = _BEARER.sub(r"\1 ⟨token⟩", without_addresses(text))
    return _WORD.sub(lambda word: _FOLDERS.sub("…/", word[0]), bare)


def _without_address(word: str) -> str:
    if found := _ADDRESS.search(word):
        return f"{word[: found.start()]}⟨address⟩"
    return "⟨address⟩" if _SIGNED.search(word) else word


def _neutral(text: str, categories: frozenset[str]) -> str:
    if text.isprintable() and not any(joiner in text for joiner in JOINERS):
        return text
    return "".join(
        f"⟨U+{ord(character):04X}⟩" if _is_out_of_place(text, place, categories) else character
        for place, character in enumerate(text)
    )


def _is_out_of_place(text: str, place: int, categories: frozenset[str]) -> bool:
    character = text[place]
    if character in "\n\t" or unicodedata.category(character) not in categories:
        return False
    if character in JOINERS and 0 < place < len(text) - 1:
        return text[place - 1].isascii() or text[place + 1].isascii()
    return True


def written(value: Any, width: int | None = None) -> str:
    """
    Return a parameter's value on one line: text as it is, anything else as JSON; None is nothing.

    >>> written("1K"), written([1, True]), written(None)
    ('1K', '[1, true]', '')
    """
    if value is None:
        return ""
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str), width)


# ── templates ───────────────────────────────────────────────────────────────────────────────────────────────────────

MARKUP_OR_LATEX = re.compile(r"<[^>]*>|[$\\]")
"""
A tag, or a character with which LaTeX begins. In a tag every `>` of an attribute is escaped, so it ends at the first.
"""


def render(package: str, template: str, **values: Any) -> str:
    r"""
    Render a template of a package as HTML.

    Notebooks typeset what stands between two dollar signs, `\(` and `\)`, or `\begin` and `\end`, also in HTML
    output. They look at text, not across tags: each dollar sign and backslash of the text goes into a tag of its own.
    What no file can hold, such as half of a character in a file's name, is shown by its code point.
    """
    html = storable(environment(package).get_template(f"{template}.html.j2").render(values))
    return MARKUP_OR_LATEX.sub(_apart, html).strip()


def _apart(found: re.Match[str]) -> str:
    text = found[0]
    return text if text.startswith("<") else f"<span>{text}</span>"


@cache
def environment(package: str) -> Environment:
    """Return the environment of a package's templates, in which every value is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    made.filters.update(one_line=one_line, plain=plain, paragraphs=_paragraphs)
    return made


@cache
def packaged(package: str, name: str) -> Any:
    """Return what a JSON file of a package holds, for reading only: all callers have the same value."""
    from importlib.resources import files

    return json.loads(files(package).joinpath(name).read_text("utf-8"))


def _paragraphs(text: str) -> Markup:
    """Return the text with its line breaks kept, also by readers that drop styles."""
    from markupsafe import Markup, escape

    return Markup("<br>").join(escape(line) for line in storable(text).splitlines())
