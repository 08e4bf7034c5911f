"""Every example in a docstring does what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import nbbanana

MODULES = [found.name for found in pkgutil.walk_packages(nbbanana.__path__, "nbbanana.")]


def examples(module: ModuleType, request: pytest.FixtureRequest) -> list[doctest.DocTest]:
    """The docstrings with examples; `getfixture` gives them what the tests have."""
    found = doctest.DocTestFinder().find(module, extraglobs={"getfixture": request.getfixturevalue})
    return [test for test in found if test.examples]


@pytest.mark.parametrize("name", ["nbbanana", *MODULES])
def test_examples_run_as_printed(name: str, request: pytest.FixtureRequest) -> None:
    """Running a module's examples prints what they promise."""
    runner = doctest.DocTestRunner(verbose=False)
    report: list[str] = []
    for test in examples(importlib.import_module(name), request):
        runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


def test_there_are_examples(request: pytest.FixtureRequest) -> None:
    """The search above does find some: in the error tree, at least."""
    assert examples(importlib.import_module("nbbanana.errors"), request)
