"""Writing outputs to files: where to, under which name, and what goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

from nbbanana.errors import UsageError
from nbbanana.store.provenance import embedded_copy, sidecar_path
from nbbanana.store.provenance import sidecar as sidecar_text
from nbbanana.store.records import Edit

__all__ = ["check_free", "file_name", "sheet_target", "target_of", "write"]

SUFFIXES = {"image/png": {".png"}, "image/jpeg": {".jpg", ".jpeg"}, "image/webp": {".webp"}}


def file_name(name: str | None, edit_id: int) -> str:
    """Return what the files of a result begin with: the variable it is bound to, else its number."""
    return name if name and name.isidentifier() else f"edit-{edit_id}"


def target_of(path: Any, name: str, index: int, mime: str) -> Path:
    """
    Return the file that an output is written to.

    Args:
        path: a file, with or without a suffix, or a folder: one that is there, or a path that ends in `/`.
        name: what a file in a folder begins with.
        index: the place of the output in its result.
        mime: the type of its bytes.

    Raises:
        UsageError: no path, or a suffix of another type.
    """
    if not isinstance(path, str | PurePath):
        kind = type(path).__name__
        raise UsageError(f"A {kind} is no path.", "save() takes the name of a file or a folder.", "save('neon.png')")
    target = Path(path).expanduser()
    fitting = SUFFIXES.get(mime, {target.suffix.lower()})
    if str(path).endswith(("/", "\\")) or not str(path) or target.is_dir():
        return target / f"{name}-{index}{min(fitting)}"
    if not target.suffix:
        target = target.with_suffix(min(fitting))
    if target.suffix.lower() not in fitting:
        raise UsageError(
            f"{target.name} would hold {mime} under the suffix {target.suffix}.",
            "save() writes the bytes as they came.",
            f"Use {min(fitting)}, or .pil.save({target.name!r}) to convert it.",
        )
    return target


def sheet_target(path: str | Path, *, overwrite: bool) -> Path:
    """
    Return the file of a contact sheet, its folder made.

    Raises:
        UsageError: a suffix that is neither `.jpg` nor `.pdf`, or a file that is there.
    """
    target = Path(path).expanduser()
    if target.suffix.lower() not in {".jpg", ".jpeg", ".pdf"}:
        raise UsageError(
            f"{target.name} is no name for a contact sheet.",
            "It is written as a JPEG of one page, or as a PDF of several.",
            f"Use {target.stem}.jpg or {target.stem}.pdf.",
        )
    check_free([target], overwrite=overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def check_free(targets: Sequence[Path], *, overwrite: bool) -> None:
    """
    Refuse to replace files.

    Raises:
        UsageError: one of them is there, and `overwrite` is False.
    """
    there = [target.name for target in targets if target.exists()]
    if there and not overwrite:
        raise UsageError(
            f"{there[0]} is there already.", "No file is replaced unasked.", "Use overwrite=True, or another name."
        )


def write(target: Path, data: bytes, record: Edit, index: int, *, sidecar: bool, embed: bool) -> None:
    """
    Write an output's bytes, making the folders on the way.

    Raises:
        UsageError: `embed` for a file that cannot hold a record, and nothing is written then; or the file cannot be
            written.
    """
    if embed:
        data = embedded_copy(data, record, index)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        if sidecar:
            sidecar_path(target).write_text(sidecar_text(record, index), encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        why = f"{error.strerror}." if isinstance(error, OSError) and error.strerror else "Its name is none."
        raise UsageError("The picture could not be written.", why, "Choose another place or name.") from error
