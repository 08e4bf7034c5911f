"""`nb.prompt`: a prompt that carries the parts it is composed of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from nbbanana import models
from nbbanana.errors import PromptError, UnknownModelError, VariableError
from nbbanana.models import Grammar
from nbbanana.models.nearest import nearest
from nbbanana.prompts.composing import compose
from nbbanana.prompts.labels import escaped, plain_words, refuse_mistaken
from nbbanana.prompts.lines import has_parts, read_lines, written_lines
from nbbanana.prompts.parts import Parts, made_parts, parts_of
from nbbanana.prompts.placeholders import fill, names_in

__all__ = ["Prompt", "code_of", "composed", "prompt", "read", "words_of"]


class Prompt(str):
    """
    The words of a request, as they are sent, with the parts that they are composed of.

    It is text to whatever takes text. What is made of it by editing it as text is plain text, without parts.

    Args:
        text: the words.
        parts: what they are composed of; None where they are a person's own.
        variables: the names that `fill` gives values.

    >>> import nbbanana as nb
    >>> words = nb.prompt(keep=["pose", "clothing"], change="a rainy street", only="background")
    >>> print(words)
    Keep the pose and clothing unchanged. Change only the background to a rainy street.
    >>> words.parts.only, words.upper().isupper(), hasattr(words.upper(), "parts")
    (('background',), True, False)
    """

    __slots__ = ("_parts", "_variables")
    _parts: Parts | None
    _variables: tuple[str, ...]

    def __new__(cls, text: str, parts: Parts | None = None, variables: Iterable[str] = ()) -> Self:  # noqa: D102
        made = super().__new__(cls, text)
        made._parts, made._variables = parts, tuple(variables)
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self._parts, self._variables

    @property
    def parts(self) -> Parts | None:
        """What it is composed of; None where it is a person's own words."""
        return self._parts

    @property
    def variables(self) -> tuple[str, ...]:
        """The names in double braces that have no values yet; such a prompt cannot be sent."""
        return self._variables

    @property
    def lines(self) -> str:
        """
        The text that a cell, a call and a shell read as this prompt: a line for each part, else its words.

        >>> print(prompt(keep="pose", change="Make it night.").lines)
        keep: pose
        change: Make it night.
        """
        return written_lines(self._parts) if self._parts else escaped(str(self))

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
        _refuse_missing(self._variables or names_in(self), values)
        if self._parts is None:
            return Prompt(fill(self, values))
        return composed(self._parts.mapped(lambda text: fill(text, values)))

    def for_grammar(self, grammar: Grammar | None) -> Prompt:
        """Return the prompt in another model's grammar; words that are a person's own stay as they are."""
        return self if self._parts is None else composed(self._parts, grammar, self._variables)


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
            raise _unfilled(text.variables)
        return text
    if not has_parts(text):
        refuse_mistaken(text)
        words = plain_words(text)
        return Prompt(words if fill_with is None else fill(words, fill_with))
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
        return repr(escaped(str(words)))
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


def _unfilled(variables: tuple[str, ...]) -> PromptError:
    names = ", ".join(f"{name}=…" for name in variables)
    return PromptError(
        f"The prompt has {{{{{variables[0]}}}}}, which has no value yet.",
        "It was written for a series.",
        f"Write .fill({names}) behind it.",
    )
