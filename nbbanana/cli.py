"""
`nbbanana`: the same things from a shell.

stdout is the payload and nothing else, stderr is progress and errors, and the exit code says how it went: 0, or
that of the error (see `nbbanana.errors`). Here nobody falls back to the sandbox: `--sandbox` asks for it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from nbbanana._version import __version__
from nbbanana.errors import (
    ImageNotFoundError,
    InputError,
    NBBananaError,
    NoCredentialError,
    UnknownModelError,
    UsageError,
)

if TYPE_CHECKING:
    from nbbanana.models import Model
    from nbbanana.providers.runcomfy import RunComfy
    from nbbanana.session import EditResult, Job, Session
    from nbbanana.settings import Mode

__all__ = ["main"]

MAGIC = re.compile(r"%nb(resume|history|models|login)\b")
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Args:
        arguments: what stands after `nbbanana`; None is that of the process.

    Returns:
        The exit code.
    """
    try:
        options = _parser().parse_args(arguments)
        code: int = options.run(options) or 0
    except NBBananaError as error:
        _say("\n".join([f"{type(error).__name__}: {error.lines[0]}", *error.lines[1:]]))
        return error.exit_code
    except KeyboardInterrupt as interrupt:
        _say("\n".join(["Interrupted.", *getattr(interrupt, "__notes__", [])]))
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read stdout has gone, as `head` does; Python must not complain about it at its end.
        sys.stdout = None
        return 0
    return code


# ── the commands ────────────────────────────────────────────────────────────────────────────────────────────────


def _run(options: argparse.Namespace) -> None:
    payload = _payload(options)
    folder = _folder(options.output_dir)
    with _session(options) as session:
        job = _started(session, options, payload)
        try:
            _put(_payload_of(job, options, folder))
        except KeyboardInterrupt as interrupt:
            # What a stop came to belongs to whoever stopped it; a second Ctrl-C does not wait for it.
            interrupt.add_note(job.cancel())
            raise


def _payload_of(job: Job, options: argparse.Namespace, folder: Path | None) -> dict[str, Any]:
    """Wait as long as was asked for, and give what goes to stdout."""
    if options.no_wait:
        return {"request_id": _accepted(job), "wait": False}
    _say_progress(job, quiet=options.quiet)
    result = job.result()
    _say(f"edit {result.id}, {result.origin}, seed {result.seed}{_price(result)}", quiet=options.quiet)
    for note in result.notes:
        _say(note, quiet=options.quiet)
    if options.no_download:
        return {"images": list(job.run.urls) or [output.url for output in result.record.outputs]}
    return {"images": _delivered(result, folder)}


def _started(session: Session, options: argparse.Namespace, payload: dict[str, Any]) -> Job:
    model = _model(session, options.model)
    prompt = payload.pop(model.prompt_field or "prompt", "")
    images = payload.pop(model.images_field, []) if model.images_field else []
    images = [images] if isinstance(images, str) else images
    if not isinstance(images, list) or not all(isinstance(image, str) for image in images):
        raise InputError(f"{model.images_field} is not a list of paths and addresses.", "It takes strings.")
    mode: Mode | None = "fresh" if options.fresh else None
    request = session.request(prompt, images, model=options.model, parameters=payload)
    return session.start(request, mode=mode, max_price=options.max_price, download=not options.no_download)


def _model(session: Session, model_id: str) -> Model:
    """A shipped model, else one by its live schema, where somebody can be asked for it."""
    from nbbanana import models

    try:
        return models.get(model_id)
    except UnknownModelError:
        with suppress(NoCredentialError):
            _ = session.engine  # only a service that is there can be asked
        return session.model_of(model_id)


def _payload(options: argparse.Namespace) -> dict[str, Any]:
    """The request's JSON object, from the argument, a file or stdin."""
    text = options.input
    if options.input_file == "-":
        text = sys.stdin.read()
    elif options.input_file:
        try:
            text = Path(options.input_file).expanduser().read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ImageNotFoundError(f"There is no file {options.input_file}.", "--input-file names it.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{options.input_file} cannot be read.", f"{type(error).__name__}.") from None
    try:
        payload = json.loads(text)
    except ValueError as error:
        raise InputError("The input is not JSON.", f"{error}.", "Quote it so that the shell leaves it alone.") from None
    if not isinstance(payload, dict):
        raise InputError("The input is not a JSON object.", f"It is a {type(payload).__name__}.", 'Begin with "{".')
    return payload


def _folder(name: str | None) -> Path | None:
    """The folder for pictures, made now: nothing may be paid for that cannot be put anywhere."""
    if name is None:
        return None
    folder = Path(name).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{name} cannot be a folder for pictures.", f"{error.strerror}.", "Name another.") from None
    return folder


def _delivered(result: EditResult, folder: Path | None) -> list[str]:
    if folder is None:
        return [str(output.path) for output in result]
    return [str(output.save(_free(folder, f"edit-{result.id}-{output.index}")).resolve()) for output in result]


def _free(folder: Path, stem: str) -> Path:
    """A name in `folder` that nothing has yet, whatever its suffix."""
    taken = {path.stem for path in folder.iterdir()}
    names = [stem, *(f"{stem}-{number}" for number in range(1, len(taken) + 2))]
    return folder / next(name for name in names if name not in taken)


def _status(options: argparse.Namespace) -> None:
    status = _ask(options, lambda service: service.status(options.request_id))
    _put({"request_id": options.request_id, "status": status.word, "queue_position": status.queue_position})


def _result(options: argparse.Namespace) -> None:
    status = _ask(options, lambda service: service.result(options.request_id))
    output = {"images": list(status.urls)} if status.urls else None
    answer = {"request_id": options.request_id, "status": status.word, "output": output}
    _put(answer | {"error": status.error, "cost": status.cost})


def _cancel(options: argparse.Namespace) -> None:
    answer = _ask(options, lambda service: service.cancel(options.request_id))
    _put({"request_id": options.request_id, "cancelled": answer.cancelled, "outcome": answer.word})


def _whoami(options: argparse.Namespace) -> None:
    _put(_ask(options, lambda service: service.whoami()))


def _balance(options: argparse.Namespace) -> None:
    _put(_ask(options, lambda service: service.balance()))


def _login(options: argparse.Namespace) -> None:
    import asyncio

    from nbbanana.providers.credentials import save_token
    from nbbanana.providers.login import log_in
    from nbbanana.settings import Endpoints

    if options.web_base:
        os.environ["RUNCOMFY_WEB_BASE"] = options.web_base  # checked as the variable is
    endpoints = Endpoints.from_environment()
    token = asyncio.run(
        log_in(endpoints, lambda code: _say(f"Open {code.verify_url} and type {code.user_code} there."))
    )
    save_token(token, endpoints)
    _say("Logged in." if endpoints.is_official else "Logged in, for the addresses of now and no others:")
    if not endpoints.is_official:
        _say(f"RUNCOMFY_MODEL_API_BASE={endpoints.model_api} RUNCOMFY_WEB_BASE={endpoints.web}")


def _logout(_: argparse.Namespace) -> None:
    from nbbanana.providers.credentials import forget_token

    _say("Logged out." if forget_token() else "There was no stored token.")


def _models(options: argparse.Namespace) -> None:
    from nbbanana import models

    if options.what == "get":
        if not options.model:
            raise UsageError("models get takes a model's id.")
        with _session(options) as session:
            _put(dict(_model(session, options.model).schema))
    elif options.remote:
        _put(_ask(options, lambda service: service.catalogue()))
    else:
        _table(options, [{"id": name, "title": models.get(name).title} for name in models.ids()])


def _history(options: argparse.Namespace) -> None:
    with _session(options) as session:
        found = session.history.search(" ".join(options.words)) if options.words else session.history.latest(options.n)
        _table(options, [_row(result) for result in found[: options.n]])


def _row(result: EditResult) -> dict[str, Any]:
    edit = result.record
    names = ("id", "state", "provider", "model", "seed", "request_id", "cost")
    return {name: getattr(edit, name) for name in names} | {"images": len(result), "prompt": edit.prompt}


def _resume(options: argparse.Namespace) -> None:
    folder = _folder(options.output_dir)
    with _session(options) as session:
        _ = session.engine  # without a credential there is nobody to collect from, which must be said
        errors = []
        collected = []
        for job in session.history.collect():
            try:
                result = job.result()
                collected.append({"edit": result.id, "images": _delivered(result, folder)})
            except NBBananaError as error:
                errors.append(error)
        _put(collected)
    if errors:
        raise errors[0]


def _replay(options: argparse.Namespace) -> None:
    from nbbanana.replay import replay

    if not options.store:
        raise UsageError("replay needs --store.", "It names the bundle or the folder with the edits.")
    _line(str(replay(Path(options.notebook), Path(options.store), Path(options.to) if options.to else None)))


def _sandbox(options: argparse.Namespace) -> None:
    from nbbanana.sandbox import serve

    serve(options.host, options.port, slots=options.slots, time_scale=options.time_scale)


def _demo(options: argparse.Namespace) -> None:
    from nbbanana import Session, samples

    words = "Keep the three objects and the table unchanged. Turn day into night."
    folder = _folder(options.output_dir)
    with Session(provider="sandbox", store=options.store) as session:
        result = session.edit(words, samples.still_life(), number_of_images=2)
        _say("Sandbox pictures: no model made them, nothing was paid.")
        _put({"images": _delivered(result, folder)})


# ── what they share ─────────────────────────────────────────────────────────────────────────────────────────────


def _session(options: argparse.Namespace) -> Session:
    from nbbanana.session import Session

    return Session(provider="sandbox" if options.sandbox else None, store=options.store)


def _ask(options: argparse.Namespace, question: Callable[[RunComfy], Awaitable[Any]]) -> Any:
    """Put one question to the service."""
    with _session(options) as session:
        return session.engine.ask(question).result()


def _accepted(job: Job) -> str:
    """Wait until the service took a job, and no longer."""
    import time

    while job.request_id is None and not job.done():
        time.sleep(0.02)
    return job.request_id or job.result().record.request_id or ""


def _say_progress(job: Job, *, quiet: bool) -> None:
    told: set[str] = set()

    def tell(job: Job) -> None:
        if job.status not in told:
            told.add(job.status)
            _say(f"{job.status}{f', request {job.request_id}' if job.request_id else ''}", quiet=quiet)

    job.listen(tell)


def _price(result: EditResult) -> str:
    return "" if result.cost is None else f", ${result.cost:.2f}"


def _put(value: Any) -> None:
    _line(json.dumps(value, indent=2))


def _table(options: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    """Rows as JSON where that was asked for, else as lines with tabs between."""
    if options.output == "json":
        _put(rows)
        return
    for row in rows:
        _line("\t".join(" ".join(str("" if value is None else value).split()) for value in row.values()))


def _line(text: str) -> None:
    from nbbanana.display import plain

    sys.stdout.write(plain(text) + "\n")
    sys.stdout.flush()


def _say(text: str, *, quiet: bool = False) -> None:
    """A line for the person: in a shell the magics have other names, and nothing here steers a terminal."""
    from nbbanana.display import plain

    if not quiet:
        sys.stderr.write(plain(MAGIC.sub(r"nbbanana \1", text)) + "\n")


# ── the words that are understood ───────────────────────────────────────────────────────────────────────────────


class _Parser(argparse.ArgumentParser):
    """argparse whose complaints are ours, with exit code 64."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}.", "", f"See {self.prog} --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="nbbanana", description="Edit pictures with words.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"nbbanana {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    shared = _Parser(add_help=False, allow_abbrev=False)
    shared.add_argument("--sandbox", action="store_true", help="use the sandbox: no model, no cost")
    shared.add_argument("--store", metavar="DIR", help="the folder with the edits")
    shared.add_argument(
        "--output",
        choices=["text", "json"],
        default="text",
        help="lists as lines with tabs, or as JSON; everything else is JSON always",
    )
    shared.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")

    def command(name: str, run: Callable[[argparse.Namespace], None], help_: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = commands.add_parser(name, parents=[shared], help=help_, description=help_)
        made.set_defaults(run=run)
        return made

    login = command("login", _login, "Log in by device code; the token file is the RunComfy CLI's.")
    login.add_argument("--web-base", metavar="URL", help="another place to log in")
    command("logout", _logout, "Remove the stored token.")
    command("whoami", _whoami, "Say whose token it is.")
    command("balance", _balance, "Say what is left.")
    listing = command("models", _models, "List the models, or print the schema of one.")
    listing.add_argument("what", choices=["list", "get"], nargs="?", default="list")
    listing.add_argument("model", nargs="?")
    listing.add_argument("--remote", action="store_true", help="list what the service has now; needs a token")
    _add_run(command("run", _run, "Run a request and print its output."))
    for name, run, help_ in (
        ("status", _status, "Say how a request stands."),
        ("result", _result, "Print a request's result."),
        ("cancel", _cancel, "Cancel a queued request."),
    ):
        command(name, run, help_).add_argument("request_id", type=_request_id)
    history = command("history", _history, "List edits, the newest first, or search them.")
    history.add_argument("words", nargs="*")
    history.add_argument("-n", type=int, default=20, help="how many")
    command("resume", _resume, "Collect accepted jobs that nobody collected.").add_argument("--output-dir")
    replay = command("replay", _replay, "Execute a notebook from stored edits alone: no key, no network, no cost.")
    replay.add_argument("notebook")
    replay.add_argument(
        "--to", metavar="FILE", help="where to write it; beside it, as NAME.replayed.ipynb, if not said"
    )
    _add_sandbox(command("sandbox", _sandbox, "Serve the Model API offline; prints its url and token."))
    command("demo", _demo, "Edit a drawn still life in the sandbox.").add_argument("--output-dir")
    return parser


def _request_id(text: str) -> str:
    """A request id as it may stand in an address."""
    from nbbanana.providers.answers import REQUEST_ID

    if not REQUEST_ID.match(text):
        raise UsageError("That is no request id.", "It has letters, digits, - and _ only.", "See nbbanana history.")
    return text


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("model", help="the endpoint, such as google/nano-banana-2/edit")
    source = run.add_mutually_exclusive_group(required=True)
    source.add_argument("--input", metavar="JSON", help="the request; paths of local pictures work in it")
    source.add_argument("--input-file", metavar="FILE", help="the same from a file, or - for stdin")
    run.add_argument("--output-dir", metavar="DIR", help="write the pictures there")
    run.add_argument("--no-wait", action="store_true", help="print the request id and go; resume collects it")
    run.add_argument(
        "--no-download", action="store_true", help="wait, print the outputs' addresses and leave them to resume"
    )
    run.add_argument("--max-price", type=float, metavar="USD", help="refuse it if it costs more")
    run.add_argument("--fresh", action="store_true", help="never answer from the store")


def _add_sandbox(sandbox: argparse.ArgumentParser) -> None:
    sandbox.add_argument("--host", default="127.0.0.1")
    sandbox.add_argument("--port", type=int, default=0, help="0 takes a free one")
    sandbox.add_argument("--slots", type=int, default=2, help="jobs at once")
    sandbox.add_argument("--time-scale", type=float, default=1.0, help="1 as long as a service, 0 no time")


if __name__ == "__main__":
    sys.exit(main())
