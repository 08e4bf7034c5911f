"""Before anything is sent: prepare the pictures, refuse what must not go, and write the row."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbbanana.engine.budget import afford
from nbbanana.engine.money import Quote, quote
from nbbanana.engine.staging import stage
from nbbanana.errors import ImageError, ParameterError, ServiceError, UnknownModelError
from nbbanana.images import ImageInput, Upload, load, open_safely, prepare
from nbbanana.models import from_schema
from nbbanana.settings import settings
from nbbanana.store.records import InputRecord, NewEdit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbbanana.engine.engine import Engine
    from nbbanana.engine.run import Run
    from nbbanana.models import Model
    from nbbanana.request import EditRequest

__all__ = ["Journal", "input_record"]


class Journal:
    """Writes a request down for an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        assert engine.provider is not None
        self._provider = engine.provider

    async def write(self, run: Run, where: dict[str, str], turn: asyncio.Event | None) -> dict[str, Any]:
        """
        Journal a run's request; returns the payload to send.

        Args:
            run: what is to be sent.
            where: `notebook` and `cell`, for the record.
            turn: set once what was asked before it is written, so that numbers follow the order of asking.

        Raises:
            ImageError: a picture that cannot be sent, or a sandbox picture on its way to a paid service.
        """
        images = run.request.images
        await self._refuse_sandbox_pictures(images)
        alive = await asyncio.gather(*(self._remote_url(image) for image in images))
        local = [image for image, url in zip(images, alive, strict=True) if url is None]
        mask, *uploads = await asyncio.to_thread(_prepared, run.request, local)
        following = iter(uploads)
        prepared = [None if url else next(following) for url in alive]
        run.notes.extend(upload.note for upload in prepared if upload and upload.note)
        *staged, mask_there = await self._staged([*prepared, mask])
        records = await self._engine.on_disk(self._keep, images, prepared)
        masks = await self._engine.on_disk(self._keep_mask, run, mask)
        price, live = await self._described(run)
        row = self._row(run, records, masks, price.amount, where)
        if turn is not None:
            await turn.wait()
        run.edit = await self._engine.on_disk(self._engine.store.begin, row)
        await self._engine.watch(run)
        await afford(self._engine, run, price)
        sources = zip(alive, staged, prepared, strict=True)
        urls = [url or there or _data_uri(upload) for url, there, upload in sources]
        parameters = run.request.sent_parameters
        if mask is not None and run.model.mask_field is not None:
            parameters[run.model.mask_field] = mask_there or _data_uri(mask)
        try:
            return run.model.payload(parameters, urls, live=live)
        except ParameterError as error:
            await self._engine.move(run, "rejected", error=str(error), error_kind=type(error).__name__)
            raise

    async def _refuse_sandbox_pictures(self, images: tuple[ImageInput, ...]) -> None:
        if self._provider.name == "sandbox":
            return
        for image in images:
            made_by = await self._makers(image)
            if self._provider.name not in made_by and ("sandbox" in made_by or image.is_sandbox):
                raise ImageError(
                    f"{image.name} is a sandbox picture: no model made it.",
                    "Paying for an edit of it would buy nothing.",
                    "Use the picture that it was made from, or stay in the sandbox.",
                )

    async def _makers(self, image: ImageInput) -> set[str]:
        """The providers whose outputs have these bytes."""
        kind, _, digest = image.identity.partition(":")
        if kind != "sha256":
            return set()
        return {edit.provider for edit in await self._engine.on_disk(self._engine.store.by_output, digest)}

    async def _remote_url(self, image: ImageInput) -> str | None:
        """The address under which the service can fetch a picture itself: a URL, or an output that still lives."""
        if image.url is not None:
            return image.url
        if image.remote_url is None or image.remote_provider != self._provider.name:
            return None
        return image.remote_url if await self._provider.is_alive(image.remote_url) else None

    async def _staged(self, prepared: list[Upload | None]) -> list[str | None]:
        """Signed addresses of the pictures that were put elsewhere; a sandbox fetches nothing, so none for it."""
        where = settings().staging
        if not where or self._provider.name == "sandbox":
            return [None] * len(prepared)
        return await asyncio.to_thread(stage, where, prepared)

    def _keep(self, images: tuple[ImageInput, ...], prepared: list[Upload | None]) -> tuple[InputRecord, ...]:
        store = self._engine.store
        for image, upload in zip(images, prepared, strict=True):
            data = upload.data if upload else image.source
            if data is not None:
                store.put(data)
        return tuple(input_record(image, upload) for image, upload in zip(images, prepared, strict=True))

    def _keep_mask(self, run: Run, upload: Upload | None) -> tuple[InputRecord, ...]:
        if upload is None or run.request.mask is None:
            return ()
        self._engine.store.put(upload.data)
        return (replace(input_record(run.request.mask, upload), parameter=run.model.mask_field),)

    async def _described(self, run: Run) -> tuple[Quote, Model | None]:
        """What it costs, and the model as the service has it now, under whose names it is sent."""
        # A service that cannot be asked does not stop an edit; a budget, which needs the price, does.
        try:
            described = await self._engine.describe(run.model.id)
        except (ServiceError, UnknownModelError) as error:
            return Quote(None, is_exact=False, how=f"the price could not be asked: {error.what}"), None
        live = from_schema(run.model.id, described.schema) if described.schema else None
        return quote(described.price, run.request, run.model), live

    def _row(
        self,
        run: Run,
        inputs: tuple[InputRecord, ...],
        masks: tuple[InputRecord, ...],
        amount: float | None,
        where: dict[str, str],
    ) -> NewEdit:
        request = run.request
        return NewEdit(
            model=request.model,
            provider=self._provider.name,
            ask=request.ask,
            digest=request.digest(self._provider.name),
            parameters=dict(request.parameters),
            seed=request.seed,
            seed_given=request.is_seeded,
            inputs=inputs,
            price_quoted=amount,
            notebook=where.get("notebook"),
            cell=where.get("cell"),
            masks=masks,
            region=request.region,
            schema=run.model.schema,
            provider_model=request.model,
            is_play=self._provider.name == "sandbox",
        )


def _prepared(request: EditRequest, local: Sequence[ImageInput]) -> tuple[Upload | None, ...]:
    """What is sent of the mask, None where there is none, and of the pictures; within the limits all together."""
    if request.mask is None:
        return (None, *prepare(local, jpeg=settings().upload_format == "jpeg"))
    *uploads, mask = prepare([*local, request.mask])
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
    return prepare([load(image)])[0]


def input_record(image: ImageInput, upload: Upload | None) -> InputRecord:
    """The record of an input. One that travelled as an output's URL is kept by its own bytes."""
    own = image.identity.partition(":")[2] if upload is None and image.source is not None else None
    record = InputRecord(image.name, image.identity, own, image.url, image.width, image.height)
    if upload is None:
        return record
    return replace(record, sha256=upload.sha256, width=upload.width, height=upload.height, note=upload.note)


def _data_uri(upload: Upload | None) -> str:
    assert upload is not None
    return f"data:{upload.mime};base64," + base64.b64encode(upload.data).decode("ascii")
