"""
The options of a line: nbbanana's own, with the axes of a sweep, and those that a model's schema brings.

One table of `Option` says what there is; reading, help and completion all come from it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill as wrapped
from typing import TYPE_CHECKING, Any

from nbbanana.errors import ParameterError, UsageError, VariableError
from nbbanana.grammar.line import LONG_DASHES, Word, quote
from nbbanana.images.reading import ENDINGS, existing
from nbbanana.models.catalogue import short_name
from nbbanana.models.checking import TRUTH, did_you_mean, nearest_name
from nbbanana.models.choosing import auto_model
from nbbanana.models.framing import PAIR, pair_fields
from nbbanana.models.schemas import COUNTS, IMAGES
from nbbanana.prompts.prompting import escape, fill, normal
from nbbanana.request import MOST_REQUESTS
from nbbanana.text import clip

if TYPE_CHECKING:
    from nbbanana.models import Field, Model

__all__ = [
    "OWN",
    "Option",
    "axis_names",
    "dollars",
    "given_name",
    "listed",
    "options_of",
    "read_axes",
    "read_options",
    "spelled",
    "written",
]

WIDTH = 100
"""Columns of a help text."""

_RANGE = re.compile(r"(-?\d+):(-?\d+)(?::(-?\d+))?")
_LONG_DASH = re.compile(rf"[{LONG_DASHES}]+-?(?P<name>[A-Za-z][\w-]*)")
_PICTURE = re.compile(rf"({'|'.join(map(re.escape, ENDINGS))})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Option:
    """
    An option of the line.

    Args:
        name: as it is written, such as `--aspect-ratio`.
        short: its short form, such as `-n`, or None.
        takes: what its value is called in the help; None for a flag.
        help: one line.
        key: what it sets: the field's name, or one of nbbanana's own.
        field: the model's field; None for nbbanana's own.
        choices: the values it takes, where they are counted.
        line_only: whether only `%nbedit` has it.
        repeats: whether it may be given several times; its value is a tuple then.
    """

    name: str
    short: str | None
    takes: str | None
    help: str
    key: str
    field: Field | None = None
    choices: tuple[str, ...] = ()
    line_only: bool = False
    repeats: bool = False

    @property
    def is_switch(self) -> bool:
        """Whether it also has the forms `--no-…` and `=false`."""
        return self.takes is None and self.field is not None

    @property
    def negative(self) -> str:
        """The form that says no."""
        return f"--no-{self.name[2:]}"


OWN: tuple[Option, ...] = (
    Option("--prompt", "-p", "WORDS", "the prompt, where there is no cell body", "prompt", line_only=True),
    Option(
        "--model", "-m", "MODEL", "another model than that of %config NBBanana; auto: the one that suits best", "model"
    ),
    Option("--provider", None, "NAME", "the service that runs it; else the one that is set", "provider"),
    Option("--dry-run", None, None, "show the request and its price, send nothing", "dry_run"),
    Option("--fresh", None, None, "ask the service, whatever the store holds", "fresh"),
    Option(
        "--mode",
        None,
        "MODE",
        "auto: answer from the store what was asked before; fresh: never; replay: only from the store",
        "mode",
        choices=("auto", "fresh", "replay"),
    ),
    Option("--max-price", None, "USD", "send it only if it surely costs no more", "max_price"),
    Option("--assume-price", None, "USD", "what to count where the price is not known", "assume_price"),
    Option("--region", None, "PART", "what it is about: left,top,right,bottom from 0 to 1, or edit:12", "region"),
    Option("--mask", None, "PICTURE", "what to repaint: a picture, region, or edit:12.mask; not all models", "mask"),
    Option(
        "--sweep",
        None,
        "NAME=VALUES",
        "ask with several values: seed=0:4, resolution=1K,2K, the values of {{name}}, or a variable; more than once",
        "sweep",
        repeats=True,
    ),
    Option("--no-wait", None, None, "return a live job at once", "no_wait"),
    Option("--quiet", "-q", None, "show nothing; so does a ; at the end of the line", "quiet"),
)
"""nbbanana's own options, in the order of the help."""

_OWN_NAMES = frozenset(option.name for option in OWN)
_OWN_SHORTS = frozenset(option.short for option in OWN)


def spelled(field_name: str) -> str:
    """
    Return the option of a model's field; one that is called like an option of nbbanana's own gets `--model-` before it.

    >>> spelled("aspect_ratio"), spelled("mode")
    ('--aspect-ratio', '--model-mode')
    """
    name = field_name.replace("_", "-")
    return f"--model-{name}" if f"--{name}" in _OWN_NAMES else f"--{name}"


def options_of(model: Model) -> tuple[Option, ...]:
    """
    Return all options that a line may carry for a model: nbbanana's own, then the model's in the schema's order.

    A model that has words of its own for the shape or the size of its outputs takes `--aspect-ratio` and `--resolution`
    all the same (see `nbbanana.models.framing`).
    """
    return (*OWN, *(_of_field(field) for field in (*model.options, *pair_fields(model))))


def read_options(
    words: Iterable[Word], options: Iterable[Option], namespace: Mapping[str, Any] | None, model: str = ""
) -> tuple[dict[str, tuple[Option, Any]], list[Word]]:
    """
    Take the options out of the words of a line.

    Args:
        words: the line.
        options: those that there are.
        namespace: the variables that placeholders take values of; None reads braces as text.
        model: the id of the model whose options are among them, for an error that names it.

    Returns:
        By name, each option that was given with its value (text with its placeholders filled, but for those of
        the prompt, or whether the flag was set; of one that repeats a tuple); and the words that are left.

    Raises:
        UsageError: no such option, one that is given twice, or one whose value is missing.
        ParameterError: a switch of the model with a value that is neither yes nor no.
    """
    table = _table(options)
    given: dict[str, tuple[Option, Any]] = {}
    rest: list[Word] = []
    stream = iter(words)
    for word in stream:
        _check_dashes(word)
        if word.quoted or not word.text.startswith("-") or word.text == "-":
            rest.append(word)
        elif word.text == "--":
            rest.extend(Word(left.text, quoted=True) for left in stream)
        else:
            option, value = _one(word.text, table, stream, model)
            if option.name in given and not option.repeats:
                raise UsageError(f"{option.name} is given twice.", "An option has one value.", "Keep one of the two.")
            # Those of the prompt are filled part by part: see `read_words`.
            value = fill(value, namespace) if isinstance(value, str) and option.key != "prompt" else value
            given[option.name] = option, (*given.get(option.name, (option, ()))[1], value) if option.repeats else value
    return given, rest


def _check_dashes(word: Word) -> None:
    """Raise a UsageError for an option whose dash an editor made long, and for a file that begins with a dash."""
    if word.quoted:
        return
    if (long := _LONG_DASH.match(word.text)) and existing(word.text) is None:
        name = long["name"]
        meant = f"--{name}" if len(name) > 1 else f"-{name}"
        raise UsageError(
            f"{word.text[:80]} begins with a long dash.",
            "An editor made it of the dashes of an option.",
            f"Write {meant} with dashes of the keyboard.",
        )
    is_option = word.text.startswith("--") or len(word.text) < 3 or word.text[0] != "-"
    if not is_option and (_PICTURE.search(word.text) or existing(word.text) is not None):
        raise UsageError(
            f"{word.text[:80]} is read as an option.",
            "A word that begins with a dash is one.",
            f"Put the name into quotes: {quote(word.text)}",
        )


def given_name(key: str, words: Iterable[Word], namespace: Mapping[str, Any] | None) -> str | None:
    """Return the `model` or the `provider` that a line names: they decide which other options there are."""
    stream = iter(words)
    table = _table([option for option in OWN if option.key == key])
    for word in stream:
        if word.quoted or not word.text.startswith("-"):
            continue
        if word.text == "--":
            return None
        name, _, _ = _parts(word.text, table)
        if name in table:
            return fill(str(_one(word.text, table, stream)[1]), namespace)
    return None


def listed(options: Iterable[Option]) -> str:
    """Describe options for a help text: their forms, and what they do and take, indented below."""
    return "".join(map(_described, options))


def _described(option: Option) -> str:
    parts = [option.help.rstrip(".")]
    parts += ["%nbedit only"] if option.line_only else []
    parts += [f"one of {', '.join(option.choices)}"] if option.choices else []
    if field := option.field:
        if field.minimum is not None and field.maximum is not None:
            parts.append(f"{field.minimum} to {field.maximum}")
        if field.default is not None:
            shown = field.default if isinstance(field.default, str) else json.dumps(field.default)
            parts.append(f"the model takes {shown} if it is not set")
        parts += [field.cost_note] if field.cost_note else []
    parts += [f"{option.negative} says no"] if option.is_switch else []
    about = wrapped("; ".join(parts), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    names = ", ".join(filter(None, [option.short, option.name]))
    return f"  {names} {option.takes}\n{about}\n" if option.takes else f"  {names}\n{about}\n"


def written(option: str, value: str) -> str:
    """Return an option with its value, as it stands on a line."""
    return escape(f"{option} {quote(value)}")


def _of_field(field: Field) -> Option:
    return Option(
        name=spelled(field.name),
        short=None if field.short in _OWN_SHORTS else field.short,
        takes=None if field.kind == "boolean" else field.kind.upper(),
        help=field.description,
        key=field.name,
        field=field,
        choices=tuple(str(choice) for choice in field.enum),
    )


def _table(options: Iterable[Option]) -> dict[str, tuple[Option, bool]]:
    """Return every written form of the options, and whether it is the one that says no."""
    table: dict[str, tuple[Option, bool]] = {}
    for option in options:
        table[option.name] = option, False
        if option.short:
            table[option.short] = option, False
        if option.is_switch:
            table.setdefault(option.negative, (option, True))
    return table


def _parts(text: str, table: Mapping[str, Any]) -> tuple[str, str | None, str]:
    """Return the name of an option, the value that is joined to it, and the name as it was written."""
    if text.startswith("--"):
        written_name, equals, value = text.partition("=")
        return written_name.replace("_", "-"), value if equals else None, written_name
    name, value = text[:2], text[2:]
    if name in table and value:
        return name, value.removeprefix("="), name
    return (name, None, name) if name in table else (text, None, text)


def _one(
    text: str, table: Mapping[str, tuple[Option, bool]], stream: Iterator[Word], model: str = ""
) -> tuple[Option, str | bool]:
    """Return one option and its value, which may be the next word."""
    name, value, shown = _parts(text, table)
    if name not in table:
        raise _unknown(shown, table, model)
    option, says_no = table[name]
    if option.takes is None:
        return option, _truth(option, shown, value, says_no=says_no)
    if value is not None:
        return option, value
    following = next(stream, None)
    if following is None or (not following.quoted and re.match(r"--?[A-Za-z]", following.text)):
        raise UsageError(
            f"{shown} has no value.",
            f"It takes {'one of ' + ', '.join(option.choices) if option.choices else f'a value ({option.takes})'}.",
            f"Write {shown} and its value behind it.",
        )
    return option, following.text


def _truth(option: Option, shown: str, value: str | None, *, says_no: bool) -> bool:
    if value is None:
        return not says_no
    if not option.is_switch or says_no or value.casefold() not in TRUTH:
        kind = ParameterError if option.is_switch and not says_no else UsageError
        raise kind(
            f"{shown} does not take the value {value}.",
            f"{option.name} is a switch." if option.is_switch else f"{option.name} is set by being there.",
            f"Write {option.name} or {option.negative}." if option.is_switch else f"Write {option.name} alone.",
        )
    return TRUTH[value.casefold()]


def dollars(text: str, what: str, example: str) -> float:
    """
    Read an amount of US dollars.

    Raises:
        UsageError: it is none; the message says `what` it is for and gives an `example`.

    >>> dollars("$5.00", "The budget", "%nbbudget 5.00")
    5.0
    """
    try:
        amount = float(text.removeprefix("$"))
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise UsageError(f"{what} is {text!r:.40}.", "It is a number of US dollars.", f"Write {example}.")
    return amount


def _unknown(shown: str, table: Mapping[str, Any], model: str) -> UsageError:
    bare = shown.strip("-")
    name = bare.replace("-", "_")
    if name in IMAGES:
        return UsageError(f"There is no option {shown[:80]}.", "Pictures need none.", "Write %%nbedit photo.jpg")
    is_count = name in COUNTS
    others = {*PAIR, *COUNTS, *(field.name for field in auto_model().options)} if model else set()
    if name in others and not (is_count and "-n" in table):
        return UsageError(
            f"{short_name(model)} has no {'count' if is_count else bare.replace('-', ' ')}.",
            f"{shown} is an option of other models.",
            f"%nbmodels {short_name(model)} lists what it takes.",
        )
    near = _meant(bare, table)
    mend = f"Did you mean {near}?" if near else "Choose one of them, or leave it out."
    return UsageError(f"There is no option {shown[:80]}.", "%%nbedit? and %nbhistory? list the options.", mend)


def _meant(bare: str, table: Mapping[str, tuple[Option, bool]]) -> str | None:
    """Return the option that was probably meant, by its short form where it has one."""
    if f"-{bare}" in table:
        return f"-{bare}"
    if bare.replace("-", "_") in COUNTS and "-n" in table:
        return "-n"
    known = sorted(table, key=lambda name: name in _OWN_NAMES)  # of two that are as near, the model's
    near = nearest_name(bare, [name for name in known if name.startswith("--") and name[2:5] != "no-"])
    short = table[near][0].short if near else None
    return f"{short} ({near})" if short else near


def axis_names(texts: Sequence[str]) -> tuple[str, ...]:
    """
    Return the names of the axes that a line has.

    >>> axis_names(["seed=0:4", "aspect-ratio=1:1,16:9", "colours"])
    ('seed', 'aspect_ratio', 'colours')
    """
    return tuple(_named(text)[0] for text in texts)


def read_axes(texts: Sequence[str], model: Model, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the values of each axis.

    Args:
        texts: what stands behind each `--sweep`.
        model: whose parameters the values are read as, where an axis is one.
        namespace: the variables, for an axis that is only named.

    Raises:
        UsageError: an axis that cannot be read, or that is given twice.
        VariableError: no such variable.
        ParameterError: a value that the parameter does not take.

    >>> from nbbanana import models
    >>> read_axes(["seed=0:4", 'colour="deep red",blue'], models.get("nano-banana"), {})
    {'seed': range(0, 4), 'colour': ['deep red', 'blue']}
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, values = _named(text)
        if name in found:
            raise UsageError(f"--sweep {name} is given twice.", "An axis is given once.", "Keep one of the two.")
        if values is None and name not in namespace:
            raise VariableError(
                f"--sweep {name}: there is no variable {name}.",
                "Without values, an axis takes those of the variable of its name.",
                did_you_mean(name, namespace, f"Define it, or write its values: --sweep {name}=…,…"),
            )
        found[name] = namespace[name] if values is None else _values(name, values, model, namespace)
    return found


def _named(text: str) -> tuple[str, str | None]:
    name, equals, values = text.partition("=")
    name = normal(name.strip().lstrip("-").replace("-", "_"))
    if not name.isidentifier() or (equals and not values.strip()):
        raise UsageError(
            f"--sweep {clip(text, 60)} cannot be read.",
            "It takes a name and its values.",
            '--sweep seed=0:4, --sweep "colour=sand,deep red", or --sweep colours for a variable that holds a list',
        )
    return name, values if equals else None


def _values(name: str, text: str, model: Model, namespace: Mapping[str, Any]) -> Any:
    options = {field.name: field for field in model.options}
    enum = [str(one) for one in options[name].enum] if name in options else []
    span = _RANGE.fullmatch(text.strip())
    if span and text.strip() not in enum and not enum:  # 16:9 is a ratio where a parameter has such words
        return _range(name, text, span)
    texts = _split(name, text)
    if len(texts) == 1:
        alone = texts[0].strip()
        if alone in namespace and not isinstance(namespace[alone], str):
            return namespace[alone]
        raise UsageError(
            f"--sweep {name}={clip(text, 60)} has one value.",
            "An axis has several.",
            f"Write more, with commas between: --sweep {name}={alone},…; a variable that holds a list is named so too.",
        )
    return [model.parse_option(options[name], one) if name in options else one for one in texts]


def _range(name: str, text: str, span: re.Match[str]) -> range:
    first, end, step = int(span[1]), int(span[2]), int(span[3] or 1)
    if step and 0 < len(values := range(first, end, step)) <= MOST_REQUESTS:
        return values
    raise UsageError(
        f"--sweep {name}={text} has no values, or more than {MOST_REQUESTS:,}.",
        "0:4 is 0, 1, 2 and 3; the last one is not in it.",
        f"{name}=0:4",
    )


def _split(name: str, text: str) -> list[str]:
    if text.count('"') % 2:
        raise UsageError(
            f"--sweep {name}={clip(text, 60)} has one quote.",
            "A value with spaces needs quotes around all of it.",
            f'Write: --sweep "{name}=sand,deep red"',
        )
    texts = next(csv.reader([text], skipinitialspace=True, escapechar="\\"))
    if not all(one.strip() for one in texts):
        raise UsageError(
            f"--sweep {name}={clip(text, 60)} has an empty value.", "A comma stands between two values.", "Take it out."
        )
    return texts
