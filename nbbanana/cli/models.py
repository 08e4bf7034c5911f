"""`nbbanana models`: the catalogue in a shell, and what services have now."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from nbbanana.cli.console import Commands, ask_account, open_session, put_json, put_line, put_rows
from nbbanana.cli.edits import model_for
from nbbanana.errors import UsageError

__all__ = ["add_models"]


def add_models(commands: Commands) -> None:
    """Add the command to the command line."""
    models = commands.add("models", _models, "List the models, show one, compare some, or say which suits a request.")
    models.usage = "nbbanana models [ID | list | get ID | refresh [ID…]] [--compare ID ID…] [--choose WORDS]"
    models.add_argument("what", nargs="?", default="list", help="a model to show; or list, get or refresh")
    models.add_argument("model", nargs="*", help="of get: one, whose schema is printed; of refresh: those to ask about")
    models.add_argument("--remote", action="store_true", help="list what the service has now; needs a token")
    models.add_argument("--compare", nargs="+", metavar="ID", help="two models or more beside each other")
    models.add_argument("--choose", metavar="WORDS", help="the models that suit a request with these words")
    models.add_argument("--images", type=int, metavar="N", help="how many pictures go with those words")
    models.add_argument("--mask", action="store_true", default=None, help="a mask goes with them")
    models.add_argument("--search", metavar="WORDS", help="the models that these words are about, such as mask")


def _models(options: argparse.Namespace) -> None:
    if options.choose is not None:
        _choose(options)
    elif options.compare or options.search is not None:
        _show(options)
    elif options.what == "get":
        _schema(options)
    elif options.what == "refresh":
        _refresh(options)
    elif options.remote:
        put_json(ask_account(options, "catalogue"))
    elif options.what == "list":
        _list(options)
    elif options.model:
        raise UsageError("models shows one model.", f"{len(options.model) + 1} were given.", "--compare takes several.")
    else:
        with open_session(options) as session:
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


def _show(options: argparse.Namespace) -> None:
    from nbbanana import models

    if options.search is not None:
        _put(models.search(options.search))
    else:
        with open_session(options) as session:
            _put(models.compare(*(model_for(session, name) for name in options.compare)))


def _schema(options: argparse.Namespace) -> None:
    if len(options.model) != 1:
        given = f"{len(options.model) or 'None'} {'was' if len(options.model) < 2 else 'were'} given."
        raise UsageError("models get takes a model's id.", given, "nbbanana models lists them.")
    with open_session(options) as session:
        put_json(dict(model_for(session, options.model[0]).schema))


def _refresh(options: argparse.Namespace) -> None:
    from nbbanana.session.refreshing import refresh

    with open_session(options) as session:
        put_rows(options, [asdict(line) for line in refresh(session, options.model)])


def _list(options: argparse.Namespace) -> None:
    from nbbanana import models
    from nbbanana.models.naming import short_name
    from nbbanana.models.offers import known_models, told_model

    known = ((name, models.get(name) if name in models.ids() else told_model(name)) for name in known_models())
    rows = [{"id": name, "name": short_name(name), "title": model.title} for name, model in known if model]
    put_rows(options, rows)


def _put(shown: Any) -> None:
    put_line(shown._repr_mimebundle_()["text/plain"])
