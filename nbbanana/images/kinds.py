"""What a picture is on its way to a model: `ImageInput`, `ImageInfo`, `Upload`, and the limits they keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "MAX_REQUEST_BYTES",
    "MAX_UPLOAD_BYTES",
    "MAX_UPLOAD_PIXELS",
    "PLAY_MARK",
    "ImageInfo",
    "ImageInput",
    "Upload",
]

PLAY_MARK = "nbbanana sandbox: no model made this picture"
"""What the painter writes as `Software` into its pictures (PNG tEXt; EXIF tag 0x0131 in JPEG and WebP)."""

MAX_FILE_BYTES = 512 * 1024 * 1024
"""Larger files are not read: 512 MiB holds a 16-bit TIFF of 89 megapixels."""

MAX_PIXELS = 89_478_485
"""
Pictures of more pixels are not decoded. It is Pillow's own default limit (a quarter of a GiB at three bytes a pixel),
so that Pillow never warns about what passes here.
"""

MAX_UPLOAD_BYTES = 6 * 1024 * 1024
"""The largest PNG that the service's official clients send: 6 MiB (RunComfy partner nodes, September 2026)."""

MAX_UPLOAD_PIXELS = 32_000_000
"""The most pixels that the service's official clients send in one picture: 32 megapixels (the same source)."""

MAX_REQUEST_BYTES = 64 * 1024 * 1024
"""The largest JSON body that the service's official clients send: 64 MiB, its base64 counted (the same source)."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """
    What the head of an image file says.

    Args:
        format: `PNG`, `JPEG`, `WEBP`, `GIF`, `TIFF`, `BMP`, `AVIF` or `HEIF`, read from the bytes.
        mime: the media type, such as `image/png`.
        width, height: in pixels, as a viewer shows it: a rotation in the EXIF data is counted in.
        is_animated: whether there is more than one frame or page.
        is_play: whether the file carries the mark of a picture that was made for play money.
    """

    format: str
    mime: str
    width: int
    height: int
    is_animated: bool = False
    is_play: bool = False


@dataclass(frozen=True, slots=True, weakref_slot=True)
class ImageInput:
    """
    An input picture: its bytes as they were when it was loaded, or its URL.

    Args:
        name: what people call it: a file name, `array 512×512 RGB`; never an absolute path.
        identity: what the ask digest holds: `sha256:<hex>` of the file's bytes, `pixels:<hex>` of mode, size and
            pixels where there was no file, `url:<hex>` of a URL, which may be signed and so is hidden. Equal pictures
            have equal identities, whatever their names.
        width, height: in pixels as a viewer shows it; None for a URL.
        format: `PNG`, `JPEG`, …; `PIXELS` where there was no file; None for a URL.
        source: the bytes of an image file; None for a URL, and for a picture that stays on the disk until it is sent.
        path: the file of a picture that stays on the disk; None for any other. See `nbbanana.images.left_on_disk`.
        url: the https URL that the service will fetch; None for bytes.
        is_play: whether the bytes carry the mark of play money, so that no model made them.
        remote_url: where a service still holds these bytes, so that they need not travel again.
        remote_provider: the name of that service.
    """

    name: str
    identity: str = field(repr=False)
    width: int | None = None
    height: int | None = None
    format: str | None = None
    source: bytes | None = field(default=None, repr=False)
    path: Path | None = field(default=None, repr=False, compare=False)
    url: str | None = field(default=None, repr=False)
    is_play: bool = False
    remote_url: str | None = field(default=None, repr=False)
    remote_provider: str | None = None

    @property
    def content(self) -> bytes | Path | None:
        """Its bytes, or the file that holds them; None for a URL."""
        return self.path if self.source is None else self.source

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels; None for a URL."""
        return (self.width, self.height) if self.width and self.height else None


@dataclass(frozen=True, slots=True)
class Upload:
    """
    What travels of a picture: bytes of an image file, upright, sRGB, 8 bits a channel, nothing but pixels inside.

    Args:
        data: the file.
        sha256: of `data`, as 64 hexadecimal digits.
        width, height: in pixels.
        note: a sentence that the user should read (it was scaled, only a first frame is sent), or None.
        mime: the media type of `data`: `image/png` or `image/jpeg`.
    """

    data: bytes = field(repr=False)
    sha256: str
    width: int
    height: int
    note: str | None = None
    mime: str = "image/png"
