"""
Staging: inputs put into a bucket of the user's own, and sent as signed addresses instead of data URIs.

`%config NBBanana.staging = "s3://bucket/prefix"` names the place; any file system of fsspec that signs addresses
will do. The signed addresses go into the request and nowhere else: they are in no record, message or log of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nbbanana.errors import ConfigError, translated
from nbbanana.settings import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbbanana.images import Upload

__all__ = ["stage"]

LASTS = 6 * 3600
"""Seconds that a signed address lives: longer than a job waits in any queue that was seen, shorter than a day."""


def stage(where: str, uploads: Iterable[Upload | None]) -> list[str | None]:
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
