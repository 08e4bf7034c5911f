"""`nb.list_providers()`: which services there are, whose keys are here, and what each can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from nbbanana.display.columns import columns_bundle
from nbbanana.models import Model, from_schema, get, ids
from nbbanana.models.offers import Offer, known_models
from nbbanana.providers.credentials import key_place
from nbbanana.providers.registry import Broken, listed
from nbbanana.providers.spec import ProviderSpec
from nbbanana.session.services import carried_by
from nbbanana.settings import settings

__all__ = ["ProviderLine", "ProviderList", "list_providers"]

COLUMNS = ("provider", "key", "a picture", "models", "carries", "can")


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """
    A service in the list.

    Args:
        name: what `--provider` takes.
        title: what people call it.
        key: the variable, the file or the keyring that holds its key, by name, never the key; None where none is here.
        key_page: where a user gets a key.
        is_play: whether its money is play money.
        models: the models of the catalogue that it is known to have.
        model: the one that the following is about: that of the settings where it has that, else its default.
        price: US dollars that a picture costs by its price list; None where that is not known.
        read: the day of that price list, as 2026-11-29.
        can: what it can do: `resume`, `cancel`, make a `count` of pictures at once, take a `seed`.
        dropped: the model's options that it does not carry; to set one is an error there.
        lossy: the options that it carries with loss.
        trouble: why it cannot be used; None where it can.
    """

    name: str
    title: str
    key: str | None = None
    key_page: str = ""
    is_play: bool = False
    models: tuple[str, ...] = ()
    model: str | None = None
    price: float | None = None
    read: str | None = None
    can: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    lossy: tuple[str, ...] = ()
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

    @property
    def rows(self) -> list[dict[str, str]]:
        """The table that is shown, a row a service."""
        return [dict(zip(COLUMNS, _row(line), strict=True)) for line in self._lines]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return columns_bundle(COLUMNS, [_row(line) for line in self._lines])


def list_providers() -> ProviderList:
    """
    Return the services that are installed: whose keys are here, prices, models, what they carry and what they can.

    Nothing is asked over the network, and no key is read but to see that it is there.

    >>> {"fal", "gemini"} <= {line.name for line in list_providers()}
    True
    """
    return ProviderList(list(_lines()))


def _lines() -> Iterator[ProviderLine]:
    for spec in listed():
        if isinstance(spec, Broken):
            yield ProviderLine(spec.name, spec.name, trouble=spec.why)
        else:
            yield _line(spec)


def _line(spec: ProviderSpec) -> ProviderLine:
    named = settings().model
    shown = named if named and spec.offer(named) else spec.default_model
    found = spec.offer(shown)
    prices = found.prices if found else None
    model = _model(found) if found else None
    carried = carried_by(spec, model, [field.name for field in model.options]) if model else None
    return ProviderLine(
        spec.name,
        spec.label,
        key=key_place(spec),
        key_page=spec.key_page,
        is_play=spec.is_play,
        models=tuple(model for model in known_models() if spec.offer(model)),
        model=shown if found else None,
        price=prices.base if prices else None,
        read=prices.read if prices else None,
        can=tuple(_abilities(spec, found)),
        dropped=carried.dropped if carried else (),
        lossy=carried.lossy if carried else (),
    )


def _model(found: Offer) -> Model:
    return get(found.model) if found.model in ids() else from_schema(found.model, found.schema)


def _abilities(spec: ProviderSpec, found: Offer | None) -> Iterator[str]:
    yield from (word for word, does in (("resume", spec.can_resume), ("cancel", spec.can_cancel)) if does)
    there = from_schema(found.model, found.schema) if found else None
    takes = {role: there is not None and there.with_role(role) is not None for role in ("count", "seed")}
    yield from (word for word, does in (("count", takes["count"] and spec.counts), ("seed", takes["seed"])) if does)


def _row(line: ProviderLine) -> tuple[str, ...]:
    if line.trouble is not None:
        return line.name, "", "", "", "", f"cannot be used: {line.trouble}"
    needs = f"none; get one at {line.key_page}" if line.key_page else "needs none"
    names = ", ".join(model.partition("/")[2] or model for model in line.models) or "not known"
    return line.name, line.key or needs, _price(line), names, _carried(line), ", ".join(line.can)


def _price(line: ProviderLine) -> str:
    if line.is_play:
        return "play money"
    return "asked when needed" if line.price is None else f"${line.price:.4g} by its list of {line.read}"


def _carried(line: ProviderLine) -> str:
    """Return what it carries of the model that the line is about, in words."""
    if line.model is None:
        return "not known"
    said = ["all but " + ", ".join(line.dropped) if line.dropped else "all"]
    said += [f"{', '.join(line.lossy)} with loss"] if line.lossy else []
    return "; ".join(said)
