"""The commands that make edits and follow them: edit, run, status, result, cancel, resume, demo."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbbanana.cli.console import (
    Commands,
    ask_provider,
    open_session,
    put_json,
    put_line,
    put_rows,
    read_bytes,
    read_text,
    save_pictures,
    say,
    target_folder,
)
from nbbanana.cli.sweeps import run_sweep
from nbbanana.errors import (
    InputError,
    NBBananaError,
    NoCredentialError,
    PromptError,
    UnknownModelError,
    UsageError,
    translated,
)
from nbbanana.prompts.advice import quiet_line

if TYPE_CHECKING:
    from nbbanana.grammar import Cell, Operand
    from nbbanana.models import Model
    from nbbanana.session import EditResult, Job, Session
    from nbbanana.settings import Mode
    from nbbanana.sweeps import Sweep

__all__ = ["add_to", "model_for"]

STDIN = "-"

_HELP = {
    "prompt": "what to keep and what to change; - reads it from stdin",
    "model": "another model than that of NBBANANA_MODEL; auto: the one that suits best",
    "no_wait": "print the request id and go; nbbanana resume collects it",
}
"""What is said otherwise in a shell than of the options of a cell."""


def add_to(commands: Commands) -> None:
    """Add these commands to the command line."""
    _add_edit(commands)
    _add_run(commands)
    for name, run, help_ in (
        ("status", _status, "Say how a request stands."),
        ("result", _result, "Print a request's result."),
        ("cancel", _cancel, "Cancel a queued request."),
    ):
        commands.add(name, run, help_).add_argument("request_id", type=_request_id)
    resume = commands.add("resume", _resume, "Collect accepted jobs that nothing waits for.")
    resume.add_argument("--output-dir", metavar="DIR", help="write the pictures there")
    demo = commands.add("demo", _demo, "Edit a drawn still life in the sandbox.")
    demo.add_argument("--output-dir", metavar="DIR", help="write the pictures there")


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


def _add_edit(commands: Commands) -> None:
    edit = commands.add("edit", _edit, "Edit pictures with words; writes what came back and prints where.", help_=False)
    edit.usage = 'nbbanana edit PICTURE… -p "WORDS" [-n 4] [-o DIR] [the model\'s options]'
    edit.epilog = "A picture is a path, an https address, edit:12[0] of the history, or - for stdin. -p - reads stdin."
    edit.add_argument("-h", "--help", nargs=0, action=_HelpAction, help="show this and the model's options")
    edit.add_argument("-o", "--output-dir", metavar="DIR", default=".", help="where the pictures go; this folder else")
    edit.set_defaults(line=[])


def _edit(options: argparse.Namespace) -> int:
    with open_session(options) as session:
        cell = _read_cell(options.line, session)
        if cell.axes:
            prices = {"max_price": cell.max_price, "assume_price": cell.assume_price}
            return run_sweep(options, _swept(cell, session), prices, dry_run=cell.dry_run)
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

            put_line(describe_requests(session, requests, cell.mode, cell.provider)["text/plain"])
            return 0
        from nbbanana.session.cautioning import cautions_of

        folder = target_folder(options.output_dir)
        for line in cautions_of(model_for(session, requests[0].model, cell.provider), requests):
            say(line, quiet=options.quiet)
        job = session.start_chain(
            requests,
            mode=cell.mode,
            provider=cell.provider,
            max_price=cell.max_price,
            assume_price=cell.assume_price,
        )
        with _cancelled_by_interrupt(job):
            if not cell.wait:
                put_json({"request_id": _accepted(job, quiet=options.quiet), "wait": False})
                return 0
            result = _waited(job, quiet=options.quiet)
        put_rows(options, [{"image": path} for path in save_pictures(result, folder)])
    return 0


def _swept(cell: Cell, session: Session) -> Sweep:
    """Return the sweep that a line asks for."""
    from nbbanana.sweeps import Sweep
    from nbbanana.sweeps.planning import planned

    given = {"model": cell.model, "provider": cell.provider, **cell.parameters, **cell.axes}
    pictures = _pictures(cell, session)
    return Sweep(session, planned(session, cell.prompt, pictures, given, region=cell.region, checks_names=False))


def _read_cell(line: Sequence[str], session: Session) -> Cell:
    """Read the line as `%nbedit` reads its own; a shell has no variables, so braces are text."""
    from nbbanana.grammar import Word, escape, parse_words, passes_of
    from nbbanana.images.reading import existing

    words = [
        Word(escape(word), quoted=not word.startswith(("-", "edit:")) or existing(word) is not None) for word in line
    ]
    with translated(PromptError, _without_a_cell):
        cell = parse_words(words, choose=lambda name, provider: model_for(session, name, provider))
    if cell.prompt != STDIN:
        return cell
    if any(_is_stdin(operand) for operand in cell.operands):
        raise UsageError("stdin is there once.", "The prompt and a picture would both be read from it.", "Name a file.")
    prompt, *then = passes_of(read_text(STDIN).removesuffix("\n").removesuffix("\r"))
    return replace(cell, prompt=prompt, then=tuple(then))


def _without_a_cell(error: PromptError) -> PromptError:
    """Return an error on a prompt that is missing in the words of a shell, which has no cells."""
    if error.what != "There is no prompt.":
        return error
    return PromptError(error.what, "A request needs words.", 'Write -p "…", or -p - to read them from standard input.')


def _pictures(cell: Cell, session: Session) -> list[object]:
    from nbbanana.grammar import Scope
    from nbbanana.session.jobs import outputs_of

    around = Scope({}, session.history.__getitem__, lambda: session.last, outputs_of)
    found: list[object] = []
    for operand in cell.operands:
        found += [read_bytes(STDIN)] if _is_stdin(operand) else around.find(operand)
    return found


def _is_stdin(operand: Operand) -> bool:
    from nbbanana.grammar import FileOperand

    return isinstance(operand, FileOperand) and operand.text == STDIN


# ── run: the request as JSON ────────────────────────────────────────────────────────────────────────────────────


def _add_run(commands: Commands) -> None:
    run = commands.add("run", _run, "Run a request that is JSON, as the RunComfy CLI does, and print its output.")
    run.add_argument("model", help="the endpoint, such as google/nano-banana-2/edit")
    source = run.add_mutually_exclusive_group(required=True)
    source.add_argument("--input", metavar="JSON", help="the request; paths of local pictures work in it")
    source.add_argument("--input-file", metavar="FILE", help="the same from a file, or - for stdin")
    run.add_argument("--output-dir", metavar="DIR", help="write the pictures there")
    run.add_argument("--no-wait", action="store_true", help="print the request id and go; resume collects it")
    run.add_argument(
        "--no-download", action="store_true", help="wait, print the outputs' addresses and leave them to resume"
    )
    run.add_argument("--max-price", type=float, metavar="USD", help="send it only if it surely costs no more")
    run.add_argument("--assume-price", type=float, metavar="USD", help="what to count where the price is not known")
    run.add_argument("--fresh", action="store_true", help="never answer from the store")


def _run(options: argparse.Namespace) -> None:
    payload = _payload(options)
    folder = target_folder(options.output_dir)
    with open_session(options) as session:
        job = _started(session, options, payload)
        with _cancelled_by_interrupt(job):
            if options.no_wait:
                put_json({"request_id": _accepted(job, quiet=options.quiet), "wait": False})
                return
            result = _waited(job, quiet=options.quiet)
        if options.no_download:
            put_json({"images": list(job.run.urls) or [output.url for output in result.record.outputs]})
        else:
            put_json({"images": save_pictures(result, folder)})


def _payload(options: argparse.Namespace) -> dict[str, Any]:
    """Return the request's JSON object, from the argument, a file or stdin."""
    text = options.input if options.input_file is None else read_text(options.input_file)
    try:
        payload = json.loads(text)
    except ValueError as error:
        raise InputError(
            "The input is not JSON.", f"{error}.", "Quote it so that the shell leaves it alone."
        ) from error
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
    prices = {"max_price": options.max_price, "assume_price": options.assume_price}
    return session.start(request, mode=mode, download=not options.no_download, **prices)


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


@contextmanager
def _cancelled_by_interrupt(job: Job) -> Iterator[None]:
    """Let Ctrl-C cancel a job and say what came of that; a second one does not wait for it."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        job.cancel()
        interrupt.add_note(job.message)
        raise


def _accepted(job: Job, *, quiet: bool) -> str:
    """Wait until the service took a job, and no longer; what the lint says of it comes first, on stderr."""
    if not job.done() and (line := quiet_line(job.run.request.advice)):
        say(line, quiet=quiet)
    while job.request_id is None and not job.done():
        time.sleep(0.02)
    return job.request_id or job.result().record.request_id or ""


def _waited(job: Job, *, quiet: bool) -> EditResult:
    """Wait for the result, with a line on stderr at each step; before it is sent, one of advice."""
    shown: set[str] = set()
    advice = quiet_line(job.run.request.advice)

    def show(job: Job) -> None:
        """Write a step on stderr, once."""
        if job.status not in shown:
            if advice and not shown and job.status != "done":
                say(advice, quiet=quiet)
            shown.add(job.status)
            say(f"{job.status}{f', request {job.request_id}' if job.request_id else ''}", quiet=quiet)

    job.listen(show)
    result = job.result()
    price = "" if result.cost is None else f", ${result.cost:.2f}"
    seed = "" if result.seed is None else f", seed {result.seed}"
    say(f"edit {result.id}, {result.origin}{seed}{price}", quiet=quiet)
    for note in result.notes:
        if note != advice:
            say(note, quiet=quiet)
    return result


def _status(options: argparse.Namespace) -> None:
    status = ask_provider(options, lambda service: service.status(options.request_id))
    put_json({"request_id": options.request_id, "status": status.word, "queue_position": status.queue_position})


def _result(options: argparse.Namespace) -> None:
    status = ask_provider(options, lambda service: service.result(options.request_id))
    output = {"images": list(status.urls)} if status.urls else None
    answer = {"request_id": options.request_id, "status": status.word, "output": output}
    put_json(answer | {"error": status.error, "cost": status.cost})


def _cancel(options: argparse.Namespace) -> None:
    answer = ask_provider(options, lambda service: service.cancel(options.request_id))
    put_json({"request_id": options.request_id, "cancelled": answer.cancelled, "outcome": answer.word})


def _request_id(text: str) -> str:
    """Return a request id as it may stand in an address."""
    from nbbanana.providers.answers import REQUEST_ID

    if not REQUEST_ID.match(text):
        raise UsageError("That is not a request id.", "It has letters, digits, - and _ only.", "See nbbanana history.")
    return text


def _resume(options: argparse.Namespace) -> None:
    folder = target_folder(options.output_dir)
    with open_session(options) as session:
        _ = session.engine  # without a credential there is no service to collect from, which must be said
        errors = []
        collected = []
        for job in session.history.collect():
            try:
                result = job.result()
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
