"""
The Model API offline: queue, prices, faults and pictures, for any client that speaks the protocol.

`Sandbox` is the whole of it. Served over loopback HTTP it is a service like any other:

    with Sandbox(time_scale=0) as box:
        httpx.post(f"{box.api_base}/models/…", headers={"Authorization": f"Bearer {box.token}"}, json={…})

and in process, without a socket, `httpx.ASGITransport(box.app)` reaches the same application. Nothing that
happens here leaves the machine, no model makes its pictures, and its dollars are play money.

Names resolve on first use: importing this package loads neither Starlette nor Pillow nor uvicorn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbbanana.sandbox.accounts import Submission
    from nbbanana.sandbox.exchanges import Seen
    from nbbanana.sandbox.faults import FAULT_KINDS, FAULT_TARGETS, Fault
    from nbbanana.sandbox.sandbox import Sandbox, create_app, serve

__all__ = ["FAULT_KINDS", "FAULT_TARGETS", "Fault", "Sandbox", "Seen", "Submission", "create_app", "serve"]

_HOMES = {
    "FAULT_KINDS": "faults",
    "FAULT_TARGETS": "faults",
    "Fault": "faults",
    "Sandbox": "sandbox",
    "Seen": "exchanges",
    "Submission": "accounts",
    "create_app": "sandbox",
    "serve": "sandbox",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
