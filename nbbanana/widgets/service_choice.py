"""The services that a Studio may run at: which one does, who else could, and for how much by their price lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbbanana.errors import ConfigError, CredentialError
from nbbanana.providers.registry import find, title_of
from nbbanana.session.choice import Choice
from nbbanana.session.services import by_list, least, usable
from nbbanana.widgets.payloads import Row, service_row

if TYPE_CHECKING:
    from nbbanana.providers.spec import ProviderSpec
    from nbbanana.session import Session
    from nbbanana.widgets.form_state import FormState

__all__ = ["Services"]


class Services:
    """
    The services of a form. Called in the UI thread.

    Args:
        session: whose requests they are; its own service is the one without a name here.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def choice(self, provider: str) -> Choice:
        """Return who runs a request at a service, also where its key is not here: the price line says so then."""
        try:
            return self._session.choice(provider)
        except (ConfigError, CredentialError):
            return Choice(provider, find(provider) if provider else None)

    def default_model(self, provider: str) -> str:
        """
        Return the model of a form that names none: that of the session where it was set, else the service's.

        Raises:
            ConfigError: there is no such provider.
        """
        if provider:
            find(provider)
        return self._session.default_model_at(provider or None)

    def row(self, form: FormState, *, is_public: bool) -> Row:
        """Return what the front end shows; a page for visitors has no choice."""
        chosen = form.draft.provider
        own = self.choice("")
        has_none = is_public or self._session.mode == "replay"
        choices = {} if has_none else dict(self._choices(form, own))
        if choices and chosen not in choices:
            choices[chosen] = title_of(chosen)
        return service_row(self.choice(chosen), chosen, list(choices.items()))

    def _choices(self, form: FormState, own: Choice) -> Iterator[tuple[str, str]]:
        """Give values and words; the service that runs the form has its price beside it, the others here."""
        yield "", own.title if own.name else "no service yet"
        for spec in usable():
            if own.spec is None or spec.name not in {own.name, own.spec.name}:
                yield spec.name, self._words(spec, form)

    def _words(self, spec: ProviderSpec, form: FormState) -> str:
        if spec.is_play:
            return f"{spec.label}, play money"
        price = by_list(spec, form.priced(), form.model)
        if price is None or spec.name == form.draft.provider:
            return spec.label
        return f"{spec.label}, {least(price)}"
