"""A bundle as a session's store, and pictures that are only in the store."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbbanana.errors import BundleError, ConfigError, ImageNotFoundError, translated
from nbbanana.images import ImageInput, load_all
from nbbanana.session.reproduce import image_of
from nbbanana.settings import cache_dir
from nbbanana.store import Store
from nbbanana.store.bundles import merge

__all__ = ["is_bundle", "load_or_recall", "open_bundle", "open_to_read", "refuse_writing"]


def is_bundle(path: Path) -> bool:
    """Return whether a store's place is a bundle: a zip file by its name."""
    return path.suffix.lower() == ".zip" and not path.is_dir()


def refuse_writing(place: Path, mode: str) -> None:
    """
    Refuse to ask a service where the answer could not be kept.

    Raises:
        ConfigError: the place is a bundle.
    """
    if is_bundle(place):
        raise ConfigError(
            f"{place.name} is a bundle, and a bundle is only read.",
            f"The mode is {mode}, which may write.",
            "Merge it into a store: nb.history.merge(…), or use mode='replay'.",
        )


def open_to_read(path: Path) -> Store:
    """
    Return a store's folder or a bundle, opened read-only: nothing in a folder is made or changed.

    Raises:
        StoreError, BundleError: it cannot be read.
    """
    return open_bundle(path, read_only=True) if is_bundle(path) else Store.open(path, read_only=True)


def open_bundle(path: Path, *, read_only: bool = False) -> Store:
    """
    Return the edits of a bundle as a store in the cache, unpacked once for each content.

    A notebook that is replayed may star what it shows: without `read_only` the copy in the cache takes that.

    Raises:
        BundleError: not there, or not to be trusted.
    """
    place = cache_dir() / "bundles" / _digest(path)
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=place.parent))
        try:
            with Store.open(beside) as store:
                merge(store, path, keep_ids=True)
            _rename(beside, place)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return Store.open(place, read_only=read_only)


def _rename(beside: Path, place: Path) -> None:
    try:
        beside.rename(place)
    except OSError:
        # Another kernel unpacked the same bundle meanwhile; its folder has the same content.
        if not place.is_dir():
            raise


def _digest(path: Path) -> str:
    def unreadable(error: OSError) -> BundleError:
        """Return the error for a file that cannot be read."""
        return BundleError(f"The bundle {path.name} cannot be read.", f"{error.strerror}.", "Check its name.")

    with translated(OSError, unreadable), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_or_recall(sources: Iterable[Any], store: Store) -> tuple[ImageInput, ...]:
    """
    Load pictures; a file that is not here is taken from the store by its name, the one used first if several had it.

    Raises:
        ImageError: one that can neither be loaded nor is known to the store.
    """
    found: list[ImageInput] = []
    for source in sources:
        try:
            found += load_all([source])
        except ImageNotFoundError:
            record = _recalled(source, store)
            if record is None:
                raise
            found.append(record)
    return tuple(found)


def _recalled(source: Any, store: Store) -> ImageInput | None:
    if not isinstance(source, str | Path):
        return None
    name = Path(source).name
    edits = store.filter(input=name, limit=100)
    records = [record for edit in reversed(edits) for record in (*edit.inputs, *edit.masks) if record.name == name]
    return image_of(records[0], store) if records else None
