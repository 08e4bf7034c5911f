"""`ProviderSpec`: all that the rest of nbbanana needs to know of a service before it talks to it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.models.offers import Offer, newest, offer
from nbbanana.providers.endpoints import Endpoints
from nbbanana.settings import config_dir

if TYPE_CHECKING:
    from nbbanana.providers.base import DeviceCode, Provider, Wire

__all__ = ["ProviderSpec"]


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """
    A service that runs requests: its keys and bases, and what it can do.

    Args:
        name: what records, settings and budgets call it, such as `fal`.
        title: what people call it, such as `fal`.
        connect: makes the `Provider`, of a credential (None where it takes none), its endpoints and its pace.
        wire: gives the POST of a request, of the endpoints, the model's id in the catalogue and the payload.
        key_variables: the environment variables that hold its key, the usual one first; none where it takes no key.
        key_page: where a user gets a key.
        endpoints: the class of its bases.
        device_login: logs in by a code that the user types on the service's page, and gives the token; None where
            a login asks for a key.
        token_file: gives the file that keeps what a login got; None is one in nbbanana's own folder.
        folder_variable: the environment variable that names another folder for that file.
        offers: gives what it has of a model: its name for it, its fields and prices; None where it has none. Left
            out, that is in the catalogue.
        default_model: the model of a request that names none.
        catalogue: asks the service, through its `Provider`, what it has of a model now, for `nbbanana models refresh`;
            None where it cannot be asked.
        is_play: whether its money is play money.
        play_name: what records call it where its key is one that a play service made; empty where none is.
        can_resume: whether a job can be asked after later, by another process too.
        can_cancel: whether it takes a cancel.
        counts: whether one POST can ask for several pictures.
    """

    name: str
    title: str
    connect: Callable[[Any, Any, float], Provider] = field(repr=False)
    wire: Callable[[Any, str, Mapping[str, Any]], Wire] = field(repr=False)
    key_variables: tuple[str, ...] = ()
    key_page: str = ""
    endpoints: type[Endpoints] = Endpoints
    device_login: Callable[[Any, Callable[[DeviceCode], object]], Coroutine[Any, Any, str]] | None = field(
        default=None, repr=False
    )
    token_file: Callable[[], Path] | None = field(default=None, repr=False)
    folder_variable: str = "NBBANANA_CONFIG_DIR"
    offers: Callable[[str], Offer | None] | None = field(default=None, repr=False)
    default_model: str = ""
    catalogue: Callable[[Any, str], Coroutine[Any, Any, Offer]] | None = field(default=None, repr=False)
    is_play: bool = False
    play_name: str = ""
    can_resume: bool = True
    can_cancel: bool = True
    counts: bool = True

    @property
    def label(self) -> str:
        """What a control or a list calls it: its title without an article."""
        return self.title.removeprefix("the ")

    @property
    def kept_at(self) -> Path:
        """The file that keeps the token of a login."""
        return self.token_file() if self.token_file else config_dir() / f"{self.name}.json"

    def offer(self, model: str) -> Offer | None:
        """Return what it has of a model, as far as that is known without asking it; None where nothing is."""
        return newest(self.name, model, self.offers(model)) if self.offers else offer(self.name, model)

    @property
    def how_to_log_in(self) -> str:
        """What to do where the key is missing."""
        return f"Set {self.key_variables[0]}, or log in: %nblogin {self.name}" if self.key_variables else ""
