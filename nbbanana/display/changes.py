"""What changed: two edits side by side, and how a picture came about step by step."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import chain
from typing import TYPE_CHECKING, Any

from nbbanana.display import words
from nbbanana.display.render import render
from nbbanana.display.thumbs import data_uri, encode, load

if TYPE_CHECKING:
    from nbbanana.display.views import DiffView, LineageNode, Picture

__all__ = ["diff_bundle", "lineage_bundle", "word_diff"]

SIDE, NODE_SIDE = 160, 56
"""CSS pixels of a picture of a diff, and of a node of a lineage."""
TOKEN = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W぀-ヿ㐀-鿿가-힯]+|\s+|.", re.DOTALL)
"""A word, a space or a sign; Chinese, Japanese and Korean have no spaces, so there a character is a word."""

Change = tuple[str, str]


def word_diff(left: str, right: str) -> tuple[Change, ...]:
    """
    Return two texts as one, word by word: pairs of `same`, `gone` or `new` and the text.

    >>> word_diff("a rainy street", "a snowy street")
    (('same', 'a '), ('gone', 'rainy'), ('new', 'snowy'), ('same', ' street'))
    """
    before, after = TOKEN.findall(left), TOKEN.findall(right)
    changes: list[Change] = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            changes.append(("same", "".join(before[a:b])))
            continue
        changes += [("gone", "".join(before[a:b]))] if b > a else []
        changes += [("new", "".join(after[c:d]))] if d > c else []
    return tuple(changes)


def diff_bundle(view: DiffView) -> dict[str, str]:
    """Return two edits side by side: words, parameters and inputs that differ, and the outputs of both."""
    rows = [
        *((name, _value(a), _value(b)) for name, a, b in view.parameters),
        *(("input", _value(a), _value(b)) for a, b in view.inputs),
    ]
    sides = [(view.left, _tiles(view.left_pictures)), (view.right, _tiles(view.right_pictures))]
    return {
        "text/plain": "\n".join(_diff_lines(view, rows)),
        "text/html": render("diff", view=view, rows=rows, sides=sides),
    }


def _diff_lines(view: DiffView, rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    yield f"{view.left} → {view.right}"
    marks = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
    yield "".join(marks[kind].format(words.plain(text)) for kind, text in view.words)
    for name, left, right in rows:
        yield f"  {name}: {words.plain(left)} → {words.plain(right)}"


def _value(value: Any) -> str:
    if value is None:
        return "not set"
    return words.one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _tiles(pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    images = load([picture.source for picture in pictures], [(SIDE, SIDE)] * len(pictures))
    return [
        {
            "uri": data_uri(encode(image, quality=60)) if image else "",
            "width": min(SIDE, image.width) if image else SIDE,
            "height": round(min(SIDE, image.width) * image.height / image.width) if image else SIDE,
            "label": words.one_line(picture.label),
            "alt": words.one_line(picture.label),
        }
        for picture, image in zip(pictures, images, strict=True)
    ]


def lineage_bundle(roots: Sequence[LineageNode], more: str = "") -> dict[str, str]:
    """Return how pictures came about: each edit under the one whose output it took, saying only what changed."""
    nodes = list(chain.from_iterable(map(_all, roots)))
    images = load([node.source for node in nodes], [(NODE_SIDE, NODE_SIDE)] * len(nodes))
    uris = {id(node): image for node, image in zip(nodes, images, strict=True)}

    def shown(node: LineageNode, depth: int) -> dict[str, Any]:
        image = uris[id(node)]
        scale = NODE_SIDE / max(image.size) if image else 1
        return {
            "uri": data_uri(encode(image, quality=55)) if image else "",
            "width": max(1, round(image.width * scale)) if image else NODE_SIDE,
            "height": max(1, round(image.height * scale)) if image else NODE_SIDE,
            "alt": f"First picture of edit {node.edit_id}" if node.edit_id else words.one_line(node.name),
            "name": words.one_line(node.name),
            "facts": [words.one_line(fact) for fact in node.facts],
            "said": words.one_line(node.said, 240),
            "is_current": node.is_current,
            "depth": depth,
            "children": [shown(child, depth + 1) for child in node.children],
        }

    lines = [line for root in roots for line in _tree_lines(root, "", "")]
    return {
        "text/plain": "\n".join([*lines, *([more] if more else [])]),
        "text/html": render("lineage", roots=[shown(root, 0) for root in roots], more=more),
    }


def _all(node: LineageNode) -> Iterator[LineageNode]:
    yield node
    for child in node.children:
        yield from _all(child)


def _tree_lines(node: LineageNode, first: str, rest: str) -> Iterator[str]:
    mark = "▸ " if node.is_current else ""
    facts = f" ({' · '.join(node.facts)})" if node.facts else ""
    yield words.plain(f"{first}{mark}{node.name}{facts}  {words.clip(words.one_line(node.said), 70)}".rstrip())
    for number, child in enumerate(node.children):
        is_last = number == len(node.children) - 1
        yield from _tree_lines(child, rest + ("└─ " if is_last else "├─ "), rest + ("   " if is_last else "│  "))
