"""Preparing a run: encode its pictures, refuse what must not be sent, write the row, reserve money."""

from __future__ import annotations

import asyncio
import base64
import functools
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nbbanana.engine.context import LEASE, Context
from nbbanana.engine.prices import Quote
from nbbanana.engine.process import process_id
from nbbanana.engine.run import Run
from nbbanana.engine.staging import stage
from nbbanana.errors import ImageError, ParameterError, StoreError
from nbbanana.images import ImageInput, Upload, UploadCache, load, open_safely
from nbbanana.images import prepare as prepare_uploads
from nbbanana.models import Model
from nbbanana.models.carrying import losses, payload_for
from nbbanana.models.retiring import ending
from nbbanana.prompts.advice import quiet_line
from nbbanana.providers.base import Provider
from nbbanana.request import EditRequest, sha256_of
from nbbanana.settings import settings
from nbbanana.store import Store
from nbbanana.store.records import Edit, InputRecord

__all__ = ["Prepared", "fill", "input_record", "journal", "payload_of", "prepare"]

log = logging.getLogger("nbbanana.engine")


@dataclass(frozen=True, slots=True)
class Source:
    """
    Where a picture is from which the service gets it.

    Args:
        url: the address under which the service fetches it itself; None where its bytes travel.
        sha256: the blob of the store whose bytes travel.
        mime: their media type.
    """

    url: str | None = None
    sha256: str = ""
    mime: str = "image/png"


@dataclass(frozen=True, slots=True)
class Prepared:
    """
    A request that is written down and can be sent. Its pictures are on the disk: a thousand of these are small.

    Args:
        images: the pictures, in their order.
        mask: the mask; None where there is none.
        live: the model as the service has it now; None is as shipped.
        price: what it costs.
    """

    images: tuple[Source, ...]
    mask: Source | None
    live: Model | None
    price: Quote


@dataclass(frozen=True, slots=True)
class _Pictures:
    """The pictures of a request: where the service gets them, and their records."""

    images: tuple[Source, ...]
    mask: Source | None
    records: tuple[InputRecord, ...]
    masks: tuple[InputRecord, ...]


async def prepare(run: Run, context: Context, turn: asyncio.Event | None) -> Prepared:
    """
    Prepare a run's pictures and write its request down.

    Args:
        run: what is to be sent.
        context: the engine's.
        turn: set once what was asked before is written, so that numbers follow the order of asking.

    Raises:
        ImageError: a picture that cannot be sent, or a test picture on its way to a paid service.
        ParameterError: the model as the service has it now does not take a parameter.
    """
    pictures = await _pictures(run, context)
    price, live = await _described(run, context)
    if turn is not None:
        await turn.wait()
    await _begin(run, context, _row(run, pictures.records, pictures.masks, price, context.provider, live))
    ready = Prepared(pictures.images, pictures.mask, live, price)
    await _check_names(run, context, ready)
    return ready


async def journal(run: Run, context: Context, turn: asyncio.Event | None) -> Prepared:
    """
    Write a request down whose main picture is not known yet, under digests of its own; see `fill`.

    Args:
        run: what is to be sent, with another picture in the place of the main one.
        context: the engine's.
        turn: as in `prepare`.

    Returns:
        Its price, and no pictures.
    """
    price, live = await _described(run, context)
    if turn is not None:
        await turn.wait()
    own = secrets.token_hex(32)
    await _begin(run, context, replace(_row(run, (), (), price, context.provider, live), ask=own, digest=own))
    return Prepared((), None, live, price)


async def fill(run: Run, context: Context, prepared: Prepared) -> Prepared:
    """
    Prepare the pictures of a request that `journal` wrote down, now that they are known.

    Raises:
        ImageError: a picture that cannot be sent.
        StoreError: the request was stopped meanwhile.
    """
    pictures = await _pictures(run, context)
    asked = _row(run, pictures.records, pictures.masks, prepared.price, context.provider, prepared.live)
    run.edit = await context.rows.call(context.rows.store.fill, run.row.id, asked)
    ready = replace(prepared, images=pictures.images, mask=pictures.mask)
    await _check_names(run, context, ready)
    return ready


async def _pictures(run: Run, context: Context) -> _Pictures:
    """Encode the pictures of a request, refuse what must not be sent, and keep their bytes."""
    images = run.request.images
    _refuse_addresses(images, context.provider)
    await _refuse_test_pictures(images, context)
    alive = await asyncio.gather(*(_remote_url(image, context) for image in images))
    local = [image for image, url in zip(images, alive, strict=True) if url is None]
    jpeg = context.provider.takes_jpeg or settings().upload_format == "jpeg"
    mask, *uploads = await context.threads.prepare(_uploads, run.request, local, context.uploads, jpeg=jpeg)
    following = iter(uploads)
    prepared = [None if url else next(following) for url in alive]
    run.notes.extend(upload.note for upload in prepared if upload and upload.note)
    *staged, staged_mask = await _staged([*prepared, mask], context)
    records, masks = await context.rows.call(_keep, context.rows.store, run, prepared, mask)
    sources = (_source(url or there, upload) for url, there, upload in zip(alive, staged, prepared, strict=True))
    return _Pictures(tuple(sources), None if mask is None else _source(staged_mask, mask), records, masks)


async def _described(run: Run, context: Context) -> tuple[Quote, Model | None]:
    price, live = await context.prices.described(run.request, run.model)
    run.notes.extend(losses(run.model, run.request.parameters, live, run.provider))
    run.notes.extend(filter(None, [ending(run.provider, run.model.id), quiet_line(run.request.advice)]))
    return price, live


async def _begin(run: Run, context: Context, new: Edit) -> None:
    run.edit = await _begun(run, context, new)
    context.leases.hold(run.row.id)


async def _begun(run: Run, context: Context, new: Edit) -> Edit:
    """Write a row; where the run is stopped before the store has taken it, the row ends as soon as it is there."""
    rows = context.rows
    writing = asyncio.ensure_future(
        rows.call(rows.store.begin, new, schema=run.model.schema, owner=context.leases.owner, ttl=LEASE)
    )
    try:
        return await asyncio.shield(writing)
    except asyncio.CancelledError:
        run.dropping = asyncio.create_task(_dropped(context, writing))
        raise


async def _dropped(context: Context, writing: asyncio.Future[Edit]) -> None:
    """Cancel a row that was written for a run that is over: nothing of it was sent, and no other waits for it."""
    try:
        edit = await writing
        await context.rows.call(context.rows.store.move, edit.id, "cancelled", note="stopped before it was sent")
    except StoreError as error:
        log.warning("the row of a request that was stopped could not be cancelled: %s", error.what)


def payload_of(run: Run, prepared: Prepared, store: Store) -> dict[str, Any]:
    """
    Return the JSON body of a prepared request, pictures as data URIs; reads them from the disk.

    Raises:
        ParameterError: the model as the service has it now does not take a parameter.
    """
    urls = [_url(source, store) for source in prepared.images]
    return _payload(run, prepared, urls, None if prepared.mask is None else _url(prepared.mask, store))


def input_record(image: ImageInput, upload: Upload | None) -> InputRecord:
    """Return the record of an input. One that travelled as an output's URL is kept by its own bytes."""
    own = image.identity.partition(":")[2] if upload is None and image.source is not None else None
    record = InputRecord(image.name, image.identity, own, image.url, image.width, image.height)
    if upload is None:
        return record
    return replace(record, sha256=upload.sha256, width=upload.width, height=upload.height, note=upload.note)


async def _check_names(run: Run, context: Context, prepared: Prepared) -> None:
    """Refuse what the live schema does not take before the request waits for its turn to be sent."""
    try:
        _payload(run, prepared, ["" for _ in prepared.images], None if prepared.mask is None else "")
    except ParameterError as error:
        await context.rows.move(run, "rejected", error=str(error), error_kind=type(error).__name__)
        raise


def _payload(run: Run, prepared: Prepared, urls: list[str], mask: str | None) -> dict[str, Any]:
    request, live = run.request, prepared.live
    parameters = dict(request.parameters)
    if request.seed_field and (seed := _seed_sent(request, run.model, live)) is not None:
        parameters[request.seed_field] = seed
    if mask is not None and run.model.mask_field is not None:
        parameters[run.model.mask_field] = mask
    return payload_for(run.model, parameters, urls, live, run.provider)


def _refuse_addresses(images: tuple[ImageInput, ...], provider: Provider) -> None:
    named = next((image for image in images if image.url is not None), None)
    if named is not None and not provider.takes_urls:
        raise ImageError(
            f"{named.name} is an address, and {provider.name} fetches no pictures by their addresses.",
            "It takes the bytes of a picture only.",
            "Download it and name the file. Nothing was sent.",
        )


def _seed_sent(request: EditRequest, model: Model, live: Model | None) -> int | None:
    """Return the seed that goes out: the user's, else a random one where the service takes a seed."""
    if request.is_seeded or live is None or live.with_role("seed") is not None:
        return request.seed
    return None


async def _refuse_test_pictures(images: tuple[ImageInput, ...], context: Context) -> None:
    if context.provider.is_play:
        return
    for image in images:
        makers = await _makers(image, context)
        if not any(is_paid for is_paid in makers) and (makers or image.is_play):
            raise ImageError(
                f"{image.name} is a test picture: no model made it.",
                "Paying for an edit of it would buy nothing.",
                "Use the picture that it was made from, or stay with the service that made it.",
            )


async def _makers(image: ImageInput, context: Context) -> list[bool]:
    """Return for each edit whose outputs have these bytes, whether it was paid for with money."""
    kind, _, digest = image.identity.partition(":")
    if kind != "sha256":
        return []
    return [not edit.is_play for edit in await context.rows.call(context.rows.store.by_output, digest)]


async def _remote_url(image: ImageInput, context: Context) -> str | None:
    """Return the address under which the service can fetch a picture itself: a URL, or an output that still lives."""
    if image.url is not None:
        return image.url
    if image.remote_url is None or image.remote_provider != context.provider.name:
        return None
    return image.remote_url if await context.provider.is_alive(image.remote_url) else None


async def _staged(uploads: list[Upload | None], context: Context) -> list[str | None]:
    """Return signed addresses of the pictures that were put elsewhere; play money fetches nothing, so none for it."""
    where = settings().staging
    if not where or context.provider.is_play or not context.provider.takes_urls:
        return [None] * len(uploads)
    return await context.threads.prepare(stage, where, uploads)


def _keep(
    store: Store, run: Run, prepared: Sequence[Upload | None], mask: Upload | None
) -> tuple[tuple[InputRecord, ...], tuple[InputRecord, ...]]:
    """Put the bytes of a request's pictures into the store; the records of its inputs and of its mask."""
    images = run.request.images
    for image, upload in zip(images, prepared, strict=True):
        data = upload.data if upload else image.source
        if data is not None:
            store.put(data)
    records = tuple(input_record(image, upload) for image, upload in zip(images, prepared, strict=True))
    if mask is None or run.request.mask is None:
        return records, ()
    store.put(mask.data)
    return records, (replace(input_record(run.request.mask, mask), parameter=run.model.mask_field),)


def _row(
    run: Run,
    inputs: tuple[InputRecord, ...],
    masks: tuple[InputRecord, ...],
    price: Quote,
    provider: Provider,
    live: Model | None,
) -> Edit:
    request = run.request
    return Edit(
        model=request.model,
        provider=run.provider,
        ask=request.ask,
        digest=request.digest(run.provider),
        parameters=dict(request.parameters),
        seed=_seed_sent(request, run.model, live),
        seed_given=request.is_seeded,
        inputs=inputs,
        price_quoted=price.low,
        notebook=request.origin.notebook,
        kernel=request.origin.kernel or process_id(),
        cell=request.origin.cell,
        execution=request.origin.execution,
        ordinal=run.ordinal,
        masks=masks,
        region=request.region,
        parts=request.parts,
        schema_hash=_schema_hash(run.model),
        provider_model=provider.model_id(request.model),
        model_named=request.model_named,
        is_play=provider.is_play,
        prompt_field=request.prompt_field or "prompt",
    )


@functools.lru_cache(maxsize=256)
def _schema_hash(model: Model) -> str:
    """Return the hash of a model's schema, by which the store knows whether it has it."""
    return sha256_of(dict(model.schema))


def _uploads(
    request: EditRequest, local: Sequence[ImageInput], cache: UploadCache, *, jpeg: bool
) -> tuple[Upload | None, ...]:
    """Encode the mask (None where there is none; it stays a PNG) and the pictures, within the limits all together."""
    if request.mask is None:
        return (None, *prepare_uploads(local, jpeg=jpeg, cache=cache))
    *uploads, mask = prepare_uploads([*local, request.mask], cache=cache)
    first = request.images[0] if request.images else None
    if local and first is local[0] and (first.width, first.height) == (request.mask.width, request.mask.height):
        # The picture may have been scaled to fit; a mask of another size than its picture's is refused.
        mask = _resized(request.mask, mask, (uploads[0].width, uploads[0].height))
    return (mask, *uploads)


def _resized(mask: ImageInput, upload: Upload, size: tuple[int, int]) -> Upload:
    if (upload.width, upload.height) == size:
        return upload
    from PIL.Image import Resampling

    assert mask.source is not None
    image = open_safely(mask.source).resize(size, Resampling.NEAREST)
    return prepare_uploads([load(image)])[0]


def _source(url: str | None, upload: Upload | None) -> Source:
    if url is not None:
        return Source(url)
    assert upload is not None
    return Source(None, upload.sha256, upload.mime)


def _url(source: Source, store: Store) -> str:
    if source.url is not None:
        return source.url
    data = store.blob_path(source.sha256).read_bytes()
    return f"data:{source.mime};base64,{base64.b64encode(data).decode('ascii')}"
