"""Records inside picture files: put in without touching a pixel, taken out of whatever a stranger sends."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from support.stores import Clock, asked, complete, picture
from support.tiers import scaled

from nbbanana import errors
from nbbanana.sandbox.painter import paint
from nbbanana.store import Store
from nbbanana.store.embedding import (
    embed,
    embedded,
    has_content_credentials,
    jpeg_segment,
    open_container,
    originals,
    png_chunk,
    record_in,
    riff_chunk,
)
from nbbanana.store.provenance import embedded_copy, read_embedded

KINDS = ("png", "jpeg", "webp")
FOREIGN_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="a"/></rdf:RDF></x:xmpmeta>'
)
JUMBF = b"JP\0\x01\0\0\0\x01" + struct.pack(">I", 40) + b"jumb" + b"c2pa" * 8


def with_exif() -> bytes:
    """EXIF data with the name of a camera."""
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    return exif.tobytes()


def encoded(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    """A picture without any metadata."""
    image = Image.effect_mandelbrot((40, 24), (-2, -1.2, 1, 1.2), 40).convert(mode)
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


FILES = {
    "png": encoded("png"),
    "jpeg": encoded("jpeg"),
    "jpeg with XMP": encoded("jpeg", xmp=FOREIGN_XMP),
    "jpeg with EXIF": encoded("jpeg", exif=with_exif()),
    "webp": encoded("webp"),
    "webp, lossless": encoded("webp", lossless=True),
    "webp, transparent": encoded("webp", "RGBA", lossless=True),
    "webp with XMP": encoded("webp", xmp=FOREIGN_XMP.decode()),
    **{
        f"sandbox {kind}": paint([], prompt="Snow.", seed=1, index=0, resolution="0.5K", output_format=kind)
        for kind in KINDS
    },
}
RECORD = json.dumps({"prompt": 'Make it <snow> & "blow".\n霓虹'}, ensure_ascii=True)


def pixels(data: bytes) -> tuple[str, tuple[int, int], bytes]:
    """What a viewer shows."""
    with Image.open(BytesIO(data)) as image:
        image.load()
        return image.mode, image.size, image.tobytes()


@pytest.mark.parametrize("name", FILES)
def test_a_record_goes_in_and_out_and_no_pixel_moves(name):
    """The record comes back as it was, the pixels are bit-identical, and the file's own bytes can be told again."""
    data = FILES[name]
    copy = embed(data, RECORD)
    assert embedded(data) is None
    assert embedded(copy) == RECORD
    assert pixels(copy) == pixels(data)
    assert data in set(originals(copy))
    again = embed(copy, "{}")
    assert embedded(again) == "{}"
    assert data in set(originals(again))


@pytest.mark.parametrize("kind", KINDS)
def test_other_programs_find_the_record_where_xmp_is(kind):
    """Pillow, which knows where each format keeps XMP, finds the packet."""
    with Image.open(BytesIO(embed(FILES[kind], RECORD))) as image:
        found = image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()
    assert record_in(found) == RECORD


def test_what_a_file_holds_already_stays():
    """EXIF, XMP and the sandbox's mark are still there."""
    for kind in KINDS:
        before, after = FILES[f"sandbox {kind}"], embed(FILES[f"sandbox {kind}"], RECORD)
        with Image.open(BytesIO(before)) as one, Image.open(BytesIO(after)) as other:
            assert {**one.info, **{k: v for k, v in other.info.items() if k in one.info}} == one.info
            assert dict(one.getexif()) == {k: v for k, v in other.getexif().items() if k in one.getexif()}


def signed(kind: str) -> bytes:
    """A file with a part where Content Credentials stand."""
    container = open_container(FILES[kind])
    part = {"png": png_chunk("caBX", JUMBF[8:]), "jpeg": jpeg_segment(0xEB, JUMBF), "webp": riff_chunk("C2PA", JUMBF)}
    parts = list(container.parts)
    parts.insert(1, part[kind])
    return container.file(parts)


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_file_is_known_and_left_alone(kind, tmp_path):
    """Content Credentials are found where C2PA puts them, and nothing is written into such a file."""
    assert has_content_credentials(signed(kind))
    assert not has_content_credentials(FILES[kind])
    assert not has_content_credentials(FILES[kind] + b"caBX jumb C2PA")
    with Store.open(tmp_path) as store:
        edit = complete(store, asked(), "a picture")
    with pytest.raises(errors.UsageError, match="Content Credentials") as refused:
        embedded_copy(signed(kind), edit, 0)
    assert "sidecar=True" in str(refused.value)


def test_a_record_too_large_for_a_jpeg_is_refused_and_fits_elsewhere():
    """A JPEG segment ends at 64 KiB; the refusal says what to do."""
    large = json.dumps("x" * 70_000)
    with pytest.raises(errors.ImageError, match="JPEG") as refused:
        embed(FILES["jpeg"], large)
    assert "sidecar=True" in str(refused.value)
    assert embedded(embed(FILES["png"], large)) == large
    assert embedded(embed(FILES["webp"], large)) == large


@pytest.fixture
def edit(tmp_path):
    """An edit with what people say about it."""
    with Store.open(tmp_path / "store", clock=Clock()) as store:
        made = complete(store, asked("Make it snow.", picture()), "a picture")
        yield store.annotate(made.id, starred=True, note="not for the client", add_tags=["draft"])


def test_a_copy_says_what_was_asked_and_nothing_that_was_said_about_it(edit):
    """Notes, tags and stars stay at home; addresses too."""
    copy = embedded_copy(FILES["png"], edit, 0)
    record = read_embedded(copy)
    assert record.holds
    assert record.output == 0
    assert (record.edit.prompt, record.edit.digest, record.edit.uid) == (edit.prompt, edit.digest, edit.uid)
    for private in (b"not for the client", b"draft", b"https://", b"request-1", b"cost", b"transitions"):
        assert private not in copy


def tampered(edit, **changes: Any) -> bytes:
    """A copy whose record was changed by somebody."""
    content = json.loads(embedded(embedded_copy(FILES["png"], edit, 0)))
    content["edit"] |= changes
    return embed(FILES["png"], json.dumps(content))


def test_a_record_that_was_changed_is_said_to_be(edit):
    """Its digests do not follow from what it says."""
    assert not read_embedded(tampered(edit, seed=8)).holds
    assert not read_embedded(tampered(edit, parameters={"prompt": "Make it rain."})).holds


@pytest.mark.parametrize(
    "changes",
    [
        {"uid": "../../etc"},
        {"seed": 10**40},
        {"inputs": [{"name": "x", "identity": "file:/etc/passwd"}]},
        {"outputs": [{"index": 0, "sha256": "0" * 64, "mime": "image/png", "width": None, "height": 1, "size": 1}]},
        {"created_at": None},
        {"surprise": 1},
    ],
)
def test_a_record_that_is_not_as_it_should_be_is_none(edit, changes):
    """The schema of bundles is the schema of records in files."""
    assert read_embedded(tampered(edit, **changes)) is None


@pytest.mark.parametrize(
    "text", ["", "null", "[" * 100_000, '{"edit": NaN}', "9" * 10_000, '{"format":"nbbanana-record"}']
)
def test_what_is_no_record_is_none(text):
    """Nothing in a file makes reading it fail."""
    assert read_embedded(embed(FILES["png"], text)) is None


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<x xmlns:n="urn:nbbanana:provenance:1#"><n:record>&b;</n:record></x>"""


def test_a_packet_with_a_document_type_is_not_read():
    """No entity is ever declared, so that none expands and none fetches a file."""
    assert record_in(LAUGHS) is None
    assert record_in(LAUGHS.replace(b'"ha"', b'SYSTEM "file:///etc/passwd"')) is None
    assert record_in(LAUGHS.partition(b"]>")[2].replace(b"&b;", b"&#104;a")) == "ha"


def test_a_packet_that_another_program_wrote_anew_is_read():
    """Photo tools write simple properties as attributes, with prefixes of their own."""
    text = b'<a xmlns:q="urn:nbbanana:provenance:1#"><b q:record="{&quot;a&quot;: 1}"/></a>'
    assert record_in(text) == '{"a": 1}'


COPIES = [embed(data, RECORD) for data in FILES.values()] + [signed(kind) for kind in KINDS]


@settings(max_examples=scaled(150), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.sampled_from(COPIES), st.data())
def test_whatever_happens_to_a_file_reading_it_never_fails(data, chance):
    """Bytes changed, cut out and put in: what comes back is a text or None, and embedding is refused in words."""
    broken = bytearray(data)
    for _ in range(chance.draw(st.integers(1, 6))):
        # Metadata stands near the beginning and the end: most strokes go there.
        at = chance.draw(
            st.one_of(st.integers(0, 120), st.integers(0, len(data)), st.integers(len(data) - 900, len(data)))
        )
        gone = chance.draw(st.sampled_from([0, 1, 4, 200]))
        broken[max(at, 0) : max(at, 0) + gone] = chance.draw(st.binary(max_size=8))
    look(bytes(broken))


@settings(max_examples=scaled(60))
@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x10\0\0\0WEBP", b""]), st.binary(max_size=200))
@example(b"\xff\xd8", b"\xff" * 150)
@example(b"RIFF\0\0\0\0WEBP", b"VP8X\0\0\0\0XMP \0\0\0\0")
@example(b"RIFF\xff\xff\xff\xffWEBP", b"VP8 \0\0\0\0")
def test_bytes_that_only_begin_like_a_picture_do_no_harm(beginning, rest):
    """The same for files that never were one."""
    look(beginning + rest)


def look(data: bytes) -> None:
    assert isinstance(embedded(data), str | None)
    assert read_embedded(data) is None
    assert isinstance(has_content_credentials(data), bool)
    assert all(isinstance(original, bytes) for original in originals(data))
    with suppress(errors.ImageError):
        assert isinstance(embed(data, "{}"), bytes)
