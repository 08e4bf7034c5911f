"""A plan as a file, which says the same to a shell or another machine: JSON, and its pictures in a folder beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbbanana._version import __version__
from nbbanana.errors import ImageError, InputError, PlanError, UsageError
from nbbanana.grammar import read_words, written_words
from nbbanana.images import ImageInput, data_of, load, open_safely
from nbbanana.images.reading import checked_size
from nbbanana.regions import Area, area_of
from nbbanana.request import MOST_REQUESTS
from nbbanana.session import Session
from nbbanana.sweeps.plan import Axis, Cell, Plan
from nbbanana.sweeps.planning import filled

__all__ = ["read_plan", "write_plan"]

FORMAT, VERSION = "nbbanana sweep", 1
MOST_BYTES = 256 * 1024 * 1024
"""A larger plan file is not read."""
SUFFIXES = {"JPEG": ".jpg", "PIXELS": ".png"}


def write_plan(plan: Plan, path: Path) -> None:
    """
    Write a plan, with its seeds, and its pictures into `<name>-pictures` beside it.

    Nothing in it names a folder of this machine or holds a key. It says what is asked and not what came back.

    Raises:
        UsageError: a picture whose address may be signed, or a mask of a cell.
        OSError: a file that cannot be written.
    """
    pictures: dict[str, dict[str, str]] = {}
    folder = path.with_name(f"{path.stem}-pictures")
    cells = [_cell_as_json(cell, folder, pictures) for cell in plan.cells]
    content = {
        "format": FORMAT,
        "version": VERSION,
        "nbbanana": __version__,
        "axes": [{"name": axis.name, "names": list(axis.names)} for axis in plan.axes],
        "locks": dict(plan.locks),
        "words": list(plan.words),
        "pictures": pictures,
        "cells": cells,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_plan(path: Path, session: Session) -> Plan:
    """
    Read a plan; each cell is checked anew, by the model as it is known here.

    Raises:
        PlanError: no plan, one of a newer version, or one whose pictures are not those that it names.
    """
    content = _content(path)
    pictures = {key: _picture(path, key, entry) for key, entry in _taken("It", content, "pictures", dict, {}).items()}
    axes = tuple(_axis(one) for one in _taken("It", content, "axes", list, []))
    entries = _taken("It", content, "cells", list, [])
    if len(entries) > MOST_REQUESTS:
        raise _damaged(f"It has {len(entries):,} cells; at most {MOST_REQUESTS:,} are planned at once.")
    cells = tuple(_cell(number, entry, pictures, session) for number, entry in enumerate(entries))
    if cells and all(cell.error is not None for cell in cells):
        raise next(cell.error for cell in cells if cell.error is not None)
    return Plan(axes, cells, _taken("It", content, "locks", dict, {}), _words(content, cells))


def _words(content: Mapping[str, Any], cells: Sequence[Cell]) -> tuple[str, ...]:
    """Return the prompts as they were written; empty where a cell asks something else than they say when filled."""
    words = tuple(str(one) for one in _taken("It", content, "words", list, []))
    for cell, entry in zip(cells, content["cells"], strict=True):
        if cell.request is not None:
            asked = read_words(entry["prompt"])
            if all(read_words(filled(one, cell.at)) != asked for one in words if one.strip()):
                return ()
    return words


def _cell_as_json(cell: Cell, folder: Path, pictures: dict[str, dict[str, str]]) -> dict[str, Any]:
    entry: dict[str, Any] = {"at": dict(cell.at)}
    if cell.provider is not None:
        entry["provider"] = cell.provider
    request = cell.request
    if request is None:
        return entry | {"error": list(cell.error.lines) if cell.error else []}
    if request.mask is not None:
        raise UsageError(
            "A plan with a mask cannot be written to a file.",
            "A mask fits one picture and stays with the cell that made it.",
            "Run the sweep here: sweep.run().",
        )
    words = request.prompt_field
    entry |= {
        "prompt": written_words(request.prompt, request.parts, request.model),
        "images": [_picture_as_json(image, folder, pictures) for image in request.images],
        "model": request.model if request.model_named else None,
        "parameters": {name: value for name, value in request.parameters.items() if name != words},
    }
    if request.region is not None:
        entry["region"] = request.region.as_json()
    return entry | ({"sample": cell.sample} if cell.sample else {})


def _picture_as_json(image: ImageInput, folder: Path, pictures: dict[str, dict[str, str]]) -> str:
    """Write a picture once, and return the key under which the plan has it."""
    key = hashlib.sha256(image.identity.encode()).hexdigest()[:16]
    if key in pictures:
        return key
    if (data := data_of(image)) is None:
        if image.url is None or "?" in image.url:
            raise UsageError(
                f"{image.name} cannot be named in a plan.",
                "Its address has a part that may be a signature, and a plan is read by others.",
                "Load the picture and give its file, or an address without a query.",
            )
        pictures[key] = {"name": image.name, "url": image.url}
        return key
    digest = hashlib.sha256(data).hexdigest()
    suffix = SUFFIXES.get(image.format or "", f".{(image.format or 'png').lower()}")
    file = folder / f"{digest}{suffix}"
    folder.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_bytes(data)
    pictures[key] = {
        "name": image.name,
        "file": f"{folder.name}/{file.name}",
        "sha256": digest,
        "by": "pixels" if image.identity.startswith("pixels:") else "file",
    }
    return key


def _content(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _damaged("It is too large.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"{path.name} cannot be read.", error.strerror or "", "Check the name.") from None
    except (ValueError, RecursionError):
        raise _damaged("It is not JSON.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _damaged("It is not a plan of a sweep.")
    if content.get("version") != VERSION:
        raise PlanError(
            f"{path.name} is a plan of another version.",
            f"It says {content.get('version')!r:.20}; this nbbanana reads version {VERSION}.",
            "Update nbbanana: pip install -U nbbanana.",
        )
    return content


def _picture(path: Path, key: str, entry: Any) -> ImageInput:
    """Load a picture of a plan; its bytes must be those that the plan names."""
    of = f"The picture {key:.20}"
    name, url = _taken(of, entry, "name", str), _taken(of, entry, "url", str, "")
    if url:
        return load(url, name=name)
    file = _taken(of, entry, "file", str)
    if len(Path(file).parts) != 2 or ".." in Path(file).parts or Path(file).is_absolute():
        raise _damaged(f"{of} is not in a folder beside the plan.")
    try:
        data = checked_size((path.parent / file).read_bytes(), name)
    except OSError as error:
        raise PlanError(
            f"A picture of the plan is not there: {file}.",
            error.strerror or "",
            f"Copy the folder {Path(file).parent} along with the plan.",
        ) from None
    if hashlib.sha256(data).hexdigest() != entry.get("sha256"):
        raise PlanError(f"{file} is not the picture that the plan names.", "Its bytes are others.", "Copy it anew.")
    return load(open_safely(data) if entry.get("by") == "pixels" else data, name=name)


def _cell(number: int, entry: Any, pictures: Mapping[str, ImageInput], session: Session) -> Cell:
    of = f"Cell {number}"
    at = {name: str(value) for name, value in _taken(of, entry, "at", dict, {}).items()}
    provider = _taken(of, entry, "provider", str | None)
    bare = Cell(number, at, at, provider=provider)
    if "error" in entry:
        lines = [str(line) for line in _taken(of, entry, "error", list) if line][:3] or ["It cannot be asked."]
        return replace(bare, error=InputError(*lines))
    try:
        images = [pictures[str(key)] for key in _taken(of, entry, "images", list, [])]
    except KeyError as error:
        raise _damaged(f"{of} has a picture that the plan does not hold: {error.args[0]!r:.40}.") from None
    words, model = _taken(of, entry, "prompt", str), _taken(of, entry, "model", str | None)
    sample = _taken(of, entry, "sample", int, 0)
    if sample < 0:
        raise _damaged(f"{of} has a sample below 0.")
    try:
        request = session.request(
            read_words(words),
            images,
            model=model,
            provider=provider,
            parameters=_taken(of, entry, "parameters", dict, {}),
            region=_area(of, entry["region"]) if "region" in entry else None,
        )
    except (InputError, ImageError) as error:
        return replace(bare, error=error)
    return replace(bare, request=request, sample=sample)


def _area(of: str, row: Any) -> Area:
    try:
        return area_of(row)
    except (UsageError, KeyError, TypeError, ValueError):
        raise _damaged(f"{of} has a region that is none.") from None


def _axis(entry: Any) -> Axis:
    names = tuple(map(str, _taken("An axis", entry, "names", list, [])))
    return Axis(_taken("An axis", entry, "name", str), names, names)


def _taken(of: str, entry: Any, name: str, kind: Any, default: Any = None) -> Any:
    """Return an entry's value of a name; raises where it is of another kind, or where there is no entry at all."""
    found = entry.get(name, default) if isinstance(entry, dict) else ...
    if not isinstance(found, kind) or isinstance(found, bool):
        raise _damaged(f"{of} has no {name} that can be read.")
    return found


def _damaged(why: str) -> PlanError:
    return PlanError("The file is no plan that can be run.", why, 'Write it anew: sweep.save("plan.json").')
