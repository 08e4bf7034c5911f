"""Data walks one way: no room imports from a room below it, not even inside a function."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nbbanana"


def contract() -> dict:
    """The layers as pyproject.toml has them, for import-linter."""
    [layers] = [
        contract
        for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    ]
    return layers


def test_every_room_keeps_its_place() -> None:
    """import-linter finds no import against the order."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_order_names_the_rooms_that_are_there() -> None:
    """No room is missing from the order, and none stands in it that does not exist."""
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    named = set(contract()["layers"])
    assert named == rooms - {"__init__", *contract()["exhaustive_ignores"]}
