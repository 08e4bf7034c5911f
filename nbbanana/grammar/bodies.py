"""The body of a cell: the prompt, or the prompts of several passes with a line of `---` between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from nbbanana.errors import PromptError, UsageError
from nbbanana.grammar.placeholders import fill
from nbbanana.request import with_plain_line_ends

__all__ = ["MAGIC", "check_prompt", "passes_of", "read_prompts"]

MAGIC = "%%nbedit"

_PASSES = re.compile(r"^[ \t]*-{3,}[ \t]*$", re.MULTILINE)
_RESERVED = re.compile(r"^[ \t]*(?P<label>keep|change|only|avoid|text):", re.MULTILINE | re.IGNORECASE)

_INSTEAD = {
    "keep": "Write a sentence, such as: Keep the subject unchanged.",
    "change": "Write a sentence, such as: Convert the background into a rainy street.",
    "only": "Write a sentence, such as: Change the background only.",
    "avoid": "Write a sentence, such as: Add nothing else.",
    "text": 'Write a sentence, such as: The sign says "OPEN".',
}
"""How to say in words what the lines will stand for."""


def read_prompts(body: str | None, own: Mapping[str, Any], namespace: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Return the prompts of a cell or a line, one for each pass, placeholders filled.

    Args:
        body: the cell's other lines; None for the line magic and a shell, whose prompt is an option.
        own: the values of nbbanana's own options.
        namespace: the variables that `{{name}}` takes values of.

    Raises:
        PromptError: there is none, a pass has none, or one cannot be sent; see `check_prompt`.
        UsageError: it is there twice.
    """
    if body is None:
        if "prompt" not in own:
            raise PromptError(
                "There is no prompt.", "%nbedit takes its prompt on the line.", 'Write -p "…", or use %%nbedit.'
            )
        return passes_of(own["prompt"])
    if "prompt" in own:
        raise UsageError("The prompt is there twice.", "A cell's body is its prompt.", "Leave --prompt out.")
    if not body.strip():
        raise PromptError("The cell has no prompt.", "A request needs words.", f"Write it below the {MAGIC} line.")
    return passes_of(with_plain_line_ends(body).removesuffix("\n"), lambda words: fill(words, namespace))


def passes_of(text: str, filled: Callable[[str], str] = str) -> tuple[str, ...]:
    r"""
    Return the prompts that stand in a text between lines of `---`; the line breaks beside such a line are none of them.

    Args:
        text: as it was written.
        filled: puts values in the place of placeholders, prompt by prompt.

    Raises:
        PromptError: a pass has no words, or one cannot be sent; see `check_prompt`.

    >>> passes_of("Make it night.\n---\nAdd a boat.")
    ('Make it night.', 'Add a boat.')
    """
    parts = _PASSES.split(with_plain_line_ends(text))
    if len(parts) == 1:
        return (check_prompt(filled(text)),)
    parts = [part.removeprefix("\n").removesuffix("\n") for part in parts]
    empty = next((number for number, part in enumerate(parts, start=1) if not part.strip()), None)
    if empty is not None:
        raise PromptError(
            f"Pass {empty} of {len(parts)} has no words.",
            "A line of --- stands between two passes.",
            "Write the words of each pass, or take the line away.",
        )
    return tuple(check_prompt(filled(part)) for part in parts)


def check_prompt(prompt: str) -> str:
    """
    Return the prompt with plain line ends, if it can be sent.

    Raises:
        PromptError: no words; a line of `---`, which stands between the prompts of two passes; a line that begins with
            `keep:`, `change:`, `only:`, `avoid:` or `text:`, however capitalised. Those will be composed into a prompt
            one day: sending them as words now would change what such a cell means.
    """
    prompt = with_plain_line_ends(prompt)
    if not prompt.strip():
        raise PromptError("There is no prompt.", "A request needs words.", "Say what to keep and what to change.")
    if (line := _PASSES.search(prompt)) is not None:
        raise PromptError(
            f"The prompt has a line of {line[0].strip()}.",
            "In a cell such a line stands between two passes; a prompt is the words of one.",
            'In Python, give a list: nb.chain(["Keep … Change …", "Keep … Change …"], picture).',
        )
    found = _RESERVED.search(prompt)
    if found is None:
        return prompt
    label = found["label"]
    raise PromptError(
        f"The prompt has a line that begins with {label}:",
        "Such lines are kept for composed prompts, which are not there yet.",
        _INSTEAD[label.casefold()],
    )
