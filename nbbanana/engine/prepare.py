"""
Preparing a run: encode its pictures, ask its price, write its row, and refuse what the service does not take.

Staging: `%config NBBanana.staging = "s3://bucket/prefix"` names a place of the user's own, in any file system of fsspec
that signs addresses. Pictures are put there, and travel as signed addresses instead of data URIs. The addresses go into
the request and nowhere else: they are in no record, message or log of ours.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from nbbanana.engine.context import LEASE, Context
from nbbanana.engine.loop import process_id
from nbbanana.engine.prices import Quote
from nbbanana.engine.run import Run, log
from nbbanana.errors import ConfigError, ImageError, ParameterError, StoreError, translated
from nbbanana.images import ImageInput, Upload, UploadCache, load, open_safely
from nbbanana.images import prepare as prepare_uploads
from nbbanana.models import Model
from nbbanana.models.carrying import losses, payload_for
from nbbanana.models.offers import ending
from nbbanana.providers.base import Provider
from nbbanana.request import EditRequest, quiet_line, sha256_of
from nbbanana.settings import LOOPBACK, settings
from nbbanana.store import Store
from nbbanana.store.records import Edit, InputRecord

__all__ = ["Prepared", "Source", "fill", "journal", "payload_of", "prepare", "stage"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """
    A request that is written down and can be sent. Its pictures are on the disk: a thousand of these are small.

    Args:
        sources: where the service gets its pictures, in their order; a mask comes last.
        price: what it costs, with the model as the service has it now.
    """

    sources: tuple[Source, ...]
    price: Quote


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
    pictures = await _pictures_of(run, context)
    ready = await _written(run, context, turn, pictures)
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
    own = secrets.token_hex(32)
    return await _written(run, context, turn, _Pictures(), ask=own, digest=own)


async def fill(run: Run, context: Context, prepared: Prepared) -> Prepared:
    """
    Prepare the pictures of a request that `journal` wrote down, now that they are known.

    Raises:
        ImageError: a picture that cannot be sent.
        StoreError: the request was stopped meanwhile.
    """
    pictures = await _pictures_of(run, context)
    asked = _row(run, context.provider, pictures, prepared.price)
    run.edit = await context.rows.call(context.rows.store.fill, run.row.id, asked)
    ready = replace(prepared, sources=pictures.sources)
    await _check_names(run, context, ready)
    return ready


async def _written(
    run: Run, context: Context, turn: asyncio.Event | None, pictures: _Pictures, **digests: Any
) -> Prepared:
    """Ask the price, and write the row once what was asked before is written."""
    price = await context.prices.quote_or_unknown(run.request, run.model)
    run.notes.extend(losses(run.model, run.request.parameters, price.live, run.provider))
    run.notes.extend(filter(None, [ending(run.provider, run.model.id), quiet_line(run.request.advice)]))
    if turn is not None:
        await turn.wait()
    run.edit = await _begun(run, context, replace(_row(run, context.provider, pictures, price), **digests))
    context.leases.hold(run.row.id)
    return Prepared(pictures.sources, price)


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
    return _payload(run, prepared, [_url_of(source, store) for source in prepared.sources])


async def _check_names(run: Run, context: Context, prepared: Prepared) -> None:
    """Refuse what the live schema does not take before the request waits for its turn to be sent."""
    try:
        _payload(run, prepared, ["" for _ in prepared.sources])
    except ParameterError as error:
        await context.rows.fail(run, "rejected", error)
        raise


def _payload(run: Run, prepared: Prepared, urls: list[str]) -> dict[str, Any]:
    request, live = run.request, prepared.price.live
    parameters = dict(request.parameters)
    if request.seed_field and (seed := _seed_sent(request, live)) is not None:
        parameters[request.seed_field] = seed
    if request.mask is not None and run.model.mask_field is not None:
        parameters[run.model.mask_field] = urls[-1]
    return payload_for(run.model, parameters, urls[: len(request.images)], live, run.provider)


def _seed_sent(request: EditRequest, live: Model | None) -> int | None:
    """Return the seed that goes out: the user's, else a random one where the service takes a seed."""
    if request.is_seeded or live is None or live.with_role("seed") is not None:
        return request.seed
    return None


def _row(run: Run, provider: Provider, pictures: _Pictures, price: Quote) -> Edit:
    request = run.request
    return Edit(
        model=request.model,
        provider=run.provider,
        ask=request.ask,
        digest=request.digest(run.provider),
        parameters=dict(request.parameters),
        seed=_seed_sent(request, price.live),
        seed_given=request.is_seeded,
        inputs=pictures.inputs,
        price_quoted=price.low,
        notebook=request.origin.notebook,
        kernel=request.origin.kernel or process_id(),
        cell=request.origin.cell,
        execution=request.origin.execution,
        ordinal=run.ordinal,
        masks=pictures.masks,
        region=request.region,
        parts=request.parts,
        schema_hash=sha256_of(dict(run.model.schema)),
        provider_model=provider.model_id(request.model),
        model_named=request.model_named,
        is_play=provider.is_play,
        prompt_field=request.prompt_field or "prompt",
    )


# ── pictures on their way to a service ────────────────────────────────────────────────────────────────────────────────

LASTS = 6 * 3600
"""Seconds that a signed address lives: longer than a job waits in any queue that was seen, shorter than a day."""


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
class _Pictures:
    """
    The pictures of a request.

    Args:
        sources: where the service gets them, in their order; a mask comes last.
        inputs: the records of the inputs.
        masks: the record of the mask, where there is one.
    """

    sources: tuple[Source, ...] = ()
    inputs: tuple[InputRecord, ...] = ()
    masks: tuple[InputRecord, ...] = ()


async def _pictures_of(run: Run, context: Context) -> _Pictures:
    """
    Encode the pictures of a request and keep their bytes in the store.

    Raises:
        ImageError: a picture that cannot be sent, or a test picture on its way to a paid service.
        ConfigError: they cannot be staged.
    """
    request, provider = run.request, context.provider
    named = next((image for image in request.images if image.url is not None), None)
    if named is not None and not provider.takes_urls:
        raise ImageError(
            f"{named.name} is an address, and {provider.name} fetches no pictures by their addresses.",
            "It takes the bytes of a picture only.",
            "Download it and name the file. Nothing was sent.",
        )
    await _refuse_test_pictures(request.images, context)
    masks = () if request.mask is None else (request.mask,)
    pictures = (*request.images, *masks)
    urls = [*await asyncio.gather(*(_remote_url(image, context) for image in request.images)), *(None for _ in masks)]
    local = [picture for picture, url in zip(pictures, urls, strict=True) if url is None]
    jpeg = provider.takes_jpeg or settings().upload_format == "jpeg"
    made = iter(await context.threads.prepare(_uploads, request, local, context.uploads, jpeg=jpeg))
    uploads = [None if url else next(made) for url in urls]
    inputs = len(request.images)
    run.notes.extend(upload.note for upload in uploads[:inputs] if upload and upload.note)
    where = settings().staging
    if where and provider.takes_urls and not provider.is_play:  # play money fetches nothing
        staged = await context.threads.prepare(stage, where, uploads)
        urls = [url or there for url, there in zip(urls, staged, strict=True)]
    records = await context.rows.call(_keep, context.rows.store, pictures, uploads)
    field = run.model.mask_field
    return _Pictures(
        tuple(map(_source, urls, uploads)),
        tuple(records[:inputs]),
        tuple(replace(record, parameter=field) for record in records[inputs:]),
    )


def _url_of(source: Source, store: Store) -> str:
    """Return the address of a picture, else its bytes, which are on the disk, as a data URI."""
    if source.url is not None:
        return source.url
    data = store.blob_path(source.sha256).read_bytes()
    return f"data:{source.mime};base64,{base64.b64encode(data).decode('ascii')}"


async def _refuse_test_pictures(images: tuple[ImageInput, ...], context: Context) -> None:
    if context.provider.is_play:
        return
    rows = context.rows
    for image in images:
        kind, _, digest = image.identity.partition(":")
        makers = await rows.call(rows.store.by_output, digest) if kind == "sha256" else []
        if all(edit.is_play for edit in makers) and (makers or image.is_play):
            raise ImageError(
                f"{image.name} is a test picture: no model made it.",
                "Paying for an edit of it would buy nothing.",
                "Use the picture that it was made from, or stay with the service that made it.",
            )


async def _remote_url(image: ImageInput, context: Context) -> str | None:
    """Return the address under which the service can fetch a picture itself: a URL, or an output that still lives."""
    if image.url is not None:
        return image.url
    if image.remote_url is None or image.remote_provider != context.provider.name:
        return None
    return image.remote_url if await context.provider.is_alive(image.remote_url) else None


def _uploads(request: EditRequest, local: Sequence[ImageInput], cache: UploadCache, *, jpeg: bool) -> Sequence[Upload]:
    """Encode pictures within the limits all together. A mask is the last of them, and stays a PNG."""
    if request.mask is None:
        return prepare_uploads(local, jpeg=jpeg, cache=cache)
    *uploads, mask = prepare_uploads(local, cache=cache)
    first = request.images[0] if request.images else None
    if uploads and first is local[0] and (first.width, first.height) == (request.mask.width, request.mask.height):
        # The picture may have been scaled to fit; a mask of another size than its picture's is refused.
        mask = _resized(request.mask, mask, (uploads[0].width, uploads[0].height))
    return [*uploads, mask]


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


def _keep(store: Store, pictures: Sequence[ImageInput], uploads: Sequence[Upload | None]) -> list[InputRecord]:
    """Put the bytes of pictures into the store; their records."""
    for picture, upload in zip(pictures, uploads, strict=True):
        data = upload.data if upload else picture.source
        if data is not None:
            store.put(data)
    return list(map(_record, pictures, uploads))


def _record(image: ImageInput, upload: Upload | None) -> InputRecord:
    """Return the record of an input. One that travelled as an output's URL is kept by its own bytes."""
    own = image.identity.partition(":")[2] if upload is None and image.source is not None else None
    record = InputRecord(image.name, image.identity, own, image.url, image.width, image.height)
    if upload is None:
        return record
    return replace(record, sha256=upload.sha256, width=upload.width, height=upload.height, note=upload.note)


# ── staging ──────────────────────────────────────────────────────────────────────────────────────────────────────


def stage(where: str, uploads: Sequence[Upload | None]) -> list[str | None]:
    """
    Put pictures to a place and sign an address for each; None stays None. Blocks: it talks to the place.

    A picture's name is its SHA-256, so that one that lies there already is not sent again.

    Args:
        where: the place, such as `s3://bucket/prefix`.
        uploads: prepared pictures: PNG without metadata.

    Raises:
        ConfigError: fsspec or the place's own package is not installed, the place does not take the pictures, or
            it cannot sign addresses that a service can open.
    """
    system, root = _place(where)
    return [
        None if upload is None else _signed(system, f"{root}/{upload.sha256}.{upload.mime.partition('/')[2]}", upload)
        for upload in uploads
    ]


def _place(where: str) -> tuple[Any, str]:
    protocol = where.partition("://")[0]
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError:
        raise ConfigError("Staging needs fsspec.", "It is not installed.", 'pip install "nbbanana[staging]"') from None

    def unusable(error: Exception) -> ConfigError:
        """Return the error for a place whose file system cannot be had."""
        if isinstance(error, ImportError):
            return ConfigError(
                f"Staging at {protocol}:// needs a package that is not installed.",
                "fsspec knows the protocol and has it from elsewhere.",
                "Install the package, such as s3fs, gcsfs or adlfs.",
            )
        return ConfigError(
            f"Staging does not know {protocol}://.", "fsspec has no such protocol.", "Use a place such as s3://…/…"
        )

    with translated((ImportError, ValueError), unusable):
        system, root = url_to_fs(where)
    return system, str(root).rstrip("/")


def _signed(system: Any, path: str, upload: Upload) -> str:
    # Each file system has errors of its own, and they can hold addresses.
    with translated(Exception, _not_taken):
        if not system.exists(path):
            system.pipe_file(path, upload.data)
        url = str(system.sign(path, expiration=LASTS))
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ConfigError(
            "The staging place signs no https addresses.", "Pictures would travel in the clear.", "Use another."
        )
    return url


def _not_taken(error: Exception) -> ConfigError:
    if isinstance(error, NotImplementedError):
        return ConfigError(
            "The staging place cannot sign addresses.",
            "So the service could not fetch the pictures from there.",
            "Use one that can, such as s3://bucket/prefix.",
        )
    return ConfigError(
        "The staging place did not take a picture.",
        f"It says {type(error).__name__}.",
        "Check that it exists and that you may write there. Nothing was sent to the service.",
    )
