"""Executing a notebook from stored edits alone: what a reader does with a notebook and its bundle."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.errors import InputError, NBBananaError, NotInStoreError, UsageError, translated
from nbbanana.session.exporting import writing

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["replay"]


def replay(notebook: Path, store: Path, to: Path | None = None) -> Path:
    """
    Execute a notebook with every edit answered from a bundle or a store; nothing is sent.

    Args:
        notebook: an `.ipynb` file; it runs in its own folder and is left as it is.
        store: a bundle, or the folder of a store.
        to: where the executed notebook goes; None is beside it, as `NAME.replayed.ipynb`.

    Returns:
        Where it went, also when a cell failed.

    Raises:
        InputError: there is no such notebook or store.
        NotInStoreError: a cell asked for what is not stored.
        NBBananaError: another cell failed.
        UsageError: nbclient is not installed, or the notebook cannot be written there.
    """
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError
    except ModuleNotFoundError:
        raise UsageError("Replaying needs nbclient.", "It is not installed.", 'pip install "nbbanana[demo]"') from None
    for path in (notebook, store):
        if not path.exists():
            raise InputError(f"There is no {path.name}.", f"{path} is not there.", "Check the name.")
    target = to or notebook.with_suffix(".replayed.ipynb")
    with translated(Exception, lambda _: InputError(f"{notebook.name} is no notebook.", "It cannot be read as one.")):
        content: Any = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    resources = {"metadata": {"path": str(notebook.parent.resolve())}}
    with _offline(store.resolve()):
        failed: list[str] = []

        def remember(cell: Any, cell_index: int, execute_reply: Any) -> None:
            count = execute_reply["content"].get("execution_count")
            failed.append(f"Cell {cell_index + 1} of {len(content.cells)}" + (f" (In [{count}])" if count else ""))

        try:
            NotebookClient(content, resources=resources, on_cell_error=remember).execute()
        except CellExecutionError as error:
            raise _failed(failed[-1], target, error.ename, error.evalue) from None
        finally:
            with writing("The replayed notebook"):
                nbformat.write(content, target)  # type: ignore[no-untyped-call]
    return target


@contextmanager
def _offline(store: Path) -> Iterator[None]:
    """Set the environment of a replay: its store and mode, and no credential, neither a variable nor a file."""
    from unittest.mock import patch

    from nbbanana.providers.registry import ProviderSpec, listed

    with tempfile.TemporaryDirectory() as empty:
        wanted = {
            "NBBANANA_REPLAY_STORE": str(store),
            "NBBANANA_STORE": str(store),
            "NBBANANA_MODE": "replay",
        }
        # The notebook may be a stranger's: it gets no key, neither by a variable nor by a file.
        specs = [spec for spec in listed() if isinstance(spec, ProviderSpec)]
        wanted |= {spec.folder_variable: empty for spec in specs}
        keys = [name for spec in specs for name in spec.key_variables]
        kept = {name: value for name, value in os.environ.items() if name not in keys}
        with patch.dict(os.environ, {**kept, **wanted}, clear=True):
            yield


def _failed(where: str, target: Path, kind: str, words: str) -> NBBananaError:
    first, _, rest = words.partition("\n")
    made = NotInStoreError if kind == NotInStoreError.__name__ else NBBananaError
    return made(
        f"{where} failed: {kind}: {first}",
        " ".join(rest.split()),
        f"Look at it in {target}; the cells after it were not run.",
    )
