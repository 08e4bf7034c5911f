"""Which URLs a service is asked to fetch."""

from __future__ import annotations

import hashlib

import pytest

from nbbanana.errors import ImageError
from nbbanana.images import load, load_all, prepare


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/shots/portrait.jpg", "portrait.jpg"),
        ("https://example.com/my%20cat.png?width=800#top", "my cat.png"),
        ("HTTPS://EXAMPLE.COM/a.png", "a.png"),
        ("https://example.com:8443/a/", "a"),
        ("https://example.com", "example.com"),
        ("https://93.184.216.34/a.png", "a.png"),
        ("https://[2606:2800:220:1::1]/a.png", "a.png"),
        ("https://xn--bcher-kva.example/a.png", "a.png"),
    ],
)
def test_an_https_url_is_taken_as_it_is(url: str, name: str) -> None:
    """Nothing is fetched; the name is the last part of the path."""
    found = load(url)
    assert (found.name, found.url, found.identity) == (name, url, f"url:{hashlib.sha256(url.encode()).hexdigest()}")
    assert (found.width, found.height, found.format, found.source) == (None, None, None, None)


def test_plain_http_is_refused_with_a_way_out() -> None:
    """It can be changed on its way."""
    with pytest.raises(ImageError) as caught:
        load("http://example.com/a.png")
    assert caught.value.lines == [
        "The URL of the picture begins with http://.",
        "Only https is taken: anyone on the way could change what plain http brings.",
        "Write https:// if the site has it, or download the picture and give the file.",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "s3://bucket/secret.png",
        "javascript://example.com/%0aalert(1)",
        "https://",
        "https:///a.png",
        "https://secret@example.com/a.png",
        "https://user:secret@example.com/a.png",
        "https://@example.com/a.png",
        "https://example.com:port/a.png",
        "https://example.com:99999/a.png",
        "https://[::1/a.png",
        "https://example.com/a secret.png",
        "https://example.com/a\nHost: secret",
        "https://example.com\\@secret.example/a.png",
        "https://exämple.com/a.png",
        "https://localhost/a.png",
        "https://LOCALHOST./a.png",
        "https://127.0.0.1/a.png",
        "https://10.0.0.7/secret.png",
        "https://192.168.1.1/a.png",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/a.png",
        "https://[fe80::1%25eth0]/a.png",
        "https://nas.local/a.png",
    ],
)
def test_other_urls_are_refused_without_repeating_them(url: str) -> None:
    """A URL may hold a secret: the message says what is wrong with it, not what it is."""
    with pytest.raises(ImageError) as caught:
        load(url)
    assert len(caught.value.lines) == 3
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("path", ["C:/shots/a.png", "c:\\a.png", "https.png", "a:b.png"])
def test_a_path_is_not_taken_for_a_url(path: str) -> None:
    """Drive letters and colons make no URL: these are sought as files."""
    with pytest.raises(ImageError, match="is not there"):
        load(path)


def test_a_star_in_a_url_is_no_glob() -> None:
    """URLs are not expanded."""
    assert [found.url for found in load_all(["https://example.com/a*.png?b=[1]"])] == [
        "https://example.com/a*.png?b=[1]"
    ]


def test_a_url_has_no_bytes_to_prepare() -> None:
    """It travels as it is: handing it in for preparation is a mistake that is said."""
    with pytest.raises(ImageError, match="It is a URL"):
        prepare([load("https://example.com/a.png")])
