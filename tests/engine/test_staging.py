"""Staging: inputs go to a real S3 server and travel as signed addresses, which are kept nowhere."""

from __future__ import annotations

import base64
import importlib
import sys
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

import nbbanana as nb
from nbbanana import errors
from nbbanana.engine.prepare import stage
from nbbanana.images import load, prepare
from nbbanana.sandbox import Sandbox
from nbbanana.settings import settings


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A local S3 server; its origin."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server, monkeypatch) -> str:
    """An empty bucket on it, and the environment in which s3fs finds it."""
    import s3fs

    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    if not system.exists("studio"):
        system.mkdir("studio")
    for path in system.find("studio"):
        system.rm_file(path)
    return "s3://studio/inputs"


@pytest.fixture
def picture():
    """A small picture."""
    return Image.linear_gradient("L").resize((48, 32)).convert("RGB")


def uploads_of(picture):
    return prepare([load(picture)])


def objects() -> list[str]:
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    return s3fs.S3FileSystem().find("studio")


def test_a_picture_lies_under_its_digest_and_its_address_opens_it(bucket, picture):
    """The signed address gives the very bytes; asked twice, the picture is stored once."""
    [upload] = uploads_of(picture)
    urls = stage(bucket, [upload, None])
    assert urls[1] is None
    assert "Signature" in urls[0]
    assert httpx.get(urls[0]).content == upload.data
    stage(bucket, [upload])
    assert objects() == [f"studio/inputs/{upload.sha256}.png"]


def test_a_request_travels_with_addresses_that_no_record_holds(bucket, picture, tmp_path, monkeypatch):
    """The service opens the address and paints from it; the store holds the picture and not the address."""
    with Sandbox(time_scale=0, token="a-real-one") as box:
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        settings().staging = bucket
        sent = []
        with nb.Session(store=tmp_path / "store") as session:
            provider = session.engine_at().provider
            submit = provider.submit

            async def opened(model, payload):
                """What the service does with an address: it fetches it."""
                sent.extend(payload["image_urls"])
                async with httpx.AsyncClient() as client:
                    found = [(await client.get(url)).content for url in payload["image_urls"]]
                uris = [f"data:image/png;base64,{base64.b64encode(data).decode()}" for data in found]
                return await submit(model, {**payload, "image_urls": uris})

            provider.submit = opened
            result = session.edit("Make it snow.", picture, seed=1, resolution="0.5K")
            shown = f"{result.record!r} {result._repr_mimebundle_()!r} {list(session.history)!r}"
    assert len(sent) == 1
    assert sent[0].startswith("http")
    signature = sent[0].partition("?")[2]
    assert signature
    assert signature not in shown
    assert "studio/inputs" not in shown
    for path in (tmp_path / "store").rglob("*"):
        assert not path.is_file() or b"Signature=" not in path.read_bytes(), path.name


def test_the_sandbox_gets_the_picture_itself(bucket, picture, tmp_path):
    """It fetches nothing, so that nothing is put anywhere for it."""
    settings().staging = bucket
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        assert len(session.edit("Make it snow.", picture, seed=1, resolution="0.5K")) == 1
    assert objects() == []


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("memory://inputs", "cannot sign"),
        ("nowhere://bucket/x", "does not know nowhere://"),
        ("s3://no-such-bucket/x", "did not take"),
    ],
)
def test_a_place_that_will_not_do_is_said(bucket, picture, where, words):
    """It cannot sign, nobody knows it, or it refuses; no address is in the words."""
    with pytest.raises(errors.ConfigError, match=words) as caught:
        stage(where, uploads_of(picture))
    assert "http" not in str(caught.value)


@pytest.mark.parametrize(("missing", "words"), [("fsspec.core", "needs fsspec"), ("s3fs", "needs a package")])
def test_a_package_that_is_missing_is_named(picture, monkeypatch, missing, words):
    """With what to install."""
    known = importlib.import_module("fsspec.registry")
    for protocol in ("s3", "s3a"):
        monkeypatch.delitem(known._registry, protocol, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(errors.ConfigError, match=words) as caught:
        stage("s3://studio/inputs", uploads_of(picture))
    assert "nstall" in str(caught.value)


def test_staging_is_off_until_it_is_asked_for(monkeypatch):
    """The environment can ask, too."""
    assert settings().staging == ""
    type(settings()).clear_instance()
    monkeypatch.setenv("NBBANANA_STAGING", "s3://a/b")
    assert settings().staging == "s3://a/b"
