"""
A cell's text ⇄ a request: `parse` reads a line and a body, `to_cell` writes them.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from nbbanana import models
from nbbanana.errors import UnknownModelError, UsageError
from nbbanana.grammar import options
from nbbanana.grammar.bodies import MAGIC, read_prompts, unfilled, written_words
from nbbanana.grammar.line import FileOperand, Operand, Word, named, read, split
from nbbanana.grammar.options import axis_names, read_axes
from nbbanana.images.reading import existing
from nbbanana.prompts.prompting import escape, fill, normal
from nbbanana.request import with_plain_line_ends
from nbbanana.text import clip

if TYPE_CHECKING:
    from nbbanana.grammar.options import Option
    from nbbanana.models import Model

__all__ = [
    "Asked",
    "Cell",
    "parse",
    "parse_words",
    "split_cell",
    "to_cell",
]

LONGEST_MEND = 200
"""Characters of a line that is said to be the right one."""

SWEEP = "--sweep"

_BINDING = re.compile(r"\s*(?P<name>[^\s\"'<]+)\s*<<(?P<rest>.*)", re.DOTALL)
_ASSIGNED = re.compile(r"(?P<name>[^\W\d]\w*)=[^=]")
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Asked(Protocol):
    """What `to_cell` needs of a request: `EditRequest`, a stored edit and `Cell` have it."""

    @property
    def model(self) -> Any:
        """The endpoint, or None for the default."""

    @property
    def prompt(self) -> str:
        """The words."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What was set; the prompt among them, under the name that `prompt_field` says, is not written twice."""


@dataclass(frozen=True, slots=True)
class Cell:
    """
    A parsed cell.

    Args:
        prompt: the prompt, placeholders filled, a `Prompt` where it was read; of several passes that of the first.
        then: the prompts of the passes after it: each edits what the one before gave.
        operands: the images, not yet looked up.
        model: the endpoint that the line names; None where it names none.
        parameters: what the line sets, typed, under the schema's names.
        name: the variable that the result is bound to.
        mode: how the store is used; None is the session's way.
        provider: the service that runs it; None is the session's.
        max_price: US dollars that it may cost at most.
        assume_price: US dollars to count for it where the price is not known.
        region: the part of a picture that it is about, as `regions.written` writes it.
        dry_run: show the request and its price, send nothing.
        wait: whether the cell ends with the result, or at once with a job.
        quiet: show nothing.
        axes: the values of what varies, by name: a parameter, a placeholder, `model` or `provider`.
    """

    prompt: str
    operands: tuple[Operand, ...] = ()
    model: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    mode: Literal["auto", "fresh", "replay"] | None = None
    provider: str | None = None
    max_price: float | None = None
    assume_price: float | None = None
    region: str | None = None
    dry_run: bool = False
    wait: bool = True
    quiet: bool = False
    then: tuple[str, ...] = ()
    axes: Mapping[str, Any] = field(default_factory=dict)


def parse(
    line: str,
    body: str | None = None,
    *,
    default_model: str = "",
    namespace: Mapping[str, Any] | None = None,
    model_of: Callable[[str], Model] = models.get,
    choose: Callable[[str | None, str | None], Model] | None = None,
) -> Cell:
    r"""
    Read a line and a body.

    Args:
        line: what stands behind the magic's name.
        body: the cell's other lines; None for the line magic, whose prompt is an option.
        default_model: the model whose options count where the line names none.
        namespace: the variables that `{{name}}` takes values of.
        model_of: gives a model by its id.
        choose: gives the model for the model and the provider that the line names, None for what it does not name; it
            is asked instead of the default model and `model_of`.

    Raises:
        UsageError: an option, a quote or a name that cannot be read.
        ParameterError: a value that the model does not take.
        PromptError: no words, or lines that make no prompt.
        VariableError: a placeholder without a value.
        UnknownModelError: no such model.

    >>> cell = parse("neon << portrait.jpg -n 4", "Make it night.\n", default_model="google/nano-banana-2/edit")
    >>> cell.name, cell.operands, dict(cell.parameters), cell.prompt
    ('neon', (FileOperand(text='portrait.jpg'),), {'number_of_images': 4}, 'Make it night.')
    """
    found = _BINDING.fullmatch(line)
    if found is None and line.lstrip().startswith("<<"):
        raise UsageError("There is no name before <<.", "name << binds the result to a variable.", "Write a name.")
    name, rest = (_checked_name(found["name"]), found["rest"]) if found else (None, line)
    words, silent = split(rest)
    _check_equals(line, words)
    cell = parse_words(
        words, body, default_model=default_model, namespace=namespace or {}, model_of=model_of, choose=choose
    )
    return replace(cell, name=name, quiet=silent or cell.quiet)


def parse_words(
    words: Sequence[Word],
    body: str | None = None,
    *,
    default_model: str = "",
    namespace: Mapping[str, Any] | None = None,
    model_of: Callable[[str], Model] = models.get,
    choose: Callable[[str | None, str | None], Model] | None = None,
) -> Cell:
    """
    Read a line that is words already, as a shell gives them; the arguments and errors are those of `parse`.

    Without a namespace braces are text, as in the name of a file, but in the prompt they ask for a value.

    >>> cell = parse_words([Word("my portrait.jpg", quoted=True), Word("-p"), Word("Make it night.")],
    ...                    default_model="google/nano-banana-2/edit")
    >>> cell.operands, cell.prompt
    ((FileOperand(text='my portrait.jpg'),), 'Make it night.')
    """
    variables = namespace or {}
    named, provider = (options.given_name(key, words, namespace) for key in ("model", "provider"))
    model = model_of(named or default_model) if choose is None else choose(named, provider)
    given, left = options.read_options(words, options.options_of(model), namespace, model.id)
    own = {option.key: value for option, value in given.values() if option.field is None}
    swept = own.get("sweep", ())
    prompt, *then = read_prompts(body, own, {**variables, **unfilled(axis_names(swept))})
    parameters = {
        option.key: value if isinstance(value, bool) else model.parse_option(option.field, value)
        for option, value in given.values()
        if option.field
    }
    parameters |= {"mask": own["mask"]} if "mask" in own else {}
    return Cell(
        prompt=prompt,
        then=tuple(then),
        operands=tuple(_operand(word, namespace) for word in left),
        model=named,
        parameters=parameters,
        axes=_checked_axes(read_axes(swept, model, variables), {**parameters, **own}),
        mode=_mode(own),
        provider=str(own["provider"]) if "provider" in own else None,
        max_price=_dollars(own, "max_price"),
        assume_price=_dollars(own, "assume_price"),
        region=str(own["region"]) if "region" in own else None,
        dry_run="dry_run" in own,
        wait="no_wait" not in own,
        quiet="quiet" in own,
    )


def _checked_axes(axes: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the axes of a line.

    Raises:
        UsageError: one that has a value of its own on the line.
    """
    if twice := next((name for name in axes if name in given), None):
        raise UsageError(
            f"{twice} is given twice.", "The line gives it a value, and --sweep several.", "Keep one of the two."
        )
    return axes


def split_cell(text: str) -> tuple[str, str]:
    r"""
    Return the line and the body of a `%%nbedit` cell, as IPython hands them over.

    Raises:
        UsageError: it is no such cell.

    >>> split_cell("%%nbedit portrait.jpg\nMake it night.")
    ('portrait.jpg', 'Make it night.\n')
    """
    first, _, body = with_plain_line_ends(text).partition("\n")
    magic, _, line = first.partition(" ")
    if magic != MAGIC:
        raise UsageError(f"The cell does not begin with {MAGIC}.", "Another kind of cell cannot be read.")
    return line, body if body.endswith("\n") or not body else body + "\n"


def to_cell(
    request: Asked,
    images: Iterable[Operand | str],
    name: str | None = None,
    *,
    default_model: str | None = None,
    region: str | None = None,
    provider: str | None = None,
) -> str:
    """
    Write the `%%nbedit` cell that asks the same: `parse` reads it back as it was.

    Args:
        request: model, prompt and parameters.
        images: the operands in their order; of texts, `edit:12[0]` and `edit:12.inputs[0]` are of an edit, all others
            are paths or URLs.
        name: the variable that the result is bound to.
        default_model: the model that the line need not name; None always names it.
        region: the part of a picture that it is about, as `regions.written` writes it, or `edit:12`.
        provider: the service that runs it; None does not name one.

    Raises:
        PromptError: the prompt is one that a cell cannot say (see `written_words`).
        UsageError: a path or a value that does not fit on a line, or a name that no variable can have.

    >>> from nbbanana.request import EditRequest
    >>> request = EditRequest("google/nano-banana-2/edit", {"prompt": "Make it night.", "seed": 7})
    >>> print(to_cell(request, ["my portrait.jpg", "edit:12[0]"], "night"))
    %%nbedit night << "my portrait.jpg" edit:12[0] --model google/nano-banana-2/edit --seed 7
    Make it night.
    """
    parts = [MAGIC]
    if name is not None:
        parts += [_checked_name(name), "<<"]
    parts += [str(named(image) if isinstance(image, str) else image) for image in images]
    if request.model is not None and request.model != default_model:
        parts.append(options.written("--model", request.model))
    shorts = _shorts(request.model)
    words = getattr(request, "prompt_field", "prompt")
    parts += [_written(key, value, shorts) for key, value in request.parameters.items() if key != words]
    parts += [options.written("--region", region)] if region else []
    parts += [options.written("--provider", provider)] if provider else []
    line, prompt = (
        " ".join(parts),
        escape(written_words(request.prompt, getattr(request, "parts", None), request.model)),
    )
    if len(line.splitlines()) != 1 or line != line.rstrip():
        raise UsageError(
            "A path or a value has a line break in it.",
            "The first line of a cell cannot hold it.",
            "Use result.code(), or rename the file.",
        )
    # IPython ends every cell with a line break and the prompt does without it: one more keeps one that is meant.
    return f"{line}\n{prompt}" + ("\n" if prompt.endswith("\n") else "")


def _check_equals(line: str, words: Sequence[Word]) -> None:
    """Raise a UsageError for `neon = a.jpg` and `neon=a.jpg`, which mean `neon << a.jpg`."""
    if len(words) > 1 and not words[1].quoted and words[1].text == "=" and words[0].text.isidentifier():
        name, assigned = words[0].text, re.compile(r"\S+\s*=\s*")
    else:
        # What stands behind --sweep is a name with values.
        alone = [
            word for before, word in zip((None, *words), words, strict=False) if getattr(before, "text", "") != SWEEP
        ]
        found = [(word.text, _ASSIGNED.match(word.text)) for word in alone if not word.quoted]
        names = [match["name"] for text, match in found if match and existing(text) is None]
        if not names:
            return
        name, assigned = names[0], re.compile(rf"(?<!\S){names[0]}=")
    rest = assigned.sub("", line, count=1).strip()
    raise UsageError(
        f"{name} = … does not name the result.", "Use << to name it.", clip(f"{MAGIC} {name} << {rest}", LONGEST_MEND)
    )


def _checked_name(text: str) -> str:
    name = normal(text)
    if name.isidentifier() and not keyword.iskeyword(name) and name.strip("_"):
        return name
    why = (
        "Python keeps this word for itself." if keyword.iskeyword(name) else
        "IPython keeps this name for itself." if not name.strip("_") else
        "A name has letters, digits and underscores, and does not begin with a digit."
    )  # fmt: skip
    raise UsageError(f"{text} << cannot bind a variable.", why, "Choose another name; quote a file that has << in it.")


def _operand(word: Word, namespace: Mapping[str, Any] | None) -> Operand:
    if "{{" in word.text:
        return FileOperand(fill(word.text, namespace))
    if not word.quoted and word.text == "<<":
        raise UsageError("There is a << in the middle of the line.", "name << stands first.", "Write it first.")
    return read(word)


def _mode(own: Mapping[str, Any]) -> Literal["auto", "fresh", "replay"] | None:
    mode = own.get("mode")
    if "fresh" in own:
        if mode not in {None, "fresh"}:
            raise UsageError(f"--fresh and --mode {mode} do not go together.", "Both say how the store is used.")
        return "fresh"
    choices = next(option.choices for option in options.OWN if option.key == "mode")
    if mode is not None and mode not in choices:
        raise UsageError(f"--mode is {mode!r}.", f"It is one of {', '.join(choices)}.", "Choose one of them.")
    return cast("Literal['auto', 'fresh', 'replay'] | None", mode)


def _dollars(own: Mapping[str, Any], key: str) -> float | None:
    option = f"--{key.replace('_', '-')}"
    return options.dollars(own[key], option, f"{option} 0.50") if key in own else None


def _shorts(model_id: str | None) -> Mapping[str, str]:
    """Return the short forms, where the model is one that is shipped; others are written in full."""
    try:
        model = models.get(model_id) if model_id else None
    except UnknownModelError:
        return {}
    known: Sequence[Option] = options.options_of(model) if model else ()
    return {option.key: option.short for option in known if option.short and option.field}


def _written(key: str, value: Any, shorts: Mapping[str, str]) -> str:
    """
    Return a parameter as an option. In a record of unknown origin, another name could be an option of nbbanana's own.

    Raises:
        UsageError: such a name.
    """
    option = options.spelled(key)
    written = f"--no-{option[2:]}" if value is False else option
    if not _PARAMETER.fullmatch(key) or any(own.name == written for own in options.OWN):
        raise UsageError(
            f"The parameter {key!r:.80} cannot be written on a line.",
            "A parameter's name has letters, digits and underscores.",
            "See what the record holds: .parameters.",
        )
    if isinstance(value, bool):
        return written
    text = value if isinstance(value, str) else json.dumps(value)
    return options.written(shorts.get(key, option), text)
