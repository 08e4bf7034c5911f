"""
Several ES modules as one: a front end is handed one text, and people read small files.

The rules are narrow, so that no bundler is needed and the files also load by themselves in a browser:

- `import { a, b } from "./other.js";` at the beginning of lines, without renaming;
- `export function`, `export const`, `export class`; the entry alone has `export default`.

All modules share one scope once they are joined, so that a name stands for one thing in all of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

__all__ = ["STATIC", "join", "style"]

STATIC = Path(__file__).parent / "static"
"""The folder with the JavaScript and the CSS."""

_IMPORT = re.compile(r'^import\s*\{[^{}]*\}\s*from\s*"(?P<path>\.{1,2}/[^"]+)";[ \t]*\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|const|class)", re.MULTILINE)
_LEFT = re.compile(r"^(?:import\b|export (?!default)).*$", re.MULTILINE)


@lru_cache(maxsize=16)
def join(entry: str) -> str:
    """
    The module at `entry` under `static/` with all that it imports, as the text of one module.

    Raises:
        ValueError: an import or export that the rules of this module do not know.

    >>> "import" in join("studio/main.js").split("export default")[1]
    False
    """
    parts: dict[Path, str] = {}
    _collect((STATIC / entry).resolve(), parts)
    return "\n".join(parts.values())


@lru_cache(maxsize=16)
def style(*names: str) -> str:
    """The shared theme and the named style sheets under `static/`, as one."""
    return "\n".join((STATIC / name).read_text("utf-8") for name in ("theme.css", *names))


def _collect(path: Path, parts: dict[Path, str]) -> None:
    """Put a module behind all that it imports."""
    if path in parts:
        return
    text = path.read_text("utf-8")
    for found in _IMPORT.finditer(text):
        _collect((path.parent / found["path"]).resolve(), parts)
    bare = _EXPORT.sub("", _IMPORT.sub("", text))
    if left := _LEFT.search(bare):
        raise ValueError(f"{path.name}: {left.group()!r} is no import or export that can be joined")
    parts[path] = f"// {path.relative_to(STATIC).as_posix()}\n{bare}"
