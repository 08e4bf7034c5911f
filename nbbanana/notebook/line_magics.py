"""The line magics that list: %nbhistory asks nb.history whatever a line says, %nbmodels the catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from IPython.core.interactiveshell import InteractiveShell

from nbbanana import models
from nbbanana.display import note_bundle
from nbbanana.display.views import money
from nbbanana.errors import UsageError
from nbbanana.grammar import Option, Word, read_options, split
from nbbanana.models.offers import all_models
from nbbanana.notebook.displays import publish
from nbbanana.session import History, current
from nbbanana.session.call_args import STATES
from nbbanana.store.filters import COMPARISONS, DRIFT
from nbbanana.store.records import Spending

__all__ = ["OPTIONS", "show_history", "show_models"]

ROWS = 20
MOST_ROWS = 500
"""A table that a notebook still opens with ease."""
MOST_DIGITS = 18
WHOLE = range(10**MOST_DIGITS)
"""The whole numbers that a store keeps."""

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
    why = f"It is a number from 1 to {MOST_ROWS}."
    limit = _whole("-n", str(given.pop("limit", ROWS)), why, "Write -n 50.", range(1, MOST_ROWS + 1))
    if given:
        _show(shell, history.filter(words=words or None, limit=limit, **_filters(given)))
    elif words:
        _show(shell, history.search(words, limit=limit))
    else:
        _show(shell, history.latest(limit))


def _show(shell: InteractiveShell, thing: Any) -> None:
    publish(shell, *thing._repr_mimebundle_())


# ── what is done instead of listing ─────────────────────────────────────────────────────────────────────────────


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
    "diff": Action(2, "two edits, such as --diff 3 7", lambda shell, history, ids: _show(shell, history.diff(*ids))),
    "lineage": Action(
        1,
        "an edit, such as --lineage 7",
        lambda shell, history, ids: _show(shell, history.lineage(history[ids[0]].id)),
    ),
    # The cell that asks the same is put below this one, as IPython's `%recall` does.
    "cell": Action(
        1, "an edit, such as --cell 7", lambda shell, history, ids: shell.set_next_input(history[ids[0]].cell())
    ),
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
    if (seed := filters.get("seed")) is not None:
        filters["seed"] = _whole("--seed", seed, "It is a whole number.", "Write --seed 7.")
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


def _whole(option: str, text: str, why: str, how: str, known: range = WHOLE) -> int:
    """Return the whole number that is the value of an option, among those that are known."""
    if not text.isdecimal() or len(text) > MOST_DIGITS or int(text) not in known:
        raise UsageError(f"{option} is {text!r:.40}.", why, how)
    return int(text)


MODELS_OPTIONS: tuple[Option, ...] = (
    Option("--compare", None, None, "two models or more beside each other", "compare"),
    Option("--choose", None, "WORDS", "the models that suit a request with these words, the best first", "choose"),
    Option("--images", None, "NUMBER", "how many pictures go with those words", "images"),
    Option("--mask", None, None, "a mask goes with them", "mask"),
    Option("--search", None, "WORDS", "the models that these words are about, such as mask", "search"),
)


def show_models(shell: InteractiveShell, line: str) -> None:
    """
    Show what a line asks of the catalogue.

    Raises:
        UsageError: an option that is not there, or words that do not go with one.
        UnknownModelError: no model of that name.
    """
    read, words = read_options(split(line)[0], MODELS_OPTIONS, shell.user_ns)
    given = {option.key: value for option, value in read.values()}
    publish(shell, _found(given, [word.text for word in words])._repr_mimebundle_())


def _found(given: dict[str, Any], names: list[str]) -> Any:
    if "choose" in given:
        _check_alone(names, given, {"choose", "images", "mask"})
        images = given.get("images")
        if images is not None:
            images = _whole("--images", images, "It is a number of pictures.", "Write --images 2.")
        return models.choose(given["choose"], images=images, mask=given.get("mask"))
    if "search" in given:
        _check_alone(names, given, {"search"})
        return models.search(given["search"])
    if given.keys() - {"compare"}:
        raise UsageError("--images and --mask say more of a request.", "", '%nbmodels --choose "…" --images 2')
    session = current()
    if "compare" in given:
        return models.compare(*map(session.model_of, names))
    if len(names) > 1:
        raise UsageError(f"{len(names)} models are named.", "One is shown whole.", "%nbmodels --compare kontext qwen")
    if names:
        return session.model_of(names[0])
    return models.ModelList(all_models(), default=models.canonical(session.default_model_at()))


def _check_alone(names: list[str], given: dict[str, Any], known: set[str]) -> None:
    if names or given.keys() - known:
        raise UsageError(
            "There is more on the line than it takes.",
            "Words of several parts stand in quotes.",
            "%nbmodels? says how.",
        )
