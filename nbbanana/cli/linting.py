"""The command `lint`: advice on a prompt before it is sent anywhere."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from nbbanana.cli.console import Commands, open_session, put_line, put_rows, read_bytes, read_text
from nbbanana.errors import InputError, UsageError

if TYPE_CHECKING:
    from nbbanana.models import Model
    from nbbanana.prompts.lint import Finding

__all__ = ["add_to"]

STDIN = "-"


def add_to(commands: Commands) -> None:
    """Add the command to the command line."""
    lint = commands.add("lint", _lint, "Advise on a prompt; nothing is sent. Exit code 65 where something is an error.")
    lint.add_argument("prompt", help="the words; - reads them from stdin")
    lint.add_argument("pictures", nargs="*", metavar="PICTURE", help="the pictures that go with it, in their order")
    lint.add_argument("--model", help="the model that it goes to")
    lint.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter, such as aspect_ratio=1:1"
    )
    lint.add_argument("--fixed", action="store_true", help="print the prompt with what can be mended, and no more")


def _lint(options: argparse.Namespace) -> int | None:
    from nbbanana.session.linting import lint

    prompt = read_text(STDIN).rstrip("\r\n") if options.prompt == STDIN else options.prompt
    pictures = [read_bytes(STDIN) if name == STDIN else name for name in options.pictures]
    with open_session(options) as session:
        model = session.model_at(options.model)
        params = dict(_parameter(model, text) for text in options.set)
        report = lint(prompt, *pictures, model=options.model, params=params)
    if options.fixed:
        put_line(report.fixed)
    else:
        put_rows(options, [_row(one) for one in report])
    return InputError.exit_code if any(one.severity == "error" for one in report) else None


def _parameter(model: Model, text: str) -> tuple[str, Any]:
    name, is_given, value = text.partition("=")
    if not is_given:
        raise UsageError(f"{text} sets nothing.", "--set takes a name, = and a value.", "Write aspect_ratio=1:1.")
    return name, model.parse_option(name, value)


def _row(one: Finding) -> dict[str, Any]:
    start, end = one.span
    return {
        "severity": one.severity,
        "rule": one.rule,
        "start": start,
        "end": end,
        "passage": one.passage,
        "why": one.why,
        "source": one.source,
        "fix": one.fix,
    }
