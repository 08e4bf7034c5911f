"""
`nb.prompt`: a prompt that carries the parts it is composed of; its placeholders, and prompts to begin with.

`{{name}}` in a prompt or on the line is a variable's value as text; single braces are text. Use cases are prompts in
parts, or sample prompts; `use_cases.json` says of each where it is from.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from numbers import Real
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Self

from nbbanana import models
from nbbanana.errors import PromptError, UnknownModelError, UsageError, VariableError
from nbbanana.models import Grammar
from nbbanana.models.checking import did_you_mean, nearest
from nbbanana.prompts.lines import escaped, has_parts, plain_words, read_lines, refuse_mistaken, written_lines
from nbbanana.prompts.parts import Parts, compose, made_parts, parts_of
from nbbanana.text import packaged

__all__ = [
    "Prompt",
    "UseCase",
    "code_of",
    "composed",
    "escape",
    "fill",
    "fits",
    "names_in",
    "normal",
    "prompt",
    "read",
    "use_case",
    "use_cases_there",
    "words_of",
]

# Four braces are two braces of text. Of three, the first is text, so that {{{name}}} puts a value between braces.
_PLACEHOLDER = re.compile(r"(?P<escaped>\{\{\{\{)|\{\{(?!\{)(?:(?P<name>.*?)\}\}|[ \t]*\w+[ \t]*\})")


def fill(text: str, namespace: Mapping[str, Any] | None) -> str:
    """
    Return a text with the values of its placeholders; what a value holds is not looked at again.

    Args:
        text: any text. `{{name}}` stands for a value, `{{{{` for two braces.
        namespace: the variables; None leaves the text as it is.

    Raises:
        VariableError: no such variable, or one that holds something other than text, a number or a path.
        UsageError: something other than a name between the braces, or `{{name}` with one brace too few.

    >>> fill('{"city": {{city}}} at {{hour}} h', {"city": "Oslo", "hour": 7})
    '{"city": Oslo} at 7 h'
    """
    if namespace is None:
        return text
    return _PLACEHOLDER.sub(lambda match: "{{" if match["escaped"] else _value(match, namespace), text)


def names_in(text: str) -> tuple[str, ...]:
    """
    Return the names that `fill` looks up for a text, each once.

    >>> names_in("{{place}} at {{ hour }} h, {{{{not this")
    ('place', 'hour')
    """
    found = (normal(match["name"].strip()) for match in _PLACEHOLDER.finditer(text) if match["name"])
    return tuple(dict.fromkeys(name for name in found if name.isidentifier()))


def escape(text: str) -> str:
    """Return the text that `fill` gives back unchanged."""
    return text.replace("{{", "{{{{")


def fits(value: object) -> bool:
    """Return whether a placeholder may take the value: text, a number, a truth value or a path."""
    return isinstance(value, str | Real | PurePath)


def normal(name: str) -> str:
    """Return a name as Python keeps it: NFKC, so that a name typed in another spelling is the same."""
    return unicodedata.normalize("NFKC", name)


def _value(found: re.Match[str], namespace: Mapping[str, Any]) -> str:
    name = normal((found["name"] or "").strip())
    if not name.isidentifier():
        raise UsageError(
            f"{found[0]} is not a variable's name in double braces.",
            "Between {{ and }} stands one name: no index, no attribute, no expression.",
            "Put the value into a variable of its own, or write {{{{ where you mean two braces.",
        )
    if name not in namespace:
        raise VariableError(
            f"{{{{{name}}}}} has no value: there is no variable {name}.",
            f"In a cell, variables of the notebook give values; elsewhere --sweep {name}=… or nb.sweep(…, {name}=[…]).",
            did_you_mean(name, namespace, "Give it one, or write {{{{ where you mean two braces."),
        )
    value = namespace[name]
    if not fits(value):
        raise VariableError(
            f"{{{{{name}}}}} holds a value of type {type(value).__name__}.",
            "A placeholder takes text, a number, a truth value or a path.",
            f"Make it text first, such as str({name}); a picture stands on the line without braces.",
        )
    return str(value)


class Prompt(str):
    """
    The words of a request, as they are sent, with the parts that they are composed of.

    It is text to whatever takes text. What is made of it by editing it as text is plain text, without parts.

    Args:
        text: the words.
        parts: what they are composed of; None where they are a person's own.
        variables: the names in double braces that `fill` gives values; a prompt that has some cannot be sent.

    >>> import nbbanana as nb
    >>> words = nb.prompt(keep=["pose", "clothing"], change="a rainy street", only="background")
    >>> print(words)
    Keep the pose and clothing unchanged. Change only the background to a rainy street.
    >>> words.parts.only, words.upper().isupper(), hasattr(words.upper(), "parts")
    (('background',), True, False)
    """

    __slots__ = ("parts", "variables")
    parts: Parts | None
    variables: tuple[str, ...]

    def __new__(cls, text: str, parts: Parts | None = None, variables: Iterable[str] = ()) -> Self:  # noqa: D102
        made = super().__new__(cls, text)
        made.parts, made.variables = parts, tuple(variables)
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.parts, self.variables

    @property
    def lines(self) -> str:
        """
        The text that a cell, a call and a shell read as this prompt: a line for each part, else its words.

        >>> print(prompt(keep="pose", change="Make it night.").lines)
        keep: pose
        change: Make it night.
        """
        return written_lines(self.parts) if self.parts else escaped(str(self))

    def fill(self, **values: Any) -> Prompt:
        """
        Return the prompt with values for its `{{name}}`: the same sentences for each picture of a series.

        Args:
            values: text, numbers or paths by name. Nothing in them is read as a placeholder or as a part.

        Raises:
            VariableError: a name without a value, or a value that is no text.

        >>> series = prompt(keep="the bottle", change="Convert the background into {{place}}")
        >>> [str(series.fill(place=place)) for place in ("a beach", "snow")]  # doctest: +NORMALIZE_WHITESPACE
        ['Keep the bottle unchanged. Convert the background into a beach.',
         'Keep the bottle unchanged. Convert the background into snow.']
        """
        _refuse_missing(self.variables or names_in(self), values)
        if self.parts is None:
            return Prompt(fill(self, values))
        return composed(self.parts.mapped(lambda text: fill(text, values)))

    def for_grammar(self, grammar: Grammar | None) -> Prompt:
        """Return the prompt in another model's grammar; words that are a person's own stay as they are."""
        return self if self.parts is None else composed(self.parts, grammar, self.variables)


def prompt(
    *,
    keep: str | Iterable[str] | None = None,
    change: str | None = None,
    only: str | Iterable[str] | None = None,
    avoid: str | Iterable[str] | None = None,
    text: str | Iterable[str] | Mapping[str, Any] | None = None,
    references: Mapping[int, str] | Iterable[str] | None = None,
    more: str | Iterable[str] | None = None,
    model: str | None = None,
) -> Prompt:
    """
    Compose a prompt: what stays first, then one change, then lettering, then what to avoid.

    A request composes it anew in the grammar of its model. `{{name}}` in a part takes a value by `.fill(name=…)`.

    Args:
        keep: what stays as it is: a list, or a text in which commas separate.
        change: one instruction, such as "Convert the background into a rainy street", or with `only` what it becomes.
        only: where alone it is changed.
        avoid: what is not to appear.
        text: lettering: the words, or the words by where they stand. Its script is named where it is not Latin; kanji
            alone count as Chinese, unless the prompt names Japanese or `{"sign": ("営業中", "Japanese")}` does.
        references: what is taken from which picture, `{2: "the jacket"}`; a list begins with the second picture.
        more: sentences that follow the change as they are.
        model: the model whose grammar it is shown in; None is the usual one.

    Raises:
        PromptError: an empty part, `only` without a change, or nothing to change.
        UnknownModelError: no such model.

    >>> import nbbanana as nb
    >>> print(nb.prompt(keep=["layout", "colours"], text={"headline": "今日のおすすめ"}, avoid="other text"))
    Keep the layout and colours unchanged. Set the headline to "今日のおすすめ" in Japanese. Avoid other text.
    """
    parts = made_parts(keep=keep, change=change, only=only, avoid=avoid, text=text, references=references, more=more)
    return composed(parts, models.get(model).grammar if model else None, names_in(written_lines(parts)))


def read(text: str, fill_with: Mapping[str, Any] | None = None) -> Prompt:
    r"""
    Return the words of a text as any door takes them: composed where it has lines of parts, else as they are.

    Args:
        text: lines; what was read already, a `Prompt`, is returned as it is.
        fill_with: the variables that `{{name}}` takes values of; None reads braces as text.

    Raises:
        PromptError: parts that make no prompt; see `read_lines`; a line whose label has a slip in it.
        VariableError, UsageError: a placeholder that cannot be filled.

    >>> print(read("keep: pose\nMake it night."))
    Keep the pose unchanged. Make it night.
    >>> read("keep:: this word").parts is None
    True
    """
    if isinstance(text, Prompt):
        if text.variables:
            raise PromptError(
                f"The prompt has {{{{{text.variables[0]}}}}}, which has no value yet.",
                "It was written for a series.",
                f"Write .fill({', '.join(f'{name}=…' for name in text.variables)}) behind it.",
            )
        return text
    if not has_parts(text):
        refuse_mistaken(text)
        return Prompt(fill(plain_words(text), fill_with))
    return composed(read_lines(text, None if fill_with is None else lambda part: fill(part, fill_with)))


def words_of(words: str, parts: Mapping[str, Any] | None, model: str | None = None) -> Prompt:
    """
    Return the words of a record with their parts, where those still make the same words in the model's grammar.

    Args:
        words: as they were sent; a `Prompt` is returned as it is.
        parts: as the record has them, which may come from a stranger or an older version; or None.
        model: the record's model.
    """
    if isinstance(words, Prompt):
        return words
    known = parts_of(parts)
    made = composed(known, _grammar_of(model)) if known else None
    return made if made == words else Prompt(words)


def code_of(words: Prompt) -> str:
    """
    Return the Python that a call takes for these words: `nb.prompt(…)` where they have parts, else a string.

    >>> print(code_of(prompt(keep="pose", change="Make it night.")))
    nb.prompt(
        keep=['pose'],
        change='Make it night.',
    )
    """
    # In double braces stands a name that has no value yet: words that have some are written as words.
    if words.parts is None or "{{" in words:
        return repr(escape(escaped(str(words))))
    parts = words.parts
    packed = parts.as_json() | {name: _by_name(getattr(parts, name)) for name in ("text", "references")}
    packed = {name: value for name, value in packed.items() if value}
    return "nb.prompt(\n" + "".join(f"    {name}={value!r},\n" for name, value in packed.items()) + ")"


def _by_name(pairs: tuple[tuple[Any, str], ...]) -> Any:
    """Return pairs as a call is written: by name where each name stands once, and lettering without a place alone."""
    names = [name for name, _ in pairs]
    if names == [""]:
        return pairs[0][1]
    return dict(pairs) if "" not in names and len(set(names)) == len(names) else list(pairs)


def _grammar_of(model: str | None) -> Grammar | None:
    try:
        return models.get(model).grammar if model else None
    except UnknownModelError:
        return None


def composed(parts: Parts, grammar: Grammar | None = None, variables: Iterable[str] = ()) -> Prompt:
    """Return the prompt that parts make in a model's grammar; None is the usual one."""
    return Prompt(compose(parts, grammar), parts, variables)


def _refuse_missing(names: Iterable[str], values: Mapping[str, Any]) -> None:
    """Refuse values that leave a name of the prompt without one; a name that was mistyped is the likeliest reason."""
    for name in names:
        if name not in values:
            near = nearest(name, [given for given in values if given not in names])
            raise VariableError(
                f"{{{{{name}}}}}: .fill gives {name} no value.",
                f"The prompt has {', '.join(f'{{{{{one}}}}}' for one in names)}.",
                f"You wrote {near}=…: write {name}=…" if near else f"Write .fill({name}=…).",
            )


@dataclass(frozen=True, slots=True)
class UseCase:
    """
    A prompt to begin with, and the parameters that belong to it.

    Args:
        id: its name.
        title: what people call it.
        why: what it is good for.
        source: the line of the model's own document that it comes from.
        parts: what its prompt is composed of; None where it is a sample prompt, word for word.
        words: the sample prompt; empty where there are parts.
        values: by the name of a placeholder, values for a series.
        parameters: what a call is given with it.

    >>> case = use_case("background-swap")
    >>> print(case.prompts[1])
    Keep the subject identity, pose, and clothing unchanged. Convert the background into a sunlit library.
    """

    id: str
    title: str
    why: str
    source: str
    parts: Parts | None = None
    words: str = ""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prompt(self) -> Prompt:
        """The prompt, with a placeholder where the pictures of a series differ."""
        return prompt(**self.parts.as_json()) if self.parts else Prompt(self.words)

    @property
    def prompts(self) -> list[Prompt]:
        """The prompts of its series: one for each value, all with the same grammar."""
        if not self.values:
            return [self.prompt]
        [(name, values)] = self.values.items()
        return [self.prompt.fill(**{name: value}) for value in values]


@cache
def use_cases_there() -> tuple[UseCase, ...]:
    """Return all of them, in the order of the document."""
    return tuple(_read(dict(row)) for row in packaged(__package__, "use_cases.json"))


def use_case(name: str) -> UseCase:
    """
    Return the use case of that id.

    Raises:
        UsageError: there is none.
    """
    found = {case.id: case for case in use_cases_there()}
    if name not in found:
        mend = did_you_mean(name, found, "nb.use_cases() lists them.")
        raise UsageError(f"There is no use case {name!r:.40}.", f"There are {', '.join(found)}.", mend)
    return found[name]


def _read(row: dict[str, Any]) -> UseCase:
    parts = made_parts(**row.pop("parts")) if "parts" in row else None
    values = {name: tuple(values) for name, values in row.pop("values", {}).items()}
    parameters = MappingProxyType(row.pop("parameters", {}))
    return UseCase(**row, parts=parts, values=MappingProxyType(values), parameters=parameters)
