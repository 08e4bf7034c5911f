"""The commands that make edits and follow them: edit, run, status, result, cancel, resume, demo; and advise: lint."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbbanana.cli.console import (
    OUTPUT_DIR,
    command,
    in_session,
    option,
    put_bundle,
    put_json,
    put_line,
    put_rows,
    read_bytes,
    read_text,
    save_pictures,
    say,
    target_folder,
)
from nbbanana.cli.records import run_sweep
from nbbanana.errors import (
    InputError,
    NBBananaError,
    NoCredentialError,
    PromptError,
    UnknownModelError,
    UsageError,
    translated,
)
from nbbanana.request import quiet_line

if TYPE_CHECKING:
    from nbbanana.grammar import Cell, Operand
    from nbbanana.models import Model
    from nbbanana.request import Finding
    from nbbanana.session import EditResult, Job, Session
    from nbbanana.settings import Mode

__all__ = ["COMMANDS", "model_for"]

STDIN = "-"

_HELP = {
    "prompt": "what to keep and what to change; - reads it from stdin",
    "model": "another model than that of NBBANANA_MODEL; auto: the one that suits best",
    "no_wait": "print the request id and go; nbbanana resume collects it",
}
"""What is said otherwise in a shell than of the options of a cell."""


# ── edit: the line of %%nbedit as a shell has it ────────────────────────────────────────────────────────────────


class _HelpAction(argparse.Action):
    """Prints the options that argparse knows, then those of the model that the line names."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from nbbanana import models
        from nbbanana.grammar import OWN, listed, options_of
        from nbbanana.settings import DEFAULT_MODEL, settings

        model = models.get(settings().model or DEFAULT_MODEL)
        own = [replace(one, help=_HELP.get(one.key, one.help), line_only=False) for one in OWN if one.key != "quiet"]
        fields = [option for option in options_of(model) if option.field is not None]
        put_line(parser.format_help())
        put_line(f"the request:\n{listed(own)}\noptions of {model.id}, from its schema:\n{listed(fields)}")
        parser.exit()


@in_session
def _edit(options: argparse.Namespace, session: Session) -> int:
    cell = _read_cell(options.line, session)
    prices: dict[str, Any] = {"max_price": cell.max_price, "assume_price": cell.assume_price}
    if cell.axes:
        from nbbanana.sweeps.sweep import sweep_of_line

        sweep = sweep_of_line(session, cell, _pictures(cell, session), cell.parameters)
        return run_sweep(options, sweep, dry_run=cell.dry_run, **prices)
    requests = session.requests(
        [cell.prompt, *cell.then],
        _pictures(cell, session),
        model=cell.model,
        provider=cell.provider,
        parameters=cell.parameters,
        region=cell.region,
    )
    if cell.dry_run:
        from nbbanana.session.dry_run import describe_requests

        put_bundle(describe_requests(session, requests, cell.mode, cell.provider, **prices))
        return 0
    from nbbanana.session.requesting import cautions_of

    folder = target_folder(options.output_dir)
    for line in cautions_of(model_for(session, requests[0].model, cell.provider), requests):
        say(line, quiet=options.quiet)
    job = session.start_chain(requests, mode=cell.mode, provider=cell.provider, **prices)
    result = _followed(job, wait=cell.wait, quiet=options.quiet)
    if result is not None:
        put_rows(options, [{"image": path} for path in save_pictures(result, folder)])
    return 0


def _read_cell(line: Sequence[str], session: Session) -> Cell:
    """Read the line as `%nbedit` reads its own; a shell has no variables: `{{name}}` in the prompt is of `--sweep`."""
    from nbbanana.grammar import Word, parse_words, passes_of, unfilled
    from nbbanana.images.reading import existing

    words = [Word(word, quoted=not word.startswith(("-", "edit:")) or existing(word) is not None) for word in line]
    with translated(PromptError, _without_a_cell):
        cell = parse_words(words, choose=lambda name, provider: model_for(session, name, provider))
    if cell.prompt != STDIN:
        return cell
    if any(_is_stdin(operand) for operand in cell.operands):
        raise UsageError("stdin is there once.", "The prompt and a picture would both be read from it.", "Name a file.")
    prompt, *then = passes_of(read_text(STDIN).removesuffix("\n").removesuffix("\r"), unfilled(cell.axes))
    return replace(cell, prompt=prompt, then=tuple(then))


def _without_a_cell(error: PromptError) -> PromptError:
    """Return an error on a prompt that is missing in the words of a shell, which has no cells."""
    if error.what != "There is no prompt.":
        return error
    return PromptError(error.what, "A request needs words.", 'Write -p "…", or -p - to read them from standard input.')


def _pictures(cell: Cell, session: Session) -> list[object]:
    around = session.scope({})
    found: list[object] = []
    for operand in cell.operands:
        found += [read_bytes(STDIN)] if _is_stdin(operand) else around.find(operand)
    return found


def _is_stdin(operand: Operand) -> bool:
    from nbbanana.grammar import FileOperand

    return isinstance(operand, FileOperand) and operand.text == STDIN


# ── run: the request as JSON ────────────────────────────────────────────────────────────────────────────────────


@in_session
def _run(options: argparse.Namespace, session: Session) -> None:
    payload = _payload(options)
    folder = target_folder(options.output_dir)
    job = _started(session, options, payload)
    result = _followed(job, wait=not options.no_wait, quiet=options.quiet)
    if result is None:
        return
    if options.no_download:
        put_json({"images": list(job.run.urls) or [output.url for output in result.record.outputs]})
    else:
        put_json({"images": save_pictures(result, folder)})


def _payload(options: argparse.Namespace) -> dict[str, Any]:
    """Return the request's JSON object, from the argument, a file or stdin."""
    text = options.input if options.input_file is None else read_text(options.input_file)
    with translated(
        ValueError,
        lambda error: InputError("The input is not JSON.", f"{error}.", "Quote it so that the shell leaves it alone."),
    ):
        payload = json.loads(text)
    if not isinstance(payload, dict):
        raise InputError("The input is not a JSON object.", f"It is a {type(payload).__name__}.", 'Begin with "{".')
    return payload


def _started(session: Session, options: argparse.Namespace, payload: dict[str, Any]) -> Job:
    from nbbanana.prompts import Prompt
    from nbbanana.request import with_plain_line_ends

    model = model_for(session, options.model)
    prompt = payload.pop(model.prompt_field or "prompt", "")
    images = payload.pop(model.images_field, []) if model.images_field else []
    images = [images] if isinstance(images, str) else images
    if not isinstance(images, list) or not all(isinstance(image, str) for image in images):
        raise InputError(f"{model.images_field} is not a list of paths and addresses.", "It takes strings.")
    mode: Mode | None = "fresh" if options.fresh else None
    # The JSON is what a service takes: no line of it is a part.
    words = Prompt(with_plain_line_ends(prompt)) if isinstance(prompt, str) else prompt
    request = session.request(words, images, model=options.model, parameters=payload)
    return session.start(
        request,
        mode=mode,
        download=not options.no_download,
        max_price=options.max_price,
        assume_price=options.assume_price,
    )


def model_for(session: Session, model_id: str | None, provider: str | None = None) -> Model:
    """
    Give a shipped model, else one by its live schema, where there is a service to ask; None is the default one.

    Raises:
        UnknownModelError: no such model.
    """
    from nbbanana import models

    if (model_id or session.default_model_at(provider)) == models.AUTO:
        return models.auto_model()
    try:
        return models.get(model_id or session.default_model_at(provider))
    except UnknownModelError:
        with suppress(NoCredentialError):
            session.engine_at(provider)  # only a service that is there can be asked
        return session.model_at(model_id, provider)


# ── a job under way ─────────────────────────────────────────────────────────────────────────────────────────────


def _followed(job: Job, *, wait: bool, quiet: bool) -> EditResult | None:
    """
    Wait for the result; without `wait` until the service took the job, whose id is printed.

    Ctrl-C cancels the job and says what came of that; a second one does not wait for it.
    """
    try:
        if wait:
            return _waited(job, quiet=quiet)
        put_json({"request_id": _accepted(job, quiet=quiet), "wait": False})
    except KeyboardInterrupt as interrupt:
        job.cancel()
        interrupt.add_note(job.message)
        raise
    return None


def _accepted(job: Job, *, quiet: bool) -> str:
    """Wait until the service took a job, and no longer; what the lint says of it comes first, on stderr."""
    if not job.done() and (line := quiet_line(job.run.request.advice)):
        say(line, quiet=quiet)
    while job.request_id is None and not job.done():
        time.sleep(0.02)
    return job.request_id or job.result().record.request_id or ""


def _waited(job: Job, *, quiet: bool) -> EditResult:
    """Wait for the result, with a line on stderr at each step and for each note; before it is sent, one of advice."""
    from nbbanana.display.views import money

    shown: set[str] = set()
    advice = quiet_line(job.run.request.advice)

    def show(job: Job) -> None:
        """Write a step on stderr, once."""
        note = None if job.progress.is_over else job.progress.note
        line = f"{job.status}{f', request {job.request_id}' if job.request_id else ''}{f': {note}' if note else ''}"
        if line not in shown:
            if advice and not shown and job.status != "done":
                say(advice, quiet=quiet)
            shown.add(line)
            say(line, quiet=quiet)

    job.listen(show)
    result = job.result()
    cost = 0.0 if result.origin == "replayed" and result.cost is not None else result.cost
    price = "" if cost is None else f", {money(cost, is_play=result.record.is_play)}"
    seed = "" if result.seed is None else f", seed {result.seed}"
    say(f"edit {result.id}, {result.origin}{seed}{price}", quiet=quiet)
    for note in result.notes:
        if note != advice:
            say(note, quiet=quiet)
    return result


@in_session
def _status(options: argparse.Namespace, session: Session) -> None:
    status = session.engine_at().ask(lambda service: service.status(options.request_id)).result()
    put_json({"request_id": options.request_id, "status": status.word, "queue_position": status.queue_position})


@in_session
def _result(options: argparse.Namespace, session: Session) -> None:
    status = session.engine_at().ask(lambda service: service.result(options.request_id)).result()
    put_json(
        {
            "request_id": options.request_id,
            "status": status.word,
            "output": {"images": list(status.urls)} if status.urls else None,
            "error": status.error,
            "cost": status.cost,
        }
    )


@in_session
def _cancel(options: argparse.Namespace, session: Session) -> None:
    answer = session.engine_at().ask(lambda service: service.cancel(options.request_id)).result()
    put_json({"request_id": options.request_id, "cancelled": answer.cancelled, "outcome": answer.word})


def _request_id(text: str) -> str:
    """Return a request id as it may stand in an address."""
    from nbbanana.providers.answers import REQUEST_ID

    if not REQUEST_ID.match(text):
        raise UsageError("That is not a request id.", "It has letters, digits, - and _ only.", "See nbbanana history.")
    return text


@in_session
def _resume(options: argparse.Namespace, session: Session) -> None:
    from nbbanana.session.jobs import waiting_for

    folder = target_folder(options.output_dir)
    session.engine_at()  # without a credential there is no service to collect from, which must be said
    errors = []
    collected = []
    jobs = session.history.collect()
    for job in jobs:
        say(waiting_for(job), quiet=options.quiet)
    for job in jobs:
        try:
            result = _waited(job, quiet=options.quiet)
            collected.append({"edit": result.id, "images": save_pictures(result, folder)})
        except NBBananaError as error:
            errors.append(error)
    put_json(collected)
    if errors:
        raise errors[0]


def _demo(options: argparse.Namespace) -> None:
    from nbbanana import samples
    from nbbanana.session import Session
    from nbbanana.settings import PLAY_PROVIDER

    words = "Keep the three objects and the table unchanged. Turn day into night."
    folder = target_folder(options.output_dir)
    with Session(provider=PLAY_PROVIDER, store=options.store) as session:
        result = session.edit(words, samples.still_life(), number_of_images=2)
        say("Test pictures: no model made them, nothing was paid.")
        put_json({"images": save_pictures(result, folder)})


# ── advice before anything is sent ──────────────────────────────────────────────────────────────────────────────


@in_session
def _lint(options: argparse.Namespace, session: Session) -> int | None:
    from nbbanana.session.prompt_calls import lint

    prompt = read_text(STDIN).rstrip("\r\n") if options.prompt == STDIN else options.prompt
    pictures = [read_bytes(STDIN) if name == STDIN else name for name in options.pictures]
    model = session.model_at(options.model)
    report = lint(prompt, *pictures, model=options.model, params=dict(_parameter(model, text) for text in options.set))
    if options.fixed:
        put_line(report.fixed)
    else:
        put_rows(options, [_finding(one) for one in report])
    return InputError.exit_code if any(one.severity == "error" for one in report) else None


def _parameter(model: Model, text: str) -> tuple[str, Any]:
    name, is_given, value = text.partition("=")
    if not is_given:
        raise UsageError(f"{text} sets nothing.", "--set takes a name, = and a value.", "Write aspect_ratio=1:1.")
    return name, model.parse_option(name, value)


def _finding(one: Finding) -> dict[str, Any]:
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


# ── the commands ────────────────────────────────────────────────────────────────────────────────────────────────


REQUEST_ID = option("request_id", type=_request_id)

COMMANDS = (
    command(
        "edit",
        _edit,
        "Edit pictures with words; writes what came back and prints where.",
        option("-h", "--help", nargs=0, action=_HelpAction, help="show this and the model's options"),
        option("-o", "--output-dir", metavar="DIR", default=".", help="where the pictures go; this folder else"),
        takes_more=True,
        add_help=False,
        usage='nbbanana edit PICTURE… -p "WORDS" [-n 4] [-o DIR] [the model\'s options]',
        epilog="A picture is a path, an https address, edit:12[0] of the history, or - for stdin. -p - reads stdin.",
    ),
    command(
        "run",
        _run,
        "Run a request that is JSON, as the RunComfy CLI does, and print its output.",
        option("model", help="the endpoint, such as google/nano-banana-2/edit"),
        [
            option("--input", metavar="JSON", help="the request; paths of local pictures work in it"),
            option("--input-file", metavar="FILE", help="the same from a file, or - for stdin"),
        ],
        OUTPUT_DIR,
        option("--no-wait", action="store_true", help="print the request id and go; resume collects it"),
        option(
            "--no-download", action="store_true", help="wait, print the outputs' addresses and leave them to resume"
        ),
        option("--max-price", type=float, metavar="USD", help="send it only if it surely costs no more"),
        option("--assume-price", type=float, metavar="USD", help="what to count where the price is not known"),
        option("--fresh", action="store_true", help="never answer from the store"),
    ),
    command("status", _status, "Say how a request stands.", REQUEST_ID),
    command("result", _result, "Print a request's result.", REQUEST_ID),
    command("cancel", _cancel, "Cancel a queued request.", REQUEST_ID),
    command("resume", _resume, "Collect accepted jobs that nothing waits for.", OUTPUT_DIR),
    command("demo", _demo, "Edit a drawn still life in the sandbox.", OUTPUT_DIR),
    command(
        "lint",
        _lint,
        "Advise on a prompt; nothing is sent. Exit code 65 where something is an error.",
        option("prompt", help="the words; - reads them from stdin"),
        option("pictures", nargs="*", metavar="PICTURE", help="the pictures that go with it, in their order"),
        option("--model", help="the model that it goes to"),
        option(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter, such as aspect_ratio=1:1"
        ),
        option("--fixed", action="store_true", help="print the prompt with what can be mended, and no more"),
    ),
)
