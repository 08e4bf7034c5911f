"""The sandbox in this process: the same provider, over a transport that calls the application instead of a socket."""

from __future__ import annotations

from functools import lru_cache

import httpx

from nbbanana.models.catalogue import canonical, get, ids
from nbbanana.models.offers import Offer
from nbbanana.providers.credentials import Credential
from nbbanana.providers.registry import ProviderSpec
from nbbanana.providers.runcomfy import RunComfy, RunComfyEndpoints
from nbbanana.sandbox import Sandbox
from nbbanana.settings import DEFAULT_MODEL, PLAY_PROVIDER

__all__ = ["SPEC", "local_sandbox"]

ORIGIN = "http://localhost"
PLAY_MONEY = 1000.0


@lru_cache(maxsize=4)
def _sandbox(time_scale: float) -> Sandbox:
    """Return one sandbox a process and speed, so that its outputs live as long as the kernel."""
    return Sandbox(time_scale=time_scale, balance=PLAY_MONEY)


def local_sandbox(time_scale: float = 1.0) -> RunComfy:
    """
    Return a provider over a sandbox in this process.

    Args:
        time_scale: how long its jobs take; 1 as long as a service's, 0 no time.
    """
    box = _sandbox(time_scale)
    return RunComfy(
        Credential(box.token, PLAY_PROVIDER),
        RunComfyEndpoints(f"{ORIGIN}/v1", f"{ORIGIN}/prod/v2", ORIGIN),
        transport=lambda: httpx.ASGITransport(app=box.app),
        pace=time_scale,
    )


def _offers(model: str) -> Offer | None:
    """Return what it has of a model: whatever the catalogue has, whole and for play money."""
    known = canonical(model)
    if known not in ids():
        return None
    return Offer(PLAY_PROVIDER, known, known, get(known).schema, None, "", "nbbanana's own catalogue")


SPEC = ProviderSpec(
    name=PLAY_PROVIDER,
    title="Sandbox",
    connect=lambda _credential, _endpoints, pace: local_sandbox(pace),
    endpoints=RunComfyEndpoints,
    offers=_offers,
    default_model=DEFAULT_MODEL,
    wire=RunComfy.wire,
    is_play=True,
)
