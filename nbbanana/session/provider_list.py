"""`nb.list_providers()`: which services there are, whose keys are here, and what each can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from nbbanana.display.providers import providers_bundle
from nbbanana.providers.credentials import key_place
from nbbanana.providers.registry import Broken, listed
from nbbanana.providers.spec import ProviderSpec
from nbbanana.settings import settings

__all__ = ["ProviderLine", "ProviderList", "list_providers"]


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """
    A service in the list.

    Args:
        name: what `--provider` takes.
        title: what people call it.
        key: the variable or the file that holds its key, never the key; None where there is none.
        key_page: where a user gets a key.
        price: US dollars that a picture of the default model costs by its price list; None where that is not known.
        read: the day of that price list, as 2026-11-29.
        can: what it can do, such as `resume` and `cancel`.
        trouble: why it cannot be used; None where it can.
    """

    name: str
    title: str
    key: str | None = None
    key_page: str = ""
    price: float | None = None
    read: str | None = None
    can: tuple[str, ...] = ()
    trouble: str | None = None


class ProviderList(Sequence[ProviderLine]):
    """The services, as a table where it is shown."""

    def __init__(self, lines: Sequence[ProviderLine]) -> None:
        self._lines = tuple(lines)

    @overload
    def __getitem__(self, index: int) -> ProviderLine: ...
    @overload
    def __getitem__(self, index: slice) -> ProviderList: ...
    def __getitem__(self, index: int | slice) -> ProviderLine | ProviderList:
        found = self._lines[index]
        return found if isinstance(found, ProviderLine) else ProviderList(found)

    def __len__(self) -> int:
        return len(self._lines)

    def __repr__(self) -> str:
        return f"<ProviderList {', '.join(line.name for line in self._lines)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return providers_bundle([_row(line) for line in self._lines])


def list_providers() -> ProviderList:
    """
    Return the services that are installed: whose keys are here by the name of their variable, prices, abilities.

    Nothing is asked over the network, and no key is read but to see that it is there.

    >>> [line.name for line in list_providers()][:3]
    ['runcomfy', 'fal', 'sandbox']
    """
    return ProviderList(list(_lines()))


def _lines() -> Iterator[ProviderLine]:
    for spec in listed():
        if isinstance(spec, Broken):
            yield ProviderLine(spec.name, spec.name, trouble=spec.why)
        else:
            yield _line(spec)


def _line(spec: ProviderSpec) -> ProviderLine:
    found = spec.offer(settings().model or spec.default_model)
    prices = found.prices if found else None
    can = tuple(word for word, does in (("resume", spec.can_resume), ("cancel", spec.can_cancel)) if does)
    return ProviderLine(
        spec.name,
        spec.title,
        key=key_place(spec),
        key_page=spec.key_page,
        price=prices.base if prices else None,
        read=prices.read if prices else None,
        can=can,
    )


def _row(line: ProviderLine) -> tuple[str, ...]:
    if line.trouble is not None:
        return line.name, "", "", f"cannot be used: {line.trouble}"
    needs = f"none; get one at {line.key_page}" if line.key_page else "needs none"
    price = "asked when needed" if line.price is None else f"${line.price:.4g} by its list of {line.read}"
    return line.name, line.key or needs, price, ", ".join(line.can)
