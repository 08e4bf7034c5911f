"""
Real kernels: cells run through nbclient in a process of their own, in this interpreter, in an isolated home.

    outputs = run_cells(["%load_ext nbbanana", "%nbmodels"], home=tmp_path)
    assert "nano-banana-2" in text_of(outputs[1])
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from support import isolation

__all__ = ["environment", "errors_of", "execute", "html_of", "notebook_of", "run_cells", "text_of"]

Output = Mapping[str, Any]


def environment(home: Path, **extra: str) -> dict[str, str]:
    """
    The environment of a child process that lives in `home`, on the sandbox, without waiting.

    Nothing of the outside's settings gets in. Values in `extra` win, an empty one unsets.
    """
    wanted = {
        **{name: value for name, value in os.environ.items() if not name.startswith(isolation.PREFIXES)},
        **isolation.variables(home),
        "NBBANANA_PROVIDER": "sandbox",
        "NBBANANA_SANDBOX_SCALE": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # the debugger that ipykernel brings complains of frozen modules
        **extra,
    }
    return {name: value for name, value in wanted.items() if value}


def notebook_of(cells: Iterable[str]) -> nbformat.NotebookNode:
    """A notebook with these code cells, for this interpreter's kernel."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def execute(
    notebook: nbformat.NotebookNode,
    *,
    home: Path,
    allow_errors: bool = False,
    timeout: int = 120,
    env: Mapping[str, str] | None = None,
) -> nbformat.NotebookNode:
    """
    Run a notebook in place in a fresh kernel whose folder is `home`, and give it back.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed, unless `allow_errors`.
    """
    home.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=timeout,
        allow_errors=allow_errors,
        resources={"metadata": {"path": str(home)}},
    )
    client.execute(env=environment(home, **(env or {})))
    return notebook


def run_cells(cells: Iterable[str], *, home: Path, **options: Any) -> list[list[Output]]:
    """Run cells in a fresh kernel; gives each cell's outputs. Options are those of `execute`."""
    notebook = execute(notebook_of(cells), home=home, **options)
    return [cell.outputs for cell in notebook.cells]


def text_of(outputs: Iterable[Output]) -> str:
    """Everything a terminal would show of a cell's outputs: streams, `text/plain`, errors."""
    # What a cell prints may come in several pieces: where they are cut says nothing.
    groups = groupby(outputs, lambda output: output["output_type"] == "stream")
    return "\n".join(("" if is_stream else "\n").join(map(_text, some)) for is_stream, some in groups)


def _text(output: Output) -> str:
    if output["output_type"] == "stream":
        return str(output["text"])
    if output["output_type"] == "error":
        return "\n".join(output["traceback"])
    return str(output["data"].get("text/plain", ""))


def html_of(outputs: Iterable[Output]) -> str:
    """All `text/html` of a cell's outputs."""
    return "\n".join(str(output["data"].get("text/html", "")) for output in outputs if "data" in output)


def errors_of(outputs: Iterable[Output]) -> list[Output]:
    """The outputs that are errors: what nbmake and papermill look for."""
    return [output for output in outputs if output["output_type"] == "error"]
