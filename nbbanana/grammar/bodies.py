"""The body of a cell: the prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nbbanana.errors import PromptError, UsageError
from nbbanana.grammar.placeholders import fill
from nbbanana.request import with_plain_line_ends

__all__ = ["MAGIC", "check_prompt", "read_prompt"]

MAGIC = "%%nbedit"

_RESERVED = re.compile(
    r"^[ \t]*(?:(?P<passes>-{3,})[ \t]*$|(?P<label>keep|change|only|avoid|text):)", re.MULTILINE | re.IGNORECASE
)

_INSTEAD = {
    "keep": "Write a sentence, such as: Keep the subject unchanged.",
    "change": "Write a sentence, such as: Convert the background into a rainy street.",
    "only": "Write a sentence, such as: Change the background only.",
    "avoid": "Write a sentence, such as: Add nothing else.",
    "text": 'Write a sentence, such as: The sign says "OPEN".',
}
"""How to say in words what the lines will stand for."""


def read_prompt(body: str | None, own: Mapping[str, Any], namespace: Mapping[str, Any]) -> str:
    """
    Return the prompt of a cell or a line, placeholders filled.

    Args:
        body: the cell's other lines; None for the line magic and a shell, whose prompt is an option.
        own: the values of nbbanana's own options.
        namespace: the variables that `{{name}}` takes values of.

    Raises:
        PromptError: there is none, or it cannot be sent; see `check_prompt`.
        UsageError: it is there twice.
    """
    if body is None:
        if "prompt" not in own:
            raise PromptError(
                "There is no prompt.", "%nbedit takes its prompt on the line.", 'Write -p "…", or use %%nbedit.'
            )
        return check_prompt(own["prompt"])
    if "prompt" in own:
        raise UsageError("The prompt is there twice.", "A cell's body is its prompt.", "Leave --prompt out.")
    if not body.strip():
        raise PromptError("The cell has no prompt.", "A request needs words.", f"Write it below the {MAGIC} line.")
    return check_prompt(fill(with_plain_line_ends(body).removesuffix("\n"), namespace))


def check_prompt(prompt: str) -> str:
    """
    Return the prompt with plain line ends, if it can be sent.

    Raises:
        PromptError: no words; a line of `---`; a line that begins with `keep:`, `change:`, `only:`, `avoid:` or
            `text:`, however capitalised. Those will be composed into a prompt one day: sending them as words now would
            change what such a cell means.
    """
    prompt = with_plain_line_ends(prompt)
    if not prompt.strip():
        raise PromptError("There is no prompt.", "A request needs words.", "Say what to keep and what to change.")
    found = _RESERVED.search(prompt)
    if found is None:
        return prompt
    if found["passes"]:
        raise PromptError(
            f"The prompt has a line of {found['passes']}.",
            "Such a line is kept for edits in several passes, which are not there yet.",
            "Write a second cell, with the result of the first as its image.",
        )
    label = found["label"]
    raise PromptError(
        f"The prompt has a line that begins with {label}:",
        "Such lines are kept for composed prompts, which are not there yet.",
        _INSTEAD[label.casefold()],
    )
