"""
The registry of providers: those of this package, and those that other packages offer.

A package offers one by an entry point of the group `nbbanana.providers` that names a `ProviderSpec`. A module is
imported only where its provider is chosen or all are listed, and one that cannot be imported is a line in that list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from nbbanana.errors import ConfigError, UsageError
from nbbanana.models.nearest import nearest
from nbbanana.providers.spec import ProviderSpec
from nbbanana.settings import DEFAULT_PROVIDER, LOCAL_PROVIDER, config_dir
from nbbanana.text import one_line

__all__ = ["GROUP", "Broken", "find", "find_with_key", "listed", "logged_in", "title_of"]

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
    near = nearest(name, names)
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
    for entry in (*OWN.values(), *_others().values()):
        yield _loaded(entry)


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
