"""`%nbmodels`: the catalogue from a line: all models, one, several beside each other, those for a word or a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbbanana import models
from nbbanana.errors import UsageError
from nbbanana.grammar import Option, read_options, split
from nbbanana.models.offers import known_models, told_model
from nbbanana.notebook.displays import publish
from nbbanana.session import current

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["OPTIONS", "show_models"]

OPTIONS: tuple[Option, ...] = (
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
    read, words = read_options(split(line)[0], OPTIONS, shell.user_ns)
    given = {option.key: value for option, value in read.values()}
    publish(shell, _found(given, [word.text for word in words])._repr_mimebundle_())


def _found(given: dict[str, Any], names: list[str]) -> Any:
    if "choose" in given:
        _check_alone(names, given, {"choose", "images", "mask"})
        return models.choose(given["choose"], images=_number(given.get("images")), mask=given.get("mask"))
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
    return session.model_of(names[0]) if names else _all(session.default_model)


def _all(default: str) -> models.ModelList:
    """Return the models of the catalogue, then those that services told of when they were asked here."""
    told = (told_model(name) for name in known_models() if name not in models.ids())
    found = [*map(models.get, models.ids()), *filter(None, told)]
    return models.ModelList(found, default=models.canonical(default))


def _check_alone(names: list[str], given: dict[str, Any], known: set[str]) -> None:
    if names or given.keys() - known:
        raise UsageError(
            "There is more on the line than it takes.",
            "Words of several parts stand in quotes.",
            "%nbmodels? says how.",
        )


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal():
        raise UsageError(f"--images is {text!r:.40}.", "It is a number of pictures.", "Write --images 2.")
    return int(text[:9])
