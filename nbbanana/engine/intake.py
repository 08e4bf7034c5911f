"""Checking a file that came as an output, and moving it into the store."""

from __future__ import annotations

import logging
from pathlib import Path

from nbbanana.engine.context import Context
from nbbanana.engine.run import Run
from nbbanana.errors import DownloadError, ImageError, ServiceError
from nbbanana.images import verify_pixels
from nbbanana.providers.base import Downloaded
from nbbanana.store.records import Edit, OutputRecord

__all__ = ["DAMAGED", "NoPictureError", "take_in"]

PAGE_STARTS = (b"<", b"{")
DAMAGED = "damaged"
"""The folder in the store's for bytes that came as an output and are no picture, one file an output."""

log = logging.getLogger("nbbanana.engine")


class NoPictureError(ServiceError):
    """What came is no picture."""


class PageError(DownloadError):
    """A web page or a message came in the place of a picture."""


async def take_in(run: Run, context: Context, index: int, file: Downloaded, url: str | None = None) -> OutputRecord:
    """
    Check a file that came as an output and move it into the store.

    Raises:
        ServiceError: it is no picture; its bytes are kept in the store's folder.
        StoreError: the store does not take it.
    """
    try:
        info = await context.threads.check(verify_pixels, file.path)
        sha256 = await context.rows.call(context.rows.store.adopt, file.path)
    except ImageError as error:
        raise _no_picture(index, run.row, file.path, error, context.rows.store.folder) from error
    finally:
        file.path.unlink(missing_ok=True)
    return OutputRecord(index, sha256, info.mime, info.width, info.height, file.size, url)


def _no_picture(index: int, edit: Edit, path: Path, error: ImageError, folder: Path) -> ServiceError:
    """Return the error for a file that is no picture; what may have been paid for is kept beside the store."""
    what, why = f"Output {index} is not a picture.", error.why or "Its bytes say so."
    with path.open("rb") as file:
        if file.read(64).lstrip().startswith(PAGE_STARTS):
            return PageError(what, why, "Look at the request's page.")
    kept = folder / DAMAGED / f"{edit.uid}-{index}"
    try:
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        path.replace(kept)
    except OSError as trouble:
        log.warning("what came as output %s of edit %s could not be kept: %s", index, edit.id, trouble)
        return NoPictureError(what, why, "Look at the request's page.")
    return NoPictureError(what, why, f"What came is kept in the store's folder as {DAMAGED}/{kept.name}.")
