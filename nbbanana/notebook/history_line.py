"""`%nbhistory`: everything that `nb.history` can be asked, from a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from nbbanana.display import note_bundle
from nbbanana.display.words import money
from nbbanana.errors import UsageError
from nbbanana.grammar import Word, split
from nbbanana.models.nearest import did_you_mean
from nbbanana.notebook.displays import publish
from nbbanana.session import current
from nbbanana.store.records import State

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbbanana.session import History
    from nbbanana.store.records import Spending

__all__ = ["ACTIONS", "FILTERS", "LIMIT", "SWITCHES", "show_history"]

ROWS = 20
MOST_ROWS = 500
"""A table that a notebook still opens with ease."""

LIMIT = ("-n", "--limit")
SWITCHES = ("--starred", "--rejected")
FILTERS = ("--model", "--provider", "--state", "--seed", "--tag", "--input", "--notebook", "--since", "--until")
"""What an edit must have, as `History.filter` takes it."""
STATES: tuple[str, ...] = get_args(State)

_NUMBER = re.compile(r"-?[0-9]{1,18}")
_SPAN = re.compile(r"([0-9]{0,18}):([0-9]{0,18})")


class Action(NamedTuple):
    """What is done instead of listing: how many ids it takes, as which words, and what it does with them."""

    takes: int
    as_words: str
    run: Callable[[InteractiveShell, History, list[int]], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a line asks for."""

    words: tuple[Word, ...] = ()
    filters: dict[str, Any] = field(default_factory=dict)
    limit: int = ROWS
    action: tuple[str, list[int]] | None = None


def show_history(shell: InteractiveShell, line: str) -> None:
    """
    Show what a line asks of the history.

    Raises:
        UsageError: an option that is not there, or a value that it does not take.
        NotInStoreError: an edit that is not there.
    """
    asked, history = _read(line), current().history
    if asked.action is not None:
        name, ids = asked.action
        ACTIONS[name].run(shell, history, ids)
    elif not asked.filters and len(asked.words) == 1 and not asked.words[0].quoted:
        _one_word(shell, history, asked)
    else:
        _listed(shell, history, asked)


def _one_word(shell: InteractiveShell, history: History, asked: Asked) -> None:
    """Show an edit for a number, a slice for `3:9`, and search for anything else, also for a number in quotes."""
    text = asked.words[0].text
    if _NUMBER.fullmatch(text):
        _show(shell, history[int(text)])
    elif span := _SPAN.fullmatch(text):
        first, end = (int(part) if part else None for part in span.groups())
        _show(shell, history[first:end])
    else:
        _listed(shell, history, asked)


def _listed(shell: InteractiveShell, history: History, asked: Asked) -> None:
    words = " ".join(word.text for word in asked.words)
    if asked.filters:
        _show(shell, history.filter(words=words or None, limit=asked.limit, **asked.filters))
    elif words:
        _show(shell, history.search(words, limit=asked.limit))
    else:
        _show(shell, history.latest(asked.limit))


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
    facts = [f"{money(spending.known, provider)} at {provider}"]
    facts += [f"{money(spending.held)} more is quoted and not told yet"] if spending.held else []
    if spending.unpriced:
        edits = "1 edit has" if spending.unpriced == 1 else f"{spending.unpriced:,} edits have"
        facts.append(f"{edits} no known price and may have cost something")
    return "; ".join(facts) + "."


ACTIONS = {
    "--diff": Action(2, "two edits, such as --diff 3 7", _diff),
    "--lineage": Action(1, "an edit, such as --lineage 7", _lineage),
    "--cell": Action(1, "an edit, such as --cell 7", _cell),
    "--cost": Action(0, "nothing", _cost),
}

# ── reading the line ────────────────────────────────────────────────────────────────────────────────────────────


def _read(line: str) -> Asked:
    words: list[Word] = []
    filters: dict[str, Any] = {}
    limit, action = ROWS, None
    stream = iter(split(line)[0])
    for word in stream:
        name, value = _option(word)
        if name is None:
            words.append(word)
        elif name in LIMIT:
            limit = _limit(_value(name, value, stream))
        elif name in SWITCHES:
            filters[name[2:]] = True
        elif name in FILTERS:
            filters |= _filter(name, _value(name, value, stream))
        elif name in ACTIONS:
            action = (name, [_id(name, value, stream) for _ in range(ACTIONS[name].takes)])
        else:
            raise _unknown(name)
    if action and (words or filters):
        raise UsageError(
            f"{action[0]} stands alone.", f"It takes {ACTIONS[action[0]].as_words}.", "Leave the rest out."
        )
    return Asked(tuple(words), filters, limit, action)


def _option(word: Word) -> tuple[str | None, str | None]:
    """Return the name of an option and the value that is written to it; no name for what is none."""
    if word.quoted or not word.text.startswith("-") or _NUMBER.fullmatch(word.text):
        return None, None
    if word.text.startswith("-n") and not word.text.startswith("--"):
        return "-n", word.text[2:].removeprefix("=") or None
    name, equals, value = word.text.partition("=")
    return name, value if equals else None


def _value(name: str, value: str | None, stream: Iterator[Word]) -> str:
    if value is None:
        value = next((word.text for word in stream), None)
    if value is None:
        raise UsageError(f"{name} takes a value.", "None is written.", f"Write {name} and what it should be.")
    return value


def _filter(name: str, value: str) -> dict[str, Any]:
    if name == "--state":
        return {"states": [_state(value)]}
    if name == "--seed" and not value.isdecimal():
        raise UsageError(f"--seed is {value!r:.40}.", "It is a whole number.", "Write --seed 7.")
    return {name[2:]: int(value) if name == "--seed" else value}


def _state(value: str) -> str:
    if value not in STATES:
        raise UsageError(f"--state is {value!r:.40}.", f"It is one of {', '.join(STATES)}.", "Write --state failed.")
    return value


def _id(name: str, value: str | None, stream: Iterator[Word]) -> int:
    text = value if value is not None else next((word.text for word in stream), "")
    if not _NUMBER.fullmatch(text):
        raise UsageError(
            f"{name} takes {ACTIONS[name].as_words}.", f"It was given {text!r:.40}.", "%nbhistory lists them."
        )
    return int(text)


def _limit(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:9]) <= MOST_ROWS:
        raise UsageError(f"-n is {text!r:.40}.", f"It is a number from 1 to {MOST_ROWS}.", "Write -n 50.")
    return int(text)


def _unknown(name: str) -> UsageError:
    known = [*LIMIT, *SWITCHES, *FILTERS, *ACTIONS]
    mend = did_you_mean(name, known, "Put words with a - in quotes.")
    return UsageError(f"There is no option {name:.40}.", f"%nbhistory has {', '.join(known)}.", mend)
