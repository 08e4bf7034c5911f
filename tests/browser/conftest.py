"""
One Chromium and one JupyterLab for all tests of this folder.

They end with the folder: while Playwright runs, no other event loop can in this thread.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import lab as labs


@pytest.fixture(scope="package")
def browser() -> Iterator[labs.Browser]:
    """Headless Chromium; without one the tests are skipped, in CI they fail."""
    if reason := labs.missing():
        pytest.skip(reason)
    executable = labs.chromium()
    assert executable, "CI must install Chromium before the tests"
    with labs.Browser(executable) as opened:
        yield opened


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[labs.Lab]:
    """JupyterLab over an empty folder; its kernels use the sandbox in process, at a pace that can be watched."""
    root = tmp_path_factory.mktemp("lab") / "root"
    root.mkdir()
    with labs.serve(root, NBBANANA_SANDBOX_SCALE="0.3") as served:
        yield served
