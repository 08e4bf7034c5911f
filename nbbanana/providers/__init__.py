"""Providers: RunComfy over the network, or the sandbox in this process, behind one protocol."""

from nbbanana.providers.base import Accepted, Cancellation, Downloaded, JobStatus, Price, Provider

__all__ = ["Accepted", "Cancellation", "Downloaded", "JobStatus", "Price", "Provider"]
