"""The command line as a shell runs it, in this process or in one of its own, against a served sandbox."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import isolation
from support.shells import Shell

from nbbanana.sandbox import Sandbox


@pytest.fixture
def shell(isolated: Path, tmp_path: Path) -> Iterator[Shell]:
    """A shell without any credential, in a folder with the picture `table.png`."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(isolation.PREFIXES)}
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save(tmp_path / "table.png")
    shell = Shell(tmp_path, {**outside, **isolation.variables(isolated), "NBBANANA_STORE": str(tmp_path / "store")})
    yield shell
    for process in shell.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def served(shell: Shell, paint: str) -> Iterator[Callable[..., Sandbox]]:
    """Makes a served sandbox that the shell's environment points to."""
    boxes: list[Sandbox] = []

    def make(**switches: Any) -> Sandbox:
        box = Sandbox(**{"time_scale": 0, "paint": paint, **switches}).__enter__()
        boxes.append(box)
        shell.env.update(box.addresses["environment"])
        return box

    yield make
    for box in boxes:
        box.close()
