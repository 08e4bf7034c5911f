"""`--dry-run`: the request as it would be sent, and what it would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nbbanana.display import DryRun, Picture, describe, dry_run_bundle
from nbbanana.errors import NBBananaError
from nbbanana.models.carrying import losses, payload_for
from nbbanana.models.offers import offer
from nbbanana.models.retiring import ending
from nbbanana.session.services import elsewhere

if TYPE_CHECKING:
    from nbbanana.engine.prices import Quote
    from nbbanana.images import ImageInput
    from nbbanana.models import Model
    from nbbanana.request import EditRequest
    from nbbanana.session.session import Session

__all__ = ["describe_request"]

NOT_ASKED = "The price is not asked in replay: nothing goes over the network."


def describe_request(
    session: Session, request: EditRequest, mode: str | None = None, provider: str | None = None
) -> dict[str, Any]:
    """
    Describe a request and its price as a MIME bundle; sends nothing.

    Args:
        session: the session that would start it.
        request: what is asked.
        mode: how the store would be used, where that is not as the session has it. In replay nothing is asked.
        provider: the service that would run it; None is the session's.
    """
    is_replay = "replay" in {session.mode, mode}
    model, choice = session.model_of(request.model, provider), session.choice(provider)
    inputs = tuple(Picture(image.name, image.source, image.width, image.height) for image in request.images)
    (quote, live), note = ((None, None), NOT_ASKED) if is_replay else _described(session, request, provider)
    service = "replay" if is_replay else choice.name
    takes_seed = model.seed_field is not None and (live is None or live.seed_field is not None)
    seed = "A random seed is sent, since none is set." if takes_seed and not request.is_seeded else None
    urls = [_picture(image) for image in request.images]
    return dry_run_bundle(
        DryRun(
            model=request.model,
            provider=service,
            is_play=choice.is_play,
            request=payload_for(model, request.parameters, urls, live, service),
            inputs=inputs,
            expected=model.count(request.parameters),
            cost=quote.amount if quote else None,
            is_exact=quote.is_exact if quote else False,
            most=quote.high if quote else None,
            how=quote.how if quote else "",
            notes=(
                *([] if request.model_named or is_replay else [f"No model was named: {request.model} is the default."]),
                *filter(None, [_origin(service, model), ending(service, model.id), seed, note]),
                *filter(None, [quote.note if quote else None]),
                *losses(model, request.parameters, live, service),
            ),
            elsewhere=() if is_replay else tuple(elsewhere(request, model, choice)),
        )
    )


def _origin(service: str, model: Model) -> str | None:
    """Say since when the model is known as it is shown, where that is newer than this package."""
    found = offer(service, model.id)
    if found is None or not found.is_refreshed:
        return None
    return f"What {service} has of {model.id} was asked on {found.read} (nbbanana models refresh)."


def _picture(image: ImageInput) -> str:
    """Return what is sent of a picture: its file's facts, or its address without a query, which may sign it."""
    if image.url is None:
        return describe(Picture(image.name, image.source, image.width, image.height))
    parts = urlsplit(image.url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}{'?…' if parts.query else ''}"


def _described(
    session: Session, request: EditRequest, provider: str | None
) -> tuple[tuple[Quote | None, Model | None], str | None]:
    """Return price and live model; where they cannot be had, the reason: the request is worth a look all the same."""
    try:
        return session.described(request, provider), None
    except NBBananaError as error:
        return (None, None), f"The price is not known: {error.what}"
