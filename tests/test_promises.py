"""The list of promises is kept: every promise names a test, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "promises.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py(?:::\w+)+)`")
EXCEPTIONS = "## What cannot be promised"


def promises() -> list[str]:
    """The lines of the page that promise something."""
    kept, _, _ = PAGE.read_text("utf-8").partition(EXCEPTIONS)
    return [line for line in kept.splitlines() if line.startswith("- ")]


@cache
def functions_in(path: Path) -> frozenset[str]:
    """The tests of a file as pytest names them: `test_one`, `TestSeveral::test_one`; none where it is missing."""
    found: set[str] = set()
    for node in ast.parse(path.read_text("utf-8") if path.is_file() else "").body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        functions = (each for each in inside if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
        found |= {prefix + each.name for each in functions if each.name.startswith("test_")}
    return frozenset(found)


def missing(text: str) -> list[str]:
    """The tests that a text names and that do not exist."""
    named = (name.partition("::") for name in NAMED.findall(text))
    return [f"{path}::{test}" for path, _, test in named if test not in functions_in(ROOT / path)]


def test_every_promise_names_a_test() -> None:
    """Each line ends in the name of at least one test, and the page says what cannot be promised."""
    assert len(promises()) > 80
    assert [line for line in promises() if not NAMED.search(line)] == []
    assert EXCEPTIONS in PAGE.read_text("utf-8")


def test_every_test_that_is_named_exists() -> None:
    """A test that is renamed or removed takes its promise with it, or the promise gets another one."""
    assert missing(PAGE.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "name", ["tests/test_gone.py::test_it", "tests/test_promises.py::test_gone", "tests/test_promises.py::promises"]
)
def test_a_promise_without_its_test_would_be_found(name: str) -> None:
    """A file, a test, or a function that is no test: each is found missing."""
    assert missing(f"- Something is so: `{name}`") == [name]
