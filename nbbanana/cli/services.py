"""The commands about services: accounts, money, the models that they have, and the sandbox."""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from nbbanana.cli.console import command, in_session, option, put_json, put_line, put_rows, say
from nbbanana.cli.edits import model_for
from nbbanana.errors import NoCredentialError, UsageError

if TYPE_CHECKING:
    from nbbanana.session import Session

__all__ = ["COMMANDS"]


def _login(options: argparse.Namespace) -> None:
    from nbbanana.providers.credentials import kept_in_words
    from nbbanana.providers.registry import find_with_key
    from nbbanana.session.services import log_in

    spec = find_with_key(options.provider)
    if options.web_base:
        os.environ[spec.endpoints.variables()["web"]] = options.web_base  # checked as the variable is
    endpoints = log_in(spec, say)
    if endpoints.is_official:
        say(f"Logged in. {kept_in_words(spec)}")
    else:
        bases = endpoints.as_dict()
        say("Logged in, for these addresses only:")
        say(" ".join(f"{variable}={bases[name]}" for name, variable in endpoints.variables().items()))


def _logout(options: argparse.Namespace) -> None:
    from nbbanana.providers.credentials import forget_token
    from nbbanana.providers.registry import find_with_key

    say("Logged out." if forget_token(find_with_key(options.provider)) else "There was no stored token.")


def _providers(options: argparse.Namespace) -> None:
    from nbbanana.session.services import list_providers

    put_rows(options, list_providers().rows)


def _put_account(_: argparse.Namespace, session: Session, *, question: str) -> None:
    """
    Print what the service answers to a question that not every service can be asked, such as `balance`.

    Raises:
        UsageError: this one cannot.
    """
    from nbbanana.providers.registry import title_of

    engine = session.engine_at()
    if not hasattr(engine.provider, question):
        name = engine.provider.name
        raise UsageError(f"{title_of(name)} cannot be asked this.", f"It has no {question} for nbbanana to read.")
    put_json(engine.ask(lambda service: getattr(service, question)()).result())


@in_session
def _budget(options: argparse.Namespace, session: Session) -> None:
    from nbbanana.grammar import dollars

    provider = session.choice(options.provider).name
    if not provider:
        raise NoCredentialError("A budget belongs to a provider, and none was chosen.", "There is no token.")
    if options.amount is not None:
        amount = None if options.amount == "off" else dollars(options.amount, "The budget", "nbbanana budget 5")
        session.store.set_budget(provider, amount)
    budget = session.store.budget(provider)
    shown: dict[str, Any] = {"provider": provider, "budget": None, "left": None}
    put_json(shown if budget is None else shown | {"budget": budget.amount, "left": round(budget.left, 6)})


def _sandbox(options: argparse.Namespace) -> None:
    from nbbanana.sandbox import serve

    serve(options.host, options.port, slots=options.slots, time_scale=options.time_scale)


# ── models ──────────────────────────────────────────────────────────────────────────────────────────────────────


@in_session
def _models(options: argparse.Namespace, session: Session) -> None:
    from nbbanana import models

    if options.choose is not None:
        _choose(options)
    elif options.search is not None:
        _put(models.search(options.search))
    elif options.compare:
        _put(models.compare(*(model_for(session, name) for name in options.compare)))
    elif options.what == "get":
        put_json(dict(model_for(session, _only(options.model)).schema))
    elif options.what == "refresh":
        _refresh(options, session)
    elif options.remote:
        _put_account(options, session, question="catalogue")
    elif options.what == "list":
        _list(options)
    elif options.model:
        raise UsageError("models shows one model.", f"{len(options.model) + 1} were given.", "--compare takes several.")
    else:
        _put(model_for(session, options.what))


def _choose(options: argparse.Namespace) -> None:
    from nbbanana import models

    ranking = models.choose(options.choose, images=options.images, mask=options.mask)
    if options.output == "json":
        rows = [
            {"model": one.id, "reasons": one.reasons, "sentence": one.sentence, "of": one.source} for one in ranking
        ]
        put_json({"models": rows, "excluded": dict(ranking.excluded)})
    else:
        _put(ranking)


def _only(names: list[str]) -> str:
    """Return the one model that is named."""
    if len(names) != 1:
        given = f"{len(names) or 'None'} {'was' if len(names) < 2 else 'were'} given."
        raise UsageError("models get takes a model's id.", given, "nbbanana models lists them.")
    return names[0]


def _refresh(options: argparse.Namespace, session: Session) -> None:
    from nbbanana.session.services import refresh_models

    put_rows(options, [asdict(line) for line in refresh_models(*options.model, session=session)])


def _list(options: argparse.Namespace) -> None:
    from nbbanana.models.catalogue import short_name
    from nbbanana.models.offers import all_models

    put_rows(options, [{"id": one.id, "name": short_name(one.id), "title": one.title} for one in all_models()])


def _put(shown: Any) -> None:
    put_line(shown._repr_mimebundle_()["text/plain"])


COMMANDS = (
    command(
        "login",
        _login,
        "Log in: by a code to type on the service's page, or with its key.",
        option("provider", nargs="?", help="the service, such as fal; the default one if not said"),
        option("--web-base", metavar="URL", help="another place to log in"),
    ),
    command(
        "logout",
        _logout,
        "Remove the stored token.",
        option("provider", nargs="?", help="the service; the default one if not said"),
    ),
    command("providers", _providers, "List the services: whose keys are here, prices, models, what they carry."),
    command("whoami", in_session(partial(_put_account, question="whoami")), "Say whose token it is."),
    command("balance", in_session(partial(_put_account, question="balance")), "Say what is left at the service."),
    command(
        "budget",
        _budget,
        "Show or set what may be spent at the provider from this store.",
        option("amount", nargs="?", metavar="USD", help="US dollars, or off"),
        option("--provider", metavar="NAME", help="the service; the one that would run a request if not said"),
    ),
    command(
        "models",
        _models,
        "List the models, show one, compare some, or say which suits a request.",
        option("what", nargs="?", default="list", help="a model to show; or list, get or refresh"),
        option("model", nargs="*", help="of get: one, whose schema is printed; of refresh: those to ask about"),
        option("--remote", action="store_true", help="list what the service has now; needs a token"),
        option("--compare", nargs="+", metavar="ID", help="two models or more beside each other"),
        option("--choose", metavar="WORDS", help="the models that suit a request with these words"),
        option("--images", type=int, metavar="N", help="how many pictures go with those words"),
        option("--mask", action="store_true", default=None, help="a mask goes with them"),
        option("--search", metavar="WORDS", help="the models that these words are about, such as mask"),
        usage="nbbanana models [ID | list | get ID | refresh [ID…]] [--compare ID ID…] [--choose WORDS]",
    ),
    command(
        "sandbox",
        _sandbox,
        "Serve the Model API offline; prints its url and token.",
        option("--host", default="127.0.0.1"),
        option("--port", type=int, default=0, help="0 takes a free one"),
        option("--slots", type=int, default=2, help="jobs at once"),
        option("--time-scale", type=float, default=1.0, help="1 as long as a service, 0 no time"),
    ),
)
