"""`nbbanana models refresh`: ask the services whose keys are here what they have of the models now, and keep it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from nbbanana.errors import CredentialError, NBBananaError, UnknownModelError, UsageError
from nbbanana.models import ids
from nbbanana.models.catalogue import canonical
from nbbanana.models.offer_files import MODEL_ID, Offer, today
from nbbanana.models.refreshed import keep, kept
from nbbanana.session.session import Session, current

if TYPE_CHECKING:
    from nbbanana.engine.engine import Engine
    from nbbanana.providers.spec import ProviderSpec

__all__ = ["Line", "refresh", "refresh_models"]

MOST = 100
"""Models that one service is asked about in one go."""


@dataclass(frozen=True, slots=True)
class Line:
    """
    What came of a question about a model.

    Args:
        provider: the service; its records name it so.
        model: the id in the catalogue; empty where the service was not asked at all.
        outcome: `read`, `gone` (it had it and does not have it any more), `none` (it has none), `not read`, or
            `not asked`.
        about: the day, or the reason.
    """

    provider: str
    model: str
    outcome: Literal["read", "gone", "none", "not read", "not asked"]
    about: str


def refresh_models(*names: str) -> list[Line]:
    """
    Ask the services whose keys are here what they have of models now, like `nbbanana models refresh`.

    A model or a price that is newer than this package counts from then on.

    Args:
        names: ids, short names or addresses of pages; none asks about all that are known.

    >>> [line.outcome for line in refresh_models("nano-banana-2.1")][:2]
    ['not asked', 'not asked']
    """
    return refresh(current(), names)


def refresh(session: Session, names: Sequence[str] = ()) -> list[Line]:
    """
    Ask each service whose key is here, and which can be asked, about its models, and keep what it says.

    Args:
        session: makes the connections.
        names: ids or aliases, also of models that this package does not know; none asks about all that are known.

    Raises:
        UsageError: a name that is no id, or too many.
        ConfigError: what was said cannot be kept.
    """
    wanted = [canonical(name) for name in names]
    if bad := [name for name in wanted if not MODEL_ID.match(name)]:
        raise UsageError(
            f"{bad[0]!r:.80} is no model's id.", "An id is a path of plain words.", "%nbmodels lists them."
        )
    if len(wanted) > MOST:
        raise UsageError(f"{len(wanted)} models are too many.", f"{MOST} can be asked about in one go.", "Name fewer.")
    from nbbanana.providers.registry import Broken, listed

    found: list[Line] = []
    for spec in listed():
        if not isinstance(spec, Broken) and spec.catalogue is not None:
            found += _of_provider(session, spec, wanted)
    return found


def _of_provider(session: Session, spec: ProviderSpec, wanted: Sequence[str]) -> Iterator[Line]:
    try:
        choice = session.choice(spec.name)
    except CredentialError as error:
        yield Line(spec.name, "", "not asked", error.what)
        return
    if choice.is_play or not choice.name:
        yield Line(spec.name, "", "not asked", "Play money stands in its place." if choice.is_play else "In replay.")
        return
    known = [model for model in (*ids(), *kept(spec.name)) if spec.offer(model)]
    told: list[Offer] = []
    for model in wanted or list(dict.fromkeys(known))[:MOST]:
        line, answer = _asked(session.engine_at(spec.name), spec, model)
        told += [answer] if answer else []
        yield line
    if told:
        keep(spec.name, told)


def _asked(engine: Engine, spec: ProviderSpec, model: str) -> tuple[Line, Offer | None]:
    """Ask about one model; a failure is a line, so that the others are asked too."""
    catalogue = spec.catalogue
    assert catalogue is not None
    known = spec.offer(model)
    try:
        found: Offer = engine.ask(lambda service: catalogue(service, model)).result()
    except UnknownModelError as error:
        if known is None:
            return Line(spec.name, model, "none", error.what), None
        return Line(spec.name, model, "gone", error.what), replace(known, gone=today(), read=today())
    except NBBananaError as error:
        return Line(spec.name, model, "not read", error.what), None
    return Line(spec.name, model, "read", _about(found)), found


def _about(found: Offer) -> str:
    each = f", ${found.prices.base:.4g} a picture" if found.prices else ""
    return f"{len(found.schema['properties'])} fields{each}"
