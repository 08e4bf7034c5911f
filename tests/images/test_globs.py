"""Globs give files in the order in which people count."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbbanana.errors import ImageError, ImageNotFoundError
from nbbanana.images import load, load_all
from nbbanana.images.reading import MOST_FILES, natural_key

from .files import encoded


@pytest.fixture
def shots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with numbered pictures, and the tests in it."""
    monkeypatch.chdir(tmp_path)
    for name in ("img10.png", "img2.png", "IMG1.png", "img2b.png", "day 2/a.png", "day 10/a.png", "[x].png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encoded("PNG"))
    return tmp_path


def names(pattern: str) -> list[str]:
    """What a pattern gives, by name."""
    return [found.name for found in load_all(pattern)]


@pytest.mark.usefixtures("shots")
def test_two_comes_before_ten() -> None:
    """Numbers in names count as numbers, capitals do not matter."""
    assert names("[Ii][Mm][Gg]*.png") == ["IMG1.png", "img2.png", "img2b.png", "img10.png"]


def test_folders_are_gone_through_and_left_out(shots: Path) -> None:
    """`**` descends; a folder that matches is no picture."""
    (shots / "folder.png").mkdir()
    assert len(names("**/*.png")) == 7
    assert [Path(path).name for path in names("day*/*.png")] == ["a.png", "a.png"]
    assert load_all("day*/*.png")[0] == load("day 2/a.png")


@pytest.mark.usefixtures("shots")
def test_a_file_with_brackets_in_its_name_is_that_file() -> None:
    """A pattern that is the name of a file is no pattern."""
    assert load("[x].png").name == "[x].png"


@pytest.mark.usefixtures("shots")
def test_one_match_is_one_picture() -> None:
    """Where one picture is asked for, a pattern may match one, not several."""
    assert load("img1?.png").name == "img10.png"
    with pytest.raises(ImageError, match=r"matches 2 files[^$]*'img2\.png'"):
        load("img2*.png")


@pytest.mark.usefixtures("shots")
def test_no_match_is_an_error() -> None:
    """An empty list would be a request without its pictures."""
    with pytest.raises(ImageNotFoundError) as caught:
        load_all("*.jpeg")
    assert caught.value.lines[0] == "'*.jpeg' matches no file."
    assert len(caught.value.lines) == 3
    with pytest.raises(ImageNotFoundError, match="no folder"):
        load_all("nowhere/*.png")


def test_what_is_no_picture_among_them_is_named(shots: Path) -> None:
    """Nothing is left out silently."""
    (shots / "img3.png").write_text("no picture")
    with pytest.raises(ImageError, match=r"'img3\.png'"):
        load_all("img*.png")


def test_too_many_matches_are_a_mistake(tmp_path: Path) -> None:
    """A pattern over a whole disk ends."""
    for number in range(MOST_FILES + 1):
        (tmp_path / f"{number}.png").touch()
    with pytest.raises(ImageError, match="Narrow the pattern"):
        load_all(f"{tmp_path}/*.png")


@given(st.lists(st.text(st.sampled_from("aB019._-é²"), max_size=6)))
def test_the_order_is_total(texts: list[str]) -> None:
    """Any names can be sorted, and equal keys are equal names."""
    backwards = texts[::-1]
    assert sorted(texts, key=natural_key) == sorted(backwards, key=natural_key)
    assert len({natural_key(text) for text in texts}) == len(set(texts))


@given(st.lists(st.integers(0, 10**6), min_size=2))
def test_numbers_sort_as_numbers(numbers: list[int]) -> None:
    """Whatever stands around them."""
    paths = [f"a/shot {number} final.png" for number in numbers]
    assert sorted(paths, key=natural_key) == [f"a/shot {number} final.png" for number in sorted(numbers)]
