"""What changed: two edits side by side, a few pictures side by side, and how a picture came about step by step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import chain, takewhile
from string import ascii_uppercase
from typing import Any

from nbbanana.display.drift_views import figure_table, three_tiles
from nbbanana.display.result_parts import layout
from nbbanana.display.thumbs import data_uri, fitted, heated, legend, load, squares, within
from nbbanana.display.views import ComparisonView, DiffView, LineageNode, PairView, Picture
from nbbanana.text import clip, one_line, plain, render, written

__all__ = ["around", "comparison_bundle", "diff_bundle", "lineage_bundle", "phrases", "word_diff"]

PAIR_SIDE, SIDE, NODE_SIDE, COMPARED_SIDE = 240, 160, 56, 360
"""CSS pixels of the longer side of a picture in a diff of one pair and of several, in a lineage, in a comparison."""
PAIRS_BYTES = 150_000
"""Bytes of base64 that all pairs of a diff may weigh together."""
COMPARED_BYTES = 200_000
"""Bytes of base64 that all pictures of a comparison may weigh together."""
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
        gone, new = "".join(before[a:b]), "".join(after[c:d])
        changes += [("same", gone)] if kind == "equal" else [("gone", gone), ("new", new)]
    return tuple(change for change in changes if change[1])


def phrases(changes: Sequence[Change]) -> tuple[Change, ...]:
    """
    Return changes that only a space keeps apart as one, so that phrases are read and not words in turns.

    >>> phrases([("gone", "rainy"), ("new", "dry"), ("same", " "), ("gone", "day"), ("new", "night"), ("same", ".")])
    (('gone', 'rainy day'), ('new', 'dry night'), ('same', '.'))
    """
    found: list[Change] = []
    gone = new = ""
    for place, (kind, text) in enumerate(changes):
        joins = bool(gone or new) and not text.strip() and place + 1 < len(changes)
        if kind == "same" and not joins:
            found += [("gone", gone), ("new", new), (kind, text)]
            gone = new = ""
            continue
        gone += text if kind != "new" else ""
        new += text if kind != "gone" else ""
    return tuple(change for change in (*found, ("gone", gone), ("new", new)) if change[1])


def around(texts: Sequence[str]) -> tuple[str, list[str], str]:
    """
    Return the words that all of several texts begin with, what each has between, and the words that all end with.

    >>> around(["a rainy street", "a dark and snowy street"])
    ('a ', ['rainy', 'dark and snowy'], ' street')
    """
    tokens = [TOKEN.findall(text) for text in texts]
    before = _common_start(tokens)
    rest = [one[len(before) :][::-1] for one in tokens]
    after = _common_start(rest)
    parts = ["".join(one[len(after) :][::-1]) for one in rest]
    return "".join(before), parts, "".join(after[::-1])


def _common_start(tokens: Sequence[Sequence[str]]) -> list[str]:
    return [one[0] for one in takewhile(lambda one: len(set(one)) == 1, zip(*tokens, strict=False))]


def diff_bundle(view: DiffView) -> dict[str, str]:
    """Return two edits as one view: words, parameters and inputs that differ, and what changed between the pictures."""
    rows = [
        *((name, _value(a), _value(b)) for name, a, b in view.parameters),
        *(("input", _value(a), _value(b)) for a, b in view.inputs),
    ]
    side = PAIR_SIDE if len(view.pairs) == 1 else SIDE
    html = render(
        __package__,
        "diff",
        view=view,
        rows=rows,
        pairs=_pairs(view.pairs, side, PAIRS_BYTES),
        others=_tiles(view.others),
        layout=layout(3),
        legend=data_uri(legend(), "image/png"),
        width=3 * side + 2 * 12,
    )
    return {"text/plain": "\n".join(_diff_lines(view, rows)), "text/html": html}


def _pairs(pairs: Sequence[PairView], side: int, room: int) -> list[dict[str, Any]]:
    """Return for each pair what a template shows: both pictures and, where it was measured, the heat map."""
    sources = [picture.source for pair in pairs for picture in (pair.left, pair.right)]
    images = load(sources, [(side, side)] * len(sources))
    shown = [
        (*images[2 * at : 2 * at + 2], heated(images[2 * at + 1], pair.change) if pair.change else None)
        for at, pair in enumerate(pairs)
    ]
    files = fitted([image for three in shown for image in three], room) or [None] * (3 * len(shown))
    return [
        {
            "tiles": three_tiles(pair.left, pair.right, pair.sentence, three, files[3 * at : 3 * at + 3], side),
            "sentence": pair.sentence,
            "table": figure_table(pair.change.figures) if pair.change else None,
        }
        for at, (pair, three) in enumerate(zip(pairs, shown, strict=True))
    ]


def _diff_lines(view: DiffView, rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    yield f"{plain(view.left)} → {plain(view.right)}"
    if view.words:
        yield _marked(view.words)
    for name, left, right in rows:
        yield f"  {name}: {plain(left)} → {plain(right)}"
    for pair in view.pairs:
        names = f"{one_line(pair.left.label)} → {one_line(pair.right.label)}: " if len(view.pairs) > 1 else ""
        yield from _pair_lines(pair, names)
    if view.note:
        yield view.note


def _pair_lines(pair: PairView, names: str = "") -> Iterator[str]:
    """Return what changed between two pictures as lines: the sentence, and the figures below it."""
    if pair.sentence:
        yield f"{names}{one_line(pair.sentence, 400)}"
    if pair.change:
        yield from (f"  {line}" for line in figure_table(pair.change.figures).lines)


def _marked(pairs: Iterable[Change]) -> str:
    marks = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
    return "".join(marks[kind].format(plain(text)) for kind, text in pairs)


def _value(value: Any) -> str:
    return "not set" if value is None else written(value)


def _tiles(pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    labels = [one_line(picture.label) for picture in pictures]
    copies = squares([picture.source for picture in pictures], SIDE, 60)
    return [{**square, "label": label, "alt": label} for label, square in zip(labels, copies, strict=True)]


def lineage_bundle(roots: Sequence[LineageNode], more: str = "") -> dict[str, str]:
    """Return how pictures came about: each edit under the one whose output it took, saying only what changed."""
    nodes = list(chain.from_iterable(map(_all, roots)))
    copies = squares([node.source for node in nodes], NODE_SIDE, 55)
    square_of = {id(node): square for node, square in zip(nodes, copies, strict=True)}

    def shown(node: LineageNode, depth: int) -> dict[str, Any]:
        """Return what the template shows of a node and those below it."""
        return {
            **square_of[id(node)],
            "alt": f"First picture of edit {node.edit_id}" if node.edit_id else one_line(node.name),
            "name": one_line(node.name),
            "facts": [one_line(fact) for fact in node.facts],
            "said": one_line(node.said, 240),
            "is_current": node.is_current,
            "depth": depth,
            "children": [shown(child, depth + 1) for child in node.children],
        }

    lines = [line for root in roots for line in _tree_lines(root, "", "")]
    return {
        "text/plain": "\n".join([*lines, *([more] if more else [])]),
        "text/html": render(__package__, "lineage", roots=[shown(root, 0) for root in roots], more=more),
    }


def _all(node: LineageNode) -> Iterator[LineageNode]:
    yield node
    for child in node.children:
        yield from _all(child)


def _tree_lines(node: LineageNode, first: str, rest: str) -> Iterator[str]:
    mark = "▸ " if node.is_current else ""
    facts = f" ({' · '.join(node.facts)})" if node.facts else ""
    yield plain(f"{first}{mark}{node.name}{facts}  {clip(one_line(node.said), 70)}".rstrip())
    for number, child in enumerate(node.children):
        is_last = number == len(node.children) - 1
        yield from _tree_lines(child, rest + ("└─ " if is_last else "├─ "), rest + ("   " if is_last else "│  "))


def comparison_bundle(view: ComparisonView) -> dict[str, str]:
    """Return two to six pictures with a letter each, after the words and the values that differ."""
    images = load([picture.source for picture in view.pictures], [(COMPARED_SIDE, COMPARED_SIDE)] * len(view.pictures))
    change = view.pair.change if view.pair else None
    heat = heated(images[1], change) if change and len(images) == 2 else None
    files = fitted([*images, heat], COMPARED_BYTES) or [None] * (len(images) + 1)
    tiles = [
        {
            "letter": letter,
            "uri": data_uri(file) if file else "",
            "picture": picture,
            **within((picture.width or COMPARED_SIDE, picture.height or COMPARED_SIDE), COMPARED_SIDE),
        }
        for letter, picture, file in zip(ascii_uppercase, view.pictures, files, strict=False)
    ]
    html = render(
        __package__,
        "comparison",
        view=view,
        tiles=tiles,
        letters=ascii_uppercase,
        heat=data_uri(heat_file) if (heat_file := files[-1]) else "",
        table=figure_table(change.figures) if change else None,
        legend=data_uri(legend(), "image/png"),
    )
    return {"text/plain": "\n".join(_comparison_lines(view)), "text/html": html}


def _comparison_lines(view: ComparisonView) -> Iterator[str]:
    for letter, picture in zip(ascii_uppercase, view.pictures, strict=False):
        yield f"{letter}: {plain(picture.label)}"
    if view.words:
        yield _marked(view.words)
    for name, values in view.rows:
        yield f"  {plain(name)}: {' | '.join(map(one_line, values))}"
    if view.same:
        yield f"The same: {', '.join(map(one_line, view.same))}."
    if view.pair:
        yield from _pair_lines(view.pair, "A → B: ")
