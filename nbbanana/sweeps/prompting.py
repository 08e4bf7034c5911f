"""The words of a cell: placeholders filled from axes, and words searched for and replaced."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nbbanana.errors import PromptError, UsageError
from nbbanana.models.nearest import nearest_name
from nbbanana.prompts import Prompt
from nbbanana.prompts.placeholders import fits, names_in, normal
from nbbanana.text import clip

__all__ = ["check_names", "check_values", "check_words", "filled", "placeholders", "places", "replaced"]

_BRACES = re.compile(r"(?P<escaped>\{\{\{\{)|\{\{(?!\{)\s*(?P<name>\w+)\s*\}\}")


def placeholders(prompts: Sequence[str]) -> frozenset[str]:
    """
    Return the names of the placeholders in some prompts.

    >>> sorted(placeholders(["Paint it {{colour}}, at {{ hour }} o'clock."]))
    ['colour', 'hour']
    """
    return frozenset(name for prompt in prompts for name in names_in(prompt))


def filled(prompt: str, values: Mapping[str, Any]) -> str:
    """
    Return a prompt with the values of its placeholders; one that has no value here stays, and `{{{{` is two braces.

    >>> filled("Paint the {{part}} {{colour}}, {{{{so}}.", {"colour": "red"})
    'Paint the {{part}} red, {{so}}.'
    """
    if isinstance(prompt, Prompt) and set(names := names_in(prompt)) <= set(values):
        return prompt.fill(**{name: values[name] for name in names}) if names else prompt  # its parts stay

    def value(match: re.Match[str]) -> str:
        """Return what stands in the place of a match."""
        if match["escaped"]:
            return "{{"
        name = normal(match["name"])
        return str(values[name]) if name in values else match[0]

    return _BRACES.sub(value, prompt)


def check_names(prompts: Sequence[str], known: Sequence[str]) -> None:
    """
    Check that each placeholder has a value.

    Raises:
        UsageError: one has none.
    """
    for name in sorted(placeholders(prompts) - set(known)):
        meant = nearest_name(name, known)
        hint = f"Did you mean {{{{{meant}}}}}? " if meant else ""
        raise UsageError(
            f"{{{{{name}}}}} has no value.",
            "Each placeholder of a swept prompt takes the values of the argument of that name.",
            f'{hint}Give them: {name}=["…", "…"], or write {{{{{{{{ where you mean two braces.',
        )


def check_values(values: Mapping[str, Iterable[Any]]) -> None:
    """
    Check that placeholders take what is text, a number or a path, and something.

    Raises:
        UsageError: one is given nothing, NaN, or something else.
    """
    for name, several in values.items():
        for value in several:
            is_text = fits(value) and bool(str(value).strip()) and value == value  # noqa: PLR0124 (NaN is not)
            if not is_text:
                shown = "no value" if value is None or not str(value).strip() else f"{value!r:.40}"
                raise UsageError(
                    f"{{{{{name}}}}} is given {shown}.",
                    "A placeholder takes text, a number or a path.",
                    f"Leave it out of {name}, or write it as text.",
                )


def replaced(prompt: str, changes: Mapping[str, str]) -> str:
    """
    Return a prompt with words replaced, all at once: what one puts in is not searched by another.

    >>> replaced("A red car on a red road.", {"red car": "blue car", "road": "red bridge"})
    'A blue car on a red red bridge.'
    """
    if not changes:
        return prompt
    # The longest first, so that "red car" is found before "red".
    words = sorted(changes, key=len, reverse=True)
    return re.sub("|".join(map(_whole, words)), lambda match: changes[match[0]], prompt)


def check_words(prompts: Sequence[str], words: Sequence[str]) -> None:
    """
    Check that words that are to be replaced stand in each prompt, as whole words.

    Raises:
        PromptError: they do not.
    """
    for word in words:
        without = next((prompt for prompt in prompts if not word.strip() or not re.search(_whole(word), prompt)), None)
        if without is not None:
            inside = bool(word.strip()) and word in without
            raise PromptError(
                f"{clip(word, 60)!r} cannot be replaced: the prompt does not hold it"
                f"{' as a whole word' if inside else ''}.",
                f"It is: {clip(without, 160)}",
                "Write it as it stands in the prompt, capitals too, or leave it out.",
            )


def _whole(word: str) -> str:
    """Return an expression for words that are no part of longer ones."""
    before = r"(?<!\w)" if word[:1].isalnum() else ""
    after = r"(?!\w)" if word[-1:].isalnum() else ""
    return f"{before}{re.escape(word)}{after}"


def places(prompt: str) -> list[tuple[str, bool]]:
    """
    Return a prompt in pieces, those True that are placeholders.

    >>> places("Keep the cup. Paint it {{ colour }}, {{{{so}}.")
    [('Keep the cup. Paint it ', False), ('{{colour}}', True), (', {{{{so}}.', False)]
    """
    found: list[tuple[str, bool]] = []
    end = 0
    for match in _BRACES.finditer(prompt):
        if match["name"]:
            found += [(prompt[end : match.start()], False), (f"{{{{{normal(match['name'])}}}}}", True)]
            end = match.end()
    return [piece for piece in [*found, (prompt[end:], False)] if piece[0]]
