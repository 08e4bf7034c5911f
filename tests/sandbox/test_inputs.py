"""The pictures of a submission: what is taken, what is refused, what stands for a URL."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from support.sandboxes import Serve, data_uri, fetch, png
from support.tiers import scaled

from nbbanana.sandbox.files import LARGEST_IMAGE, placeholder


def picture(kind: str) -> bytes:
    """A small picture in that format."""
    stream = BytesIO()
    Image.new("RGB", (40, 30), "olive").save(stream, kind)
    return stream.getvalue()


def large() -> bytes:
    """A PNG of few bytes and more than 32 million pixels."""
    stream = BytesIO()
    Image.new("1", (8000, 4001)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_data_uris_are_decoded_and_painted_from(serve: Serve, kind: str) -> None:
    """The formats that the service makes are the ones it takes."""
    box, client = serve()
    client.accepted(image_urls=[data_uri(picture(kind), kind)])
    box.settle()
    assert box.submissions[0].state == "completed"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("data:image/png;base64,!!!", "not base64"),
        ("data:image/png;base64," + "A" * 40, "cannot be read"),
        ("data:image/png;base64,", "cannot be read"),
        (data_uri(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "cannot be read"),
        (data_uri(png()[:60]), "cannot be read"),
        ("data:image/svg+xml;base64,PHN2Zy8+", "not a base64 data URI"),
        ("data:text/plain,hello", "not a base64 data URI"),
        (data_uri(b"\x89PNG" + b"\0" * LARGEST_IMAGE), "are allowed"),
        (data_uri(large()), "are allowed"),
        ("http://example.com/a.png", "neither an https URL"),
        ("ftp://example.com/a.png", "neither an https URL"),
        ("https:///a.png", "neither an https URL"),
        ("file:///etc/passwd", "neither an https URL"),
        ("portrait.png", "neither an https URL"),
        ("https://[broken/a.png", "neither an https URL"),
    ],
)
def test_what_is_no_usable_picture_is_named_and_refused(serve: Serve, source: str, words: str) -> None:
    """The refusal says which one it was; nothing of the request stays behind."""
    box, client = serve()
    answer = client.submit(image_urls=[data_uri(png()), source])
    assert answer.status_code == 422
    assert "image_urls[1]" in answer.json()["error_message"]
    assert words in answer.json()["error_message"]
    assert box.submissions == []
    folder = box.files._folder
    assert folder is not None
    assert list(folder.iterdir()) == []


def test_an_output_is_an_input_again(serve: Serve) -> None:
    """Its own output's URL gives that picture, byte for byte, not a placeholder."""
    box, client = serve()
    first = client.accepted()
    box.settle()
    url = client.result(first)["output"]["images"][0]
    by_url, by_bytes = client.accepted(image_urls=[url]), client.accepted(image_urls=[data_uri(fetch(url).content)])
    box.settle()
    one, other = (fetch(client.result(each)["output"]["images"][0]).content for each in (by_url, by_bytes))
    assert one == other


def test_an_output_that_is_gone_is_no_input(serve: Serve) -> None:
    """An expired output's URL is refused, as the service would fail to fetch it."""
    box, client = serve()
    first = client.accepted()
    box.settle()
    url = client.result(first)["output"]["images"][0]
    box.expire(first)
    assert client.submit(image_urls=[url]).status_code == 422


def test_a_public_url_is_painted_from_a_placeholder_and_never_fetched(serve: Serve) -> None:
    """The same URL gives the same picture, another URL another; the test's network guard sees no connection."""
    box, client = serve()
    urls = ["https://example.com/a.png", "https://example.com/a.png", "https://example.com/b.png"]
    ids = [client.accepted(image_urls=[url]) for url in urls]
    box.settle()
    one, same, other = (fetch(client.result(each)["output"]["images"][0]).content for each in ids)
    assert one == same != other


@settings(max_examples=scaled(10))
@given(st.text(max_size=80).map(lambda text: f"https://host.invalid/{text}"))
def test_any_url_has_its_placeholder(url: str) -> None:
    """Law: a placeholder is a picture of its size, always the same for a URL."""
    first = placeholder(url)
    assert first == placeholder(url)
    assert Image.open(BytesIO(first)).size == (768, 512)


def test_a_placeholder_shows_the_host_and_not_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signed URL's secret does not end up in a picture: only the colours depend on it."""
    written: list[str] = []
    draw = ImageDraw.ImageDraw.text
    monkeypatch.setattr(
        ImageDraw.ImageDraw, "text", lambda self, at, text, **rest: (written.append(text), draw(self, at, text, **rest))
    )
    placeholder("https://host.invalid/private/a.png?signature=secret")
    assert "host.invalid" in written[0]
    assert "private" not in written[0]
    assert "secret" not in written[0]
