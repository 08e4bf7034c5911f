"""Two services with an account each, pictures that cost nothing, and jobs that end when the test says so."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from PIL import Image

from nbbanana.sandbox import Sandbox

Enter = Callable[[Sandbox], None]
"""The fixture `log_in`: from here on the environment leads to this service."""


@pytest.fixture
def services() -> Iterator[tuple[Sandbox, Sandbox]]:
    """Two services whose jobs wait to be told to finish."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(Sandbox(duration=math.inf, time_scale=1, paint="flat")) for _ in range(2))
        yield first, second


@pytest.fixture
def log_in(monkeypatch: pytest.MonkeyPatch) -> Enter:
    """Leads the environment to a service, as a login or a changed variable does in a kernel."""
    monkeypatch.setenv("NBBANANA_SANDBOX_SCALE", "0")

    def enter(service: Sandbox) -> None:
        for name, value in service.addresses["environment"].items():
            monkeypatch.setenv(name, value)

    return enter


@pytest.fixture
def picture() -> Image.Image:
    """A small picture."""
    return Image.linear_gradient("L").resize((48, 32)).convert("RGB")
