"""Whatever a user calls a picture is read, once, and named as they would."""

from __future__ import annotations

import base64
import gc
import hashlib
import io
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nbbanana import images
from nbbanana.errors import ImageError, ImageNotFoundError
from nbbanana.images import ImageInput, load, load_all

from .files import BROKEN, FORMATS, encoded, texture

Photo = Callable[[str], Path]


class Drawn:
    """A result's output, as other rooms make them."""

    def __init__(self, picture: object) -> None:
        self._picture = picture

    def __nbbanana_image__(self) -> Any:
        return self._picture


@pytest.mark.parametrize(
    ("name", "format_", "size"),
    [
        ("portrait", "JPEG", (512, 600)),
        ("astronaut", "PNG", (512, 512)),
        ("rocket", "JPEG", (640, 427)),
        ("coffee", "PNG", (600, 400)),
    ],
)
def test_a_photograph_by_its_path(photo: Photo, name: str, format_: str, size: tuple[int, int]) -> None:
    """A path, as text or as a Path, gives the file's bytes, name, format and size."""
    path = photo(name)
    for source in (path, str(path)):
        found = load(source)
        assert (found.name, found.format, (found.width, found.height)) == (path.name, format_, size)
        assert found.source == path.read_bytes()
        assert found.identity == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        assert found.url is None
        assert not found.is_play


def test_only_the_head_is_parsed_at_load(photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading decodes no pixel."""
    from PIL import ImageFile

    def load_pixels(self: Any) -> Any:
        pytest.fail("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load_pixels)
    assert load(photo("astronaut")).width == 512
    assert load(photo("portrait")).width == 512


def test_a_path_in_the_home_folder(isolated: Path, photo: Photo) -> None:
    """`~` is the home folder, and is not in the name."""
    (isolated / "me.jpg").write_bytes(photo("portrait").read_bytes())
    assert load("~/me.jpg").name == "me.jpg"


def test_a_backslash_in_a_name_is_a_character(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on Windows, a file may be called that."""
    monkeypatch.chdir(tmp_path)
    Path(r"a\b.png").write_bytes(encoded("PNG"))
    assert load(r"a\b.png").width == 96


def test_a_relative_path_counts_from_where_the_kernel_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name leaves the folders out."""
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "one.webp").write_bytes(encoded("WEBP"))
    monkeypatch.chdir(tmp_path)
    assert load("shots/one.webp").name == "one.webp"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO])
def test_bytes_of_any_kind(kind: Callable[[bytes], Any]) -> None:
    """Bytes in whatever hands give the same picture."""
    data = encoded("PNG")
    assert load(kind(data)).identity == load(data).identity
    assert load(data).name == "bytes 96×96 PNG"


def test_a_buffer_that_stands_at_its_end_is_read_from_its_beginning() -> None:
    """`image.save(buffer)` leaves it there, and everybody forgets to rewind."""
    buffer = io.BytesIO()
    texture().save(buffer, "PNG")
    assert load(buffer).width == 96
    assert buffer.tell() == len(buffer.getvalue())


def test_an_open_file(photo: Photo) -> None:
    """A file open for reading gives its bytes and its name; one open for text does not."""
    with photo("portrait").open("rb") as file:
        assert load(file).name == "grace_hopper.jpg"
    with pytest.raises(ImageError, match='mode "rb"'):
        load(io.StringIO("no picture"))


def test_a_data_uri() -> None:
    """The bytes behind it count, not how they travelled."""
    data = encoded("PNG")
    uri = "data:image/png;base64," + base64.b64encode(data).decode()
    assert load(uri) == load(data)
    assert load(uri.replace("data:", "DATA:")) == load(data)


@pytest.mark.parametrize("uri", ["data:image/png;base64,####", "data:image/png;base64", "data:,", "data:text/plain,hi"])
def test_a_data_uri_without_a_picture(uri: str) -> None:
    """What is not base64, or not a picture behind it, is refused."""
    with pytest.raises(ImageError):
        load(uri)


def test_an_upload_widget() -> None:
    """The value of a FileUpload: a tuple of mappings with a name and a memoryview."""
    from ipywidgets import FileUpload

    data = encoded("JPEG")
    now = datetime.now(UTC)
    item = {"name": "me.jpg", "type": "image/jpeg", "size": 9, "content": memoryview(data), "last_modified": now}
    upload = FileUpload(multiple=True)
    upload.value = (item, item | {"name": "you.jpg"})
    assert [found.name for found in load_all(upload.value)] == ["me.jpg", "you.jpg"]
    assert load(upload.value[0]).identity == load(data).identity
    with pytest.raises(ImageError):
        load({"content": "text"})


def test_an_object_that_knows_its_picture() -> None:
    """A result's output says itself what it is."""
    picture = ImageInput("neon.png", "sha256:00", 1, 1, "PNG", b"x", remote_url="https://a.example/b?sig=c")
    assert load(Drawn(picture)) is picture
    assert load_all([Drawn(picture), picture]) == (picture, picture)
    with pytest.raises(ImageError):
        load(Drawn("a.png"))


def test_a_pil_image_is_kept_as_it_is_now() -> None:
    """What is drawn on it afterwards is not sent."""
    image = texture()
    found = load(image)
    image.paste("red", (0, 0, 96, 96))
    assert found.source is not None
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(found.source))), np.asarray(texture()))
    assert found.identity == load(texture()).identity != load(image).identity
    assert found.name == "image 96×96 RGB"


def test_a_pil_image_from_a_file_has_its_name(photo: Photo) -> None:
    """The file's name, without its folders."""
    assert load(Image.open(photo("rocket"))).name == photo("rocket").name


def test_a_pil_image_lies_as_its_exif_data_say() -> None:
    """A phone's photograph opened with Pillow is turned, like the same file by its path."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded("JPEG", texture(size=(96, 48)), exif=exif)
    assert (load(data).width, load(data).height) == (48, 96)
    found = load(Image.open(io.BytesIO(data)))
    assert (found.width, found.height) == (48, 96)


def test_an_array_and_a_pil_image_of_the_same_pixels_are_the_same() -> None:
    """The identity is that of mode, size and pixels."""
    pixels = np.asarray(texture())
    assert load(pixels).identity == load(texture()).identity
    assert load(pixels).identity.startswith("pixels:")
    assert load(pixels).name == "array 96×96 RGB"
    assert load(pixels[:, ::-1]).identity != load(pixels).identity
    assert load(pixels.reshape(48, 192, 3)).identity != load(pixels).identity


def test_loading_again_gives_the_same() -> None:
    """An ImageInput is a picture already."""
    found = load(encoded("PNG"))
    assert load(found) is found


def test_a_name_of_ones_own() -> None:
    """A name may be given; folders and line breaks do not stay in it."""
    assert load(encoded("PNG"), name="/home/me/secret\nplace/cat.png").name == "cat.png"
    assert load("https://example.com/a.png", name="cat").name == "cat"
    assert load(encoded("PNG"), name="/").name == "picture"


def test_the_name_is_not_in_the_identity(tmp_path: Path) -> None:
    """Equal bytes are the same picture, whatever they are called."""
    for name in ("a.png", "b.jpg"):
        (tmp_path / name).write_bytes(encoded("PNG"))
    assert load(tmp_path / "a.png").identity == load(tmp_path / "b.jpg").identity


def test_nothing_secret_is_shown() -> None:
    """Neither bytes nor URLs nor digests of URLs stand in the repr."""
    found = load("https://example.com/a.png?signature=secret")
    assert "secret" not in repr(found)
    picture = ImageInput(
        "a", "sha256:00", source=b"bytes", remote_url="https://x.example/?secret", remote_provider="runcomfy"
    )
    assert "secret" not in repr(picture)
    assert "bytes" not in repr(picture)


def test_a_list_keeps_its_order(photo: Photo) -> None:
    """Paths, arrays and URLs mixed, in lists within lists and from iterators."""

    def several() -> Iterator[object]:
        yield photo("rocket")
        yield [photo("coffee"), (np.zeros((4, 4)), "https://example.com/x.png")]

    names = [found.name for found in load_all(several())]
    assert names == [photo("rocket").name, "coffee.png", "array 4×4 L", "x.png"]
    assert load_all([]) == ()
    assert [found.name for found in load_all(photo("coffee"))] == ["coffee.png"]


def test_an_array_is_one_picture_and_not_a_list_of_rows() -> None:
    """Arrays, PIL images, files and bytes can be iterated, and are one picture each."""
    assert len(load_all(np.zeros((4, 4)))) == 1
    assert len(load_all(encoded("PNG"))) == 1
    assert len(load_all(io.BytesIO(encoded("PNG")))) == 1


def test_a_list_that_holds_itself_ends() -> None:
    """No endless descent."""
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ImageError, match="nested too deep"):
        load_all(endless)


@pytest.mark.parametrize("value", [None, 7, 2.5, object(), {"a": 1}, {"a.png", "b.png"}, ["a.png"]])
def test_what_is_no_picture_is_refused(value: object) -> None:
    """The type is named; a set, which has no order, is met with a list."""
    with pytest.raises(ImageError, match=type(value).__name__):
        load(value)


def test_a_missing_file_suggests_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name as it was written, the folder it was sought in, and what was probably meant."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "Portrait.JPG").touch()
    for written in ("shots/portrait.jgp", "shots/portriat.jpg", "shots/portrait"):
        with pytest.raises(ImageNotFoundError) as caught:
            load(written)
        assert caught.value.lines == [
            f"'{written}' is not there.",
            "The folder 'shots' holds no file of that name.",
            "Did you mean 'Portrait.JPG'?",
        ]
        assert caught.value.exit_code == 66


def test_a_missing_file_without_a_like_lists_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of the pictures that are there, and how many more."""
    monkeypatch.chdir(tmp_path)
    for number in range(6):
        (tmp_path / f"img{number}.png").touch()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ImageNotFoundError, match=r"'img3\.png' and 2 more\."):
        load("zzzzzzzzzz.tif")


def test_a_missing_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is what is wrong, not the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").touch()
    for written in ("nowhere/a.png", "file.txt/a.png"):
        with pytest.raises(ImageNotFoundError, match="There is no folder"):
            load(written)


def test_the_sandbox_mark_is_found(tmp_path: Path) -> None:
    """In a file of each format that the sandbox makes, and in a PIL image opened from it."""
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("Software", images.PLAY_MARK)
    exif = Image.Exif()
    exif[0x0131] = images.PLAY_MARK
    marked = [encoded("PNG", pnginfo=text), encoded("JPEG", exif=exif), encoded("WEBP", exif=exif)]
    for data in marked:
        assert load(data).is_play
        assert images.inspect(data).is_play
        assert load(Image.open(io.BytesIO(data))).is_play
    other = Image.Exif()
    other[0x0131] = "Some editor"
    for data in (encoded("PNG"), encoded("JPEG", exif=other), encoded("WEBP"), encoded("GIF")):
        assert not load(data).is_play


@pytest.mark.parametrize("format_", FORMATS)
def test_the_format_is_read_from_the_bytes(tmp_path: Path, format_: str) -> None:
    """What a file is called does not matter."""
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(format_))
    info = images.inspect(path)
    assert (info.format, info.mime) == (format_, f"image/{format_.lower()}")
    assert (info.width, info.height, info.is_animated) == (96, 96, False)


@pytest.mark.parametrize("format_", FORMATS)
def test_an_opened_picture_is_all_there(tmp_path: Path, format_: str) -> None:
    """It can be used after its file is gone, and is told by its format."""
    path = tmp_path / "picture"
    path.write_bytes(encoded(format_))
    opened = images.open_safely(path)
    path.unlink()
    assert (opened.size, opened.format) == ((96, 96), format_)
    assert opened.convert("RGB").rotate(90).getpixel((5, 5)) is not None
    opened.copy().save(tmp_path / "copy.png")
    assert images.inspect(tmp_path / "copy.png").width == 96


def test_an_animation_is_called_one() -> None:
    """More than one frame or page is seen without decoding them."""
    frames = [texture(), texture().rotate(90)]
    for format_ in ("GIF", "WEBP", "PNG", "TIFF"):
        data = encoded(format_, frames[0], save_all=True, append_images=frames[1:])
        assert images.inspect(data).is_animated


def test_a_heic_file_without_its_reader_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that helps stands in the message."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    data = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(40)
    with pytest.raises(ImageError) as caught:
        load(data, name="phone.heic")
    assert caught.value.lines[2] == 'Run: pip install "nbbanana[heic]"'


def test_an_avif_file_without_its_reader_says_what_to_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older Pillows cannot read it."""
    from PIL import features

    monkeypatch.delitem(features.modules, "avif", raising=False)
    with pytest.raises(ImageError, match="--upgrade pillow"):
        load(BROKEN["avif of a head"])


def test_importing_is_light() -> None:
    """Neither room loads a heavy library before it is used."""
    code = "import sys, nbbanana.images, nbbanana.models; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"PIL", "numpy", "httpx", "fastjsonschema"}.isdisjoint(run.stdout.split())


def test_equal_pictures_that_are_in_use_have_the_same_bytes_in_memory_once(tmp_path: Path) -> None:
    """However they are called and wherever they lie; what is no longer used is not kept."""
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_bytes(encoded("PNG"))
    first, second = load(tmp_path / "one.png"), load(tmp_path / "two.png", name="second")
    assert (first.name, second.name) == ("one.png", "second")
    assert first.source is second.source
    del first
    third = load(tmp_path / "one.png")
    assert third.source is second.source
    assert load(texture("L")).source is not second.source
    watching = weakref.ref(third)
    del third
    gc.collect()
    assert watching() is None
