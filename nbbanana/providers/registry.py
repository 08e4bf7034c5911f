"""
The registry of providers: what nbbanana knows of a service before it talks to it (`ProviderSpec`), and which there are.

A package offers one by an entry point of the group `nbbanana.providers` that names a `ProviderSpec`. A module is
imported only where its provider is chosen or all are listed, and one that cannot be imported is a line in that list.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from nbbanana.errors import ConfigError, UsageError
from nbbanana.models.checking import nearest
from nbbanana.models.offers import Offer, newest, offer
from nbbanana.settings import DEFAULT_PROVIDER, LOCAL_PROVIDER, LOOPBACK, config_dir
from nbbanana.text import one_line

if TYPE_CHECKING:
    from nbbanana.providers.base import DeviceCode, Provider, Wire

__all__ = [
    "GROUP",
    "Broken",
    "Endpoints",
    "ProviderSpec",
    "base",
    "find",
    "find_with_key",
    "listed",
    "logged_in",
    "title_of",
]

GROUP = "nbbanana.providers"
OWN = {
    name: EntryPoint(name, f"nbbanana.providers.{module}:SPEC", GROUP)
    for name, module in (
        ("runcomfy", "runcomfy"),
        ("fal", "fal"),
        ("gemini", "gemini"),
        ("openrouter", "openrouter"),
        ("sandbox", "local"),
    )
}
"""This package's own providers: known without reading the metadata of all packages, and loaded as any other is."""


def base(official: str, variable: str) -> Any:
    """Declare a base of a service: its own address, without a trailing slash, and the variable that names another."""
    return field(default=official, metadata={"variable": variable})


@dataclass(frozen=True, slots=True)
class Endpoints:
    """
    Where a service is. Each provider declares its bases in a subclass, first the one that takes requests.

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


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """
    A service that runs requests: its keys and bases, and what it can do.

    Args:
        name: what records, settings and budgets call it, such as `fal`.
        title: what people call it, such as `fal`.
        connect: makes the `Provider`, of a credential (None where it takes none), its endpoints and its pace.
        wire: gives the POST of a request, of the endpoints, the model's id in the catalogue and the payload.
        key_variables: the environment variables that hold its key, the usual one first; none where it takes no key.
        key_page: where a user gets a key.
        endpoints: the class of its bases.
        device_login: logs in by a code that the user types on the service's page, and gives the token; None where
            a login asks for a key.
        token_file: gives the file that keeps what a login got; None is one in nbbanana's own folder.
        folder_variable: the environment variable that names another folder for that file.
        offers: gives what it has of a model: its name for it, its fields and prices; None where it has none. Left
            out, that is in the catalogue.
        default_model: the model of a request that names none.
        catalogue: asks the service, through its `Provider`, what it has of a model now, for `nbbanana models refresh`;
            None where it cannot be asked.
        is_play: whether its money is play money.
        play_name: what records call it where its key is one that a play service made; empty where none is.
        can_resume: whether a job can be asked after later, by another process too.
        can_cancel: whether it takes a cancel.
        counts: whether one POST can ask for several pictures.
    """

    name: str
    title: str
    connect: Callable[[Any, Any, float], Provider] = field(repr=False)
    wire: Callable[[Any, str, Mapping[str, Any]], Wire] = field(repr=False)
    key_variables: tuple[str, ...] = ()
    key_page: str = ""
    endpoints: type[Endpoints] = Endpoints
    device_login: Callable[[Any, Callable[[DeviceCode], object]], Coroutine[Any, Any, str]] | None = field(
        default=None, repr=False
    )
    token_file: Callable[[], Path] | None = field(default=None, repr=False)
    folder_variable: str = "NBBANANA_CONFIG_DIR"
    offers: Callable[[str], Offer | None] | None = field(default=None, repr=False)
    default_model: str = ""
    catalogue: Callable[[Any, str], Coroutine[Any, Any, Offer]] | None = field(default=None, repr=False)
    is_play: bool = False
    play_name: str = ""
    can_resume: bool = True
    can_cancel: bool = True
    counts: bool = True

    @property
    def label(self) -> str:
        """What a control or a list calls it: its title without an article."""
        return self.title.removeprefix("the ")

    @property
    def kept_at(self) -> Path:
        """The file that keeps the token of a login."""
        return self.token_file() if self.token_file else config_dir() / f"{self.name}.json"

    def offer(self, model: str) -> Offer | None:
        """Return what it has of a model, as far as that is known without asking it; None where nothing is."""
        return newest(self.name, model, self.offers(model)) if self.offers else offer(self.name, model)

    @property
    def how_to_log_in(self) -> str:
        """What to do where the key is missing."""
        return f"Set {self.key_variables[0]}, or log in: %nblogin {self.name}" if self.key_variables else ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A provider that is installed and cannot be used, and why."""

    name: str
    why: str


def find(name: str) -> ProviderSpec:
    """
    Return the provider of that name.

    Raises:
        ConfigError: there is none, or it cannot be imported.

    >>> find("sandbox").is_play
    True
    """
    entry = OWN.get(name) or _others().get(name)
    if entry is not None:
        found = _loaded(entry)
        if isinstance(found, ProviderSpec):
            return found
        raise ConfigError(f"The provider {name} cannot be used.", found.why, "Reinstall its package.")
    names = sorted([*OWN, *_others()])
    near = nearest(str(name), names)
    raise ConfigError(
        f"There is no provider {one_line(name, 40)!r}.",
        f"There are {', '.join(names)}.",
        f"Did you mean {near}?" if near else "",
    )


def title_of(name: str) -> str:
    """
    Return what a list calls a provider; the name itself where its package is not installed or broken.

    >>> title_of("runcomfy"), title_of("of another package")
    ('RunComfy', 'of another package')
    """
    entry = OWN.get(name) or _others().get(name)
    found = None if entry is None else _loaded(entry)
    return found.label if isinstance(found, ProviderSpec) else name


def find_with_key(name: str | None) -> ProviderSpec:
    """
    Return the provider to log in at: the one that is named, else the default one.

    Raises:
        UsageError: it takes no key; ConfigError: there is none of that name.
    """
    spec = find(name or DEFAULT_PROVIDER)
    if not spec.key_variables:
        raise UsageError(f"{spec.title} takes no key.", "There is nothing to log in to.", "Leave the login out.")
    return spec


def listed() -> Iterator[ProviderSpec | Broken]:
    """Give every provider that is installed, this package's own first."""
    yield from map(_loaded, (*OWN.values(), *_others().values()))


def logged_in() -> list[ProviderSpec]:
    """
    Return the providers whose key a login of nbbanana's own keeps, by the names of its files; none is opened.

    A provider that shares its file with another tool is not among them: that login may be the other tool's.
    """
    try:
        names = sorted(path.stem for path in config_dir().glob("*.json"))
    except (OSError, ConfigError):
        return []
    found = [find(name) for name in names if name in OWN or name in _others()]
    return [spec for spec in found if spec.key_variables and spec.token_file is None]


@lru_cache(maxsize=1)
def _others() -> dict[str, EntryPoint]:
    """Return the entry points of other packages; a name that this package uses cannot be taken by another."""
    found = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    return {entry.name: entry for entry in found if entry.name not in {*OWN, LOCAL_PROVIDER}}


def _loaded(entry: EntryPoint) -> ProviderSpec | Broken:
    try:
        spec = entry.load()
    except Exception as error:  # noqa: BLE001 - another's code, which must not take the others with it
        return Broken(entry.name, f"{type(error).__name__}: {one_line(str(error), 200)}")
    if not isinstance(spec, ProviderSpec) or spec.name != entry.name:
        return Broken(entry.name, f"{entry.value} is no ProviderSpec of that name.")
    return spec
