"""Outputs come from addresses and servers that nobody vouches for: none of these is fetched, none hangs."""

from __future__ import annotations

import asyncio
import gzip
import struct
import zlib
from collections.abc import Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO

import httpx
import pytest
from PIL import Image

from nbbanana.errors import DownloadError, ImageError, OutputGoneError, UnsafeDownloadError
from nbbanana.images import inspect
from nbbanana.providers.downloads import OutputSource, checked_url
from nbbanana.providers.http import Connections, Timeouts
from nbbanana.providers.runcomfy import OUTPUT_HOSTS

CAP = 64 << 10
DEADLINE = 0.5
BOUND = 5.0
"""Seconds after which a case counts as hung; the deadline ends them all long before."""

LEGAL = [
    "https://files.runcomfy.net/a.png",
    "https://playgrounds-storage-public.runcomfy.net/x/y.png?X-Amz-Signature=00ff&e=1%2F2",
    "https://a.b.runcomfy.com/a.png",
    "https://files.runcomfy.net:443/a.png",
    "https://FILES.RunComfy.NET/A.png",
    "HTTPS://files.runcomfy.net/a.png#part",
]

FOREIGN = """
http://files.runcomfy.net/a.png
ftp://files.runcomfy.net/a.png
file:///etc/passwd
file://files.runcomfy.net/etc/passwd
data:image/png;base64,iVBORw0KGgo=
javascript:alert(1)
blob:https://files.runcomfy.net/a
ws://files.runcomfy.net/a.png
gopher://files.runcomfy.net/a.png
//files.runcomfy.net/a.png
/a.png
a.png
files.runcomfy.net/a.png
https:files.runcomfy.net/a.png
https:/files.runcomfy.net/a.png
https:///files.runcomfy.net/a.png
https://
https:///a.png
https://?files.runcomfy.net
https://#files.runcomfy.net
https://runcomfy.net/a.png
https://runcomfy.com/a.png
https://.runcomfy.net/a.png
https://..runcomfy.net/a.png
https://files..runcomfy.net/a.png
https://-.runcomfy.net/a.png
https://evilruncomfy.net/a.png
https://evil-runcomfy.net/a.png
https://files.runcomfy.net.evil.com/a.png
https://runcomfy.net.evil.com/a.png
https://files.runcomfy.org/a.png
https://files.runcomfy.net.co/a.png
https://files.runcomfy.ne/a.png
https://filesXruncomfy.net/a.png
https://evil.com/files.runcomfy.net/a.png
https://evil.com?.runcomfy.net/a.png
https://evil.com#.runcomfy.net/a.png
https://evil.com;.runcomfy.net/a.png
https://evil.com&.runcomfy.net/a.png
https://evil.com,files.runcomfy.net/a.png
https://files.runcomfy.net./a.png
https://files.runcomfy.net../a.png
https://files.runcomfy.net:8443/a.png
https://files.runcomfy.net:80/a.png
https://files.runcomfy.net:0/a.png
https://files.runcomfy.net:65536/a.png
https://files.runcomfy.net:-1/a.png
https://files.runcomfy.net:443:443/a.png
https://files.runcomfy.net:443@evil.com/a.png
https://user@files.runcomfy.net/a.png
https://user:pass@files.runcomfy.net/a.png
https://@files.runcomfy.net/a.png
https://:@files.runcomfy.net/a.png
https://files.runcomfy.net@evil.com/a.png
https://files.runcomfy.net%40evil.com/a.png
https://evil.com%40files.runcomfy.net/a.png
https://evil.com%2f.runcomfy.net/a.png
https://evil.com%23.runcomfy.net/a.png
https://evil.com%00.runcomfy.net/a.png
https://evil.com%0d%0a.runcomfy.net/a.png
https://files%2eruncomfy.net/a.png
https://files.runcomfy%2enet/a.png
https://%66iles.runcomfy.net/a.png
https://files_1.runcomfy.net/a.png
https://xn--fles-1na.runcomfy.net/a.png
https://files.xn--runcomfy-4ra.net/a.png
https://xn--files-runcomfy-.net/a.png
https://localhost/a.png
https://127.0.0.1/a.png
https://127.1/a.png
https://2130706433/a.png
https://0x7f000001/a.png
https://0x7f.0.0.1/a.png
https://0177.0.0.1/a.png
https://0/a.png
https://10.0.0.1/a.png
https://169.254.169.254/latest/meta-data/
https://192.168.0.1/a.png
https://999.999.999.999/a.png
https://[::1]/a.png
https://[::ffff:127.0.0.1]/a.png
https://[::ffff:7f00:1]/a.png
https://[fe80::1%25lo]/a.png
https://[fd00::1]/a.png
https://[::1/a.png
https://[files.runcomfy.net]/a.png
https://files.runcomfy.net]/a.png
https://evil.com\\.runcomfy.net/a.png
https://evil.com\\@files.runcomfy.net/a.png
https:\\\\files.runcomfy.net\\a.png
https://files.runcomfy.net\\@evil.com/a.png
https://files.runcomfy.net"/a.png
https://files.runcomfy.net<script>/a.png
https://{files}.runcomfy.net/a.png
https://files.runcomfy.net`id`/a.png
https://files.runcomfy.net|evil.com/a.png
https://files.runcomfy.net^evil.com/a.png
https://ﬁles.runcomfy.net/a.png
https://files.runcomfy。net/a.png
https://files.runcοmfy.net/a.png
https://files.runcomfy.net／a.png
https://evil.com／.runcomfy.net/a.png
https://evil.com＃.runcomfy.net/a.png
https://ⓕiles.runcomfy.net/a.png
https://١٢٧.0.0.1/a.png
""".replace("\\\\", "\\").split()
UNPRINTABLE = [
    "",
    " ",
    " https://files.runcomfy.net/a.png",
    "https://files.runcomfy.net/a.png ",
    "https://files.runcomfy.net/a b.png",
    "https://files.runcomfy.net\t/a.png",
    "https://evil.com\t.runcomfy.net/a.png",
    "https://files.runcomfy.net\n/a.png",
    "https://evil.com\r\nHost: files.runcomfy.net/",
    "https://files.runcomfy.net/a.png\r\nAuthorization: x",
    "ht\ntps://files.runcomfy.net/a.png",
    "https://files.runcomfy.net\x00.evil.com/a.png",
    "https://files.runcomfy.net\x7f/a.png",
    "https://files.runcomfy.net\u200b/a.png",
    "https://files.runcomfy.net\u202e/a.png",
    "https://" + "a." * 3000 + "example/a.png",
    "https://" + "a" * 64 + ".runcomfy.net/a.png",
]


@pytest.mark.parametrize("address", LEGAL)
def test_an_output_of_the_service_has_an_address_to_fetch_from(address):
    """What the service really hands out passes, its host in lower case."""
    url = checked_url(address, hosts=OUTPUT_HOSTS)
    assert url.host == url.host.lower()
    assert url.host.endswith((".runcomfy.net", ".runcomfy.com"))


@pytest.mark.parametrize("address", [*FOREIGN, *UNPRINTABLE], ids=ascii)
def test_no_trick_of_an_address_gets_through(address):
    """Hosts, schemes, ports and characters that lead elsewhere, or that parsers read in two ways, are refused."""
    with pytest.raises(UnsafeDownloadError) as refused:
        checked_url(address, hosts=OUTPUT_HOSTS)
    if len(address.strip()) > 3:
        assert address not in str(refused.value), "an address can hold a secret"


NEAR_MISSES = [
    "https://127.0.0.1:8000/a.png",
    "http://127.0.0.1/a.png",
    "http://127.0.0.1:80/a.png",
    "http://127.0.0.1:8001/a.png",
    "http://127.0.0.1:08001/a.png",
    "http://127.0.0.1:80000/a.png",
    "http://localhost:8000/a.png",
    "http://127.1:8000/a.png",
    "http://2130706433:8000/a.png",
    "http://0x7f000001:8000/a.png",
    "http://[::ffff:127.0.0.1]:8000/a.png",
    "http://[::1]:8000/a.png",
    "http://0.0.0.0:8000/a.png",
    "http://127.0.0.1.:8000/a.png",
    "http://127.0.0.1:8000@evil.com/a.png",
    "http://x@127.0.0.1:8000/a.png",
    "http://127.0.0.1:8000.evil.com/a.png",
    "http://127.0.0.1:8000\\@evil.com/a.png",
    "ftp://127.0.0.1:8000/a.png",
]


@pytest.mark.parametrize("address", NEAR_MISSES)
def test_a_trusted_origin_is_that_scheme_host_and_port_and_no_other(address):
    """What looks like the trusted origin is not it."""
    with pytest.raises(UnsafeDownloadError):
        checked_url(address, hosts=OUTPUT_HOSTS, trusted_base="http://127.0.0.1:8000/v1")


def test_the_trusted_origin_serves_outputs():
    """Whatever its path, and though it is plain http on loopback; a default port may be named or not."""
    assert (
        checked_url(
            "http://127.0.0.1:8000/outputs/a.png", hosts=OUTPUT_HOSTS, trusted_base="http://127.0.0.1:8000/v1"
        ).port
        == 8000
    )
    assert checked_url(
        "https://proxy.example:443/a.png", hosts=OUTPUT_HOSTS, trusted_base="https://proxy.example/v1"
    ).host
    with pytest.raises(UnsafeDownloadError):
        checked_url("https://proxy.example:0/a.png", hosts=OUTPUT_HOSTS, trusted_base="https://proxy.example/v1")


# ── a server that does what it likes ────────────────────────────────────────────────────────────────────────────

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """A raw server: what it was asked, and how it answers by path."""

    handlers: dict[str, Handler]
    asked: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split(" ")[1]
            self.asked.append(path)
            self.heads.append(head)
            await self.handlers[path](reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def serving(handlers: dict[str, Handler]):
    """The server on a port of its own; whatever still drips is cut at the end."""
    server = Server(handlers)
    tasks: set[asyncio.Task[None]] = set()

    def met(reader, writer):
        tasks.add(asyncio.get_running_loop().create_task(server.answer(reader, writer)))

    listening = await asyncio.start_server(met, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def raw(*parts: bytes, every: float = 0.0, forever: bytes = b"", silent: bool = False) -> Handler:
    """Sends these bytes, some seconds apart, then `forever` without end, or says nothing more and stays."""

    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every)
        while forever:
            writer.write(forever)
            await writer.drain()
            await asyncio.sleep(every)
        if silent:
            await asyncio.Event().wait()

    return handler


def ok(body: bytes = b"", *headers: str, length: int | str | None = None, status: str = "200 OK") -> bytes:
    """An answer, its Content-Length true unless another is given; an empty one leaves the header out."""
    lines = [f"HTTP/1.1 {status}", *headers]
    told = len(body) if length is None else length
    if told != "":
        lines.append(f"Content-Length: {told}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body


async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Half an answer, then a TCP reset."""
    import socket

    writer.write(ok(b"x" * 10, length=1000))
    await writer.drain()
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass
class Attempt:
    """What came of a fetch: a file's bytes, or the error; what was asked; what lies in the folder."""

    data: bytes | None
    error: BaseException | None
    asked: list[str]
    heads: list[str]
    elsewhere: list[str]
    left: list[str]


def attempt(folder, handlers, path="/a.png", cap=CAP, deadline=DEADLINE) -> Attempt:
    """Fetch `path` from the trusted server; `{other}` in an answer is the origin of one that is not trusted."""

    async def main() -> Attempt:
        async with (
            serving({}) as other,
            serving({}) as server,
            aclosing(Connections(Timeouts(read=3.0))) as http,
        ):
            server.handlers = handlers(server.origin, other.origin) if callable(handlers) else handlers
            other.handlers = dict.fromkeys(["/a.png", "/"], raw(ok(png())))
            source = OutputSource(OUTPUT_HOSTS, f"{server.origin}/v1", deadline, cap)
            data = error = None
            try:
                async with asyncio.timeout(BOUND):
                    file = await source.fetch(http.client_for, f"{server.origin}{path}", folder)
                assert file.path.parent == folder
                assert file.path.name.startswith(".download-")
                data = await asyncio.to_thread(file.path.read_bytes)
                file.path.unlink()
            except DownloadError as refused:
                error = refused
            left = [entry.name for entry in folder.iterdir()]
            return Attempt(data, error, server.asked, server.heads, other.asked, left)

    return asyncio.run(main())


def png(width: int = 8, height: int = 6) -> bytes:
    """A small picture."""
    stream = BytesIO()
    Image.new("RGB", (width, height), "teal").save(stream, "PNG")
    return stream.getvalue()


def chunked(*bodies: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(body), body) for body in bodies)


CHUNKED = ok(b"", "Transfer-Encoding: chunked", length="")
BOMB = gzip.compress(b"\0" * (32 << 20))
BROKEN_ANSWERS: dict[str, Handler] = {
    "length says more than comes": raw(ok(png(), length=5000)),
    "length says more and the rest never comes": raw(ok(png(), length=5000), silent=True),
    "length is negative": raw(ok(png(), length=-1)),
    "length is no number": raw(ok(png(), length="many")),
    "length is hexadecimal": raw(ok(png(), length="0x10")),
    "two lengths that differ": raw(ok(png(), "Content-Length: 3")),
    "chunk size is no number": raw(CHUNKED + b"zz\r\nabc\r\n"),
    "chunk is never finished": raw(CHUNKED + b"ffff\r\nabc", silent=True),
    "chunk is cut off": raw(CHUNKED + b"ffff\r\nabc"),
    "chunks without an end": raw(CHUNKED + chunked(b"abc"), silent=True),
    "drip of a body": raw(ok(length=1000), every=0.02, forever=b"x"),
    "drip of chunks": raw(CHUNKED, every=0.02, forever=chunked(b"x")),
    "drip of a head": raw(b"HTTP/1.1 200 OK\r\nX: ", every=0.02, forever=b"x"),
    "nothing at all": raw(silent=True),
    "a head and then nothing": raw(ok(length=1000), silent=True),
    "half a head": raw(b"HTTP/1.1 200 OK\r\nContent-Le", silent=True),
    "no answer": raw(),
    "half a head and the end": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "endless head": raw(b"HTTP/1.1 200 OK\r\n", forever=b"X-Filler: " + b"x" * 1000 + b"\r\n"),
    "one endless header": raw(b"HTTP/1.1 200 OK\r\nX: ", forever=b"x" * 1000),
    "endless early hints": raw(forever=b"HTTP/1.1 103 Early Hints\r\n\r\n", every=0.001),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "HTTP/0.9": raw(png()),
    "a TLS alert": raw(b"\x15\x03\x01\x00\x02\x02\x28"),
    "status 0": raw(b"HTTP/1.1 000 None\r\n\r\n"),
    "status 99999": raw(b"HTTP/1.1 99999 Lots\r\n\r\n"),
    "a header with NUL": raw(b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 3\r\n\r\nabc"),
    "reset in the middle": reset,
    "gzip twice": raw(ok(gzip.compress(BOMB), "Content-Encoding: gzip, gzip")),
    "gzip over two headers": raw(ok(gzip.compress(BOMB), "Content-Encoding: gzip", "Content-Encoding: x-gzip")),
    "gzip and br": raw(ok(BOMB, "Content-Encoding: br,gzip")),
    "gzip cut off": raw(ok(gzip.compress(png())[:-9], "Content-Encoding: gzip")),
    "gzip damaged": raw(ok(gzip.compress(png())[:40] + b"\xff" * 200, "Content-Encoding: gzip")),
    "empty by length": raw(ok()),
    "empty by chunks": raw(CHUNKED + b"0\r\n\r\n"),
    "empty by closing": raw(ok(length="")),
    "204": raw(ok(status="204 No Content", length="")),
    "205": raw(ok(status="205 Reset Content")),
    "206 of something": raw(ok(png(), status="206 Partial Content")),
    "201 with a picture": raw(ok(png(), status="201 Created")),
    "300": raw(ok(png(), "Location: /b.png", status="300 Multiple Choices")),
    "304": raw(ok(status="304 Not Modified", length="")),
    "305": raw(ok(png(), "Location: /b.png", status="305 Use Proxy")),
    "400": raw(ok(png(), status="400 Bad Request")),
    "401": raw(ok(png(), 'WWW-Authenticate: Bearer realm="x"', status="401 Unauthorized")),
    "403 of an expired signature": raw(ok(b"<Error>ExpiredToken</Error>", status="403 Forbidden")),
    "404": raw(ok(b"gone", status="404 Not Found")),
    "407": raw(ok(b"", "Proxy-Authenticate: Basic", status="407 Proxy Authentication Required")),
    "500": raw(ok(b"<html>", status="500 Internal Server Error")),
    "503": raw(ok(b"", "Retry-After: 1", status="503 Service Unavailable")),
}
TOO_LARGE: dict[str, Handler] = {
    "a gzip bomb": raw(ok(BOMB, "Content-Encoding: gzip")),
    "a bomb under a second encoding": raw(ok(BOMB, "Content-Encoding: identity, gzip")),
    "a deflate bomb": raw(ok(zlib.compress(b"\0" * (1 << 24)), "Content-Encoding: deflate")),
    "endless chunks": raw(CHUNKED, forever=chunked(b"x" * 4096)),
    "endless until closing": raw(ok(length=""), forever=b"x" * 4096),
    "an honest length over the cap": raw(ok(length=CAP + 1), silent=True),
    "a length of exabytes": raw(ok(length=10**18), silent=True),
    "chunks that go over the cap": raw(CHUNKED + chunked(b"x" * CAP, b"x") + b"0\r\n\r\n"),
    "one chunk of exabytes": raw(CHUNKED + b"fffffffffffffff\r\n", forever=b"x" * 4096),
}


@pytest.mark.parametrize("name", BROKEN_ANSWERS)
def test_an_answer_that_is_no_whole_file_is_a_typed_error_in_time(tmp_path, name):
    """Lies about lengths, drips, silence, encodings, foreign protocols and every other status: nothing is kept."""
    came = attempt(tmp_path, {"/a.png": BROKEN_ANSWERS[name]})
    assert type(came.error) is (OutputGoneError if name == "404" else DownloadError)
    assert came.asked == ["/a.png"]
    assert came.left == []


@pytest.mark.parametrize("name", TOO_LARGE)
def test_more_than_the_cap_is_never_taken(tmp_path, name):
    """Whether the length says so or the bytes do."""
    came = attempt(tmp_path, {"/a.png": TOO_LARGE[name]}, deadline=BOUND)
    assert type(came.error) is UnsafeDownloadError
    assert "too large" in str(came.error)
    assert came.left == []


def squeezed(window: int, data: bytes) -> bytes:
    """Bytes as zlib writes them: with a header of its own, of gzip's, or with none."""
    press = zlib.compressobj(wbits=window)
    return press.compress(data) + press.flush()


ENCODED = {
    **{
        f"plain bytes under {name!r}": (name, None)
        for name in [
            "identity",
            "aws-chunked",
            "base64",
            "utf-8",
            "none",
            "rot13",
            "br",
            "ZSTD",
            "gzip",
            "deflate",
            ",",
            "a,b",
            "",
        ]
    },
    "gzip": ("gzip", 31),
    "GZIP in capitals": ("GZip", 31),
    "x-gzip": ("x-gzip", 31),
    "deflate": ("deflate", 15),
    "deflate without a header": ("deflate", -15),
    "gzip beside what is no compression": ("aws-chunked, gzip", 31),
}


@pytest.mark.parametrize("kind", ENCODED)
@pytest.mark.parametrize("split", [1, 3, 1 << 20])
def test_the_picture_is_taken_whatever_encoding_an_answer_names(tmp_path, kind, split):
    """One gzip or deflate is undone; a name that is no compression, or that the bytes have not, is passed over."""
    name, window = ENCODED[kind]
    data = png()
    body = data if window is None else squeezed(window, data)
    pieces = [chunked(body[:split]), chunked(body[split:])] if body[split:] else [chunked(body)]
    head = CHUNKED.replace(b"\r\n\r\n", f"\r\nContent-Encoding: {name}\r\n\r\n".encode())
    came = attempt(tmp_path, {"/a.png": raw(head + b"".join(pieces) + b"0\r\n\r\n")})
    assert came.error is None
    assert came.data == data


def test_compression_is_not_asked_for(tmp_path):
    """Every request says identity, so that an honest server sends what it counts."""
    came = attempt(tmp_path, {"/a.png": raw(ok(png()))})
    assert all("accept-encoding: identity" in head.lower() for head in came.heads)
    assert came.heads


def test_exactly_the_cap_is_taken(tmp_path):
    """The bound itself is allowed, and one byte less."""
    for size in (CAP - 1, CAP):
        assert len(attempt(tmp_path, {"/a.png": raw(ok(b"x" * size))}).data or b"") == size


TARGETS = """
{other}/a.png
//{other_host}/a.png
http://localhost:{port}/a.png
http://[::1]:{port}/a.png
http://[::ffff:127.0.0.1]:{port}/a.png
http://x@127.0.0.1:{port}/a.png
http://x:y@127.0.0.1:{port}/a.png
https://127.0.0.1:{port}/a.png
http://127.1:{port}/a.png
http://2130706433:{port}/a.png
http://127.0.0.1:{port}@{other_host}/a.png
http://127.0.0.1:{port}\\@{other_host}/a.png
\\\\{other_host}/a.png
/\\{other_host}/a.png
http://169.254.169.254/latest/meta-data/
http://10.0.0.1/a.png
http://192.168.1.1/a.png
http://metadata.google.internal/
http://localhost/a.png
http://0.0.0.0/a.png
https://evil.example/a.png
https://files.runcomfy.net.evil.example/a.png
https://evilruncomfy.net/a.png
https://files.runcomfy.net@evil.example/a.png
https://files.runcomfy.net:8443/a.png
https://files.runcomfy.net./a.png
http://files.runcomfy.net/a.png
ftp://files.runcomfy.net/a.png
file:///etc/passwd
data:image/png;base64,iVBORw0KGgo=
javascript:alert(1)
http://[::1
http://127.0.0.1:99999/a.png
https://ﬁles.runcomfy.net/a.png
https://evil.example/\x01
""".replace("\\\\", "\\").split("\n")[1:-1]


UNREADABLE = {
    "http://[::1",
    "https://ﬁles.runcomfy.net/a.png",
    "https://evil.example/\x01",
}
"""Those that the HTTP library already refuses to read: to it the answer is no HTTP."""


@pytest.mark.parametrize("status", ["302 Found", "308 Permanent Redirect"])
@pytest.mark.parametrize("target", TARGETS, ids=ascii)
def test_a_redirect_goes_nowhere_that_an_address_may_not(tmp_path, target, status):
    """Private and foreign hosts, other schemes, other ports: neither asked nor resolved."""

    def handlers(origin: str, other: str) -> dict[str, Handler]:
        host = other.removeprefix("http://")
        where = target.format(other=other, other_host=host, port=origin.rpartition(":")[2])
        head = f"HTTP/1.1 {status}\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n"
        return {"/a.png": raw(head.encode())}

    came = attempt(tmp_path, handlers)
    assert isinstance(came.error, DownloadError)
    assert type(came.error) is (DownloadError if target in UNREADABLE else UnsafeDownloadError)
    assert came.asked == ["/a.png"]
    assert came.elsewhere == []
    assert came.left == []


def moved(to: str, status: str = "302 Found") -> Handler:
    return raw(ok(b"", f"Location: {to}", status=status))


@pytest.mark.parametrize(
    "handlers",
    [
        {"/a.png": moved("/a.png")},
        {"/a.png": moved("")},
        {"/a.png": moved("?")},
        {"/a.png": raw(ok(status="302 Found"))},
        {"/a.png": moved("/b.png"), "/b.png": moved("/a.png")},
        {"/a.png": moved("#x")},
        {f"/{'ab'[n > 0]}{n or ''}.png": moved(f"/b{n + 1}.png") for n in range(9)},
    ],
    ids=["itself", "nothing", "query", "no location", "two", "fragment", "a long way"],
)
def test_redirects_that_lead_in_circles_end(tmp_path, handlers):
    """At most five are followed."""
    handlers = {**handlers, "/a.png?": moved("?")}
    came = attempt(tmp_path, handlers)
    assert type(came.error) is UnsafeDownloadError
    assert len(came.asked) == 6
    assert came.left == []


def test_a_redirect_within_the_trusted_origin_is_followed(tmp_path):
    """A few honest ones reach the picture, and no answer's cookie or credential is sent along."""
    handlers = {
        "/a.png": raw(ok(b"", "Location: /b.png", "Set-Cookie: spy=1; Path=/", status="307 Temporary Redirect")),
        "/b.png": moved("c.png", "301 Moved Permanently"),
        "/c.png": raw(ok(png(), "Content-Type: text/html")),
    }
    came = attempt(tmp_path, handlers)
    assert came.data == png(), came.error
    assert came.asked == ["/a.png", "/b.png", "/c.png"]
    assert not [head for head in came.heads if "authorization" in head.lower() or "spy" in head]


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/cron.d/a.png",
        "/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/..%5c..%5cwindows%5ca.png",
        "/a.png%00.exe",
        "/" + "a" * 5000 + ".png",
        "/CON",
        "/-rf",
        "/.bashrc",
        "/a.png;rm%20-rf%20~",
    ],
    ids=lambda path: path[:30],
)
def test_no_name_of_the_server_becomes_a_name_of_a_file(tmp_path, path):
    """Paths and Content-Disposition say nothing about where the bytes go: into the folder, under a name of ours."""
    folder = tmp_path / "in"
    folder.mkdir()
    answer = raw(ok(png(), 'Content-Disposition: attachment; filename="../../evil.png"'))

    class Any(dict):
        def __missing__(self, key):
            return answer

    came = attempt(folder, Any(), path)
    assert came.data == png(), came.error
    assert [entry.name for entry in tmp_path.rglob("*")] == ["in"]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has so many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def jpeg() -> bytes:
    stream = BytesIO()
    Image.effect_noise((64, 64), 40).save(stream, "JPEG")
    return stream.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
NO_PICTURES = {
    "HTML": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    "HTML after blanks": b"\n\n   <html></html>",
    "SVG": SVG,
    "SVG with a prolog": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "x">]>' + SVG,
    "SVG compressed": gzip.compress(SVG),
    "JSON": b'{"error": "expired"}',
    "XML of a storage": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "text": b"not a picture",
    "one byte": b"\0",
    "zip": b"PK\x03\x04" + b"\0" * 40,
    "PDF": b"%PDF-1.7\n%%EOF",
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "ELF": b"\x7fELF" + b"\0" * 60,
    "a PNG's first eight bytes": png()[:8],
    "a PNG without its end": png()[:-20],
    "a PNG's head with HTML behind it": png()[:33] + b"<html>",
    "a JPEG's first half": jpeg()[: len(jpeg()) // 2],
    "a PNG of 50,000 by 50,000": bomb(50_000, 50_000),
    "a PNG of 2,147,483,647 by 1": bomb(2**31 - 1, 1),
    "a PNG of no width": bomb(0, 10),
    "a GIF of no size": b"GIF89a\0\0\0\0\0\0\0;",
    "a WebP that is none": b"RIFF\x10\0\0\0WEBPVP8 \0\0\0\0",
}


@pytest.mark.parametrize("name", NO_PICTURES)
def test_the_type_is_read_from_the_bytes(tmp_path, name):
    """Whatever the name and the header say, something that is no whole picture is refused by its bytes."""
    came = attempt(tmp_path, {"/a.png": raw(ok(NO_PICTURES[name], "Content-Type: image/png"))})
    assert came.data is not None
    with pytest.raises(ImageError):
        inspect(came.data)


def test_a_length_that_says_too_little_gives_a_picture_that_is_refused(tmp_path):
    """HTTP ends at the length; the picture that was cut there is noticed by its bytes."""
    came = attempt(tmp_path, {"/a.png": raw(ok(png(), length=40))})
    assert came.data == png()[:40]
    with pytest.raises(ImageError):
        inspect(came.data)


def test_a_folder_that_is_full_is_said(tmp_path, monkeypatch):
    """A disk without room is a typed error, and nothing is left."""
    import errno
    import os

    real = os.fdopen

    class Full:
        def __init__(self, handle):
            self._file = real(handle, "wb")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._file.close()

        def write(self, _data):
            raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path))

    monkeypatch.setattr(os, "fdopen", lambda handle, _mode: Full(handle))
    came = attempt(tmp_path, {"/a.png": raw(ok(png()))})
    assert type(came.error) is DownloadError
    assert "No space left" in str(came.error)
    assert str(tmp_path) not in str(came.error)
    assert came.left == []


def test_a_download_that_is_cancelled_leaves_nothing(tmp_path):
    """Whoever stops waiting finds no half of a file."""

    async def main() -> None:
        async with (
            serving({"/a.png": raw(ok(b"x" * CAP, length=2 * CAP), silent=True)}) as server,
            aclosing(Connections(Timeouts(read=3.0))) as http,
        ):
            begun = asyncio.Event()
            work = OutputSource(trusted_base=server.origin).fetch(
                http.client_for, f"{server.origin}/a.png", tmp_path, lambda _: begun.set()
            )
            task = asyncio.create_task(work)
            await begun.wait()
            assert len(list(tmp_path.iterdir())) == 1
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", FOREIGN[:20])
def test_an_address_that_may_not_be_fetched_is_not_alive_either(address):
    """Asking whether it lives asks nobody."""

    def refuse(_request):
        pytest.fail("somebody was asked")

    async def main() -> bool:
        async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
            return await OutputSource(OUTPUT_HOSTS).is_alive(lambda _: client, address)

    assert not asyncio.run(main())
