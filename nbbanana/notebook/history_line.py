"""`%nbhistory`: everything that `nb.history` can be asked, from a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from nbbanana.display import note_bundle
from nbbanana.display.words import money
from nbbanana.errors import UsageError
from nbbanana.grammar import Option, Word, read_options, split
from nbbanana.notebook.displays import publish
from nbbanana.session import current
from nbbanana.store.conditions import COMPARISONS, DRIFT
from nbbanana.store.records import State

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbbanana.session import History
    from nbbanana.store.records import Spending

__all__ = ["OPTIONS", "show_history"]

ROWS = 20
MOST_ROWS = 500
"""A table that a notebook still opens with ease."""

STATES: tuple[str, ...] = get_args(State)
COMPARED = tuple(DRIFT)
"""What was measured of an edit and is compared: `--drift-outside <2`."""
FILTERS = ("model", "provider", "state", "seed", "tag", "input", "notebook", "since", "until")
"""What an edit must have, as `History.filter` takes it."""

_NUMBER = re.compile(r"-?[0-9]{1,18}")
_BOUND = re.compile(r"(<=|>=|<|>)\s*([0-9]+(?:\.[0-9]+)?)")
_SPAN = re.compile(r"([0-9]{0,18}):([0-9]{0,18})")

Given = dict[str, str | bool]
"""The options of a line by their keys: a value, or that a flag is set."""


class Action(NamedTuple):
    """What is done instead of listing: how many ids it takes, as which words, and what it does with them."""

    takes: int
    as_words: str
    run: Callable[[InteractiveShell, History, list[int]], None]


def show_history(shell: InteractiveShell, line: str) -> None:
    """
    Show what a line asks of the history.

    Raises:
        UsageError: an option that is not there, or a value that it does not take.
        NotInStoreError: an edit that is not there.
    """
    words = [Word(word.text, quoted=word.quoted or _is_from_the_end(word.text)) for word in split(line)[0]]
    read, words = read_options(words, OPTIONS, shell.user_ns)
    given: Given = {option.key: value for option, value in read.values()}
    history = current().history
    action = next((name for name in ACTIONS if name in given), None)
    if action is not None:
        ACTIONS[action].run(shell, history, _ids(action, given, words))
    elif len(words) == 1 and given.keys() <= {"limit"} and (not words[0].quoted or _is_from_the_end(words[0].text)):
        _one_word(shell, history, given, words[0].text)
    else:
        _listed(shell, history, given, " ".join(word.text for word in words))


def _is_from_the_end(text: str) -> bool:
    """Tell whether a word is a negative number, which is an edit and no option."""
    return text.startswith("-") and _NUMBER.fullmatch(text) is not None


def _one_word(shell: InteractiveShell, history: History, given: Given, text: str) -> None:
    """Show an edit for a number and a slice for `3:9`; search for anything else, as for a number in quotes."""
    if _NUMBER.fullmatch(text):
        _show(shell, history[int(text)])
    elif span := _SPAN.fullmatch(text):
        first, end = (int(part) if part else None for part in span.groups())
        _show(shell, history[first:end])
    else:
        _listed(shell, history, given, text)


def _listed(shell: InteractiveShell, history: History, given: Given, words: str) -> None:
    limit = _limit(str(given.pop("limit", ROWS)))
    if given:
        _show(shell, history.filter(words=words or None, limit=limit, **_filters(given)))
    elif words:
        _show(shell, history.search(words, limit=limit))
    else:
        _show(shell, history.latest(limit))


def _show(shell: InteractiveShell, thing: Any) -> None:
    bundle = thing._repr_mimebundle_()
    publish(shell, *bundle)


# ── what is done instead of listing ─────────────────────────────────────────────────────────────────────────────


def _diff(shell: InteractiveShell, history: History, ids: list[int]) -> None:
    _show(shell, history.diff(*ids))


def _lineage(shell: InteractiveShell, history: History, ids: list[int]) -> None:
    _show(shell, history.lineage(history[ids[0]].id))


def _cell(shell: InteractiveShell, history: History, ids: list[int]) -> None:
    """Put the cell that asks the same below this one, as IPython's `%recall` does."""
    shell.set_next_input(history[ids[0]].cell())


def _cost(shell: InteractiveShell, history: History, _ids: list[int]) -> None:
    said = [_spent(provider, spending) for provider, spending in history.total_cost().items()]
    for line in said or ["Nothing was spent."]:
        publish(shell, note_bundle(line))


def _spent(provider: str, spending: Spending) -> str:
    facts = [f"{money(spending.known, is_play=spending.is_play)} at {provider}"]
    facts += [f"{money(spending.held)} more is quoted and not told yet"] if spending.held else []
    if spending.unpriced:
        edits = "1 edit has" if spending.unpriced == 1 else f"{spending.unpriced:,} edits have"
        facts.append(f"{edits} no known price and may have cost something")
    return "; ".join(facts) + "."


ACTIONS = {
    "diff": Action(2, "two edits, such as --diff 3 7", _diff),
    "lineage": Action(1, "an edit, such as --lineage 7", _lineage),
    "cell": Action(1, "an edit, such as --cell 7", _cell),
    "cost": Action(0, "nothing", _cost),
}

_HELP = {
    "drift_outside": "recoloured outside the region, in ΔE: <2, <=2, >5 or >=5",
    "redrawn_outside": "redrawn outside the region, from 0 to 1",
    "moved": "moved in the frame, in pixels",
}
OPTIONS: tuple[Option, ...] = (
    Option("--limit", "-n", "NUMBER", "how many edits are shown", "limit"),
    Option("--starred", None, None, "edits with a star", "starred"),
    Option("--rejected", None, None, "edits that were rejected", "rejected"),
    *(Option(f"--{name}", None, name.upper(), "", name, choices=STATES * (name == "state")) for name in FILTERS),
    *(Option(f"--{name.replace('_', '-')}", None, "BOUND", _HELP[name], name) for name in COMPARED),
    *(Option(f"--{name}", None, "EDIT" if action.takes else None, "", name) for name, action in ACTIONS.items()),
)

# ── the values of options ───────────────────────────────────────────────────────────────────────────────────────


def _filters(given: Given) -> dict[str, Any]:
    filters: dict[str, Any] = dict(given)
    if (state := filters.pop("state", None)) is not None:
        if state not in STATES:
            why = f"It is one of {', '.join(STATES)}."
            raise UsageError(f"--state is {state!r:.40}.", why, "Write --state failed.")
        filters["states"] = [state]
    if (seed := filters.get("seed")) is not None:
        if not seed.isdecimal():
            raise UsageError(f"--seed is {seed!r:.40}.", "It is a whole number.", "Write --seed 7.")
        filters["seed"] = int(seed)
    for name in filters.keys() & set(COMPARED):
        filters |= _bound(name, str(filters.pop(name)))
    return filters


def _bound(name: str, text: str) -> dict[str, float]:
    """Return a bound as `History.filter` takes it: `<2` of moved is `moved__lt=2`."""
    found = _BOUND.fullmatch(text.strip())
    if found is None:
        option = f"--{name.replace('_', '-')}"
        raise UsageError(f"{option} is {text!r:.40}.", "It is <, <=, > or >= and a number.", f"Write {option} <2.")
    kind = next(kind for kind, sign in COMPARISONS.items() if sign == found[1])
    return {f"{name}__{kind}": float(found[2])}


def _ids(name: str, given: Given, words: list[Word]) -> list[int]:
    """Return the edits that an action takes: the value of its option, and the words behind it."""
    action, first = ACTIONS[name], given[name]
    texts = ([] if first is True else [str(first)]) + [word.text for word in words]
    if len(given) > 1 or len(texts) != action.takes or not all(map(_NUMBER.fullmatch, texts)):
        said = f"--{name} takes {action.as_words}, and stands alone."
        raise UsageError(said, "Something else is on the line, or a number is missing.", "%nbhistory lists the edits.")
    return [int(text) for text in texts]


def _limit(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:9]) <= MOST_ROWS:
        raise UsageError(f"-n is {text!r:.40}.", f"It is a number from 1 to {MOST_ROWS}.", "Write -n 50.")
    return int(text)
