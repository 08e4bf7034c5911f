"""The `Provider` protocol, and the types of its answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, Self, runtime_checkable

from nbbanana.errors import InputError, translated
from nbbanana.models.offers import PriceList

__all__ = [
    "Accepted",
    "Cancellation",
    "Description",
    "Downloaded",
    "Finished",
    "JobStatus",
    "Outputs",
    "Price",
    "Provider",
    "RemoteState",
    "Wire",
]

RemoteState = Literal["queued", "running", "completed", "failed", "cancelled", "other"]
"""`other` is a state this version does not know: it is named and waited through."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    The service took the request: from here on it may cost money.

    Args:
        handle: what `status`, `result` and `cancel` are given. Only the provider that made it can read it; it is kept
            with the request before anything else is done.
        request_id: the id under which the service shows the request, for people and messages.
    """

    handle: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Finished:
    """
    The whole answer of a service that makes the pictures while the POST is open: it is the only copy of them.

    Args:
        answer: its bytes, not read yet; `Provider.outputs` reads them once they are on the disk.
    """

    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outputs:
    """
    What such an answer holds.

    Args:
        pictures: the bytes of each picture, in their order; none where it was refused.
        cost: US dollars, where the answer tells it or what it counts.
        model: the model that answered, where it says so.
        error: why there is no picture.
        is_blocked: whether the reason is that the content was refused.
    """

    pictures: tuple[bytes, ...] = field(repr=False)
    cost: float | None = None
    model: str | None = None
    error: str | None = None
    is_blocked: bool = False


@dataclass(frozen=True, slots=True)
class JobStatus:
    """
    The answer to a poll.

    Args:
        state: the meaning of the service's word.
        word: the service's own word, for messages.
        queue_position: how many are ahead, where it says so.
        urls: the outputs, once completed.
        error: the reason, once failed.
        is_blocked: whether the reason is that the content was refused.
        cost: US dollars, once known.
        retry_after: seconds that the service asks to wait before the next poll (`Retry-After`).
    """

    state: RemoteState
    word: str
    queue_position: int | None = None
    urls: tuple[str, ...] = field(default=(), repr=False)
    error: str | None = None
    is_blocked: bool = False
    cost: float | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The outcome of a cancel: `cancelled` says that it will not run, `word` is the service's word for it."""

    cancelled: bool
    word: str
    state: RemoteState = "other"


@dataclass(frozen=True, slots=True)
class Price:
    """
    What the API says a model costs, in US dollars.

    `base` is per `unit`; `note` is the service's own sentence about what else counts; `prices` is its dated price list,
    where the service itself tells none.
    """

    base: float | None
    unit: str | None
    note: str | None = None
    prices: PriceList | None = None

    @classmethod
    def by_picture(cls, prices: PriceList | None) -> Self:
        """Return the price of a picture by a dated list, where there is one."""
        return cls(prices.base if prices else None, "image", prices=prices)


@dataclass(frozen=True, slots=True)
class Description:
    """What the service says of a model: its price, and its input schema where it has one."""

    price: Price
    schema: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that was fetched: where it lies, its SHA-256 and its size in bytes."""

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a user has to do to log in: open `verify_url` and type `user_code`, within `expires_in` seconds."""

    user_code: str
    verify_url: str
    expires_in: float
    interval: float
    device_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wire:
    """
    A POST as it goes over the wire.

    Args:
        url: where it goes.
        key_header: its header with the key, as a shell reads it, such as `Authorization: Bearer $RUNCOMFY_TOKEN`.
        body: what is sent, as JSON.
        headers: its other headers.
    """

    url: str
    key_header: str
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def written(self) -> bytes:
        """
        Return the body as bytes.

        Raises:
            InputError: JSON has no form for something in it; nothing was sent.
        """
        with translated((ValueError, TypeError, RecursionError), _cannot_be_sent):
            return json.dumps(self.body, ensure_ascii=False, allow_nan=False).encode()


def _cannot_be_sent(error: BaseException) -> InputError:
    return InputError(
        "The request cannot be written as JSON.",
        f"A parameter holds something that JSON has no form for ({type(error).__name__}).",
        "Nothing was sent. Check the parameters.",
    )


@runtime_checkable
class Provider(Protocol):
    """
    A service that runs requests. All coroutines run in the engine's loop.

    Errors are those of `nbbanana.errors`. From `submit`, `UncertainError` means that the request may have been taken
    (its `request_id` is the id that was seen, if any) and every other error that it surely was not. From the other
    calls, `RequestNotFoundError` is the service's documented "not found", and `UpstreamError`, `ProtocolError`,
    `RateLimitError` and `DownloadError` say nothing about the request: asking again may succeed. Where the service
    asked to wait, the error's `retry_after` says how many seconds.
    """

    name: str
    """The name that the record says, and that reuse, costs and budgets are kept apart by, such as `runcomfy`."""

    is_play: bool
    """Whether its money is play money: a sandbox."""

    takes_jpeg: bool
    """Whether a picture may travel as JPEG, so that no photograph is scaled down that need not be."""

    takes_urls: bool
    """Whether it fetches a picture by its address itself."""

    counts: bool
    """Whether one POST can ask for several pictures; else each is a POST of its own, and the seed counts up."""

    is_synchronous: bool
    """Whether the answer to a POST is the pictures (`Finished`), so that there is nothing to ask for later."""

    pace: float
    """Seconds here that a second of a real service takes: 1, or less for a sandbox that hurries."""

    def model_id(self, model: str) -> str:
        """Return what the service calls a model of the catalogue; UnknownModelError where it has none."""

    def handle_of(self, model: str, request_id: str) -> str:
        """Return the handle of a job that is known by the id which the service shows."""

    async def submit(self, model: str, payload: Mapping[str, Any]) -> Accepted | Finished:
        """Send it, once. A synchronous service gives `Finished`, every other one `Accepted`."""

    def outputs(self, model: str, answer: bytes) -> Outputs:
        """Read the answer of a synchronous service; ProtocolError where it is none. It may take a second."""

    async def status(self, handle: str) -> JobStatus:
        """Ask how a request stands."""

    async def result(self, handle: str) -> JobStatus:
        """Ask for the outputs or the reason of a failure, and the cost where the service says it."""

    async def cancel(self, handle: str) -> Cancellation:
        """Ask the service not to run a request."""

    async def download(self, url: str, folder: Path, progress: Callable[[int], None] | None = None) -> Downloaded:
        """Fetch an output into a new file in `folder`; `progress` is called with the bytes so far."""

    async def is_alive(self, url: str) -> bool:
        """Return whether an output's URL still answers, so that it can be an input without being sent again."""

    async def describe(self, model: str) -> Description:
        """Return what the service says of a model now: its price and its live input schema."""

    async def aclose(self) -> None:
        """Close the connections."""
