"""Every example in a docstring does what it says."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nbbanana"
WITH_EXAMPLES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run_as_printed(name: str, request: pytest.FixtureRequest) -> None:
    """Running a module's examples prints what they promise; `getfixture` gives them what the tests have."""
    runner = doctest.DocTestRunner(verbose=False)
    report: list[str] = []
    module = importlib.import_module(name)
    for test in doctest.DocTestFinder().find(module, extraglobs={"getfixture": request.getfixturevalue}):
        runner.run(test, out=report.append)
    assert runner.tries > 0
    assert runner.failures == 0, "".join(report)


def test_there_are_examples() -> None:
    """The search above finds some."""
    assert len(WITH_EXAMPLES) > 10
