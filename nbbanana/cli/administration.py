"""The commands beside edits: what was made (history, bundles, the store, files, notebooks), accounts, money, models."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.cli.console import Commands, ask_account, open_session, put_json, put_line, put_rows, say
from nbbanana.cli.models import add_models
from nbbanana.errors import NoCredentialError, UsageError

if TYPE_CHECKING:
    from nbbanana.session import EditResult, Output, Session

__all__ = ["add_to"]

DAMAGED = 1
"""The exit code of `verify` where something is not as it was kept."""
_OF_HISTORY = re.compile(r"(?:edit:)?([0-9]{1,18})(?:\[([0-9]{1,18})\])?")
"""An edit, or one of its pictures."""


def add_to(commands: Commands) -> None:
    """Add these commands to the command line."""
    _add_records(commands)
    _add_accounts(commands)


def _add_records(commands: Commands) -> None:
    history = commands.add("history", _history, "List edits, the newest first, or search them.")
    history.add_argument("words", nargs="*")
    history.add_argument("-n", type=int, default=20, help="how many")
    diff = commands.add("diff", _diff, "Say what is unlike between two edits or pictures: words, parameters, pixels.")
    diff.epilog = "EDIT is the number of an edit, edit:12[0] for one of its pictures, or a picture file."
    diff.add_argument("left", type=_edit_or_picture, metavar="EDIT")
    diff.add_argument("right", type=_edit_or_picture, metavar="EDIT")
    recover = commands.add("recover", _recover, "Say how a picture file was made; nothing is sent.")
    recover.add_argument("file")
    export = commands.add("export", _export, "Write edits and their pictures into a bundle; prints where it is.")
    export.add_argument("bundle", help="such as study.zip")
    export.add_argument("edits", type=_edit_id, nargs="*", metavar="EDIT", help="their numbers; none is all")
    merge = commands.add("merge", _merge, "Take the edits of a bundle into the store, doubling nothing.")
    merge.add_argument("bundle")
    measure = commands.add("measure", _measure, "Measure what changed in pictures of edits without figures; free.")
    measure.add_argument("-n", type=int, default=1000, help="at most so many edits, the newest")
    commands.add("verify", _verify, "Hash every picture and check every record; 1 if something is not as it was.")
    gc = commands.add("gc", _gc, "List files in the store that no edit refers to.")
    gc.add_argument("--delete", action="store_true", help="remove them")
    settle = commands.add("settle", _settle, "Say what became of an edit that is unknown, lost or gone.")
    settle.add_argument("edit", type=_edit_id, metavar="EDIT")
    found = settle.add_mutually_exclusive_group(required=True)
    found.add_argument("--cost", type=float, metavar="USD", help="what it cost; 0: it was never charged")
    found.add_argument("--request-id", metavar="ID", help="the service's id of it, so that resume collects it")
    ledger = commands.add("ledger", _ledger, "List every request that was sent: when, where, how it ended, its cost.")
    ledger.add_argument("--csv", action="store_true", help="as CSV, for a service's support desk")
    ledger.add_argument("--limit", type=int, default=1000, metavar="N", help="the newest so many")
    replay = commands.add("replay", _replay, "Execute a notebook from stored edits alone: no key, no network, no cost.")
    replay.add_argument("notebook")
    replay.add_argument(
        "--to", metavar="FILE", help="where to write it; beside it, as NAME.replayed.ipynb, if not said"
    )


def _add_accounts(commands: Commands) -> None:
    login = commands.add("login", _login, "Log in: by a code to type on the service's page, or with its key.")
    login.add_argument("provider", nargs="?", help="the service, such as fal; the default one if not said")
    login.add_argument("--web-base", metavar="URL", help="another place to log in")
    logout = commands.add("logout", _logout, "Remove the stored token.")
    logout.add_argument("provider", nargs="?", help="the service; the default one if not said")
    commands.add("providers", _providers, "List the services: whose keys are here, prices, models, what they carry.")
    commands.add("whoami", _whoami, "Say whose token it is.")
    commands.add("balance", _balance, "Say what is left at the service.")
    budget = commands.add("budget", _budget, "Show or set what may be spent at the provider from this store.")
    budget.add_argument("amount", nargs="?", metavar="USD", help="US dollars, or off")
    budget.add_argument("--provider", metavar="NAME", help="the service; the one that would run a request if not said")
    add_models(commands)
    sandbox = commands.add("sandbox", _sandbox, "Serve the Model API offline; prints its url and token.")
    sandbox.add_argument("--host", default="127.0.0.1")
    sandbox.add_argument("--port", type=int, default=0, help="0 takes a free one")
    sandbox.add_argument("--slots", type=int, default=2, help="jobs at once")
    sandbox.add_argument("--time-scale", type=float, default=1.0, help="1 as long as a service, 0 no time")


def _history(options: argparse.Namespace) -> None:
    with open_session(options) as session:
        found = session.history.search(" ".join(options.words)) if options.words else session.history.latest(options.n)
        put_rows(options, [_row(result) for result in found[: options.n]])


def _row(result: EditResult) -> dict[str, Any]:
    record = result.record
    names = ("id", "state", "provider", "model", "seed", "request_id", "cost")
    return {name: getattr(record, name) for name in names} | {"images": len(result), "prompt": record.prompt}


def _diff(options: argparse.Namespace) -> None:
    from nbbanana.session.diffing import diff

    with open_session(options) as session:
        found = diff(*(side if isinstance(side, Path) else side(session) for side in (options.left, options.right)))
        if options.output == "json":
            put_json(found.as_json())
        else:
            put_line(found._repr_mimebundle_()[0]["text/plain"])


def _recover(options: argparse.Namespace) -> None:
    from nbbanana.session.recovery import recover

    with open_session(options) as session:
        found = recover(options.file, session)
        facts = {name: getattr(found, name) for name in ("how", "is_certain", "output", "model", "seed", "prompt")}
        put_json({"edit": found.record.id or None, **facts, "said": list(found.lines)})


def _export(options: argparse.Namespace) -> None:
    with open_session(options) as session:
        edits = options.edits or [result.id for result in session.history]
        put_line(str(session.history.export(options.bundle, edits)))


def _merge(options: argparse.Namespace) -> None:
    with open_session(options) as session:
        put_json({"added": session.history.merge(options.bundle)})


def _measure(options: argparse.Namespace) -> None:
    with open_session(options) as session:
        found = session.history.measure(options.n)
        put_json(asdict(found)) if options.output == "json" else put_line(str(found))


def _verify(options: argparse.Namespace) -> int:
    with open_session(options) as session:
        found = session.history.verify()
        put_json({"ok": found.ok, **asdict(found)})
        return 0 if found.ok else DAMAGED


def _gc(options: argparse.Namespace) -> None:
    with open_session(options) as session:
        put_json(asdict(session.history.gc(dry_run=not options.delete)))


def _settle(options: argparse.Namespace) -> None:
    with open_session(options) as session:
        record = session.store.settle(options.edit, cost=options.cost, request_id=options.request_id)
        put_json({name: getattr(record, name) for name in ("id", "state", "cost", "request_id")})


def _ledger(options: argparse.Namespace) -> None:
    with open_session(options) as session:
        found = session.history.ledger(options.limit)
        if options.csv:
            for line in found.csv().splitlines():
                put_line(line)
        else:
            put_rows(options, found.rows)


def _replay(options: argparse.Namespace) -> None:
    from nbbanana.replay import replay

    if not options.store:
        raise UsageError("replay needs --store.", "It names the bundle or the folder with the edits.")
    put_line(str(replay(Path(options.notebook), Path(options.store), Path(options.to) if options.to else None)))


def _edit_or_picture(text: str) -> Path | Callable[[Session], EditResult | Output]:
    """Return a picture file, or what finds an edit or one of its pictures in the history."""
    found = _OF_HISTORY.fullmatch(text)
    if found is None and Path(text).is_file():
        return Path(text)
    number = _edit_id(text if found is None else found[1])
    index = None if found is None or found[2] is None else int(found[2])

    def look_up(session: Session) -> EditResult | Output:
        """Return the edit, or its picture."""
        result = session.history[number]
        if index is None:
            return result
        if index >= len(result):
            raise UsageError(f"There is no {text}.", f"Edit {number} has {len(result)} pictures.", "They begin at [0].")
        return result[index]

    return look_up


def _edit_id(text: str) -> int:
    """Return the number of an edit."""
    if not text.isdecimal():
        raise UsageError(
            f"{text!r} is not the number of an edit.", "Edits have whole numbers.", "See nbbanana history."
        )
    return int(text[:18])


def _login(options: argparse.Namespace) -> None:
    import asyncio
    from getpass import getpass

    from nbbanana.providers.credentials import kept_in_words, save_token
    from nbbanana.providers.registry import find_with_key

    spec = find_with_key(options.provider)
    if options.web_base:
        os.environ[spec.endpoints.variables()["web"]] = options.web_base  # checked as the variable is
    endpoints = spec.endpoints.from_environment()
    if spec.device_login:
        show = lambda code: say(f"Open {code.verify_url} and type {code.user_code} there.")  # noqa: E731
        token = asyncio.run(spec.device_login(endpoints, show))
    else:
        token = getpass(f"{spec.title} key ({spec.key_page}): ").strip()
    save_token(spec, token, endpoints)
    said = "Logged in." if endpoints.is_official else "Logged in, for these addresses only:"
    say(f"{said} {kept_in_words(spec)}" if endpoints.is_official else said)
    if not endpoints.is_official:
        bases = endpoints.as_dict()
        say(" ".join(f"{variable}={bases[name]}" for name, variable in endpoints.variables().items()))


def _logout(options: argparse.Namespace) -> None:
    from nbbanana.providers.credentials import forget_token
    from nbbanana.providers.registry import find_with_key

    say("Logged out." if forget_token(find_with_key(options.provider)) else "There was no stored token.")


def _providers(options: argparse.Namespace) -> None:
    from nbbanana.session.provider_list import list_providers

    put_rows(options, list_providers().rows)


def _whoami(options: argparse.Namespace) -> None:
    put_json(ask_account(options, "whoami"))


def _balance(options: argparse.Namespace) -> None:
    put_json(ask_account(options, "balance"))


def _budget(options: argparse.Namespace) -> None:
    from nbbanana.grammar import dollars

    with open_session(options) as session:
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
