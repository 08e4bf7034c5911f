"""The shapes of what the store keeps: an edit, its inputs, its outputs, its states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nbbanana.regions import Area

__all__ = [
    "TERMINAL",
    "Budget",
    "Edit",
    "InputRecord",
    "NewEdit",
    "OutputRecord",
    "Reservation",
    "Spending",
    "State",
    "Transition",
]

State = Literal[
    "prepared",  # written down, not sent
    "submitting",  # the POST may be on its way
    "queued",  # accepted, has a request id
    "running",  # the service works on it
    "downloading",  # completed there, its outputs are not all here
    "completed",  # all outputs are here
    "failed",  # the service ran it and gave no picture
    "rejected",  # the service surely did not take it
    "cancelled",  # cancelled before it ran
    "unknown",  # it may have been taken: nobody can tell from here
]
TERMINAL: frozenset[str] = frozenset({"completed", "failed", "rejected", "cancelled", "unknown"})
"""States that no kernel works on any more. An `unknown` edit is never sent again by itself."""


@dataclass(frozen=True, slots=True)
class InputRecord:
    """
    An input picture as it was asked with.

    `identity` is what the ask digest holds (`sha256:…` of the source bytes, `pixels:…`, `url:…`). `sha256`
    names the blob with the bytes that were sent (None for a URL): oriented, sRGB, without EXIF and GPS, so
    that a bundle never carries where a photo was taken. `parameter` is the name under which a mask was sent.
    """

    name: str
    identity: str
    sha256: str | None = None
    url: str | None = field(default=None, repr=False)
    width: int | None = None
    height: int | None = None
    note: str | None = None
    parameter: str | None = None


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """One image of a result: its bytes by SHA-256, exactly as they came, and where they came from."""

    index: int
    sha256: str
    mime: str
    width: int
    height: int
    size: int
    url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Transition:
    """A state and when it was entered, in seconds since the epoch."""

    state: State
    at: float
    note: str | None = None


@dataclass(frozen=True, slots=True)
class NewEdit:
    """What is known before anything is sent; `Store.begin` makes it a row."""

    model: str
    provider: str
    ask: str
    digest: str
    parameters: Mapping[str, Any]
    """What the user set, the prompt among them."""
    seed: int | None
    seed_given: bool
    inputs: tuple[InputRecord, ...] = ()
    price_quoted: float | None = None
    notebook: str | None = None
    cell: str | None = None
    masks: tuple[InputRecord, ...] = ()
    region: Area | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """
    One row of the store: a request and what came of it.

    `id` is stable in its store, `uid` everywhere. Times are seconds since the epoch, money is in US dollars.
    """

    id: int
    uid: str
    model: str
    provider: str
    ask: str
    digest: str
    parameters: Mapping[str, Any]
    seed: int | None
    seed_given: bool
    state: State
    created_at: float
    inputs: tuple[InputRecord, ...] = ()
    outputs: tuple[OutputRecord, ...] = ()
    parents: tuple[int, ...] = ()
    """Edits of this store whose outputs are among the inputs, by content."""
    request_id: str | None = None
    accepted_at: float | None = None
    started_at: float | None = None
    done_at: float | None = None
    """When the service was first seen to be done; downloading comes after."""
    finished_at: float | None = None
    watched: bool = True
    """False once it was taken up again: how long it took is then how long nobody looked."""
    price_quoted: float | None = None
    cost: float | None = None
    error: str | None = None
    error_kind: str | None = None
    notebook: str | None = None
    cell: str | None = None
    package_version: str = ""
    transitions: tuple[Transition, ...] = ()
    starred: bool = False
    rejected: bool = False
    """What a person thinks of it; the state `rejected` is what the service thought of the request."""
    tags: tuple[str, ...] = ()
    note: str | None = None
    masks: tuple[InputRecord, ...] = ()
    """Pictures that say where to repaint, beside the inputs; their parameters hold their identities."""
    region: Area | None = None
    """The part of an input that it was meant to change, where somebody said."""

    @property
    def prompt(self) -> str:
        """The words that were sent."""
        return str(self.parameters.get("prompt", ""))

    @property
    def is_terminal(self) -> bool:
        """Whether no kernel works on it any more."""
        return self.state in TERMINAL

    @property
    def duration(self) -> float | None:
        """Seconds from acceptance until the service was seen to be done, or None."""
        end = self.done_at or self.finished_at
        if self.accepted_at is None or end is None:
            return None
        return max(0.0, end - self.accepted_at)


@dataclass(frozen=True, slots=True)
class Spending:
    """
    What edits cost, in US dollars.

    Args:
        known: what the service told.
        held: what is quoted or kept back for edits whose cost it has not told: in flight, unknown, or never told.
        unpriced: how many accepted or uncertain edits have neither; they are not free, nobody knows.
    """

    known: float
    held: float
    unpriced: int

    @property
    def total(self) -> float:
        """Known and held together; a floor while anything is unpriced."""
        return self.known + self.held


@dataclass(frozen=True, slots=True)
class Budget:
    """
    What may be spent at a provider by all kernels of a store together.

    Args:
        amount: US dollars.
        since: seconds since the epoch; edits begun before do not count.
        spending: what counts against it now.
    """

    amount: float
    since: float
    spending: Spending

    @property
    def left(self) -> float:
        """US dollars that are left, never below zero."""
        return max(0.0, self.amount - self.spending.total)


@dataclass(frozen=True, slots=True)
class Reservation:
    """
    The answer to `Store.reserve`.

    Args:
        granted: whether `amount` is now kept back for the edit.
        amount: US dollars that were asked for.
        budget: US dollars that may be spent in all.
        spending: what counted against the budget before, this edit left out.
    """

    granted: bool
    amount: float
    budget: float
    spending: Spending

    @property
    def left(self) -> float:
        """US dollars left of the budget after this answer, never below zero."""
        used = self.spending.total + (self.amount if self.granted else 0.0)
        return max(0.0, self.budget - used)
