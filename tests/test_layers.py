"""
Data walks one way: no room imports from a room below it, and no modules import each other.

Every import counts: at the top of a module, under `TYPE_CHECKING`, inside a function. Left out are the late imports of
methods that open a form, which the contracts in pyproject.toml name.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nbbanana"


def contracts() -> list[dict]:
    """The contracts that pyproject.toml has for import-linter."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]


def layers() -> dict:
    """The contract that holds the order of the rooms."""
    [found] = [contract for contract in contracts() if contract["type"] == "layers"]
    return found


def ways_back() -> list[tuple[str, str]]:
    """The imports against the order that are allowed: from which module, of which module."""
    pairs = [line.split(" -> ") for line in layers()["ignore_imports"]]
    return [(importer, imported) for importer, imported in pairs]


@pytest.fixture
def graph() -> grimp.ImportGraph:
    """All imports between the modules of nbbanana."""
    return grimp.build_graph("nbbanana", exclude_type_checking_imports=False, cache_dir=None)


def in_circles(graph: grimp.ImportGraph) -> set[str]:
    """The modules that import themselves by way of others."""
    return {name for name in graph.modules if name in others_behind(graph, name)}


def others_behind(graph: grimp.ImportGraph, name: str) -> set[str]:
    """Everything that a module imports, and what that imports, and so on."""
    found: set[str] = set()
    for imported in graph.find_modules_directly_imported_by(name):
        found |= {imported} | graph.find_upstream_modules(imported)
    return found


def imports_at_the_top(path: Path) -> Iterator[str]:
    """The modules that a module imports as it is loaded."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_every_room_keeps_its_place() -> None:
    """import-linter finds no import against the order."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_order_names_the_rooms_that_are_there() -> None:
    """No room is missing from the order; one that may be missing stands in parentheses."""
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    named = layers()["layers"]
    assert rooms - {"__init__", *layers()["exhaustive_ignores"]} <= {name.strip("()") for name in named}
    assert {name for name in named if not name.startswith("(")} <= rooms


def test_no_modules_import_each_other(graph: grimp.ImportGraph) -> None:
    """With every import counted, no module is reached from itself."""
    for importer, imported in ways_back():
        graph.remove_import(importer=importer, imported=imported)
    assert in_circles(graph) == set(), "types first, then steps, then the module that composes them"


def test_the_ways_back_are_late_imports(graph: grimp.ImportGraph) -> None:
    """Each allowed import against the order is there, opens a form or a table, and is not made as its module loads."""
    for importer, imported in ways_back():
        assert graph.direct_import_exists(importer=importer, imported=imported), f"{importer} does not need {imported}"
        assert imported.startswith(("nbbanana.widgets.", "nbbanana.display."))
        assert imported not in imports_at_the_top(ROOT / (importer.replace(".", "/") + ".py"))


def test_only_a_package_s_own_face_loads_modules_by_their_names() -> None:
    """An import by a string is in no graph: packages load their own late; Pillow's plugins and providers are found."""
    by_name = {
        path
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\b(import_module|__import__|EntryPoint)\b", path.read_text())
    }
    assert {path for path in by_name if path.name != "__init__.py"} <= {
        PACKAGE / "images" / "decoding.py",
        PACKAGE / "providers" / "registry.py",
    }


def test_a_circle_would_be_found() -> None:
    """Two modules that import each other by way of a third are found, and the one beside them is not."""
    made = grimp.ImportGraph()
    for importer, imported in [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]:
        made.add_import(importer=importer, imported=imported)
    assert in_circles(made) == {"a", "b", "c"}


STEPS = ("prepare", "reserve", "submit", "wait", "fetch", "stop")
COMPOSED_BY = {"stop": "nbbanana.engine.engine"}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_the_engine_is_known_to_what_composes_them_alone(graph: grimp.ImportGraph, step: str) -> None:
    """Steps are functions of a run and a context: none calls another, and none knows the engine."""
    composer = COMPOSED_BY.get(step, "nbbanana.engine.steps")
    assert graph.find_modules_that_directly_import(f"nbbanana.engine.{step}") == {composer}
    assert "nbbanana.engine.engine" not in others_behind(graph, f"nbbanana.engine.{step}")
