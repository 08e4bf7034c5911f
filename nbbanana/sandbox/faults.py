"""
What goes wrong on purpose: scripted faults, never random ones.

A `Fault` names the kind of request it waits for, which one of them it meets, and what that one gets instead of
its proper answer. `FAULT_KINDS` holds the usual kinds by name, so that a fault matrix is two loops:

    for target in FAULT_TARGETS:
        for kind in FAULT_KINDS:
            Fault.named(kind, target)
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from nbbanana.errors import UsageError

__all__ = ["FAULT_KINDS", "FAULT_TARGETS", "Fault", "FaultScript"]

FAULT_TARGETS = ("submit", "status", "result", "cancel", "download", "catalog", "balance", "whoami", "login")
"""The kinds of request that a fault can meet. A fault on `job` meets an accepted job instead."""


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing that goes wrong.

    Args:
        target: one of `FAULT_TARGETS`, or `job`.
        nth: the first request of that kind that it meets, counted from 1 from when the fault was set.
        times: how many in a row it meets; None for all from then on.
        after_accept: the request does its work first, and only the answer is lost or replaced.
        delay: seconds before anything is answered; `math.inf` never answers. A client that hangs up
            meanwhile was not served, unless `after_accept`.
        drop: the connection is closed without an answer.
        reset: the connection is reset (TCP RST) without an answer.
        status: the HTTP status of the answer; 200 where only `error_code` or `body` is given.
        error_code: the service's own code in a JSON body.
        message: the words in that body.
        body: the whole body instead.
        content_type: of `body`.
        retry_after: the `Retry-After` header: seconds or an HTTP date.
        headers: more headers of the answer.
        truncate: the part of the body, 0 to 1, that is sent of the `Content-Length` that was announced, before
            the connection is closed.
        drip: the body goes out in about a hundred pieces, so many seconds apart.
        refuse: seconds in which the server does not listen, from just before this answer is sent. The next
            connections are refused; over sockets only.
        error: `job` only: the reason with which the job fails.
        outputs: `job` only: how many outputs the job makes, whatever was asked.

    Dropping, resetting, truncating and dripping happen to the real socket. In process, without one, a lost
    connection surfaces as `ConnectionResetError` in the client.

    >>> Fault("result", nth=2, status=503).meets(2)
    True
    """

    target: str
    nth: int = 1
    times: int | None = 1
    after_accept: bool = False
    delay: float = 0.0
    drop: bool = False
    reset: bool = False
    status: int | None = None
    error_code: int | None = None
    message: str | None = None
    body: bytes | str | None = None
    content_type: str = "application/json"
    retry_after: float | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    truncate: float | None = None
    drip: float | None = None
    refuse: float = 0.0
    error: str | None = None
    outputs: int | None = None

    def __post_init__(self) -> None:
        if self.target not in (*FAULT_TARGETS, "job"):
            raise UsageError(
                f"A fault cannot wait for {self.target!r}.",
                f"Targets: {', '.join(FAULT_TARGETS)}, job.",
                "Name one of those.",
            )

    @classmethod
    def named(cls, kind: str, target: str, **changes: Any) -> Fault:
        """
        Return a fault of one of the `FAULT_KINDS`, with `changes` to its other fields.

        >>> Fault.named("502 html", "result", nth=3).status
        502
        """
        if kind not in FAULT_KINDS:
            raise UsageError(
                f"There is no fault named {kind!r}.", f"Kinds: {', '.join(FAULT_KINDS)}.", "Name one of those."
            )
        return cls(target, **{**FAULT_KINDS[kind], **changes})

    def meets(self, number: int) -> bool:
        """Return whether it meets the request with this number of its kind."""
        return number >= self.nth and (self.times is None or number < self.nth + self.times)

    @property
    def replaces_answer(self) -> bool:
        """Whether the client gets a made-up answer instead of the real one."""
        return self.status is not None or self.error_code is not None or self.body is not None

    @property
    def answer_body(self) -> bytes:
        """The made-up answer's body: `body`, else JSON with the code and the words."""
        if self.body is not None:
            return self.body.encode() if isinstance(self.body, str) else self.body
        import json

        words = self.message or HTTPStatus(self.status or 200).phrase
        if self.error_code is None:
            return json.dumps({"message": words}).encode()
        return json.dumps({"error_code": self.error_code, "error_message": words}).encode()


def _kinds() -> dict[str, dict[str, Any]]:
    plain = {str(status): {"status": status} for status in (408, 409, 429, 500, 503)}
    page = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad gateway</h1></body></html>"
    return {
        "reset before": {"reset": True},
        "reset after accept": {"reset": True, "after_accept": True},
        "drop before": {"drop": True},
        "drop after accept": {"drop": True, "after_accept": True},
        "time-out": {"delay": 30.0},
        "time-out after accept": {"delay": 30.0, "after_accept": True},
        **plain,
        "429 with retry-after": {"status": 429, "retry_after": 1},
        "502 html": {"status": 502, "body": page, "content_type": "text/html"},
        "200 with error_code": {"error_code": 500001, "message": "Something went wrong."},
        "empty": {"body": b""},
        "garbage": {"body": b'{"status": "comp\xff\x00'},
        "slow drip": {"drip": 0.05},
        "truncated": {"truncate": 0.5},
    }


FAULT_KINDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(_kinds())
"""The usual kinds by name: what to give `Fault` for each. A refused connection is `Fault(refuse=…)` on the request
before it, or `Sandbox.refusing()`: a service that is not there does not know which request it does not get."""


class FaultScript:
    """The faults of one sandbox and how far each has counted; any thread may ask."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._counted: list[tuple[Fault, list[int]]] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Set one more fault; it counts from now."""
        with self._lock:
            self._counted.append((fault, [0]))

    def next(self, target: str) -> Fault | None:
        """Count one request (or job) of this kind; the fault that it meets, the one set first if several do."""
        met = None
        with self._lock:
            for fault, count in self._counted:
                if fault.target == target:
                    count[0] += 1
                    met = met or (fault if fault.meets(count[0]) else None)
        return met
