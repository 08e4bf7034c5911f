"""
Pictures on their way to a model: whatever a user calls one, checked, and what travels of it.

`load` reads, `prepare` makes what is sent, `inspect` and `open_safely` look at files from anywhere, `thumbnail` makes
them small. Every refusal is an `ImageError` in three lines. Pillow and NumPy are imported on first use.
"""

from __future__ import annotations

from nbbanana.images.decoding import file_of, inspect, open_safely, verify_pixels
from nbbanana.images.kinds import (
    MAX_FILE_BYTES,
    MAX_PIXELS,
    MAX_REQUEST_BYTES,
    MAX_UPLOAD_BYTES,
    MAX_UPLOAD_PIXELS,
    PLAY_MARK,
    ImageInfo,
    ImageInput,
    Upload,
)
from nbbanana.images.loading import data_of, left_on_disk, load, load_all
from nbbanana.images.thumbnails import fingerprint, fingerprint_of, thumbnail
from nbbanana.images.uploading import UploadCache, prepare

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
    "UploadCache",
    "data_of",
    "file_of",
    "fingerprint",
    "fingerprint_of",
    "inspect",
    "left_on_disk",
    "load",
    "load_all",
    "open_safely",
    "prepare",
    "thumbnail",
    "verify_pixels",
]
