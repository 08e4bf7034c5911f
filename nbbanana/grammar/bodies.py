"""The body of a cell: the prompt, in words or in parts; of several passes, with a line of `---` between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import copy
from functools import partial
from typing import Any

from nbbanana.errors import NBBananaError, PromptError, UsageError, translated
from nbbanana.prompts import Prompt, read, words_of
from nbbanana.request import with_plain_line_ends

__all__ = ["MAGIC", "of_pass", "passes_of", "read_prompts", "read_words", "unfilled", "written_words"]

MAGIC = "%%nbedit"

_PASSES = re.compile(r"^[ \t]*-{3,}[ \t]*$", re.MULTILINE)


def read_prompts(body: str | None, own: Mapping[str, Any], namespace: Mapping[str, Any]) -> tuple[Prompt, ...]:
    """
    Return the prompts of a cell or a line, one for each pass, placeholders filled and parts composed.

    Args:
        body: the cell's other lines; None for the line magic and a shell, whose prompt is an option.
        own: the values of nbbanana's own options, the prompt's as it was written.
        namespace: the variables that `{{name}}` takes values of.

    Raises:
        PromptError: there is none, a pass has none, or one cannot be sent; see `read_words`.
        UsageError: it is there twice.
    """
    if body is None:
        if "prompt" not in own:
            raise PromptError(
                "There is no prompt.", "%nbedit takes its prompt on the line.", 'Write -p "…", or use %%nbedit.'
            )
        return passes_of(own["prompt"], namespace)
    if "prompt" in own:
        raise UsageError("The prompt is there twice.", "A cell's body is its prompt.", "Leave --prompt out.")
    if not body.strip():
        raise PromptError("The cell has no prompt.", "A request needs words.", f"Write it below the {MAGIC} line.")
    return passes_of(with_plain_line_ends(body).removesuffix("\n"), namespace)


def passes_of(text: str, namespace: Mapping[str, Any] | None = None) -> tuple[Prompt, ...]:
    r"""
    Return the prompts that stand in a text between lines of `---`; the line breaks beside such a line are none of them.

    Args:
        text: as it was written.
        namespace: the variables that `{{name}}` takes values of; None reads braces as text.

    Raises:
        PromptError: a pass has no words, or one cannot be sent; see `read_words`.

    >>> passes_of("Make it night.\n---\nAdd a boat.")
    ('Make it night.', 'Add a boat.')
    """
    parts = _PASSES.split(with_plain_line_ends(text))
    if len(parts) == 1:
        return (read_words(text, namespace),)
    parts = [part.removeprefix("\n").removesuffix("\n") for part in parts]
    empty = next((number for number, part in enumerate(parts, start=1) if not part.strip()), None)
    if empty is not None:
        raise PromptError(
            f"Pass {empty} of {len(parts)} has no words.",
            "A line of --- stands between two passes.",
            "Write the words of each pass, or take the line away.",
        )
    prompts = []
    for number, part in enumerate(parts, start=1):
        with translated(PromptError, partial(of_pass, number, len(parts))):
            prompts.append(read_words(part, namespace))
    return tuple(prompts)


def of_pass(number: int, count: int, error: NBBananaError) -> NBBananaError:
    """Return an error that says which pass it is about."""
    told = copy(error)
    told.what = f"Pass {number} of {count}: {error.what}"
    return told


def unfilled(names: Iterable[str]) -> dict[str, str]:
    """Return values that leave these placeholders as they are: a sweep fills them cell by cell."""
    return {name: f"{{{{{name}}}}}" for name in names}


def read_words(text: str, namespace: Mapping[str, Any] | None = None) -> Prompt:
    """
    Return the words of one pass as every way of asking reads them: lines such as `keep:` are composed, others stay.

    Args:
        text: as it was written; what was read already, a `Prompt`, stays as it is.
        namespace: the variables that `{{name}}` takes values of; None reads braces as text.

    Raises:
        PromptError: no words; a line of `---`, which stands between the prompts of two passes; lines that make no
            prompt, such as two that begin with `change:`.
        VariableError, UsageError: a placeholder that cannot be filled.
    """
    if not isinstance(text, Prompt):
        text = _one_pass(with_plain_line_ends(text))
    return _some(read(text, namespace) if text.strip() else Prompt(""))


def written_words(words: str, parts: Mapping[str, Any] | None = None, model: str | None = None) -> str:
    """
    Return the text that `read_words` reads as these words: lines of parts, where their words are what was sent.

    Args:
        words: as they are sent.
        parts: what they were composed of, as a request keeps it; a `Prompt` has its own.
        model: the model in whose grammar they are.

    Raises:
        PromptError: no words, or a line of `---`.

    >>> print(written_words("Keep the pose unchanged. Make it night.", {"keep": ["pose"], "change": "Make it night."}))
    keep: pose
    change: Make it night.
    >>> print(written_words("keep: this is a title"))
    keep:: this is a title
    """
    return _some(words_of(words, parts, model)).lines


def _some(words: Prompt) -> Prompt:
    if words.strip():
        _one_pass(words)
        return words
    raise PromptError("There is no prompt.", "A request needs words.", "Say what to keep and what to change.")


def _one_pass(text: str) -> str:
    if found := _PASSES.search(text):
        raise PromptError(
            f"The prompt has a line of {found[0].strip()}.",
            "In a cell such a line stands between two passes; a prompt is the words of one.",
            'In Python, give a list: nb.chain(["Keep … Change …", "Keep … Change …"], picture).',
        )
    return text
