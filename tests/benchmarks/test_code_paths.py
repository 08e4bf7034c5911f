"""How much code there is, and how much one `%%nbedit` runs through, down to the calls from the magic to the POST."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.kernels import environment
from support.scripted_server import scripted_server

pytestmark = pytest.mark.benchmark

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "nbbanana"


def sizes() -> dict[str, int]:
    """What there is under nbbanana/: modules, lines that are not blank, statements, functions and classes."""
    texts = [path.read_text("utf-8") for path in PACKAGE.rglob("*.py")]
    nodes = [node for text in texts for node in ast.walk(ast.parse(text))]
    return {
        "modules": len(texts),
        "lines": sum(bool(line.strip()) for text in texts for line in text.splitlines()),
        "statements": sum(isinstance(node, ast.stmt) for node in nodes),
        "functions": sum(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in nodes),
        "classes": sum(isinstance(node, ast.ClassDef) for node in nodes),
        "bytes of JavaScript and CSS": sum(
            path.stat().st_size for path in PACKAGE.rglob("*") if path.suffix in {".js", ".css"}
        ),
    }


def test_what_one_cell_runs_through(tmp_path: Path) -> None:
    """Prints the functions and modules that a cell of one edit runs through, and each call down to its POST."""
    with scripted_server() as server:
        path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
        env = environment(tmp_path / "home", **server.environment, NBBANANA_PROVIDER="", PYTHONPATH=path)
        command = [sys.executable, "-m", "support.traced_cell"]
        ran = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        counts = server.counts()
    seen = json.loads(ran.stdout.splitlines()[-1])
    modules = {name.partition(":")[0] for name in seen["calls"]}
    rooms = Counter([*name.partition(":")[0].split("."), "top"][1] for name in seen["calls"])
    there = sizes()
    print("\n" + ", ".join(f"{count:,} {what}" for what, count in there.items()))
    print(
        f"one %%nbedit: {len(seen['calls'])} functions in {len(modules)} modules, {sum(seen['calls'].values())} calls"
    )
    print("functions by room: " + ", ".join(f"{room} {count}" for room, count in rooms.most_common()))
    print(f"from the magic to the POST, {len(seen['path'])} calls:")
    print("\n".join(f"  {number:2} {name}" for number, name in enumerate(seen["path"], 1)))
    assert counts["submit"] == 1
    assert seen["outputs"] == 1
    assert len(modules) < there["modules"]
    assert len(seen["calls"]) < there["functions"]
    assert seen["path"][0].startswith("nbbanana.notebook."), "the POST was not traced back to the cell"
