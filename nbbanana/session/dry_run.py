"""`--dry-run`: the request as it would be sent, and what it would cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from nbbanana.display import DryRun, describe, dry_run_bundle
from nbbanana.engine.allowances import refusal
from nbbanana.engine.prices import Quote, together
from nbbanana.errors import NBBananaError
from nbbanana.images import ImageInput
from nbbanana.models import Model
from nbbanana.models.carrying import losses, payload_for
from nbbanana.models.framing import in_words
from nbbanana.models.offer_files import today
from nbbanana.models.offers import ending, offer
from nbbanana.prompts import parts_of, written_lines
from nbbanana.request import EditRequest
from nbbanana.session.model_choice import before_sending
from nbbanana.session.requesting import cautions_of
from nbbanana.session.services import elsewhere
from nbbanana.session.session import Session
from nbbanana.session.view_builders import picture_of
from nbbanana.text import as_options

__all__ = ["describe_requests"]

NOT_ASKED = "The price is not asked in replay: nothing goes over the network."


def describe_requests(
    session: Session,
    requests: Sequence[EditRequest],
    mode: str | None = None,
    provider: str | None = None,
    *,
    max_price: float | None = None,
    assume_price: float | None = None,
) -> dict[str, Any]:
    """
    Describe the passes of a chain, or one request, and the price of all together as a MIME bundle; sends nothing.

    Args:
        session: the session that would start it.
        requests: what is asked, in passes.
        mode: how the store would be used, where that is not as the session has it. In replay nothing is asked.
        provider: the service that would run it; None is the session's.
        max_price: US dollars that all of it may cost at most.
        assume_price: US dollars to count for each request where the price is not known.
    """
    passes = [_described_request(session, request, mode, provider) for request in requests]
    whole = _whole(passes)
    if "replay" not in {session.mode, mode}:
        model, choice = session.model_of(requests[0].model, provider), session.choice(provider)
        quotes = [quote for _, quote in passes if quote is not None]
        budget = session.store.budget(choice.name) if choice.name else None
        error = refusal(quotes, budget, max_price, assume_price) if len(quotes) == len(passes) else None
        # What it says is said with the options of the line, whose dry run it is.
        why = "" if error is None else as_options(f"{error.what} {error.how}").removesuffix(" Nothing was sent.")
        said = [f"If it has to be sent, it will be refused: {why}"] if why else []
        whole = replace(whole, notes=(*said, *whole.notes), elsewhere=tuple(elsewhere(requests, model, choice)))
    return dry_run_bundle(whole)


def _whole(passes: Sequence[tuple[DryRun, Quote | None]]) -> DryRun:
    """Return the passes of a chain as one: what is sent of each, and what all cost."""
    last, _ = passes[-1]
    if len(passes) == 1:
        return last
    quotes = [quote for _, quote in passes if quote]
    price = together(quotes) if len(quotes) == len(passes) else None
    first, count = passes[0][0], len(passes)
    return replace(
        first,
        request={f"pass {number}": _from_before(one, number) for number, (one, _) in enumerate(passes, start=1)},
        expected=sum(one.expected for one, _ in passes),
        composed=tuple(prompt for one, _ in passes for prompt in one.composed),
        cost=price.low if price else None,
        is_exact=price.is_exact if price else False,
        most=price.high if price else None,
        how=price.how if price else "",
        notes=(
            f"{count} passes: each edits the picture that the one before gave, and redraws all of it.",
            *_notes_of([one.notes for one, _ in passes]),
        ),
    )


def _notes_of(passes: Sequence[Sequence[str]]) -> Iterator[str]:
    """Give the notes of all passes: what holds for each of them once, what holds for one with its number."""
    shared = dict.fromkeys(note for note in passes[0] if all(note in notes for notes in passes))
    for number, notes in enumerate(passes, start=1):
        yield from (f"Pass {number}: {note}" for note in notes if note not in shared)
    yield from shared


def _from_before(run: DryRun, number: int) -> dict[str, Any]:
    """Return the body of a pass, which shows the output of the pass before where the main picture stands."""
    body = dict(run.request)
    shown = describe(run.inputs[0]) if run.inputs else ""
    for name, value in body.items() if number > 1 else ():
        words = f"<the output of pass {number - 1}>"
        if value == shown:
            body[name] = words
        elif isinstance(value, list) and value and value[0] == shown:
            body[name] = [words, *value[1:]]
    return body


def _described_request(
    session: Session, request: EditRequest, mode: str | None, provider: str | None
) -> tuple[DryRun, Quote | None]:
    """Describe one request; gives its price too, where it is known."""
    is_replay = "replay" in {session.mode, mode}
    model, choice = session.model_of(request.model, provider), session.choice(provider)
    inputs = tuple(map(picture_of, request.images))
    quote, note = (None, NOT_ASKED) if is_replay else _quote(session, request, provider)
    live = quote.live if quote else None
    service = "replay" if is_replay else choice.name
    takes_seed = model.seed_field is not None and (live is None or live.seed_field is not None)
    seed = "A random seed is sent, since none is set." if takes_seed and not request.is_seeded else None
    urls = [_picture(image) for image in request.images]
    parts = parts_of(request.parts)
    return (
        DryRun(
            model=request.model,
            provider=service,
            is_play=choice.is_play,
            request=payload_for(model, request.parameters, urls, live, service),
            inputs=inputs,
            expected=model.count(request.parameters),
            cost=quote.low if quote else None,
            is_exact=quote.is_exact if quote else False,
            most=quote.high if quote else None,
            how=quote.how if quote else "",
            notes=(
                *filter(None, [before_sending(request.model_note or "")]),
                *([] if request.model_named or is_replay else [f"No model was named: {request.model} is the default."]),
                *filter(None, [_origin(service, model), ending(service, model.id), seed, note]),
                *filter(None, [quote.note if quote else None]),
                *cautions_of(model, [request]),
                *in_words(model, request.parameters),
                *losses(model, request.parameters, live, service),
            ),
            advice=request.advice,
            composed=((request.prompt, tuple(written_lines(parts).split("\n"))),) if parts else (),
        ),
        quote,
    )


def _origin(service: str, model: Model) -> str | None:
    """Say since when the model is known as it is shown, where that is newer than this package."""
    found = offer(service, model.id)
    if found is None or not found.is_refreshed:
        return None
    how = f"{found.read}, {_age(found.read, today())}" if found.read else "a day that is not known"
    return f"What {service} has of {model.id} was asked on {how} (nbbanana models refresh)."


def _age(day: str, now: str) -> str:
    """
    Say how long ago a day is.

    >>> _age("2026-11-29", "2026-11-29"), _age("2026-11-28", "2026-11-29"), _age("2026-09-30", "2026-11-29")
    ('today', 'yesterday', '60 days ago')
    """
    days = (dt.date.fromisoformat(now) - dt.date.fromisoformat(day)).days
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago" if days > 0 else "by a clock that is ahead")


def _picture(image: ImageInput) -> str:
    """Return what is sent of a picture: its file's facts, or its address without a query, which may sign it."""
    if image.url is None:
        return describe(picture_of(image))
    parts = urlsplit(image.url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}{'?…' if parts.query else ''}"


def _quote(session: Session, request: EditRequest, provider: str | None) -> tuple[Quote | None, str | None]:
    """Return the price; where it cannot be had, the reason: the request is worth a look all the same."""
    try:
        return session.quote(request, provider), None
    except NBBananaError as error:
        return None, f"The price is not known: {error.what}"
