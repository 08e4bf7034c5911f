"""Pictures by URL: which URLs a service will be asked to fetch, and `data:` URIs, which hold the bytes themselves."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import re
from urllib.parse import SplitResult, unquote, unquote_to_bytes, urlsplit

from nbbanana.errors import ImageError
from nbbanana.images.kinds import MAX_FILE_BYTES, ImageInput

__all__ = ["bytes_of_data_uri", "is_url", "url_input"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):(//|(?<=data:))", re.IGNORECASE)
_ALLOWED = re.compile(r"[!-~]+", re.ASCII)
"""A URL is printable ASCII without spaces (RFC 3986, section 2): what else stands in it must be percent-encoded."""


def is_url(text: str) -> bool:
    """
    Return whether a text is meant as a URL, of whatever scheme, and not as a path.

    >>> is_url("https://example.com/a.png"), is_url("data:image/png;base64,AA=="), is_url("C:/a.png")
    (True, True, False)
    """
    return _SCHEME.match(text) is not None


def url_input(url: str) -> ImageInput:
    """
    Return a picture that the service fetches for itself. Nothing is fetched here.

    Args:
        url: https, a public host, no user or password in it.

    Raises:
        ImageError: any other URL. The message does not repeat it: a URL may be signed.
    """
    parts = _parsed(url)
    _check_scheme(parts.scheme)
    if parts.username is not None or parts.password is not None:
        raise ImageError(
            "The URL of the picture holds a user name.",
            "A name or password in a URL would be sent on and stored.",
            "Give a URL without it, or download the picture and give the file.",
        )
    host = parts.hostname or ""
    if not host:
        raise _unusable("It names no host.")
    if _is_private(host):
        raise ImageError(
            "The URL of the picture leads to this machine or network.",
            "The service fetches it from outside and cannot reach that.",
            "Download the picture and give the file.",
        )
    name = unquote(parts.path.rstrip("/").rpartition("/")[2]) or host
    return ImageInput(name=name, identity=f"url:{hashlib.sha256(url.encode()).hexdigest()}", url=url)


def bytes_of_data_uri(uri: str) -> bytes:
    r"""
    Return the bytes that a `data:` URI holds (RFC 2397).

    Raises:
        ImageError: it holds none, or base64 that is none.

    >>> bytes_of_data_uri("data:image/png;base64,iVBORw==")
    b'\x89PNG'
    """
    head, comma, body = uri.partition(",")
    if not comma or len(body) > MAX_FILE_BYTES * 2:
        raise _bad_data_uri("It has no comma before its data." if not comma else "It is too long.")
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode("".join(unquote(body).split()), validate=True)
    except (binascii.Error, ValueError):
        raise _bad_data_uri("What follows its comma is not base64.") from None


def _parsed(url: str) -> SplitResult:
    if not _ALLOWED.fullmatch(url) or "\\" in url:
        raise _unusable("It holds a space or a character that no URL may hold.")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        raise _unusable("Its host or port makes no sense.") from None
    return parts


def _check_scheme(scheme: str) -> None:
    if scheme == "https":
        return
    if scheme == "http":
        raise ImageError(
            "The URL of the picture begins with http://.",
            "Only https is taken: anyone on the way could change what plain http brings.",
            "Write https:// if the site has it, or download the picture and give the file.",
        )
    if scheme == "file":
        raise ImageError("A file is not given by URL.", "It begins with file://.", "Write its path alone.")
    raise ImageError(
        f"The URL of the picture begins with {scheme}://.",
        "The service fetches pictures by https only.",
        "Give an https URL, or download the picture and give the file.",
    )


def _is_private(host: str) -> bool:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(name.partition("%")[0]).is_global
    except ValueError:
        return False


def _unusable(why: str) -> ImageError:
    return ImageError("The URL of the picture cannot be used.", why, "Copy it anew from the browser's address line.")


def _bad_data_uri(why: str) -> ImageError:
    return ImageError("The data URI holds no picture.", why, "Give the file, or its bytes.")
