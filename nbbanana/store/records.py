"""The record types of the store: an edit, its inputs, outputs, states, POSTs and ratings; and votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from nbbanana.errors import StoreError
from nbbanana.regions import Area
from nbbanana.settings import LOCAL_PROVIDER
from nbbanana.store.drifts import OutputDrift

__all__ = [
    "ACCEPTED",
    "TERMINAL",
    "UNCERTAIN",
    "UNFINISHED",
    "WHOLE",
    "Budget",
    "Edit",
    "Facts",
    "InputRecord",
    "Outcome",
    "OutputDrift",
    "OutputRecord",
    "Post",
    "Preferred",
    "Rating",
    "Reservation",
    "Spending",
    "State",
    "Transition",
    "Vote",
    "VotedOutput",
    "check_step",
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
    "unknown",  # it may have been taken: it is not known here
    "lost",  # it may have been billed, and its pictures can never be collected
    "gone",  # it was done, and the service no longer serves its pictures
]
TERMINAL: frozenset[str] = frozenset({"completed", "failed", "rejected", "cancelled", "unknown", "lost", "gone"})
"""States that no kernel works on any more. An `unknown` or `lost` edit is never sent again by itself."""

Rating = Literal["starred", "rejected"]
NANO = 1_000_000_000
"""Amounts of money are compared and summed in whole billionths of a dollar."""
WHOLE = -1
"""The position of a rating that is meant for an edit as a whole."""

Outcome = Literal["accepted", "refused", "uncertain", "not sent"]
"""How a POST ended: the service took it, surely did not take it, may have taken it, or was never reached."""


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
class Edit:
    """
    One row of the store: a request and what came of it.

    `Store.begin` takes one that says what is asked and gives it its `id`, stable in its store, and its `uid`, the same
    everywhere. Times are seconds since the epoch, money is in US dollars.
    """

    model: str
    provider: str
    ask: str
    digest: str
    parameters: Mapping[str, Any]
    """What the user set, the prompt among them."""
    seed: int | None
    seed_given: bool
    inputs: tuple[InputRecord, ...] = ()
    id: int = 0
    uid: str = ""
    state: State = "prepared"
    created_at: float = 0.0
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
    """False once it was collected later: its duration then includes time in which no kernel polled."""
    price_quoted: float | None = None
    cost: float | None = None
    error: str | None = None
    error_kind: str | None = None
    notebook: str | None = None
    cell: str | None = None
    package_version: str = ""
    transitions: tuple[Transition, ...] = ()
    ratings: Mapping[int, Rating] = field(default_factory=dict)
    """What a person thinks of it: by output, or of all of them under `WHOLE`."""
    tags: tuple[str, ...] = ()
    note: str | None = None
    masks: tuple[InputRecord, ...] = ()
    """Pictures that say where to repaint, beside the inputs; their parameters hold their identities."""
    region: Area | None = None
    """The part of an input that it was meant to change."""
    schema_hash: str | None = None
    """SHA-256 of the JSON Schema of its model, for `Store.schema`; None where that is not known."""
    provider_model: str | None = None
    """What the provider calls the model."""
    answered_model: str | None = None
    """The model that answered, where the service says."""
    model_named: bool = True
    """Whether the user chose the model; False where it was the provider's default."""
    prompt_field: str = "prompt"
    """The parameter that holds the prompt."""
    parts: Mapping[str, Any] | None = None
    """What the prompt is composed of, as JSON values by the name of the part; None where it is a person's own words."""
    is_play: bool = False
    """Whether its prices are play money."""
    is_foreign: bool = False
    """Whether another store made it; it counts in no budget, total or duration then."""
    kernel: str | None = None
    execution: int | None = None
    """The execution of the cell in that kernel."""
    ordinal: int | None = None
    """Which request of the same ask in that execution it was, from 0."""
    handle: str | None = None
    """What a provider needs to collect the job; opaque, most often the request id."""
    drifts: tuple[OutputDrift, ...] = ()
    """What changed from the first input to each output, as far as it was measured."""

    @property
    def prompt(self) -> str:
        """The prompt."""
        return str(self.parameters.get(self.prompt_field, ""))

    @property
    def options(self) -> dict[str, Any]:
        """The parameters but the prompt."""
        return {name: value for name, value in self.parameters.items() if name != self.prompt_field}

    @property
    def starred(self) -> bool:
        """Whether a person starred it, or one of its outputs."""
        return "starred" in self.ratings.values()

    @property
    def rejected(self) -> bool:
        """Whether a person rejected it, or every one of its outputs; the state `rejected` is the service's word."""
        outputs = [self.ratings.get(output.index) for output in self.outputs]
        return self.ratings.get(WHOLE) == "rejected" or (bool(outputs) and set(outputs) == {"rejected"})

    @property
    def is_local(self) -> bool:
        """Whether it was made here, from pixels: no service ran it, and it cost nothing."""
        return self.provider == LOCAL_PROVIDER

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


class Facts(TypedDict, total=False):
    """
    What a step brought to light; what is left out or None is nothing new.

    Args:
        note: a sentence for the list of what happened.
        request_id: the service's id of the job.
        handle: what the provider needs to collect the job; without one it is made of the request id.
        answered_model: the model that answered.
        cost: US dollars; an amount that cannot be is left out, with a note.
        price_quoted: the same.
        error: what went wrong, in words.
        error_kind: the name of its class.
        outputs: are added to those that are there, by their index.
        inputs: take the place of those that are there.
        started_at: when a job that is `running` is taken to have begun, if that is earlier than now.
        accepted_at: when it is taken to have been accepted, if that is earlier than now: a service that answers with
            the pictures accepted the request when it was sent.
    """

    note: str | None
    request_id: str | None
    handle: str | None
    answered_model: str | None
    cost: float | None
    price_quoted: float | None
    error: str | None
    error_kind: str | None
    outputs: Sequence[OutputRecord] | None
    inputs: Sequence[InputRecord] | None
    started_at: float | None
    accepted_at: float | None


@dataclass(frozen=True, slots=True)
class Post:
    """
    One POST of an edit.

    Args:
        edit_id: the edit.
        ordinal: which POST of the edit, from 0.
        sent_at: seconds since the epoch.
        provider: who got it.
        outcome: how it ended; None while it is under way.
        handle: what the service gave to collect the job with.
        quote: US dollars that it was expected to cost.
        cost: US dollars that it cost, where that is known.
        seed: the seed that it sent.
    """

    edit_id: int
    ordinal: int
    sent_at: float
    provider: str
    outcome: Outcome | None = None
    handle: str | None = field(default=None, repr=False)
    quote: float | None = None
    cost: float | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Spending:
    """
    What edits cost, in US dollars.

    Args:
        known: the costs that the service reported.
        held: what is quoted or kept back for edits without a reported cost: in flight, unknown, or never reported.
        unpriced: how many accepted or uncertain edits have neither; they are not free, but unknown.
        is_play: whether the money is play money.
    """

    known: float
    held: float
    unpriced: int
    is_play: bool = False

    @property
    def total(self) -> float:
        """Known and held together; a floor while anything is unpriced."""
        return self.known + self.held

    def allows(self, more: float, budget: float) -> bool:
        """Return whether so many US dollars more are surely within a budget, both to a billionth of a dollar."""
        return not self.unpriced and round((self.total + more) * NANO) <= round(budget * NANO)


@dataclass(frozen=True, slots=True)
class Budget:
    """
    What may be spent at a provider by all kernels of a store together.

    Args:
        amount: US dollars.
        after_id: edits with greater ids count.
        spending: what counts against it now.
    """

    amount: float
    after_id: int
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


VotedOutput = tuple[str, int]
"""The uid of an edit, which is the same in every store, and the index of one of its outputs."""
Preferred = Literal["first", "second", "tie"]


@dataclass(frozen=True, slots=True)
class Vote:
    """
    A vote on two outputs.

    Args:
        uid: its own name, the same in every store.
        first: one output; in a form the one at the left.
        second: the other one.
        preferred: `first`, `second`, or `tie` for no difference.
        sweep: SHA-256 of what the cells ask among which it was cast.
        at: when, in seconds since the epoch.
        rater: who voted; None where no name was given or it is not known in this store.
        rater_id: what tells raters apart in every store; None where no name was given.

    >>> vote = Vote("0" * 32, ("a" * 32, 0), ("b" * 32, 1), "second", "c" * 64, 0.0)
    >>> vote.share
    0.0
    >>> vote
    <Vote: bbbbbbbb[1] is better than aaaaaaaa[0]>
    """

    uid: str
    first: VotedOutput
    second: VotedOutput
    preferred: Preferred
    sweep: str
    at: float
    rater: str | None = None
    rater_id: str | None = None

    def __repr__(self) -> str:
        first, second = (f"{uid[:8]}[{index}]" for uid, index in (self.first, self.second))
        said = f"{first} ties with {second}"
        if self.preferred != "tie":
            better, other = (first, second) if self.preferred == "first" else (second, first)
            said = f"{better} is better than {other}"
        return f"<Vote: {said}>"

    @property
    def share(self) -> float:
        """What the first output has of the vote: 1, 0, or a half."""
        return {"first": 1.0, "second": 0.0, "tie": 0.5}[self.preferred]


ACCEPTED: frozenset[str] = frozenset({"queued", "running", "downloading", "completed", "gone"})
"""States that only a request the service took can be in: they need a request id."""
UNFINISHED: tuple[State, ...] = ("prepared", "submitting", "queued", "running", "downloading")
"""States in which something is left to do."""

SENT: tuple[State, ...] = ("submitting", "queued", "running", "downloading", "completed", "unknown", "lost")
"""The states of an edit that was sent, or is being sent, and may be an answer."""
_TAKEN = {"queued", "running", "downloading", "completed", "failed", "cancelled", "unknown", "gone"}
_NEXT: dict[str, set[str]] = {
    "prepared": {"prepared", "submitting", "rejected", "cancelled"},
    # Again to "submitting": the service surely did not take it, and it is sent once more.
    "submitting": (_TAKEN | {"submitting", "rejected", "lost"}) - {"failed", "gone"},
    "queued": _TAKEN,
    "running": _TAKEN,
    "downloading": {"downloading", "completed", "failed", "unknown", "gone"},
    # A person found the request again: from here it is as if it had been known all along.
    "unknown": (_TAKEN | {"lost"}) - {"unknown"},
    "lost": _TAKEN - {"unknown"},
}
UNCERTAIN: frozenset[str] = frozenset({"unknown", "lost"})
"""States in which it is open whether the service took the request."""


def check_step(edit_id: int, old: str, new: str, request_id: str | None) -> None:
    """
    Allow the step from `old` to `new`.

    `request_id` is the one known after the step. An `unknown` or `lost` edit goes on only with one.

    Raises:
        StoreError: the step is not allowed.

    >>> check_step(1, "running", "completed", "abc")
    >>> check_step(1, "completed", "running", "abc")
    Traceback (most recent call last):
    ...
    nbbanana.errors.StoreError: Edit 1 cannot go from 'completed' to 'running'.
    A 'completed' edit is final.
    """
    allowed = _NEXT.get(old, set())
    if new not in allowed:
        final = old in TERMINAL and not allowed
        after = ", ".join(sorted(allowed))
        raise StoreError(
            f"Edit {edit_id} cannot go from {old!r} to {new!r}.",
            f"A {old!r} edit is final." if final else f"After {old!r} comes one of: {after}.",
            edit_id=edit_id,
        )
    if request_id is None and (new in ACCEPTED or (old in UNCERTAIN and new not in UNCERTAIN)):
        raise StoreError(
            f"Edit {edit_id} cannot become {new!r} without a request id.",
            "Only what the service took can be in that state.",
            edit_id=edit_id,
        )
