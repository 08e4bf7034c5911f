"""The sandbox, with the face that the conformance suite asks of an emulator."""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from nbbanana.sandbox import Fault, Sandbox
from nbbanana.testing.emulator import Emulator, Post

__all__ = ["RunComfyService"]


class RunComfyService(Emulator):
    """
    RunComfy's Model API as the sandbox has it.

    Args:
        faults, end, holds: see `Emulator`.
    """

    key = "a-secret-of-runcomfy"
    routes: Any = ()

    def __init__(self, *, faults: Iterable[Fault] = (), end: str = "ok", holds: bool = False) -> None:
        ends = {"blocked": "Blocked by the safety filter.", "failed": "The model failed."}
        more = [Fault("job", error=ends[end], times=None)] if end in ends else []
        self._box = Sandbox(
            time_scale=0 if not holds else 1,
            duration=math.inf if holds else None,
            paint="flat",
            token=self.key,
            faults=[*faults, *more],
        )

    def __enter__(self) -> Self:
        self._box.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._box.close()

    @property
    def url(self) -> str:
        """Its origin."""
        return self._box.url

    @property
    def environment(self) -> dict[str, str]:
        """What points nbbanana here."""
        return self._box.addresses["environment"]

    @property
    def posts(self) -> list[Post]:
        """The requests that it took."""
        return [Post(one.model_id, one.payload, {}, id=one.request_id) for one in self._box.submissions]

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Everything that came."""
        return [(seen.method, seen.path) for seen in self._box.requests]

    @property
    def submits(self) -> int:
        """How many POSTs of requests came."""
        return sum(seen.target == "submit" for seen in self._box.requests)

    @property
    def keys(self) -> set[str]:
        """The paths that the key came to."""
        return {seen.path for seen in self._box.requests if "authorization" in seen.headers}

    def target(self, method: str, path: str) -> str:
        """Return whether it is an address of an output."""
        return "download" if path.startswith("/outputs/") else "status"

    def release(self) -> None:
        """Finish every job."""
        self._box.finish()
