"""The repository is kept: nothing of anyone's machine in it, modules and functions of a size to read, no leftovers."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nbbanana"
MODULES = sorted(PACKAGE.rglob("*.py"))

FOREIGN = {
    "a folder of someone's machine": r"/(?:root|work)/[\w.-]+|/(?:home|Users)/(?!(?:me|you|someone|jane)\b)[\w.-]+",
    "a package registry's host": r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.org|debian\.org)\b",
    "a leftover": r"\b(?:TODO|FIXME|XXX|HACK)\b",
    "a stop for the debugger": r"\bbreakpoint\(\)|\bset_trace\(\)",
    "an unresolved merge": r"^(?:<<<<<<<|>>>>>>>) ",
}
SECRET = re.compile(r"\b(?:rc|rck|sk)[-_][A-Za-z0-9]{32,}\b")


def committed() -> list[Path]:
    """Every file that git keeps and that is there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> Iterator[tuple[str, str]]:
    """The name and the content of every committed text file but this one."""
    for path in committed():
        if path == Path(__file__):
            continue
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


@cache
def tree(path: Path) -> ast.Module:
    """A module that was parsed, once."""
    return ast.parse(path.read_text("utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def named(path: Path) -> str:
    """The module's dotted name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_nothing_foreign_is_committed() -> None:
    """No committed text names what belongs to one machine or one afternoon."""
    patterns = {kind: re.compile(pattern, re.MULTILINE) for kind, pattern in FOREIGN.items()}
    found = [
        f"{name}: {kind}: {hit.group()}"
        for name, text in texts()
        for kind, pattern in patterns.items()
        for hit in pattern.finditer(text)
    ]
    assert found == []


def test_nothing_that_looks_like_a_token_is_committed() -> None:
    """No committed text holds something that could be somebody's API token."""
    assert [name for name, text in texts() if SECRET.search(text)] == []


def test_the_rules_would_find_what_they_look_for() -> None:
    """Each pattern above matches an example of its kind: a rule that cannot fail is no rule."""
    examples = ["/home/ada/x", "https://pypi.org/simple", "# " + "TODO later", "breakpoint()", "<<<<<<< ours"]
    assert all(re.search(pattern, example) for pattern, example in zip(FOREIGN.values(), examples, strict=True))
    assert SECRET.search("rc_" + "a1" * 20)


def test_modules_have_a_docstring_and_a_size_to_read() -> None:
    """Every module says what it is for, in at most 400 lines that are not blank."""
    texts = {named(path): path.read_text("utf-8") for path in MODULES}
    sizes = {name: sum(bool(line.strip()) for line in text.splitlines()) for name, text in texts.items()}
    assert [named(path) for path in MODULES if not ast.get_docstring(tree(path))] == []
    assert {name: size for name, size in sizes.items() if size > 400} == {}


def test_functions_are_short() -> None:
    """No function is longer than 60 lines."""
    sizes = {
        f"{named(path)}:{node.name}": node.end_lineno - node.lineno + 1 for path in MODULES for node in functions(path)
    }
    assert {name: size for name, size in sizes.items() if size > 60} == {}


def test_public_names_are_listed_sorted_and_there() -> None:
    """Each module's `__all__` is sorted and names only what exists; its classes and functions have docstrings."""
    listed = {named(path): list(getattr(importlib.import_module(named(path)), "__all__", [])) for path in MODULES}
    assert [module for module, names in listed.items() if names != sorted(names, key=rank)] == []
    objects = {
        f"{module}:{name}": getattr(sys.modules[module], name) for module, names in listed.items() for name in names
    }
    written = {name: it for name, it in objects.items() if inspect.isclass(it) or inspect.isroutine(it)}
    assert [name for name, it in written.items() if not it.__doc__] == []


def rank(name: str) -> tuple[bool, bool, str]:
    """The order in which linters sort names: constants, classes, the rest."""
    return not name.isupper(), not name[0].isupper(), name


def test_tests_say_what_they_show() -> None:
    """Every test has a sentence that says what it shows."""
    mute = [
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert mute == []


def test_notebooks_are_committed_without_outputs() -> None:
    """A committed notebook is what was written, not what came out; its ids are its own."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(not cell.outputs and cell.execution_count is None for cell in code), path.name
        assert set(notebook.metadata) <= {"kernelspec", "language_info"}, path.name


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link and picture in the Markdown files is there."""
    link = re.compile(r"!?\[[^\]]*\]\(([^)\s#]+)[^)]*\)")
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in itertools.chain(ROOT.glob("*.md"), (ROOT / "docs").rglob("*.md"))
        for target in link.findall(page.read_text("utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]
    assert broken == []


def test_values_of_a_query_are_given_by_place_or_by_name() -> None:
    """`?1` with a sequence warns since Python 3.12, and is an error from 3.14 on."""
    assert [path.name for path in PACKAGE.rglob("*.py") if re.search(r"[(\s]\?\d", path.read_text("utf-8"))] == []
