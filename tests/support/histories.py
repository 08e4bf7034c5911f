"""Stores full of edits whose pictures can be told apart, for what shows a history."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from PIL import Image

from nbbanana.store import OutputRecord, Store
from support.stores import generated

__all__ = ["fill", "painted"]


def painted(number: int, size: tuple[int, int] = (96, 72)) -> bytes:
    """A small picture that no other number below 60,000 has."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    tint = Image.new("RGB", image.size, (number % 251, number // 251, number * 91 % 256))
    file = io.BytesIO()
    Image.blend(image, tint, 0.6).save(file, "PNG", compress_level=1)
    return file.getvalue()


def fill(folder: Path, many: int, pictured: Iterable[int], size: tuple[int, int] = (96, 72)) -> Path:
    """A store with so many edits; those at the places of `pictured` have pictures of their own."""
    with Store.open(folder) as store:
        edits = list(generated(many))
        for number in pictured:
            data = painted(number, size)
            output = OutputRecord(0, store.put(data), "image/png", *size, len(data))
            edits[number] = replace(edits[number], outputs=(output,))
        assert store.take_in(edits) == many
    return folder
