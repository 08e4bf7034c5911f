"""The pictures of a sweep as files of a folder, under names that carry the values of its axes."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

from nbbanana.errors import UsageError
from nbbanana.session import EditResult
from nbbanana.session.saving import check_free, target_of
from nbbanana.store.records import OutputRecord
from nbbanana.sweeps.cells import Cell, Standing
from nbbanana.sweeps.plan import Plan

__all__ = ["file_names", "is_folder", "keep_pictures", "save_pictures"]

LONGEST = 120
"""Bytes of a name without its ending and what tells it from others: file systems take 255."""
ResultOf = Callable[[Cell], EditResult | None]


def is_folder(path: str | Path) -> bool:
    """
    Return whether a path means a folder: one that is there, one that ends in `/`, or one without an ending.

    >>> is_folder("out/"), is_folder("out"), is_folder("grid.pdf"), is_folder("")
    (True, True, False, False)
    """
    text, target = str(path), Path(path).expanduser()
    return bool(text) and (text.endswith(("/", "\\")) or target.is_dir() or not target.suffix)


def save_pictures(
    names: Sequence[Sequence[str]], cells: Sequence[Cell], result_of: ResultOf, folder: Path, *, overwrite: bool
) -> list[Path]:
    """
    Write the pictures of some cells into a folder, which is made.

    Args:
        names: of the files of each cell of the sweep, by its number: see `file_names`.
        cells: whose pictures are written.
        result_of: gives the result of a cell; None where it has none.
        folder: where to.
        overwrite: replace files that are there.

    Raises:
        UsageError: no picture is here, or one of the files is there already; nothing is written then.
    """
    found = [(cell, result) for cell in cells if (result := result_of(cell)) is not None]
    outputs = [
        (output, folder / name)
        for cell, result in found
        for output, name in zip(result, names[cell.number], strict=True)
    ]
    if not outputs:
        raise UsageError("There is no picture to save.", "None of the cells is here.", "sweep.run() asks for them.")
    check_free([target for _, target in outputs], overwrite=overwrite)
    return [output.save(target, overwrite=overwrite) for output, target in outputs]


def keep_pictures(
    names: Sequence[Sequence[str]], cells: Sequence[Cell], result_of: ResultOf, folder: Path
) -> list[list[Path]]:
    """
    Have the pictures of some cells in a folder that is there: what it holds already is not written again.

    A file that holds another picture is not replaced: the new one gets a number behind its name.

    Args:
        names: of the files of each cell of the sweep, by its number: see `file_names`.
        cells: whose pictures are wanted.
        result_of: gives the result of a cell; None where it has none.
        folder: where to.

    Returns:
        The files of each cell.
    """
    by_size: dict[int, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            by_size.setdefault(path.stat().st_size, []).append(path)
    kept = []
    for cell in cells:
        files = []
        for output, name in zip(result_of(cell) or (), names[cell.number], strict=True):
            own, data = folder / name, output.bytes
            alike = [path for path in by_size.get(len(data), ()) if path.read_bytes() == data]
            files.append(own if own in alike else alike[0] if alike else output.save(_free(own)))
        kept.append(files)
    return kept


def _free(path: Path) -> Path:
    """Return the path, with a number where something is there."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def file_names(plan: Plan, standings: Sequence[Standing]) -> list[list[str]]:
    """
    Return the names of the files of each cell: `colour-red-seed-0.png`, with a number for each of several pictures.

    They are safe in any file system, and no two are alike, also where capitals do not count: those that would be have
    the beginning of their SHA-256.
    """
    made = [
        [_name(cell, output, has_number=len(outputs) > 1) for output in outputs]
        for cell, outputs in ((cell, one.outputs) for cell, one in zip(plan.cells, standings, strict=True))
    ]
    count = Counter(name.casefold() for names in made for name in names)
    taken = {name for name, times in count.items() if times == 1}
    for names, standing in zip(made, standings, strict=True):
        for at, (name, output) in enumerate(zip(names, standing.outputs, strict=True)):
            if count[name.casefold()] > 1:
                names[at] = _other(name, output.sha256, taken)
                taken.add(names[at].casefold())
    return made


def _name(cell: Cell, output: OutputRecord, *, has_number: bool) -> str:
    stem = _stem(cell)
    return target_of("/", stem, output.index, output.mime).name if has_number else f"{stem}{_suffix(output)}"


def _suffix(output: OutputRecord) -> str:
    return target_of("/", "one", 0, output.mime).suffix


def _other(name: str, digest: str, taken: set[str]) -> str:
    """Return a name that is not taken: with the beginning of a digest, and a number where that is not enough."""
    path = PurePath(name)
    first = f"{path.stem}-{digest[:8]}"
    stem, number = first, 1
    while f"{stem}{path.suffix}".casefold() in taken:
        number += 1
        stem = f"{first}-{number}"
    return f"{stem}{path.suffix}"


def _stem(cell: Cell) -> str:
    """
    Return what the files of a cell begin with: names and values of the axes in letters, digits and hyphens.

    >>> _stem(Cell(0, {"images": "Mug 2.png", "colour": "deep/red", "seed": "0"}, {}))
    'Mug-2-colour-deep-red-seed-0'
    >>> _stem(Cell(0, {}, {})), _stem(Cell(0, {"colour": "../…"}, {}))
    ('picture', 'colour')
    """
    said = []
    for axis, value in cell.at.items():
        if axis not in {"images", "prompt"}:
            said.append(axis)
        said.append(
            re.sub(r"\.(png|jpe?g|webp|gif|bmp|tiff?|heic|avif)\b", "", value, flags=re.IGNORECASE)
            if axis == "images"
            else value
        )
    text = re.sub(r"[^\w.]+", "-", unicodedata.normalize("NFC", " ".join(said)))
    text = re.sub(r"-?\.(?!\d)|(?<!\d)\.|-+", "-", text).strip("-._")
    return text.encode()[:LONGEST].decode(errors="ignore").rstrip("-._") or "picture"
