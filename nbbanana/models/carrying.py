"""What a service carries of a request: a parameter whole, with loss, or not at all, which is an error that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from nbbanana.errors import ParameterError, translated
from nbbanana.models.catalogue import get, ids
from nbbanana.models.framing import PAIR, framed, pair_fields
from nbbanana.models.model import Model, from_schema
from nbbanana.models.offers import offer, who_has
from nbbanana.text import one_line

__all__ = ["carriers", "losses", "payload_for"]


def payload_for(
    model: Model, parameters: Mapping[str, Any], image_urls: Sequence[str], live: Model | None, service: str
) -> dict[str, Any]:
    """
    Return the JSON body of a request as a service takes it; see `Model.payload`.

    Args:
        model: as the catalogue has it.
        parameters: what the user set, and the seed that goes out.
        image_urls: https URLs or data URIs, in their order.
        live: the model as the service has it; None is as the catalogue has it.
        service: the name of the provider, for the error.

    Raises:
        ParameterError: a parameter would be dropped, or a value or so many pictures are not taken. Nothing was sent.
    """
    with translated(ParameterError, partial(_not_taken, service)):
        own = _in_words_of(live, model, parameters) if live else {}
    rest = {name: value for name, value in parameters.items() if not own or name not in PAIR}
    for name in rest if live else ():
        if live and model.counterpart(name, live) is None and not model.goes_without_saying(name, rest[name]):
            raise _dropped(model.id, name, service)
    with translated(ParameterError, partial(_not_taken, service)):
        return {**model.payload(rest, image_urls, live=live), **own}


def _in_words_of(live: Model, model: Model, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shape and the size in the words of a service that has others; empty where it has none of its own."""
    pair = {name: parameters[name] for name in PAIR if name in parameters}
    lacking = [name for name in pair if model.counterpart(name, live) is None]
    return framed(live, pair) if lacking and pair_fields(live) else {}


def losses(model: Model, parameters: Mapping[str, Any], live: Model | None, service: str) -> tuple[str, ...]:
    """
    Return a line for each set parameter that a service carries with loss.

    >>> there = from_schema("m", {"properties": {"seed": {"type": "integer", "x-nbbanana": {"loss": "best effort"}}}})
    >>> losses(there, {"seed": 7}, there, "gemini")
    ('gemini carries seed with loss: best effort.',)
    """
    found = ((name, model.counterpart(name, live)) for name in parameters) if live else ()
    lossy = ((name, one_line(there.loss, 200)) for name, there in found if there and there.loss)
    return tuple(f"{service} carries {name} with loss: {loss}." for name, loss in lossy)


def carriers(model_id: str, parameter: str) -> tuple[str, ...]:
    """
    Return the services that carry a parameter of a model, by the catalogue.

    >>> carriers("google/nano-banana-2.1/edit", "enable_web_search")
    ('fal', 'gemini')
    """
    if model_id not in ids():
        return ()
    model = get(model_id)
    offers = (found for provider in who_has(model_id) if (found := offer(provider, model_id)))
    return tuple(
        found.provider for found in offers if model.counterpart(parameter, from_schema(model_id, found.schema))
    )


def _dropped(model_id: str, name: str, service: str) -> ParameterError:
    others = [one for one in carriers(model_id, name) if one != service]
    if not others:
        why, mend = "No service of the catalogue is known to carry it.", f"Leave {name} out."
    else:
        *first, last = others
        who = f"{', '.join(first)} and {last} carry" if first else f"{last} carries"
        why = f"It would be dropped. {who} it, by the catalogue."
        mend = f"Leave {name} out, or choose that service: --provider {others[0]}."
    return ParameterError(f"{service} does not carry {name} for {model_id}.", why, f"{mend} Nothing was sent.")


def _not_taken(service: str, error: ParameterError) -> ParameterError:
    return ParameterError(error.what, f"{error.why} This holds for {service}.", f"{error.how} Nothing was sent.")
