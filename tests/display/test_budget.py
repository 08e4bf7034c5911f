"""A cell's output weighs what it may, and the pictures in it are as good as that allows."""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.markup import read

from nbbanana.display import Picture, ResultView, bundle, thumbs
from nbbanana.images import thumbnails


def weight(data: dict[str, Any]) -> int:
    return len(json.dumps(data))


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def outputs(data: dict[str, Any]) -> list[Image.Image]:
    """The pictures of the grid, without those of the header."""
    pictures = [one for one in read(data["text/html"]).all("img") if one.attributes["alt"].find("Picture ") >= 0]
    return [opened(one.attributes["src"]) for one in pictures]


@pytest.fixture
def of_large(view: Callable[..., ResultView], large: list[Path]) -> Callable[[int], ResultView]:
    """A view of so many outputs of 4096×4096."""

    def make(count: int) -> ResultView:
        pictures = [
            Picture(f"neon[{n}]", large[n % 4], 4096, 4096, "image/jpeg", large[n % 4].stat().st_size, n)
            for n in range(count)
        ]
        return view(count, pictures=tuple(pictures))

    return make


@pytest.mark.nightly
@pytest.mark.parametrize(("count", "most", "sharpest"), [(1, 250_000, 700), (4, 250_000, 330), (16, 300_000, 160)])
def test_grain_at_4096_pixels_fits(of_large: Callable[[int], ResultView], count: int, most: int, sharpest: int) -> None:
    """Up to four outputs of 4096×4096 fit into 250 kB, and have more pixels than they are shown at."""
    data, _ = bundle(of_large(count))
    assert weight(data) <= most
    found = outputs(data)
    assert len(found) == count
    assert min(picture.width for picture in found) >= sharpest


@pytest.mark.nightly
def test_eighty_of_4096_pixels_fit(of_large: Callable[[int], ResultView]) -> None:
    """Eighty outputs of 4096×4096 fit into 500 kB, every one with its picture and on the contact sheet."""
    data, _ = bundle(of_large(80))
    assert weight(data) <= 500_000
    found = outputs(data)
    assert len(found) == 80
    assert min(picture.width for picture in found) >= 80
    sheet = Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"])))
    assert sheet.width > 400


@pytest.mark.nightly
def test_what_is_allowed_is_used(of_large: Callable[[int], ResultView]) -> None:
    """A larger budget gives better pictures, and at most what it says; no budget is left lying about."""
    weights = [weight(bundle(of_large(2), budget=budget)[0]) for budget in (40_000, 80_000, 160_000)]
    assert weights == sorted(weights)
    assert weights[0] <= 40_000
    assert 80_000 * 0.6 <= weights[1] <= 80_000
    assert 160_000 * 0.6 <= weights[2] <= 160_000


def test_without_room_for_pictures_the_words_remain(view: Callable[..., ResultView]) -> None:
    """A budget that no picture fits into gives the frames, the captions, and a sentence about it."""
    data, metadata = bundle(view(4), budget=500)
    page = read(data["text/html"])
    assert "left out here, to stay within 500 bytes" in page.text
    assert [one.text for one in page.all("code")][:4] == ["neon[0]", "neon[1]", "neon[2]", "neon[3]"]
    assert "image/jpeg" not in data
    assert "image/jpeg" not in metadata


def test_small_originals_are_not_blown_up(view: Callable[..., ResultView]) -> None:
    """An output of 320×200 is put into the notebook with its own pixels."""
    assert {picture.size for picture in outputs(bundle(view(3))[0])} == {(320, 200)}


def test_each_original_is_decoded_once(view: Callable[..., ResultView], monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the quality is tried, an original is read and decoded one time."""
    real, seen = thumbnails.shrunk, Counter[int]()

    def counted(source: Any, **options: Any) -> Image.Image:
        seen[id(source)] += 1
        return real(source, **options)

    monkeypatch.setattr(thumbs, "shrunk", counted)
    given = view(4)
    pictures = tuple(
        Picture(one.label, bytes(bytearray(one.source)), 320, 200)
        for one in given.pictures
        if isinstance(one.source, bytes)
    )
    bundle(view(4, pictures=pictures, inputs=()), budget=20_000)
    assert [seen[id(one.source)] for one in pictures] == [1, 1, 1, 1]


def test_an_input_of_many_cells_is_decoded_once(
    view: Callable[..., ResultView], tmp_path: Path, small: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small copies of files are kept, and made anew where the file is another one."""
    real, seen = thumbnails.shrunk, Counter[Path]()

    def counted(source: Any, **options: Any) -> Image.Image:
        if isinstance(source, Path):
            seen[source] += 1
        return real(source, **options)

    monkeypatch.setattr(thumbs, "shrunk", counted)
    file = tmp_path / "portrait.png"
    file.write_bytes(small)
    given = view(1, inputs=(Picture("portrait.png", file, 320, 200),))
    assert bundle(given) == bundle(given)
    assert seen == {file: 1}
    file.write_bytes(small + bytes(1))
    bundle(given)
    assert seen == {file: 2}


def test_equal_views_give_equal_bundles(view: Callable[..., ResultView]) -> None:
    """A notebook that runs again has the same output, byte for byte."""
    assert bundle(view(6)) == bundle(view(6))


def test_a_lost_file_leaves_a_frame(view: Callable[..., ResultView], tmp_path: Path, small: bytes) -> None:
    """One output whose file is gone or damaged costs its own picture and nothing else."""
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(small[:200])
    pictures = (
        Picture("neon[0]", small, 320, 200),
        Picture("neon[1]", tmp_path / "gone.png", 320, 200),
        Picture("neon[2]", damaged, 320, 200),
        Picture("neon[3]", None, 320, 200),
    )
    data, _ = bundle(view(4, pictures=pictures))
    assert len(outputs(data)) == 1
    assert len(read(data["text/html"]).all("td")) == 4
    assert str(tmp_path) not in json.dumps(data)
