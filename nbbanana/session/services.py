"""The services that could run a request: the list of them, what each costs and carries, and what they have now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from nbbanana.display.listings import columns_bundle
from nbbanana.display.views import money, price_in_words
from nbbanana.engine.engine import Engine
from nbbanana.engine.loop import EngineLoop
from nbbanana.engine.prices import Quote, quote, together
from nbbanana.errors import CredentialError, NBBananaError, UnknownModelError, UsageError
from nbbanana.models import Model, from_schema, get, ids
from nbbanana.models.catalogue import canonical
from nbbanana.models.model import Listed
from nbbanana.models.offer_files import MODEL_ID, Offer, keep, kept, today
from nbbanana.models.offers import known_models
from nbbanana.providers.base import DeviceCode, Price
from nbbanana.providers.credentials import key_place, save_token
from nbbanana.providers.registry import Broken, Endpoints, ProviderSpec, listed
from nbbanana.request import EditRequest
from nbbanana.session.engines import Choice
from nbbanana.session.session import Session, current
from nbbanana.settings import settings

__all__ = [
    "Carried",
    "Line",
    "ProviderLine",
    "ProviderList",
    "by_list",
    "carried_by",
    "elsewhere",
    "least",
    "list_providers",
    "log_in",
    "refresh_models",
    "usable",
]


def log_in(spec: ProviderSpec, say: Callable[[str], object]) -> Endpoints:
    """
    Log in at a service, by a code that is typed on its page or with its key, and keep what it gives.

    Args:
        spec: the service.
        say: shows a line; called in another thread, while this one waits.

    Returns:
        The addresses that the login is for.

    Raises:
        CredentialError: the service refuses, or what it gives can be no key.
        ConfigError: addresses that cannot be asked, or a folder that does not take the key.
    """
    from getpass import getpass

    def show(code: DeviceCode) -> None:
        say(f"Open {code.verify_url} and type {code.user_code} there.")

    endpoints = spec.endpoints.from_environment()
    if spec.device_login is None:
        token = getpass(f"{spec.title} key ({spec.key_page}): ").strip()
    else:
        under_way = EngineLoop.shared().run(spec.device_login(endpoints, show))
        try:
            token = under_way.result()
        except KeyboardInterrupt:
            under_way.cancel()
            raise
    save_token(spec, token, endpoints)
    return endpoints


def usable() -> Iterator[ProviderSpec]:
    """Give the providers whose key is here, and those that need none."""
    for spec in listed():
        if not isinstance(spec, Broken) and (not spec.key_variables or key_place(spec)):
            yield spec


def by_list(spec: ProviderSpec, request: EditRequest, model: Model) -> Quote | None:
    """
    Return what a request costs at a provider by its dated price list; None where none is known.

    >>> from nbbanana import models
    >>> from nbbanana.providers.registry import find
    >>> model = models.get("google/nano-banana-2/edit")
    >>> by_list(find("fal"), EditRequest(model.id, {"number_of_images": 4}), model).low
    0.32
    """
    found = spec.offer(model.id)
    if found is None or found.prices is None:
        return None
    price = Price(found.prices.base, "image", prices=found.prices)
    return quote(price, request, model, live=from_schema(model.id, found.schema))


@dataclass(frozen=True, slots=True)
class Carried:
    """
    What a provider carries of parameters.

    Args:
        lossy: those that it takes with loss.
        dropped: those that it has no parameter for; to set one is an error there.
    """

    lossy: tuple[str, ...]
    dropped: tuple[str, ...]


def carried_by(spec: ProviderSpec, model: Model, parameters: Iterable[str]) -> Carried | None:
    """Return what a provider carries of a model's parameters, as far as that is known without asking; else None."""
    found = spec.offer(model.id)
    if found is None:
        return None
    there = from_schema(model.id, found.schema)
    known = {name: model.counterpart(name, there) for name in parameters}
    return Carried(
        tuple(name for name, field in known.items() if field is not None and field.loss),
        tuple(name for name, field in known.items() if field is None),
    )


def elsewhere(requests: Sequence[EditRequest], model: Model, chosen: Choice) -> Iterator[str]:
    """Give a sentence for each other provider that takes money: what all requests cost there, and whether it can."""
    here = {chosen.name, chosen.spec.name if chosen.spec else ""}
    for spec in listed():
        if isinstance(spec, Broken) or spec.is_play or spec.name in here:
            continue
        key = key_place(spec)
        yield f"{spec.label}: {_terms(spec, requests, model)}; {f'its key is here: {key}' if key else 'no key here'}."


def _terms(spec: ProviderSpec, requests: Sequence[EditRequest], model: Model) -> str:
    given = [item for request in requests for item in request.parameters.items()]
    set_here = list(dict.fromkeys(name for name, value in given if not model.goes_without_saying(name, value)))
    carried = carried_by(spec, model, set_here)
    if carried is None:
        return "by what is known here it does not have this model"
    if carried.dropped:
        return f"it does not carry {' and '.join(carried.dropped)}"
    prices, offer = [by_list(spec, request, model) for request in requests], spec.offer(model.id)
    found = together([price for price in prices if price]) if all(prices) else None
    if found is None or found.low is None or offer is None or offer.prices is None:
        return "its price is asked for once it is chosen"
    return f"{least(found)}, by its price list of {offer.prices.read}"


def least(price: Quote) -> str:
    """
    Return a price in words, as the least where its most is not known.

    >>> least(Quote(0.32, 0.32, "")), least(Quote(0.27, None, ""))
    ('$0.32', 'at least $0.27')
    """
    return price_in_words(price.low, price.high) if price.high is not None else f"at least {money(price.low)}"


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


class ProviderList(Listed[ProviderLine]):
    """The services, as a table where it is shown."""

    def __repr__(self) -> str:
        return f"<ProviderList {', '.join(line.name for line in self)}>"

    @property
    def rows(self) -> list[dict[str, str]]:
        """The table that is shown, a row a service."""
        return [dict(zip(COLUMNS, _row(line), strict=True)) for line in self]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return columns_bundle(COLUMNS, [_row(line) for line in self])


def list_providers() -> ProviderList:
    """
    Return the services that are installed: whose keys are here, prices, models, what they carry and what they can.

    Nothing is asked over the network, and no key is read but to see that it is there.

    >>> {"fal", "gemini"} <= {line.name for line in list_providers()}
    True
    """
    return ProviderList(
        [
            ProviderLine(spec.name, spec.name, trouble=spec.why) if isinstance(spec, Broken) else _line(spec)
            for spec in listed()
        ]
    )


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
        can=_abilities(spec, found),
        dropped=carried.dropped if carried else (),
        lossy=carried.lossy if carried else (),
    )


def _model(found: Offer) -> Model:
    return get(found.model) if found.model in ids() else from_schema(found.model, found.schema)


def _abilities(spec: ProviderSpec, found: Offer | None) -> tuple[str, ...]:
    there = from_schema(found.model, found.schema) if found else None
    takes = {role for role in ("count", "seed") if there is not None and there.with_role(role) is not None}
    does = {"resume": spec.can_resume, "cancel": spec.can_cancel, "count": spec.counts and "count" in takes}
    return tuple(word for word, can in {**does, "seed": "seed" in takes}.items() if can)


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


def refresh_models(*names: str, session: Session | None = None) -> list[Line]:
    """
    Ask each service whose key is here, and which can be asked, what it has of models now, and keep what it says.

    It is `nbbanana models refresh`: a model or a price that is newer than this package counts from then on.

    Args:
        names: ids, short names or addresses of pages, also of models that this package does not know; none asks about
            all that are known.
        session: makes the connections; None is the current session.

    Raises:
        UsageError: a name that is no id, or too many.
        ConfigError: what was said cannot be kept.

    >>> [line.outcome for line in refresh_models("nano-banana-2.1")][:2]
    ['not asked', 'not asked']
    """
    session = session or current()
    wanted = [canonical(name) for name in names]
    if bad := [name for name in wanted if not MODEL_ID.match(name)]:
        raise UsageError(
            f"{bad[0]!r:.80} is no model's id.", "An id is a path of plain words.", "%nbmodels lists them."
        )
    if len(wanted) > MOST:
        raise UsageError(f"{len(wanted)} models are too many.", f"{MOST} can be asked about in one go.", "Name fewer.")

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
