"""
What a worker of a cluster does: fetch an output, check, hash and shrink it, put it where the store is, measure it.

A worker gets addresses of outputs and folders. It gets no key, writes no row, and what it does can be done twice: a
blob is named by its content, and is renamed into its place once it is whole.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from nbbanana.engine.helping import Fetched
from nbbanana.engine.output_drift import Measure, can_measure, measure_output
from nbbanana.errors import NBBananaError
from nbbanana.images import kept_thumbnails, verify_pixels
from nbbanana.providers.base import Downloaded
from nbbanana.providers.downloads import OutputSource
from nbbanana.providers.http import Connections
from nbbanana.store.blobs import Blobs
from nbbanana.store.records import Edit, OutputRecord

__all__ = ["Work", "fetch_output", "sees"]

log = logging.getLogger("nbbanana.sweeps")


@dataclass(frozen=True, slots=True)
class Work:
    """
    One output to be fetched.

    Args:
        edit: the record that it belongs to.
        index: which of its outputs it is.
        url: where the service has it; signed for the one who asked, so it is in no repr.
        source: where it may be fetched from.
        folder: the store's, where workers share it; else None.
        place: an fsspec address of a folder that workers write to; None where they share the store's.
        measures: whether it is to be measured; needs the store's folder.
    """

    edit: Edit = field(repr=False)
    index: int
    url: str = field(repr=False)
    source: OutputSource
    folder: Path | None
    place: str | None
    measures: bool


@dataclass(frozen=True, slots=True)
class _Files:
    """The pictures of a store, without its rows."""

    blobs: Blobs

    def blob_path(self, sha256: str) -> Path:
        """Return the file of a blob."""
        return self.blobs.path(sha256)


def sees(path: str) -> bool:
    """Return whether this process sees a file; asked of each worker before anything is sent to it."""
    return Path(path).is_file()


def fetch_output(work: Work) -> Fetched | str:
    """
    Fetch an output and put its blob into its place.

    Returns:
        What came; the name of the error where it could not be fetched, which the client then meets for itself.
    """
    try:
        if work.folder is not None:
            return _into_store(work, Blobs(work.folder, read_only=True))
        with tempfile.TemporaryDirectory() as folder:
            return _into_place(work, Path(folder))
    except (NBBananaError, OSError) as error:
        log.debug("an output was not fetched: %s", type(error).__name__)
        return type(error).__name__


def _into_store(work: Work, blobs: Blobs) -> Fetched:
    file = asyncio.run(_download(work, blobs.incoming))
    try:
        found = _checked(file)
        blobs.adopt(file.path, file.sha256)
    finally:
        file.path.unlink(missing_ok=True)
    return replace(found, measures=_measured(work, found, blobs)) if work.measures else found


def _into_place(work: Work, folder: Path) -> Fetched:
    import fsspec

    file = asyncio.run(_download(work, folder))
    found = _checked(file)
    with fsspec.open(f"{work.place}/{file.sha256}", "wb") as there:
        there.write(file.path.read_bytes())
    return found


async def _download(work: Work, folder: Path) -> Downloaded:
    connections = Connections()
    try:
        return await work.source.downloader(connections.client_for).fetch(work.url, folder)
    finally:
        await connections.aclose()


def _checked(file: Downloaded) -> Fetched:
    info = verify_pixels(file.path)
    small = kept_thumbnails.made(file.path)
    return Fetched(file.sha256, info.mime, info.width, info.height, file.size, {}, small)


def _measured(work: Work, found: Fetched, blobs: Blobs) -> dict[int, Measure | None]:
    """Measure what came against the first input; nothing where this worker has no NumPy."""
    if not can_measure():
        return {}
    output = OutputRecord(work.index, found.sha256, found.mime, found.width, found.height, found.size)
    return {work.index: measure_output(_Files(blobs), replace(work.edit, state="completed"), output)}
