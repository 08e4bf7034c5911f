"""The magics around the edits: `%nbresume`, `%nbbudget`, `%nblogin`, `%nbstore`, `%nbstudio`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand

from nbbanana.errors import NBBananaError, UsageError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbbanana.providers.login import DeviceCode

__all__ = ["AccountMagics", "say"]


def say(shell: InteractiveShell, words: str) -> None:
    """One quiet line in the cell."""
    from nbbanana.display import note_bundle
    from nbbanana.notebook.screens import publish

    publish(shell, note_bundle(words))


@magics_class
class AccountMagics(Magics):
    """What `%load_ext nbbanana` brings beside the edits themselves."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell = shell

    @no_var_expand
    @line_magic
    def nbresume(self, line: str) -> None:
        """
        Collect accepted jobs that nobody collected: another kernel's, or those that went on after an interrupt.

        Nothing is sent a second time.

            %nbresume
        """
        from nbbanana.notebook.screens import publish
        from nbbanana.session import current

        _takes_nothing("%nbresume", line)
        jobs = current().history.collect()
        if not jobs:
            say(self._shell, "Nothing waits to be collected.")
        for job in jobs:
            try:
                publish(self._shell, *job.result()._repr_mimebundle_())
            except NBBananaError as error:
                # One that failed does not keep the others; its own row says why.
                say(self._shell, f"Edit {job.edit_id}: {' '.join(error.lines)}")

    @no_var_expand
    @line_magic
    def nbbudget(self, line: str) -> None:
        """
        Show or set what may be spent at the provider by all kernels on this store; counted from when it is first set.

            %nbbudget
            %nbbudget 5.00
            %nbbudget off
        """
        from nbbanana.session import current

        session = current()
        provider, text = session.provider_name, line.strip()
        if not provider:
            raise UsageError("There is nobody to spend money at.", "No token was found.", "Log in first: %nblogin.")
        if text:
            session.store.set_budget(provider, None if text == "off" else _dollars(text))
        budget = session.store.budget(provider)
        play = " in play money" if provider == "sandbox" else ""
        if budget is None:
            say(self._shell, f"No budget at {provider}: every edit is sent, whatever it costs.")
        else:
            say(self._shell, f"${budget.left:.2f} of ${budget.amount:.2f} is left at {provider}{play}.")

    @no_var_expand
    @line_magic
    def nblogin(self, line: str) -> None:
        """
        Log in at RunComfy: shows a code to type on its page, and keeps the token where the RunComfy CLI does.

            %nblogin
        """
        from nbbanana.engine.loop import EngineLoop
        from nbbanana.providers.credentials import save_token
        from nbbanana.providers.login import log_in
        from nbbanana.settings import Endpoints

        _takes_nothing("%nblogin", line)
        endpoints = Endpoints.from_environment()
        under_way = EngineLoop.shared().run(log_in(endpoints, self._show_code))
        try:
            token = under_way.result()
        except KeyboardInterrupt:
            under_way.cancel()
            raise
        save_token(token, endpoints)
        say(self._shell, "Logged in. The token is in the RunComfy CLI's token.json, for you alone to read.")

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
        say(self._shell, f"{session.folder.name}: {edits}{how}.")

    @no_var_expand
    @line_magic
    def nbstudio(self, line: str) -> Any:
        """
        Open the Studio: the same requests as `%%nbedit`, built by hand.

            %nbstudio
            %nbstudio 12
        """
        import nbbanana as nb

        text = line.strip()
        if text and not text.isdecimal():
            raise UsageError(f"%nbstudio takes the number of an edit, not {text!r}.", "", "%nbstudio, or %nbstudio 12.")
        return nb.studio(edit=int(text)) if text else nb.studio()

    def _show_code(self, code: DeviceCode) -> None:
        # A background thread may show this: the cell is still running and waits for it.
        say(self._shell, f"Open {code.verify_url} and type {code.user_code} there.")


def _takes_nothing(name: str, line: str) -> None:
    if line.strip():
        raise UsageError(f"{name} takes nothing.", f"It was given {line.strip()!r}.", f"Write {name} alone.")


def _dollars(text: str) -> float:
    try:
        amount = float(text.removeprefix("$"))
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise UsageError(f"%nbbudget takes dollars, not {text!r}.", "", "%nbbudget 5.00, or %nbbudget off.")
    return amount
