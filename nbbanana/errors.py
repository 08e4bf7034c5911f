"""
What can go wrong, said in three lines: what, why, and what to do.

Every error nbbanana raises on purpose descends from `NBBananaError`; the number is the exit code that the
command line gives for it (sysexits, as the RunComfy CLI uses them).

    NBBananaError                     1
    ├── UsageError                   64   an option or argument that does not exist or does not fit
    ├── ConfigError                  64   a setting or environment variable that cannot be used
    ├── InputError                   65   the request cannot be made from what was given
    │   ├── ParameterError           65   a parameter's value is not what the model allows
    │   ├── PromptError              65   no words, or words that cannot be sent
    │   ├── VariableError            65   a name that is not there, or holds something else
    │   ├── UnknownModelError        65   no such model in the catalogue
    │   │   └── ModelRetiredError    65   the service had it and does not have it any more
    │   ├── PlanError                65   a plan of a sweep that cannot be read
    │   └── ImageError               65   not a picture, or not one that can be sent
    │       └── ImageNotFoundError   66   no such file
    ├── CredentialError              77   the token is missing, refused or not safe
    │   ├── NoCredentialError        77   no token anywhere
    │   ├── TokenRejectedError       77   the service does not take the token
    │   ├── UnsafeTokenFileError     77   others can read the token file
    │   └── NotYoursError            77   the request belongs to another account
    ├── MoneyError                   65   the cost is not allowed or cannot be paid
    │   ├── BudgetError              65   not surely within the budget or the maximum price
    │   └── BalanceError             65   the account has not enough balance
    ├── ServiceError                 69   the service, or the way to it
    │   ├── NetworkError             69   no connection was made, so nothing was sent
    │   ├── UpstreamError            69   the service failed or did not answer
    │   ├── ProtocolError            69   an answer that cannot be read
    │   ├── RejectedError            65   the service refused the request as it stands
    │   ├── RequestNotFoundError     65   unknown or expired request id
    │   ├── RateLimitError           75   too many requests (HTTP 429)
    │   ├── DeadlineError            75   not done in time; it can still be collected
    │   ├── UncertainError           69   it may have been taken and charged; never sent again by itself
    │   └── DownloadError            69   an output could not be fetched
    │       └── UnsafeDownloadError  69   an output that must not be fetched
    ├── JobError                      1   the service ran it and gave no picture
    │   ├── JobFailedError            1   it failed, with its reason
    │   ├── NoImagesError             1   completed without a picture
    │   ├── BlockedError              1   the content was refused
    │   └── JobCancelledError         1   cancelled
    └── StoreError                    1   the store
        ├── NotInStoreError           1   it is not in the store
        ├── StoreVersionError         1   written by a newer nbbanana
        └── BundleError               1   a bundle that cannot be trusted or read

Exit 75 means "asking again is safe", so an error after which money may have been spent never carries it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar

from nbbanana.text import clip, one_line, without_secrets

__all__ = [
    "BalanceError",
    "BlockedError",
    "BudgetError",
    "BundleError",
    "Cause",
    "ConfigError",
    "CredentialError",
    "DeadlineError",
    "DownloadError",
    "ImageError",
    "ImageNotFoundError",
    "InputError",
    "JobCancelledError",
    "JobError",
    "JobFailedError",
    "MeasureError",
    "ModelRetiredError",
    "MoneyError",
    "NBBananaError",
    "NetworkError",
    "NoCredentialError",
    "NoImagesError",
    "NotInStoreError",
    "NotYoursError",
    "ParameterError",
    "PlanError",
    "PromptError",
    "ProtocolError",
    "QuotaError",
    "RateLimitError",
    "RejectedError",
    "RequestNotFoundError",
    "ServiceError",
    "StoreError",
    "StoreVersionError",
    "TokenRejectedError",
    "UncertainError",
    "UnknownModelError",
    "UnsafeDownloadError",
    "UnsafeTokenFileError",
    "UpstreamError",
    "UsageError",
    "VariableError",
    "bare_cause",
    "translated",
]

LONGEST_CAUSE = 300
"""Characters of another library's message that are kept."""
DEEPEST_CAUSE = 5
"""Causes of a cause that are kept."""


class Cause(Exception):  # noqa: N818 - it is never raised
    """
    A copy of an exception as a `__cause__`: its kind, its message and the line that raised it, nothing else.

    It holds no request, response, address, token, folder or frame, so it can be shown and written anywhere.
    """


def bare_cause(error: BaseException) -> Cause:
    """
    Copy an exception, and those that led to it, without what they hold.

    >>> bare_cause(OSError("https://files.example/?sig=1 broke"))
    Cause('OSError: ⟨address⟩ broke')
    """
    return _copy(error, DEEPEST_CAUSE)


def _copy(error: BaseException, depth: int) -> Cause:
    if isinstance(error, Cause):
        return error
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    # An OSError's own text names files; another message is cut first, since it can be as long as an answer.
    said = (error.strerror or "") if isinstance(error, OSError) and error.strerror else str(error)[: 4 * LONGEST_CAUSE]
    copy = Cause(clip(f"{name}: {one_line(without_secrets(said))}", LONGEST_CAUSE).removesuffix(": "))
    if where := _raised_at(error):
        copy.add_note(where)
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and depth > 1:
        copy.__cause__ = _copy(before, depth - 1)
    return copy


def _raised_at(error: BaseException) -> str:
    """Name the module and line that raised an error; empty where it was never raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"raised in {trace.tb_frame.f_globals.get('__name__', '?')}, line {trace.tb_lineno}"


class translated:  # noqa: N801 - used as a statement: with translated(OSError, …):
    """
    A `with` block that raises our error in the place of another library's, with a bare copy of it as the cause.

    Unlike `raise … from` in an `except` block it leaves no `__context__`, whose frames could hold a key or an address.

    Args:
        kinds: the exceptions to replace; all others pass.
        make: makes our error from the caught one.

    >>> with translated(ValueError, lambda error: NBBananaError("That is no number.")):
    ...     int("x")
    Traceback (most recent call last):
    ...
    nbbanana.errors.NBBananaError: That is no number.
    """

    def __init__(
        self,
        kinds: type[BaseException] | tuple[type[BaseException], ...],
        make: Callable[[Any], NBBananaError],
    ) -> None:
        self._kinds = kinds
        self._make = make

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or not isinstance(error, self._kinds):
            return
        ours = self._make(error)
        ours.__cause__ = bare_cause(error)
        del error, trace  # this frame is part of our error's traceback
        try:
            raise ours
        finally:
            ours.__context__ = None


class NBBananaError(Exception):
    """
    The root of the tree.

    Args:
        what: one line, what went wrong.
        why: one line, how that came about.
        mend: one line, what to do.
        request_id: the service's id, where there is one.
        edit_id: the row in the store that holds the request, where there is one.

    In IPython it shows as its three lines, without a traceback, and still as a real `error` output, so that
    nbclient, papermill and nbmake turn red. `%config NBBanana.tracebacks = True` brings the traceback back.

    >>> raise NBBananaError("It broke.", "It was old.", "Buy a new one.")
    Traceback (most recent call last):
    ...
    nbbanana.errors.NBBananaError: It broke.
    It was old.
    Buy a new one.
    """

    exit_code: ClassVar[int] = 1
    mend: ClassVar[str] = ""
    show_tracebacks: ClassVar[bool] = False
    """Set through `%config NBBanana.tracebacks`; one switch for all errors."""

    def __init__(
        self,
        what: str,
        why: str = "",
        mend: str = "",
        *,
        request_id: str | None = None,
        edit_id: int | None = None,
    ) -> None:
        self.what = what
        self.why = why
        self.how = mend or type(self).mend
        self.request_id = request_id
        self.edit_id = edit_id
        super().__init__(what)

    @property
    def lines(self) -> list[str]:
        """What, why and mend: one line each, the empty ones left out; nothing in them commands a terminal."""
        return [one_line(line) for line in (self.what, self.why, self.how) if line.strip()]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what,), vars(self)

    @property
    def _render_traceback_(self) -> Any:
        # IPython asks with hasattr(): raising AttributeError sends it to its own tracebacks.
        if self.show_tracebacks:
            raise AttributeError("_render_traceback_")
        first, *rest = self.lines
        return lambda: [f"{type(self).__name__}: {first}", *rest]


class UsageError(NBBananaError):
    """An option or argument that does not exist or does not fit."""

    exit_code = 64
    mend = "See %%nbedit? or nbbanana --help."


class ConfigError(NBBananaError):
    """A setting or environment variable that cannot be used."""

    exit_code = 64


class InputError(NBBananaError):
    """The request cannot be made from what was given."""

    exit_code = 65


class ParameterError(InputError):
    """A parameter's value is not what the model allows."""


class PromptError(InputError):
    """No words, or words that cannot be sent."""


class VariableError(InputError):
    """A name that is not there, or holds something else."""


class UnknownModelError(InputError):
    """No such model in the catalogue."""

    mend = "%nbmodels lists those that are there."


class ModelRetiredError(UnknownModelError):
    """The service had it and does not have it any more; the error names the model that follows."""


class PlanError(InputError):
    """A plan of a sweep that cannot be read, or is not what it says."""


class ImageError(InputError):
    """Not a picture, or not one that can be sent."""


class ImageNotFoundError(ImageError):
    """No such file."""

    exit_code = 66


class MeasureError(InputError):
    """
    Two pictures of which it cannot be said what changed.

    Args:
        reason: `small`, `plain`, `repeated` (they fit in several ways), `unrelated`, or `uncertain`.
    """

    mend = "Compare a picture with what was made from it."

    def __init__(self, what: str, why: str = "", mend: str = "", *, reason: str = "unrelated") -> None:
        super().__init__(what, why, mend)
        self.reason = reason


class CredentialError(NBBananaError):
    """The token is missing, refused or not safe."""

    exit_code = 77


class NoCredentialError(CredentialError):
    """No token anywhere."""

    mend = "Log in at a service, or set the variable of its key."


class TokenRejectedError(CredentialError):
    """The service does not take the token."""

    mend = "Make a new key at the service, then log in again or set its variable."


class UnsafeTokenFileError(CredentialError):
    """Others can read the token file."""


class NotYoursError(CredentialError):
    """The request belongs to another account."""

    mend = "Use the account that made the request."


class MoneyError(NBBananaError):
    """The cost is not allowed or cannot be paid."""

    exit_code = 65


class BudgetError(MoneyError):
    """It is not surely within the budget or the maximum price."""


class BalanceError(MoneyError):
    """The account has not enough balance."""

    mend = "Add balance at the service. Nothing was made."


class ServiceError(NBBananaError):
    """
    The service, or the way to it.

    `retry_after` is the seconds that the service asked to wait (`Retry-After`), where it did.
    """

    exit_code = 69
    retry_after: float | None = None


class NetworkError(ServiceError):
    """No connection was made, so nothing was sent."""

    mend = "Check the connection, then run it again: nothing was sent, nothing is charged."


class UpstreamError(ServiceError):
    """The service failed or did not answer; trying again may help."""

    mend = "Try again in a few minutes."


class ProtocolError(ServiceError):
    """An answer that cannot be read."""


class RejectedError(ServiceError):
    """The service refused the request as it stands."""

    exit_code = 65


class RequestNotFoundError(ServiceError):
    """Unknown or expired request id."""

    exit_code = 65


class RateLimitError(ServiceError):
    """Too many requests (HTTP 429)."""

    exit_code = 75
    mend = "Wait a moment and run it again: nothing was taken."


class QuotaError(ServiceError):
    """The service takes no more from this account for now, such as today: waiting a moment does not help."""

    exit_code = 75
    mend = "Run it again when the quota is filled up. Nothing was taken."


class DeadlineError(ServiceError):
    """Not done in time; it can still be collected."""

    exit_code = 75


class UncertainError(ServiceError):
    """It may have been taken and charged; never sent again by itself. `request_id` is the id that was seen, if any."""

    mend = "It may be running and charged: look at the service's list of generations, then use nb.history.settle."


class DownloadError(ServiceError):
    """An output could not be fetched."""


class OutputGoneError(DownloadError):
    """The service no longer serves an output."""


class UnsafeDownloadError(DownloadError):
    """An output that must not be fetched."""


class JobError(NBBananaError):
    """The service ran it and gave no picture."""


class JobFailedError(JobError):
    """It failed, with its reason."""


class NoImagesError(JobError):
    """Completed without a picture."""


class BlockedError(JobError):
    """The content was refused."""

    mend = "Change the words or the picture; a higher safety_tolerance allows more where the model has it."


class JobCancelledError(JobError):
    """Cancelled."""


class StoreError(NBBananaError):
    """The store cannot do it."""


class NotInStoreError(StoreError):
    """It is not in the store."""


class StoreVersionError(StoreError):
    """Written by a newer nbbanana."""

    mend = "Update nbbanana. The store was not touched."


class BundleError(StoreError):
    """A bundle that cannot be trusted or read."""
