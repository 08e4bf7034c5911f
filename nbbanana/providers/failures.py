"""Why an HTTP exchange failed, in words: which of a proxy, a certificate, a name, a closed port or a setting it was."""

from __future__ import annotations

import importlib.util
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx

from nbbanana.errors import ConfigError, NBBananaError, NetworkError, ProtocolError, UpstreamError, bare_cause

__all__ = ["FAILURES", "NEVER_CONNECTED", "error_for", "in_words", "unusable_certificates", "unusable_proxy"]

PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
NEVER_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.PoolTimeout,
)
"""Failures before the request was sent: nothing was taken."""
FAILURES = (httpx.HTTPError, httpx.InvalidURL, OSError, ProtocolError)
"""What an exchange can end with; `TimeoutError` is an OSError, and httpx parses the target of every redirect."""

REASONS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str, str], ...] = (
    (ssl.SSLError, "It did not speak TLS as it should: the encrypted connection could not be made.", ""),
    (socket.gaierror, "The name of its host was not found (DNS).", "Check the connection and the name."),
    (
        ConnectionRefusedError,
        "Its port is closed: the connection was refused.",
        "Check the address and that the service runs.",
    ),
    (httpx.ConnectTimeout, "No connection was made in time.", ""),
    (NEVER_CONNECTED, "The connection was never made.", ""),
    ((httpx.TimeoutException, TimeoutError), "No answer came in time.", ""),
)
"""Kinds of exceptions, the first that is found in an error's chain, with why it failed and what to do."""


def error_for(error: Exception) -> NBBananaError:
    """Return the nbbanana error for one of `FAILURES`, with a bare copy of it as the cause."""
    if isinstance(error, ProtocolError):
        return error
    why, mend = in_words(error)
    ours: NBBananaError
    if isinstance(error, NEVER_CONNECTED):
        mend = mend and f"{mend} Nothing was sent, nothing is charged."
        ours = NetworkError("The service could not be reached.", why, mend)
    else:
        ours = UpstreamError("No answer came from the service.", why, mend or "Check the connection.")
    ours.__cause__ = bare_cause(error)
    return ours


def in_words(error: BaseException) -> tuple[str, str]:
    """
    Say why an exchange failed, and what to do where that is known.

    Never the error's own text: it can hold an address, and an address can hold a secret.
    """
    if isinstance(error, httpx.ProxyError):
        return _proxy_in_words(str(error))
    chain = list(_chain(error))
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            reason = one.verify_message.partition(",")[0].rstrip(".")
            return (
                f"Its certificate is not trusted on this machine: {reason}.",
                "If your network checks encrypted traffic, set SSL_CERT_FILE to a file with its certificate.",
            )
    for kind, why, mend in REASONS:
        if any(isinstance(one, kind) for one in chain):
            return why, mend
    return f"The connection broke ({type(error).__name__}).", ""


def _proxy_in_words(text: str) -> tuple[str, str]:
    status = text[:3]
    if status == "407":
        return (
            "The proxy wants a user name and a password (HTTP 407).",
            "Put them into HTTPS_PROXY, as http://user:password@proxy:port.",
        )
    said = f" (HTTP {status})" if status.isdecimal() else ""
    return f"The proxy did not let the connection through{said}.", "Check HTTPS_PROXY and NO_PROXY."


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Walk an error, its causes and the members of groups, each once."""
    seen, waiting = set(), [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def unusable_proxy(error: BaseException) -> ConfigError:
    """Return the error that names the variable which keeps httpx from making a client."""
    bad = [name for name in PROXY_VARIABLES if os.environ.get(name) and not _is_proxy(os.environ[name])]
    without = [name for name in ("no_proxy", "NO_PROXY") if os.environ.get(name)]
    for names, takes in (
        (bad, "an address such as http://proxy.example:3128; socks5:// needs the package socksio"),
        (without, "names and addresses between commas, such as localhost,::1,example.com"),
    ):
        if names:
            mend = f"Change {names[0]}, or unset it. Nothing was sent."
            return ConfigError(f"{names[0]} cannot be used.", f"It takes {takes}.", mend)
    return ConfigError("The proxy settings of this machine cannot be used.", f"{type(error).__name__}.")


def _is_proxy(value: str) -> bool:
    try:
        scheme = httpx.Proxy(value if "://" in value else f"http://{value}").url.scheme
    except (ValueError, httpx.InvalidURL):
        return False
    return scheme in {"http", "https"} or importlib.util.find_spec("socksio") is not None


def unusable_certificates(error: BaseException) -> ConfigError:
    """Return the error that names the variable which keeps the certificates from being read."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file and not _holds_certificates(file):
        name, why = "SSL_CERT_FILE", "It names no file with certificates that can be read."
    elif folder and not file and not Path(folder).is_dir():
        name, why = "SSL_CERT_DIR", "It names no folder."
    elif os.environ.get("SSLKEYLOGFILE"):
        name, why = "SSLKEYLOGFILE", "It names a file that cannot be written."
    else:
        return ConfigError("The certificates of this machine cannot be read.", f"{type(error).__name__}.")
    return ConfigError(f"{name} cannot be used.", why, f"Change {name}, or unset it. Nothing was sent.")


def _holds_certificates(file: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except OSError:
        return False
    return True
