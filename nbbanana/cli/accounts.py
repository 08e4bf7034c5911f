"""The commands about accounts, money, models and the sandbox."""

from __future__ import annotations

import argparse
import os
from typing import Any

from nbbanana.cli.console import Commands, ask_provider, open_session, put_json, put_rows, say
from nbbanana.cli.edits import model_for
from nbbanana.errors import NoCredentialError, UsageError

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add these commands to the command line."""
    login = commands.add("login", _login, "Log in by device code; the token file is the RunComfy CLI's.")
    login.add_argument("--web-base", metavar="URL", help="another place to log in")
    commands.add("logout", _logout, "Remove the stored token.")
    commands.add("whoami", _whoami, "Say whose token it is.")
    commands.add("balance", _balance, "Say what is left at the service.")
    budget = commands.add("budget", _budget, "Show or set what may be spent at the provider from this store.")
    budget.add_argument("amount", nargs="?", metavar="USD", help="US dollars, or off")
    models = commands.add("models", _models, "List the models, or print the schema of one.")
    models.add_argument("what", choices=["list", "get"], nargs="?", default="list")
    models.add_argument("model", nargs="?")
    models.add_argument("--remote", action="store_true", help="list what the service has now; needs a token")
    sandbox = commands.add("sandbox", _sandbox, "Serve the Model API offline; prints its url and token.")
    sandbox.add_argument("--host", default="127.0.0.1")
    sandbox.add_argument("--port", type=int, default=0, help="0 takes a free one")
    sandbox.add_argument("--slots", type=int, default=2, help="jobs at once")
    sandbox.add_argument("--time-scale", type=float, default=1.0, help="1 as long as a service, 0 no time")


def _login(options: argparse.Namespace) -> None:
    import asyncio

    from nbbanana.providers.credentials import save_token
    from nbbanana.providers.login import log_in
    from nbbanana.settings import Endpoints

    if options.web_base:
        os.environ["RUNCOMFY_WEB_BASE"] = options.web_base  # checked as the variable is
    endpoints = Endpoints.from_environment()
    token = asyncio.run(log_in(endpoints, lambda code: say(f"Open {code.verify_url} and type {code.user_code} there.")))
    save_token(token, endpoints)
    say("Logged in." if endpoints.is_official else "Logged in, for the addresses of now and no others:")
    if not endpoints.is_official:
        say(f"RUNCOMFY_MODEL_API_BASE={endpoints.model_api} RUNCOMFY_WEB_BASE={endpoints.web}")


def _logout(_: argparse.Namespace) -> None:
    from nbbanana.providers.credentials import forget_token

    say("Logged out." if forget_token() else "There was no stored token.")


def _whoami(options: argparse.Namespace) -> None:
    put_json(ask_provider(options, lambda service: service.whoami()))


def _balance(options: argparse.Namespace) -> None:
    put_json(ask_provider(options, lambda service: service.balance()))


def _budget(options: argparse.Namespace) -> None:
    from nbbanana.grammar import dollars

    with open_session(options) as session:
        provider = session.provider_name
        if not provider:
            raise NoCredentialError("A budget belongs to a provider, and none was chosen.", "There is no token.")
        if options.amount is not None:
            amount = None if options.amount == "off" else dollars(options.amount, "budget", "nbbanana budget 5")
            session.store.set_budget(provider, amount)
        budget = session.store.budget(provider)
        shown: dict[str, Any] = {"provider": provider, "budget": None, "left": None}
        put_json(shown if budget is None else shown | {"budget": budget.amount, "left": round(budget.left, 6)})


def _models(options: argparse.Namespace) -> None:
    from nbbanana import models

    if options.what == "get":
        if not options.model:
            raise UsageError("models get takes a model's id.", "None was given.", "nbbanana models lists them.")
        with open_session(options) as session:
            put_json(dict(model_for(session, options.model).schema))
    elif options.remote:
        put_json(ask_provider(options, lambda service: service.catalogue()))
    else:
        put_rows(options, [{"id": name, "title": models.get(name).title} for name in models.ids()])


def _sandbox(options: argparse.Namespace) -> None:
    from nbbanana.sandbox import serve

    serve(options.host, options.port, slots=options.slots, time_scale=options.time_scale)
