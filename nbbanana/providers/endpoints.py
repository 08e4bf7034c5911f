"""The bases of a service: its own, or those that environment variables name."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self
from urllib.parse import urlsplit

from nbbanana.errors import ConfigError
from nbbanana.settings import LOOPBACK

__all__ = ["Endpoints", "base"]


def base(official: str, variable: str) -> Any:
    """Declare a base of a service: its own address, without a trailing slash, and the variable that names another."""
    return field(default=official, metadata={"variable": variable})


@dataclass(frozen=True, slots=True)
class Endpoints:
    """
    Where a service is. Each provider declares its bases in a subclass.

    >>> @dataclass(frozen=True)
    ... class Example(Endpoints):
    ...     api: str = base("https://api.example/v1", "EXAMPLE_BASE")
    >>> Example.from_environment().api
    'https://api.example/v1'
    """

    @classmethod
    def from_environment(cls) -> Self:
        """
        Return the bases that the environment names, the official ones where it names none.

        Raises:
            ConfigError: a base that is not https, or plain http anywhere but on loopback.
        """
        return cls(**{one.name: _base(one.metadata["variable"], str(one.default)) for one in fields(cls)})

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Return the environment variable of each base."""
        return {one.name: one.metadata["variable"] for one in fields(cls)}

    @property
    def is_official(self) -> bool:
        """Whether all are the service's own."""
        return self == type(self)()

    def as_dict(self) -> dict[str, str]:
        """Return the bases by name."""
        return asdict(self)


def _base(variable: str, official: str) -> str:
    text = os.environ.get(variable, "").strip().rstrip("/")
    if not text:
        return official
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if not host or parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(f"{variable} is not the base of a service.", "It takes an address such as https://host/v1.")
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK):
        return text
    raise ConfigError(
        f"{variable} uses {parts.scheme or 'no'} scheme.",
        "The token would travel where others can read it.",
        "Use https; plain http is taken on loopback only.",
    )
