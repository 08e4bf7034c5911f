"""Models that end: what to say of one whose end is announced, and of one that a service does not have any more."""

from __future__ import annotations

from nbbanana.errors import ModelRetiredError
from nbbanana.models.catalogue import canonical, successor
from nbbanana.models.offers import Offer, offer, who_has

__all__ = ["ending", "retired"]


def retired(provider: str, title: str, model: str, why: str = "") -> ModelRetiredError | None:
    r"""
    Return the error for a model that a service says it does not have, though it had it by the catalogue.

    Args:
        provider: the name of the service, such as `fal`.
        title: what people call it.
        model: the id in the catalogue.
        why: what the service said.

    Returns:
        The error, with the model that follows and the setting that changes it; None where the catalogue does not know
        that the service ever had it.

    >>> error = retired("gemini", "Gemini", "google/nano-banana-2/edit", "It said: NOT_FOUND.")
    >>> print(error.what, error.why, sep="\n")
    Gemini does not have google/nano-banana-2/edit any more.
    It said: NOT_FOUND. Its end there was announced for 2026-10-29. It was last seen there on 2026-10-18.
    """
    found = offer(provider, model)
    if found is None:
        return None
    facts = [why, f"Its end there was announced for {found.ends}." if found.ends else ""]
    facts.append(f"It was last seen there on {found.alive}." if found.alive else "")
    return ModelRetiredError(
        f"{title} does not have {found.model} any more.",
        " ".join(filter(None, facts)),
        f"{_instead(found)} Nothing was made or charged.",
    )


def ending(provider: str, model: str) -> str | None:
    """
    Return a sentence about a model whose end at a service was announced, or that it said it lacks; else None.

    >>> print(ending("gemini", "nano-banana-2").partition("; ")[0])
    The end of google/nano-banana-2/edit at gemini was announced for 2026-10-29
    >>> ending("gemini", "nano-banana-2.1")
    """
    found = offer(provider, model)
    if found is None or not (found.ends or found.gone):
        return None
    new = successor(found.model)
    follows = f"; {new} follows it" if new else ""
    if found.gone:
        return f"On {found.gone} {provider} said that it does not have {found.model} any more{follows}."
    return f"The end of {found.model} at {provider} was announced for {found.ends}{follows}."


def _instead(found: Offer) -> str:
    """Return what to take instead of a model, and the one setting that does it."""
    new = successor(canonical(found.model))
    others = [one for one in who_has(found.model) if one != found.provider]
    if new is None:
        elsewhere = f" {', '.join(others)} had it: --provider {others[0]}." if others else ""
        return f"No model is known to follow it: %nbmodels shows the others.{elsewhere}"
    who = who_has(new)
    setting = f'for all requests %config NBBanana.model = "{new}"'
    if found.provider in who or not who:
        return f"{new} follows it: --model {new}, or {setting}."
    elsewhere = f'%config NBBanana.provider = "{who[0]}"'
    return f"{new} follows it at {', '.join(who)}: --provider {who[0]} --model {new}, or {setting} and {elsewhere}."
