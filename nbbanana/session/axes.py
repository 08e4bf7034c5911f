"""What several edits share and what sets each of them apart: the axes of a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from nbbanana.display.differences import around
from nbbanana.display.words import written
from nbbanana.models.naming import short_name
from nbbanana.store.records import Edit
from nbbanana.text import one_line

__all__ = ["Axes", "axes"]

NOTHING = "—"
"""What stands for words that one prompt has and another has not."""
MOST_WORDS = 120
"""Characters of a prompt in a header."""


@dataclass(frozen=True, slots=True)
class Axes:
    """
    What edits share, and what each has for itself.

    Args:
        prompt: the words that all have, with `…` where they differ; empty where they share next to nothing.
        parameters: the parameters that all have, but the prompt.
        titles: for each edit what it has for itself, but the seed: `aspect_ratio 1:1`, or the words that differ.
        seeds: for each edit its seed as a title, where not all have the same.
    """

    prompt: str
    parameters: Mapping[str, Any]
    titles: tuple[str, ...]
    seeds: tuple[str, ...]

    @property
    def full_titles(self) -> tuple[str, ...]:
        """For each edit all that it has for itself."""
        return tuple(" · ".join(filter(None, pair)) for pair in zip(self.titles, self.seeds, strict=True))

    @property
    def is_crossed(self) -> bool:
        """Whether edits with one title follow each other with several seeds: rows of titles, columns of seeds."""
        titles = list(dict.fromkeys(self.titles))
        in_order = [title for title, _ in groupby(self.titles)]
        return any(self.seeds) and 1 < len(titles) < len(self.titles) and titles == in_order


def axes(edits: Sequence[Edit]) -> Axes:
    """Compare edits by their prompts, pictures, models and parameters."""
    prompt, words = _words([edit.prompt for edit in edits])
    known = [_facts(edit) for edit in edits]
    names = dict.fromkeys(name for facts in known for name in facts)
    unlike = [name for name in names if len({written(facts.get(name)) for facts in known}) > 1]
    titles = [
        " · ".join(filter(None, [said, *(_title(name, facts.get(name)) for name in unlike)]))
        for said, facts in zip(words, known, strict=True)
    ]
    have_one_seed = len({edit.seed for edit in edits}) == 1
    return Axes(
        prompt=prompt,
        parameters={name: value for name, value in edits[0].options.items() if name not in unlike and name != "seed"},
        titles=tuple(titles),
        seeds=tuple("" if have_one_seed or edit.seed is None else f"seed {edit.seed}" for edit in edits),
    )


def _facts(edit: Edit) -> dict[str, Any]:
    """Return what an edit was asked with, but its words and its seed."""
    parameters = {name: value for name, value in edit.options.items() if name != "seed"}
    inputs = ", ".join(record.name for record in edit.inputs)
    return {"input": inputs, "model": edit.model, "provider": edit.provider, **parameters}


def _title(name: str, value: Any) -> str:
    if name == "input":
        return one_line(value or "no input", 80)
    if name == "model":
        return one_line(short_name(value), 80)
    return f"{one_line(name)} {'default' if value is None else written(value, 60)}"


def _words(prompts: Sequence[str]) -> tuple[str, list[str]]:
    """Return what the prompts share, and for each what it has for itself; nothing where all are equal."""
    if len(set(prompts)) == 1:
        return prompts[0], [""] * len(prompts)
    before, parts, after = around(prompts)
    shared = len(before.strip()) + len(after.strip())
    if shared < max(map(len, parts)) / 2:
        return "", [one_line(prompt, MOST_WORDS) for prompt in prompts]
    return f"{before}…{after}", [one_line(part.strip(), MOST_WORDS) or NOTHING for part in parts]
