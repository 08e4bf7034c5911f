"""What is no picture, or a broken one, or a trap: refused in three lines, never a hang, a warning or a crash."""

from __future__ import annotations

import gc
import io
import os
import socket
import tempfile
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from support.tiers import scaled

from nbbanana import images
from nbbanana.errors import Cause, ImageError, ImageNotFoundError
from nbbanana.images import Upload
from nbbanana.images.formats import format_of

from .files import BROKEN, FORMATS, RAW, STRANGERS, encoded, png, texture

GOOD = {format_: encoded(format_, **{"TIFF": {"compression": "tiff_lzw"}}.get(format_, {})) for format_ in FORMATS}


def refusal(data: bytes, name: str) -> ImageError:
    """How bytes are refused on their way to an upload."""
    with pytest.raises(ImageError) as caught:
        images.prepare([images.load(data, name=name)])
    return caught.value


@pytest.mark.parametrize("what", STRANGERS)
def test_what_is_no_picture_is_named(what: str) -> None:
    """A document under a picture's name is refused at once, and told apart."""
    error = refusal(STRANGERS[what], "trap.png")
    assert error.lines[0] == "'trap.png' is not a picture that can be read."
    assert error.lines[1].startswith("Its bytes are ")
    assert len(error.lines) == 3


def test_what_is_no_picture_is_told_apart() -> None:
    """The reason names the kind of file."""
    said = {what: refusal(data, "trap.png").why for what, data in STRANGERS.items()}
    assert "SVG" in said["svg"]
    assert "SVG" in said["svg behind an XML head"]
    assert "a web page" in said["html"]
    assert "a PDF" in said["pdf"]
    assert "JPEG XL" in said["jpeg xl"]
    assert "Git LFS" in said["git lfs pointer"]
    assert "text" in said["text"]


@pytest.mark.parametrize("what", RAW)
def test_a_camera_s_raw_file_is_refused_by_its_name(what: str) -> None:
    """What a reader of TIFF finds in one is a tiny preview: sending that would pay for nothing."""
    error = refusal(RAW[what], f"DSC_0001.{what}")
    assert "a camera's raw file" in error.why
    assert "camera's software" in error.how


def test_a_tiff_with_small_versions_in_it_is_a_picture() -> None:
    """Only where the first directory is the reduced version is the picture somewhere else."""
    whole = encoded("TIFF")
    assert images.load(whole).format == "TIFF"
    large = io.BytesIO()
    texture().save(large, "TIFF", save_all=True, append_images=[texture(size=(9, 9))])
    assert images.load(large.getvalue()).width == 96


@given(st.binary(max_size=200))
def test_the_directories_of_any_tiff_are_read_or_left(data: bytes) -> None:
    """Whatever stands behind the beginning of one."""
    for beginning in (b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"):
        assert format_of(beginning + data) in {"TIFF", None}


def flipped_checksum(data: bytes) -> bytes:
    """A PNG whose first pixel chunk has a wrong CRC, which Pillow does not look at."""
    at = data.index(b"IDAT")
    end = at + 4 + int.from_bytes(data[at - 4 : at], "big")
    return data[:end] + bytes(byte ^ 0xFF for byte in data[end : end + 4]) + data[end + 4 :]


UNREADABLE = {
    "png with a wrong checksum of its pixels": flipped_checksum(encoded("PNG")),
    "png without pixels": png(9, 9),
    "png of garbage pixels": png(9, 9, pixels=b"\x78\x9c" + bytes(30)),
    **{what: BROKEN[what] for what in ("jpeg cut off", "gif cut off", "bmp cut off", "webp cut off", "tiff cut off")},
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_pixels_that_cannot_be_decoded_are_a_typed_error(what: str) -> None:
    """A head says nothing of the pixels; who keeps a picture verifies them."""
    with pytest.raises(ImageError) as caught:
        images.verify_pixels(UNREADABLE[what])
    assert len(caught.value.lines) == 3


@pytest.mark.parametrize("format_", FORMATS)
def test_pixels_that_can_be_decoded_are_verified(format_: str) -> None:
    """It says what `inspect` says."""
    assert images.verify_pixels(GOOD[format_]) == images.inspect(GOOD[format_])


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_picture_is_refused_in_three_lines(what: str) -> None:
    """It is named, its ailment is said, and what to do."""
    error = refusal(BROKEN[what], "trap.png")
    assert "'trap.png'" in error.lines[0]
    assert len(error.lines) == 3
    assert all("\n" not in line and len(line) < 200 for line in error.lines)
    assert isinstance(error.__cause__, Cause | None), "what Pillow said, without what its frames hold"


@pytest.mark.parametrize("what", BROKEN)
def test_every_door_refuses_a_broken_picture(what: str) -> None:
    """Decoding and thumbnails refuse what an upload refuses."""
    for door in (images.open_safely, lambda data: images.thumbnail(data, side=32)):
        with pytest.raises(ImageError):
            door(BROKEN[what])


@pytest.mark.parametrize("what", [what for what in BROKEN if "bomb" in what or "giga" in what or "larger" in what])
def test_a_bomb_does_not_fill_the_memory(what: str) -> None:
    """What unpacks to gigabytes is refused before it does."""
    data = BROKEN[what]
    gc.collect()
    tracemalloc.start()
    try:
        refusal(data, "bomb.png")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * 2**20


def test_a_cut_off_file_is_said_to_be_cut_off() -> None:
    """The usual accident, a download that broke, is told from other damage, by the head alone in the usual formats."""
    for format_ in ("PNG", "JPEG", "WEBP", "GIF"):
        data = GOOD[format_]
        with pytest.raises(ImageError, match="breaks off before its end"):
            images.inspect(data[: len(data) * 3 // 5])


def test_the_limits_of_the_process_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's own limit belongs to the user: it is neither changed nor needed."""
    for limit in (None, 5000, 1):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        [upload] = images.prepare([images.load(GOOD["PNG"])])
        assert upload.width == 96
        with pytest.raises(ImageError, match="too large"):
            images.inspect(BROKEN["png of ten gigapixels"])
        assert limit == Image.MAX_IMAGE_PIXELS


def test_a_user_who_lets_truncated_files_pass_still_pays_for_whole_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's switch for half files does not send half a picture."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for what in ("png cut off", "jpeg cut off", "webp cut off"):
        with pytest.raises(ImageError):
            images.load(BROKEN[what])


def test_the_bound_counts_pixels_and_not_bytes() -> None:
    """A caller's own bound is kept to the pixel."""
    data = png(100, 50, pixels=zlib.compress(bytes(101 * 50)))
    assert images.open_safely(data, max_pixels=5000).size == (100, 50)
    with pytest.raises(ImageError, match="100×50"):
        images.open_safely(data, max_pixels=4999)


def test_a_file_too_large_to_read_is_not_read(tmp_path: Path) -> None:
    """A file over the limit (a sparse one here) is refused without its bytes in the message."""
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.write(GOOD["PNG"])
        file.truncate(images.MAX_FILE_BYTES + 1)
    with pytest.raises(ImageError, match="too large to be read"):
        images.load(path)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    """Zero bytes are no riddle."""
    (tmp_path / "empty.png").touch()
    with pytest.raises(ImageError, match="empty"):
        images.load(tmp_path / "empty.png")


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    """A folder is met with the glob that was probably meant."""
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "a.jpg").write_bytes(b"")
    with pytest.raises(ImageError, match=r"shots/\*\.jpg"):
        images.load(str(tmp_path / "shots") + "/")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this system's folders")
def test_a_pipe_never_hangs(tmp_path: Path) -> None:
    """A pipe that nobody writes to would be waited for, forever."""
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="not a file"):
        images.load(tmp_path / "pipe.png")


@pytest.mark.parametrize("device", [path for path in ("/dev/zero", "/dev/null", "/dev/stdin") if Path(path).exists()])
def test_a_device_is_not_read(device: str) -> None:
    """Devices have no end."""
    with pytest.raises(ImageError):
        images.load(device)


def test_a_socket_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket in a folder is no file either."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.png")
        with pytest.raises(ImageError):
            images.load("s.png")


@pytest.fixture
def nobody() -> Iterator[None]:
    """Run as a user without rights where the tests run as root, whom no permission stops."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    yield
    if is_root:
        os.seteuid(0)


@pytest.fixture
def forbidden() -> Iterator[Path]:
    """A picture that only its owner may touch, in a folder that all may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "secret.png")
        path.write_bytes(GOOD["PNG"])
        path.chmod(0)
        yield path


def test_a_forbidden_file_is_called_forbidden(forbidden: Path, nobody: None) -> None:
    """No permission is said as that."""
    with pytest.raises(ImageError, match="may not be read"):
        images.load(forbidden)


def test_a_link_to_itself_ends(tmp_path: Path) -> None:
    """A loop of links is an error of the file."""
    (tmp_path / "loop.png").symlink_to("loop.png")
    with pytest.raises(ImageError, match=r"loop\.png"):
        images.load(tmp_path / "loop.png")


@pytest.mark.parametrize("path", ["a\0b.png", "x" * 5000 + ".png", "\ud800.png", "", "~nobody-of-that-name/a.png"])
def test_a_path_that_can_be_none_is_refused(path: str) -> None:
    """Zero bytes, endless names, half characters, nothing at all."""
    with pytest.raises(ImageError) as caught:
        images.load(path)
    assert len(caught.value.lines) == 3


def test_a_name_cannot_pose_as_another(tmp_path: Path) -> None:
    """Control and direction characters in a file's name are spelled out in messages."""
    with pytest.raises(ImageNotFoundError) as caught:
        images.load(tmp_path / "a\x1b[31m\u202egpj.png")
    assert caught.value.lines[0].isprintable()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's own, when it opens the JPEG
def test_broken_metadata_does_not_cost_the_picture() -> None:
    """A profile and EXIF data that make no sense are left out, and the picture is sent."""
    broken = [
        encoded("PNG", icc_profile=b"this is no profile"),
        encoded("JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f", icc_profile=bytes(200)),
        encoded("WEBP", exif=b"Exif\x00\x00MM" + bytes(40), icc_profile=b"\xff" * 128),
        encoded("TIFF", icc_profile=b"acsp" * 50),
    ]
    for upload in images.prepare([images.load(data) for data in broken]):
        assert (upload.width, upload.height) == (96, 96)


def test_what_follows_a_whole_picture_is_not_sent() -> None:
    """Bytes behind the end, as phones append whole films there, stay at home."""
    secret = b"GPS 48.8584 2.2945"
    for format_ in ("PNG", "JPEG"):
        [upload] = images.prepare([images.load(GOOD[format_] + secret)])
        assert secret not in upload.data


@settings(max_examples=scaled(150))
@given(
    format_=st.sampled_from(sorted(GOOD)),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
    length=st.floats(0.02, 1),
)
def test_whatever_happens_to_a_file_it_is_a_picture_or_an_image_error(
    format_: str, edits: list[tuple[float, int]], length: float
) -> None:
    """Bytes changed anywhere and files cut anywhere lead to an upload or to a typed error, and to nothing else."""
    data = bytearray(GOOD[format_])
    for place, value in edits:
        data[int(place**3 * len(data))] = value
    data = data[: max(1, int(length * len(data)))]
    outcome: list[Upload | ImageError] = []
    try:
        outcome += images.prepare([images.load(bytes(data))])
    except ImageError as error:
        outcome.append(error)
    [found] = outcome
    assert found.data.startswith(b"\x89PNG") if isinstance(found, Upload) else len(found.lines) == 3


def test_many_threads_may_decode_at_once() -> None:
    """Eight threads get what one gets, good and bad files mixed."""
    good = [images.load(data) for data in GOOD.values()]
    expected = [upload.sha256 for upload in images.prepare(good)]
    wrong: list[object] = []

    def work() -> None:
        for what in ("png cut off", "gif whose frame is larger than allowed", "jpeg cut off"):
            with pytest.raises(ImageError):
                images.open_safely(BROKEN[what])
        found = [upload.sha256 for upload in images.prepare(good)]
        if found != expected:
            wrong.append(found)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)


def test_a_picture_in_memory_is_bounded_too() -> None:
    """A PIL image or an array that is too large is refused before anything is computed from it."""
    import numpy as np

    with pytest.raises(ImageError, match="too large"):
        images.load(np.broadcast_to(np.uint8(0), (10_000, 10_000)))
    lazy = texture()
    lazy._size = (10_000, 10_000)
    with pytest.raises(ImageError, match="too large"):
        images.load(lazy)
