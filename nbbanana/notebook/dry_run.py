"""`--dry-run`: the request as it would be sent, and what it would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbbanana.display import DryRun, Picture, describe, dry_run_bundle
from nbbanana.errors import NBBananaError
from nbbanana.session import current

if TYPE_CHECKING:
    from nbbanana.engine.money import Quote
    from nbbanana.request import EditRequest

__all__ = ["dry_run_data"]


def dry_run_data(request: EditRequest) -> dict[str, Any]:
    """What a dry run shows, as a MIME bundle; asks the service for its price and sends nothing else."""
    session = current()
    model = session.model_of(request.model)
    inputs = tuple(Picture(image.name, image.source, image.width, image.height) for image in request.images)
    quote, note = _quote(request)
    seed = "A random seed is sent, since none is set." if model.seed_field and not request.is_seeded else None
    return dry_run_bundle(
        DryRun(
            model=request.model,
            provider=session.provider_name,
            request=model.payload(dict(request.parameters), [describe(picture) for picture in inputs]),
            inputs=inputs,
            expected=model.count(request.parameters),
            cost=quote.amount if quote else None,
            is_exact=quote.is_exact if quote else False,
            how=quote.how if quote else "",
            notes=tuple(filter(None, [seed, note, quote.note if quote else None])),
        )
    )


def _quote(request: EditRequest) -> tuple[Quote | None, str | None]:
    """The price; where it cannot be had, why: the request is worth a look all the same."""
    try:
        return current().quote(request), None
    except NBBananaError as error:
        return None, f"The price is not known: {error.what}"
