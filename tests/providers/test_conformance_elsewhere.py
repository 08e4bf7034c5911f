"""The suite that this package's own providers pass, on the one of another package."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.elsewhere_service import ElsewhereService, installed

from nbbanana.testing.conformance import Conformance


class TestElsewhere(Conformance):
    """A provider that nothing of nbbanana names."""

    provider = "elsewhere"
    emulator = ElsewhereService

    @pytest.fixture(autouse=True)
    def _installed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with installed(monkeypatch):
            yield
