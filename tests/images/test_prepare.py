"""What travels of a picture: upright, sRGB, bare, within the limits, and the same every time."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from support.tiers import scaled

from nbbanana.errors import ImageError
from nbbanana.images import MAX_REQUEST_BYTES, MAX_UPLOAD_BYTES, MAX_UPLOAD_PIXELS, Upload, load, prepare
from nbbanana.images import uploading as room

from .files import encoded, texture

Photo = Callable[[str], Path]
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV", "LAB", "I", "I;16")


def sent(source: object) -> Upload:
    """What is sent of one picture."""
    [upload] = prepare([load(source)])
    return upload


def pixels(upload: Upload) -> np.ndarray:
    """The pixels of an upload."""
    return np.asarray(Image.open(io.BytesIO(upload.data)))


def noise(width: int, height: int) -> Image.Image:
    """A picture that no compression makes smaller."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", ["portrait", "astronaut", "coffee", "chelsea"])
def test_a_photograph_within_the_limits_is_sent_pixel_by_pixel(photo: Photo, name: str) -> None:
    """Nothing is lost, nothing is said."""
    upload = sent(photo(name))
    original = np.asarray(Image.open(photo(name)).convert("RGB"))
    assert np.array_equal(pixels(upload), original)
    assert (upload.height, upload.width) == original.shape[:2]
    assert upload.sha256 == hashlib.sha256(upload.data).hexdigest()
    assert upload.note is None


def test_a_photograph_with_a_profile_is_sent_through_it(photo: Photo) -> None:
    """Its pixels are those that a colour-managed viewer shows."""
    original = Image.open(photo("rocket"))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(original.info["icc_profile"]))
    expected = ImageCms.profileToProfile(original, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert np.array_equal(pixels(sent(photo("rocket"))), np.asarray(expected))
    assert not np.array_equal(np.asarray(expected), np.asarray(original))


def test_where_a_photograph_was_taken_stays_at_home() -> None:
    """EXIF, GPS, XMP, comments, text chunks and profiles are not in what is sent."""
    from PIL.PngImagePlugin import PngInfo

    exif = Image.Exif()
    exif[0x010E] = "SECRET description"
    exif.get_ifd(0x8825)[1] = "N"
    text = PngInfo()
    text.add_text("Comment", "SECRET")
    text.add_itxt("XML:com.adobe.xmp", "<SECRET/>")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for data in (
        encoded("JPEG", exif=exif, comment=b"SECRET", icc_profile=profile, xmp=b"<SECRET/>"),
        encoded("PNG", exif=exif, pnginfo=text, icc_profile=profile, dpi=(300, 300)),
    ):
        assert b"SECRET" in data
        upload = sent(data)
        assert b"SECRET" not in upload.data
        assert Image.open(io.BytesIO(upload.data)).info == {}
        assert {upload.data[at + 4 : at + 8] for at in chunks(upload.data)} == {b"IHDR", b"IDAT", b"IEND"}


def chunks(data: bytes) -> list[int]:
    """Where the chunks of a PNG begin."""
    places, at = [], 8
    while at < len(data):
        places.append(at)
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return places


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_photograph_is_sent_upright(format_: str, orientation: int) -> None:
    """All eight ways in which a camera can be held, as Pillow's own ImageOps turns them."""
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(format_, texture(size=(48, 32)), exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    found = load(data)
    upload = sent(data)
    assert (upload.width, upload.height) == (found.width, found.height) == expected.size
    assert np.array_equal(pixels(upload), np.asarray(expected))


def test_colours_of_a_wide_profile_come_out_as_srgb() -> None:
    """A picture whose profile swaps red and green is sent with them swapped back."""
    picture = Image.new("RGB", (16, 16), (200, 30, 30))
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for one, other in ((b"rXYZ", b"xxxx"), (b"gXYZ", b"rXYZ"), (b"xxxx", b"gXYZ")):
        at = profile.index(one)
        profile[at : at + 4] = other
    profile[:] = profile.replace("sRGB".encode("utf-16-be"), "SWAP".encode("utf-16-be"))
    for format_ in ("PNG", "TIFF"):
        red, green, blue = pixels(sent(encoded(format_, picture, icc_profile=bytes(profile))))[0, 0]
        assert green > 150
        assert max(red, blue) < 100


def test_transparency_and_a_profile_go_together() -> None:
    """The colours go through the profile, the transparency stays."""
    picture = texture("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace("sRGB".encode("utf-16-be"), "MINE".encode("utf-16-be"))
    found = pixels(sent(encoded("PNG", picture, icc_profile=profile)))
    assert np.array_equal(found[..., 3], np.asarray(picture)[..., 3])
    assert np.abs(found[..., :3].astype(int) - np.asarray(picture)[..., :3]).max() <= 2


def test_ink_becomes_light(photo: Photo) -> None:
    """CMYK files, with and without a profile for another space, come out as the picture they show."""
    original = Image.open(photo("astronaut"))
    wrong = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for options in ({}, {"icc_profile": wrong}):
        found = pixels(sent(encoded("TIFF", original.convert("CMYK"), **options)))
        assert np.array_equal(found, np.asarray(original.convert("CMYK").convert("RGB")))


def test_sixteen_bits_become_eight() -> None:
    """A grey ramp keeps its ends and its order, in a file and in memory."""
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    expected = np.rint(ramp / 257).astype(np.uint8)
    for source in (ramp, encoded("PNG", Image.fromarray(ramp)), encoded("TIFF", Image.fromarray(ramp))):
        found = pixels(sent(source))
        assert np.array_equal(found, np.stack([expected] * 3, axis=-1))


def test_a_palette_with_a_clear_colour_stays_clear() -> None:
    """Transparency by palette index, by several, and by colour key."""
    palette = texture().convert("P", palette=Image.Palette.ADAPTIVE)
    for data in (
        encoded("PNG", palette, transparency=0),
        encoded("PNG", palette, transparency=bytes(range(200))),
        encoded("GIF", palette, transparency=0),
        encoded("PNG", Image.new("RGB", (4, 4), (9, 8, 7)), transparency=(9, 8, 7)),
        encoded("PNG", Image.new("L", (4, 4), 9), transparency=9),
    ):
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
        assert expected[..., 3].min() == 0
        assert np.array_equal(pixels(sent(data)), expected)


def test_what_only_claims_transparency_is_sent_without() -> None:
    """A fourth channel of nothing but 255 is left out."""
    assert pixels(sent(texture("RGBA"))).shape == (96, 96, 3)


def test_only_the_first_frame_is_sent_and_that_is_said() -> None:
    """An animation is one picture."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    upload = prepare([load(encoded("GIF", frames[0], save_all=True, append_images=frames[1:]), name="dance.gif")])[0]
    assert upload.note == "dance.gif has several frames or pages: only the first is sent."
    assert tuple(pixels(upload)[0, 0]) == (255, 0, 0)


@pytest.mark.nightly
def test_a_large_photograph_is_scaled_down_and_the_user_is_told(photo: Photo) -> None:
    """As large as six MiB allow, its shape kept, in words."""
    large = Image.open(photo("coffee")).resize((2700, 1800), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(3).normal(0, 4, (1800, 2700, 1))
    large = Image.fromarray(np.clip(np.asarray(large) + grain, 0, 255).astype(np.uint8))
    [upload] = prepare([load(encoded("JPEG", large, quality=90), name="portrait.jpg")])
    assert 0.85 * MAX_UPLOAD_BYTES < len(upload.data) <= MAX_UPLOAD_BYTES
    assert upload.width / upload.height == pytest.approx(1.5, rel=0.01)
    size = f"{upload.width}×{upload.height}"
    assert upload.note == f"portrait.jpg is sent at {size} instead of 2700×1800, to stay within 6 MiB."


@pytest.mark.parametrize(("most", "is_whole"), [(150_000, True), (40_000, False)])
def test_a_photograph_that_does_not_fit_as_png_is_a_jpeg_where_that_is_taken(
    photo: Photo, monkeypatch: pytest.MonkeyPatch, most: int, is_whole: bool
) -> None:
    """At its full size if it then fits, else scaled less than a PNG would be; the user is told."""
    monkeypatch.setattr(room, "MAX_UPLOAD_BYTES", most)
    picture = load(photo("chelsea"))
    png, jpeg = prepare([picture])[0], prepare([picture], jpeg=True)[0]
    assert (png.mime, jpeg.mime) == ("image/png", "image/jpeg")
    assert max(len(png.data), len(jpeg.data)) <= most
    assert jpeg.width > png.width
    assert ((jpeg.width, jpeg.height) == (picture.width, picture.height)) is is_whole
    assert jpeg.note is not None
    assert "as JPEG at quality 95" in jpeg.note
    with Image.open(io.BytesIO(jpeg.data)) as sent:
        assert (sent.format, sent.mode, sent.size) == ("JPEG", "RGB", (jpeg.width, jpeg.height))
        assert not sent.getexif()


def test_what_fits_or_is_transparent_stays_a_png(photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    """JPEG is for what would else be scaled down, and knows no transparency."""
    picture = load(photo("chelsea"))
    assert prepare([picture], jpeg=True) == prepare([picture])
    monkeypatch.setattr(room, "MAX_UPLOAD_BYTES", 40_000)
    with Image.open(photo("chelsea")) as image:
        clear = image.convert("RGBA")
    clear.putalpha(120)
    assert prepare([load(clear)], jpeg=True)[0].mime == "image/png"


def test_a_flat_picture_is_only_scaled_to_the_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """What compresses well is limited by its pixels, and the reason says so."""
    monkeypatch.setattr(room, "MAX_UPLOAD_PIXELS", 1_000_000)
    [upload] = prepare([load(np.zeros((1500, 2000), np.uint8), name="flat")])
    assert 980_000 < upload.width * upload.height <= 1_000_000
    assert (
        upload.note
        == f"flat is sent at {upload.width}×{upload.height} instead of 2000×1500, to stay within 1 megapixels."
    )


@pytest.mark.nightly
def test_twenty_large_pictures_share_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their base64 and all around it stay within the request; the small one among them is left alone."""
    request = 4 * 2**20
    monkeypatch.setattr(room, "MAX_REQUEST_BYTES", request)
    monkeypatch.setattr(room, "MAX_PICTURES_BYTES", (request - room.OTHER_BYTES) * 3 // 4)
    [small, *large] = prepare([load(texture(), name="small"), *[load(noise(400, 300), name="large")] * 19])
    uris = ["data:image/png;base64," + base64.b64encode(upload.data).decode() for upload in (small, *large)]
    body = json.dumps({"prompt": "x" * 100_000, "image_urls": uris})
    assert 0.7 * request < len(body) <= request
    assert small.note is None
    assert {upload.sha256 for upload in large} == {large[0].sha256}
    assert str(large[0].note).endswith("instead of 400×300, to stay within the 4 MiB of a request.")


def test_a_narrow_strip_is_scaled_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A side never becomes nothing."""
    monkeypatch.setattr(room, "MAX_UPLOAD_BYTES", 4000)
    for size in ((1, 9000), (9000, 1), (3, 3000)):
        upload = sent(noise(*size))
        assert len(upload.data) <= 4000
        assert min(upload.width, upload.height) >= 1


def test_a_gigantic_jpeg_is_decoded_at_half_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Phones make pictures of 200 megapixels: four times what is decoded of anything else."""
    from nbbanana.images import decoding

    data = encoded("JPEG", texture(size=(200, 100)))
    monkeypatch.setattr(decoding, "MAX_PIXELS", 6000)
    found = load(data, name="phone.jpg")
    assert (found.width, found.height) == (200, 100)
    [upload] = prepare([found])
    assert (upload.width, upload.height) == (100, 50)
    assert upload.note is not None
    with pytest.raises(ImageError, match="too large"):
        load(encoded("PNG", texture(size=(200, 100))))


def test_damage_behind_the_head_is_found() -> None:
    """What loading could not see, preparing does."""
    whole = encoded("BMP")
    with pytest.raises(ImageError, match=r"'scan\.bmp' is damaged"):
        prepare([load(texture()), load(whole[:-9000], name="scan.bmp")])


def test_no_pictures_are_no_uploads() -> None:
    """Nothing in, nothing out."""
    assert prepare([]) == ()


def picture_in(mode: str, size: tuple[int, int]) -> Image.Image:
    """A picture of any mode and size."""
    picture = texture(size=size)
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(picture, srgb, lab, outputMode="LAB")
    steps = {"PA": ["P", "PA"], "I;16": ["L", "I", "I;16"], "RGBa": ["RGBA", "RGBa"]}.get(mode, [mode])
    for step in steps:
        picture = picture.convert(step)
    return picture


@pytest.mark.nightly
@settings(max_examples=scaled(120))
@given(
    mode=st.sampled_from(MODES),
    size=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    most=st.integers(300, 20_000),
    megapixels=st.integers(1, 4000),
)
def test_any_picture_fits_any_limit(mode: str, size: tuple[int, int], most: int, megapixels: int) -> None:
    """Whatever its mode and size: within the bytes, within the pixels, never larger than it was, and twice the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "MAX_UPLOAD_BYTES", most)
        patch.setattr(room, "MAX_UPLOAD_PIXELS", megapixels)
        found = load(picture_in(mode, size))
        uploads = prepare([found, found])
    assert uploads[0] == uploads[1]
    upload = uploads[0]
    assert len(upload.data) <= most
    assert upload.width * upload.height <= megapixels
    assert upload.width <= size[0]
    assert upload.height <= size[1]
    opened = Image.open(io.BytesIO(upload.data))
    assert (opened.size, opened.mode) == ((upload.width, upload.height), "RGB")
    assert (upload.note is None) == (opened.size == size)


@settings(max_examples=scaled(60))
@given(bounds=st.lists(st.integers(0, 4000), max_size=25), total=st.integers(0, 100_000_000))
def test_shares_never_exceed_what_there_is(bounds: list[int], total: int) -> None:
    """Nobody gets more than they can use, all get no more than there is, and nothing usable is kept back."""
    pictures = [load("https://example.com/a.png") for _ in bounds]
    sized = [type(one)("a", "b", width=side, height=side) for one, side in zip(pictures, bounds, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "MAX_PICTURES_BYTES", total)
        shares = room._shares(sized)
    most = [min(MAX_UPLOAD_BYTES, room._bound(one)) for one in sized]
    assert all(share <= limit for share, limit in zip(shares, most, strict=True))
    assert sum(shares) <= total
    assert shares == most or total - sum(shares) < max(len(shares), 1)


def test_the_limits_are_those_of_the_official_clients() -> None:
    """Six MiB and 32 megapixels a picture, 64 MiB a request."""
    assert (MAX_UPLOAD_BYTES, MAX_UPLOAD_PIXELS, MAX_REQUEST_BYTES) == (6 * 2**20, 32_000_000, 64 * 2**20)
    assert room.MAX_PICTURES_BYTES * 4 // 3 + room.OTHER_BYTES <= MAX_REQUEST_BYTES


def test_a_picture_that_is_sent_again_is_made_ready_once_and_the_least_used_make_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a cache, the same bytes under the same name give the same upload; its size is bounded."""
    made: list[str] = []
    upload = room._upload
    monkeypatch.setattr(
        room, "_upload", lambda image, share, *, jpeg: made.append(image.name) or upload(image, share, jpeg=jpeg)
    )
    first, second, third = (load(noise(64, 64 + number), name=f"{number}.png") for number in range(3))
    size = len(upload(first, 10**6, jpeg=False).data)
    cache = room.UploadCache(most=size * 5 // 2)
    assert prepare([first], cache=cache) == prepare([first]) == prepare([first], cache=cache)
    assert made == ["0.png", "0.png"]  # one of them without the cache
    for image in (second, first, third, first, second):
        prepare([image], cache=cache)
    assert made[2:] == ["1.png", "2.png", "1.png"]


@pytest.mark.nightly
def test_what_is_kept_for_a_picture_is_not_given_for_another_one() -> None:
    """A picture of another name has its own note, and one within a smaller share its own bytes."""
    cache = room.UploadCache()
    large = load(noise(1500, 1500))
    [alone] = prepare([large], cache=cache)
    [renamed] = prepare([load(large, name="other.png")], cache=cache)
    assert alone.note is not None
    assert renamed.note == alone.note.replace(large.name, "other.png")
    many = prepare([large] * 12, cache=cache)
    assert {upload.sha256 for upload in many} == {many[0].sha256} != {alone.sha256}
