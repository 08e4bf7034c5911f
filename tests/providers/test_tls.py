"""The service proves who it is before anything is sent to it, whatever the environment says."""

from __future__ import annotations

import asyncio

import pytest

from nbbanana.errors import NetworkError
from nbbanana.providers.credentials import Credential
from nbbanana.providers.runcomfy import RunComfy, RunComfyEndpoints


@pytest.mark.parametrize("variable", ["", "PYTHONHTTPSVERIFY=0", "CURL_CA_BUNDLE=", "NODE_TLS_REJECT_UNAUTHORIZED=0"])
def test_a_service_that_cannot_prove_itself_is_sent_nothing(impostor, monkeypatch, variable):
    """A certificate that nobody signed ends the connection before the token or the request goes out."""
    if variable:
        monkeypatch.setenv(*variable.split("=", 1))
    heard, port = impostor
    base = f"https://localhost:{port}"

    async def submit() -> None:
        service = RunComfy(Credential("a-token", "RUNCOMFY_TOKEN"), RunComfyEndpoints(base, base, base))
        try:
            await service.submit("google/nano-banana-2/edit", {"prompt": "x"})
        finally:
            await service.aclose()

    with pytest.raises(NetworkError):
        asyncio.run(submit())
    assert heard == []
