"""Objects of other packages that hold a picture: taken, or refused with the way that works."""

from __future__ import annotations

import base64
import importlib.resources
import io
import tempfile
import types
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import ipywidgets
import numpy as np
import pandas as pd
import pytest
from IPython.display import Image as DisplayedImage
from PIL import Image

from nbbanana.errors import ImageError, ImageNotFoundError
from nbbanana.images import load, load_all

from .files import encoded, texture

DATA = encoded("PNG")
IDENTITY = load(DATA).identity


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture, and the tests in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(DATA)
    return tmp_path


def refusal(source: object) -> ImageError:
    """How a source is refused: in three short lines."""
    with pytest.raises(ImageError) as caught:
        load(source)
    assert len(caught.value.lines) == 3
    assert max(map(len, caught.value.lines)) < 400
    return caught.value


def sdk_image(**attributes: object) -> object:
    """An object as client libraries have it."""
    return types.SimpleNamespace(**attributes)


@pytest.mark.parametrize(
    "source",
    [
        lambda: DisplayedImage(data=DATA),
        lambda: DisplayedImage(filename="a.png"),
        lambda: ipywidgets.Image(value=DATA),
        lambda: sdk_image(image_bytes=DATA, mime_type="image/png"),
        lambda: sdk_image(b64_json=base64.b64encode(DATA).decode()),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_other_packages_call_an_image_is_taken(source: Callable[[], object]) -> None:
    """IPython's, ipywidgets' and those of client libraries."""
    assert load(source()).identity == IDENTITY


def test_an_image_by_its_url_stays_a_url() -> None:
    """A widget and a displayed image may hold an address."""
    url = "https://example.com/a.png"
    assert load(DisplayedImage(url=url)).url == url
    assert load(ipywidgets.Image(value=url.encode(), format="url")).url == url


def test_a_path_inside_of_an_archive_or_a_package_is_taken(folder: Path) -> None:
    """A path need not lie in the file system; one that names nothing is not found."""
    with zipfile.ZipFile(folder / "shots.zip", "w") as archive:
        archive.writestr("day 1/a.png", DATA)
    inside = zipfile.Path(folder / "shots.zip")
    assert load(inside / "day 1" / "a.png").identity == IDENTITY
    assert load(inside / "day 1" / "a.png").name == "a.png"
    with pytest.raises(ImageNotFoundError):
        load(inside / "b.png")
    assert load(importlib.resources.files("nbbanana.samples") / "still_life.webp").format == "WEBP"


@pytest.mark.parametrize("make", [pd.Series, pd.Index, np.array, lambda paths: pd.Series(paths, dtype="category")])
def test_a_column_of_paths_is_a_list_of_pictures(folder: Path, make: Callable[[Any], Any]) -> None:
    """A Series, an Index and an array of texts are no pixels; their order counts."""
    (folder / "b.png").write_bytes(encoded("PNG", texture(size=(5, 4))))
    assert [image.name for image in load_all(make(["b.png", "a.png"]))] == ["b.png", "a.png"]


def test_a_column_of_images_is_a_list_of_pictures() -> None:
    """What a table holds may be pictures themselves."""
    column = pd.Series([texture(size=(5, 4)), texture(size=(6, 4))])
    assert [image.width for image in load_all(column)] == [5, 6]


def test_a_table_is_no_picture() -> None:
    """Its columns do not say which of them holds the pictures."""
    assert "array" in refusal(pd.DataFrame({"path": ["a.png"], "n": ["x"]})).what


def test_a_figure_is_drawn() -> None:
    """Whatever saves itself like a figure of matplotlib."""

    class Figure:
        def savefig(self, file: Any, format: str) -> None:  # noqa: A002 (matplotlib's own word)
            texture(size=(9, 7)).save(file, format)

    found = load(Figure())
    assert (found.width, found.height, found.name) == (9, 7, "figure 9×7")
    assert found.identity == load(texture(size=(9, 7))).identity


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("make", [tempfile.TemporaryFile, tempfile.NamedTemporaryFile, tempfile.SpooledTemporaryFile])
def test_a_file_just_written_is_read_from_its_beginning(make: Callable[[], Any]) -> None:
    """After a save() it stands at its end: what is meant is all of it, and it stays where it stood."""
    with make() as file:
        file.write(DATA)
        assert load(file).identity == IDENTITY
        assert file.tell() == len(DATA)


def test_a_file_that_cannot_be_moved_in_is_read_as_it_comes() -> None:
    """A stream out of a network has one direction."""

    class Stream(io.RawIOBase):
        def __init__(self) -> None:
            self._rest = DATA

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            taken, self._rest = self._rest[:size], self._rest[size:]
            return taken

    assert load(Stream()).identity == IDENTITY


def test_a_file_that_gives_no_bytes_is_refused_with_the_way(folder: Path) -> None:
    """Open as text, closed, or open for writing only."""
    with Path("a.png").open(encoding="utf-8") as text:
        assert '"rb"' in refusal(text).how
    assert "closed" in refusal(text).what
    with Path("a.png").open("rb") as file:
        pass
    assert "with block" in refusal(file).how
    with (folder / "b.png").open("wb") as writing:
        assert '"rb"' in refusal(writing).how
    assert "str, not bytes" in refusal(types.SimpleNamespace(read=lambda size: "text")).what


def test_what_only_looks_like_a_file_is_refused_with_the_way() -> None:
    """A response, a coroutine's read, a module and a class have a read of another kind."""

    class Later:
        async def read(self, size: int = -1) -> bytes:
            return DATA

    assert "response.content" in refusal(httpx.Response(200, content=DATA)).how
    assert "await" in refusal(Later()).how
    assert "module" in refusal(types.ModuleType("read_me")).what
    assert "class" in refusal(io.BytesIO).what


def test_a_file_whose_reading_fails_says_why() -> None:
    """Whatever a foreign object raises is said in its words."""

    class Broken:
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError("the other side hung up")

    assert "the other side hung up" in refusal(Broken()).why


# ── PIL and arrays ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("folder")
def test_a_closed_image_is_said_to_be_closed() -> None:
    """An image of a file whose pixels were not read, and one in memory."""
    with Image.open("a.png") as image:
        pass
    assert "with block" in refusal(image).how
    assert "with block" in refusal([image][0]).how
    with pytest.raises(ImageError, match="closed"):
        load_all([image])
    in_memory = texture()
    in_memory.close()
    assert "closed" in refusal(in_memory).what
    with Image.open("a.png") as read:
        read.load()
    assert load(read).width == 96


def test_asking_whether_a_value_is_an_array_runs_none_of_its_code() -> None:
    """It may compute gigabytes."""

    class Lazy:
        @property
        def __array_interface__(self) -> Any:
            raise AssertionError("asked")

    with pytest.raises(ImageError, match="cannot be read as an array"):
        load(Lazy())
    assert load_all([DATA]) == (load(DATA),)


def test_an_array_that_refuses_to_be_one_says_why() -> None:
    """PyTorch's tensors on a graphics card raise a TypeError."""

    class Tensor:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise TypeError("can't convert cuda:0 device type tensor to numpy.")

    error = refusal(Tensor())
    assert "cuda:0" in error.why
    assert ".cpu()" in error.how


@pytest.mark.parametrize("value", [np.float32(1.0000001), 1.0005, -0.0004])
def test_floats_that_are_off_by_rounding_are_taken(value: float) -> None:
    """A computation in float32 ends a little outside of 0..1."""
    assert load(np.full((4, 4), value)).width == 4


def test_floats_that_are_no_picture_get_the_way_that_fits_them() -> None:
    """The digits show what is wrong, and no advice makes the picture black."""
    assert "1.002" in refusal(np.full((4, 4), 1.002)).what
    assert "/ 255" not in refusal(np.linspace(0, 1.5, 16).reshape(4, 4)).how
    assert "/ 255" in refusal(np.linspace(0, 255, 16).reshape(4, 4)).how
    assert "(array + 1) / 2" in refusal(np.linspace(-1, 1, 16).reshape(4, 4)).how
    assert "NaN" in refusal(np.full((4, 4), np.nan)).what


# ── names ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("written", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_a_name_is_found_in_either_spelling_of_its_accents(folder: Path, written: Any, asked: Any) -> None:
    """macOS decomposes what keyboards compose; folders and globs too."""
    name = "Été/café ñ.png"
    place = folder / unicodedata.normalize(written, name)
    place.parent.mkdir()
    place.write_bytes(DATA)
    assert load(unicodedata.normalize(asked, name)).identity == IDENTITY
    assert load(Path(unicodedata.normalize(asked, name))).identity == IDENTITY
    assert load(unicodedata.normalize(asked, "Été/caf*.png")).identity == IDENTITY


@pytest.mark.parametrize(
    "text", [base64.b64encode(DATA * 9).decode(), base64.encodebytes(encoded("JPEG") * 9).decode()]
)
def test_long_base64_is_clipped_and_told_what_is_missing(text: str) -> None:
    """The head of a data URI is missing."""
    error = refusal(text)
    assert "data:image/png;base64," in error.how
    assert len(str(error)) < 500


def test_any_long_name_is_clipped() -> None:
    """A text of a megabyte is no message."""
    assert len(str(refusal("x.y " * 250_000))) < 1000


def test_folders_with_brackets_in_their_names_are_folders(folder: Path) -> None:
    """What exists is a name, and the rest is a pattern; the folder's own advice works."""
    (folder / "Client [final]").mkdir()
    (folder / "Client [final]" / "a.png").write_bytes(DATA)
    error = refusal("Client [final]")
    assert "'Client [final]/*.png'" in error.how
    assert load_all("Client [final]/*.png")[0].identity == IDENTITY
    assert load_all(str(folder / "Client [final]" / "[ab].png"))[0].identity == IDENTITY
    (folder / "empty").mkdir()
    assert "*" not in refusal("empty").how
