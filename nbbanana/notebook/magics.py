"""The magics: `%%nbedit`, and the line magics beside it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand

from nbbanana.errors import NBBananaError, UnknownModelError, UsageError
from nbbanana.notebook.cell_hooks import KERNEL
from nbbanana.request import origin
from nbbanana.text import one_line

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbbanana.notebook.cell_runs import CellRequest
    from nbbanana.notebook.displays import Display
    from nbbanana.session import EditResult, Job
    from nbbanana.sweeps import Sweep

__all__ = ["NBBananaMagics", "edit_help"]

_MISSING = object()


@magics_class
class NBBananaMagics(Magics):
    """The magics that `%load_ext nbbanana` adds."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell = shell
        self._looked = False
        self._unbound: dict[int, tuple[str, object]] = {}
        """By edit id: the name that a cell could not bind, and the value that it had then."""

    # ── edits ───────────────────────────────────────────────────────────────────────────────────────────────

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def nbedit(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """
        Run an edit where `SwapCalls` did not swap the call: in a function, or called by hand.

        The caller may pass its value on, so a silenced one is only kept from being shown where the value is surely
        the cell's own.
        """
        user = self._shell.user_ns
        is_the_cells = local_ns is None or local_ns is user
        namespace = user if is_the_cells else ChainMap(dict(local_ns or {}), user)
        return self.blocking(line, cell, namespace, may_silence=is_the_cells)

    def blocking(
        self, line: str, cell: str | None = None, namespace: Mapping[str, Any] | None = None, **how: bool
    ) -> Any:
        """Run an edit and wait here: what `nbedit` becomes at module level where a cell cannot await."""
        from nbbanana.notebook.cell_runs import BlockingWaiter, run_now

        names = self._shell.user_ns if namespace is None else namespace
        return run_now(self._edit(line, cell, names, BlockingWaiter(), **how))

    async def awaited(self, line: str, cell: str | None = None, *, is_bound: bool = False) -> Any:
        """Run an edit and await it: what `nbedit` becomes at module level in a kernel."""
        from nbbanana.notebook.cell_runs import AwaitingWaiter

        return await self._edit(line, cell, self._shell.user_ns, AwaitingWaiter(), is_bound=is_bound)

    async def _edit(
        self,
        line: str,
        cell: str | None,
        namespace: Mapping[str, Any],
        waiter: Any,
        *,
        is_bound: bool = False,
        may_silence: bool = True,
    ) -> Any:
        """Run one cell; `is_bound`: its value goes to a variable; `may_silence`: its value is the cell's own."""
        from nbbanana.notebook.cell_runs import CellRequest, run
        from nbbanana.notebook.displays import display_for, keep_value_unshown

        self._say_what_waits()
        ask = CellRequest(line, cell, namespace)
        display = display_for(self._shell, is_quiet=ask.cell.quiet)
        try:
            value = await run(self._shell, ask, display, waiter)
        except (KeyboardInterrupt, NBBananaError):
            self._remember(ask)
            raise
        if value is None:
            return None
        if ask.cell.name is not None:
            self._bind(ask.cell.name, value, display)
            return None
        if display.has_shown and not is_bound and (may_silence or not ask.cell.quiet):
            keep_value_unshown(value)
        return value

    def _bind(self, name: str, value: EditResult | Sweep | Job, display: Display) -> None:
        from nbbanana.notebook.displays import publish

        self._shell.user_ns[name] = value
        if not display.has_shown:
            formatter: Any = self._shell.display_formatter
            publish(self._shell, *formatter.format(value))

    def _remember(self, ask: CellRequest) -> None:
        """Keep the name of a cell that ended without its result, for `%nbresume` to bind."""
        if ask.cell.name is not None and ask.job is not None and ask.job.edit_id is not None:
            self._unbound[ask.job.edit_id] = (ask.cell.name, self._shell.user_ns.get(ask.cell.name, _MISSING))

    def _say_what_waits(self) -> None:
        """Say at a kernel's first edit that jobs wait to be collected; later ones do not look again."""
        from nbbanana.session import current

        if self._looked:
            return
        self._looked = True
        waiting = len(current().history.waiting())
        if waiting:
            jobs = "1 job waits" if waiting == 1 else f"{waiting} jobs wait"
            self._say(f"{jobs} to be collected: %nbresume.")

    @no_var_expand
    @line_magic
    def nbresume(self, line: str) -> None:
        """
        Collect accepted jobs that no kernel waits for: another kernel's, or those that went on after an interrupt.

        Nothing is sent a second time. A result whose cell was stopped in this kernel gets the name of that cell.

            %nbresume
        """
        from nbbanana.notebook.displays import publish
        from nbbanana.session import current
        from nbbanana.session.jobs import GRACE, waiting_for

        _takes_nothing("%nbresume", line)
        jobs = current().history.collect()
        if not jobs:
            count = current().history.watched()
            jobs_go = "1 job goes" if count == 1 else f"{count} jobs go"
            on = f" {jobs_go} on in a kernel that runs, this one or another, which collects each as it is done."
            self._say(f"Nothing waits to be collected.{on if count else ''}")
        for job in jobs:
            if not job.wait(GRACE):
                self._say(waiting_for(job))
            try:
                result = job.result()
            except NBBananaError as error:
                # One that failed does not keep the others; its own row says why.
                self._say(f"Edit {job.edit_id}: {' '.join(error.lines)}")
                continue
            name = self._bind_resumed(result)
            publish(self._shell, *result._repr_mimebundle_())
            again = "" if name else _how_to_name(result)
            self._say(f"Edit {result.id} is {result.label} now.{again}")

    def _bind_resumed(self, result: EditResult) -> str | None:
        """Bind a collected result to the name of its cell, unless the name was given another value since."""
        name, before = self._unbound.pop(result.id, (None, None))
        if name is None or self._shell.user_ns.get(name, _MISSING) is not before:
            return None
        result.name = name
        self._shell.user_ns[name] = result
        return name

    def _say(self, words: str) -> None:
        from nbbanana.notebook.displays import say

        say(self._shell, words)

    # ── what was made, and with what ────────────────────────────────────────────────────────────────────────

    @no_var_expand
    @line_magic
    def nbhistory(self, line: str) -> None:
        """
        Show the newest edits, those that have some words or facts, one of them, or how they hang together.

            %nbhistory
            %nbhistory -n 50
            %nbhistory neon street
            %nbhistory 12
            %nbhistory 3:9
            %nbhistory snow --starred --input portrait.jpg --since 2026-11-01
            %nbhistory --diff 3 7
            %nbhistory --lineage 7
            %nbhistory --cost
            %nbhistory --cell 7

        Facts are --model, --provider, --state, --seed, --tag, --input, --notebook, --since, --until, --starred and
        --rejected. --cell opens the cell that asks the same below this one. A number in quotes is searched for.
        """
        from nbbanana.notebook.line_magics import show_history

        show_history(self._shell, line)

    @no_var_expand
    @line_magic
    def nbmodels(self, line: str) -> None:
        """
        Show the models, one of them with its options and advice, or those that suit a request.

            %nbmodels
            %nbmodels nano-banana
            %nbmodels google/nano-banana-2/edit
            %nbmodels --compare nano-banana nano-banana-2.1
            %nbmodels --search "several pictures"
            %nbmodels --choose "rewrite the headline in Japanese" --images 2

        What --choose says decides nothing: a request goes to the model that it names, else to the default one, and with
        --model auto to the first of that list which the service has. --mask says that a mask goes with the words.
        """
        from nbbanana.notebook.line_magics import show_models

        show_models(self._shell, line)

    @no_var_expand
    @line_magic
    def nbproviders(self, line: str) -> None:
        """
        Show the services, whose keys are here and what a picture costs there.

            %nbproviders
        """
        from nbbanana.notebook.displays import publish
        from nbbanana.session.services import list_providers

        _takes_nothing("%nbproviders", line)
        publish(self._shell, list_providers()._repr_mimebundle_())

    @no_var_expand
    @line_magic
    def nbstore(self, line: str) -> None:
        """
        Show where edits are kept, or keep this notebook's from here on in a folder, or read a bundle.

            %nbstore
            %nbstore study
            %nbstore study.zip
        """
        from nbbanana.session import Session, current, use

        place = line.strip().strip("\"'")
        if place:
            session = Session(store=place)
            count = len(session.history)  # opens it, so that a place that cannot be is said here
            use(session)
        else:
            session, count = current(), len(current().history)
        edits = "1 edit" if count == 1 else f"{count:,} edits"
        how = ", read only: every cell is answered from it" if session.mode == "replay" else ""
        self._say(f"{session.folder.name}: {edits}{how}.")

    @no_var_expand
    @line_magic
    def nbstudio(self, line: str) -> Any:
        """
        Open the Studio: the same requests as `%%nbedit`, built by hand.

            %nbstudio
            %nbstudio 12
        """
        from nbbanana.widgets.studio import studio

        text = line.strip()
        if text and not text.isdecimal():
            what = f"%nbstudio takes the number of an edit, not {text!r:.40}."
            held = getattr(self._shell.user_ns.get(text), "id", None)
            number = held if isinstance(held, int) else 12
            call = f"; nb.studio({text}) begins with its picture" if text in self._shell.user_ns else ""
            raise UsageError(what, "It brings that edit's request into the form.", f"%nbstudio {number}{call}.")
        return studio(edit=int(text)) if text else studio()

    # ── accounts and money ──────────────────────────────────────────────────────────────────────────────────

    @no_var_expand
    @line_magic
    def nblogin(self, line: str) -> None:
        """
        Log in at a service: shows a code to type on its page, or asks for its key, and keeps what it got.

            %nblogin
            %nblogin fal
        """
        from nbbanana.providers.credentials import kept_in_words
        from nbbanana.providers.registry import find_with_key
        from nbbanana.session.services import log_in

        spec = find_with_key(line.strip())
        log_in(spec, self._say)
        self._say(f"Logged in at {spec.title}. {kept_in_words(spec)}")

    @no_var_expand
    @line_magic
    def nblogout(self, line: str) -> None:
        """
        Forget the key that a login keeps here; the service still knows it.

            %nblogout
            %nblogout fal
        """
        from nbbanana.providers.credentials import forget_token
        from nbbanana.providers.registry import find_with_key

        spec = find_with_key(line.strip())
        self._say(f"Logged out at {spec.title}." if forget_token(spec) else f"There was no stored key of {spec.title}.")

    @no_var_expand
    @line_magic
    def nbbudget(self, line: str) -> None:
        """
        Show or set what may be spent at the provider by all kernels on this store; counted from when it is first set.

            %nbbudget
            %nbbudget 5.00
            %nbbudget off
            %nbbudget 5.00 --provider fal
        """
        from nbbanana.grammar import OWN, Word, dollars, read_options, split
        from nbbanana.session import current

        named = [option for option in OWN if option.key == "provider"]
        words = [Word(one.text, quoted=one.quoted or one.text[1:2].isdecimal()) for one in split(line)[0]]  # -1 is none
        read, words = read_options(words, named, self._shell.user_ns)
        session, text = current(), " ".join(word.text for word in words)
        choice = session.choice(next((str(value) for _, value in read.values()), None))
        provider = choice.name
        if not provider:
            raise UsageError(
                "No budget can be set.",
                "A budget is for a service, and none is chosen: there is no token.",
                "Log in: %nblogin.",
            )
        if text:
            amount = None if text == "off" else dollars(text, "The budget", "%nbbudget 5.00, or %nbbudget off")
            session.store.set_budget(provider, amount)
        budget = session.store.budget(provider)
        play = " in play money" if choice.is_play else ""
        if budget is None:
            self._say(f"No budget at {provider}: every edit is sent, whatever it costs.")
        else:
            self._say(f"${budget.left:.2f} of ${budget.amount:.2f} is left at {provider}{play}.")


def edit_help() -> str:
    """Return the text that `%%nbedit?` shows; its examples run as they stand there."""
    from nbbanana import models
    from nbbanana.grammar import OWN, listed, options_of
    from nbbanana.session import current
    from nbbanana.settings import DEFAULT_MODEL

    try:
        model = models.get(current().default_model_at())
    except UnknownModelError:
        model = models.get(DEFAULT_MODEL)
    text = files("nbbanana.notebook").joinpath("help.txt").read_text(encoding="utf-8")
    fields = [option for option in options_of(model) if option.field is not None]
    return Template(text).substitute(own=listed(OWN), model=model.id, fields=listed(fields))


# The help follows the schema of the model that is set: IPython calls `getdoc` before it looks for a docstring.
NBBananaMagics.nbedit.getdoc = edit_help  # type: ignore[union-attr]


def _how_to_name(result: EditResult) -> str:
    """
    Say how a collected result gets the name of its cell where that costs nothing, as after a restart.

    Of another notebook's cell nobody knows here whether it ran again meanwhile, and so would be a new request.
    """
    record = result.record
    if record.cell is None or record.kernel == KERNEL:
        return ""
    if record.notebook != origin.get().notebook:
        return f" It was asked in {one_line(record.notebook or 'another notebook', 60)}."
    return " Run its cell again to give it its name there: that is free, unless the cell says --fresh."


def _takes_nothing(name: str, line: str) -> None:
    if line.strip():
        raise UsageError(f"{name} takes nothing.", f"It was given {line.strip()!r}.", f"Write {name} alone.")
