"""
The input rig: what users call a picture, a prompt, a number, a choice, a switch, a part of a picture or a name.

Each input goes by each way that can carry it: a call, a line of `%%nbedit`, the state of a form, a shell's JSON or
words. It is taken, and then asks the same question by all of them; or it is refused with the same class, in three
short lines, before anything is sent. Where the ways differ, `DIFFERENCES` says why. Nothing else may differ, and no
other error may come out.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import decimal
import fractions
import io
import json
import math
import pathlib
import types
import unicodedata
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import ipywidgets
import numpy as np
import pandas as pd
import pytest
from images.files import BROKEN, FORMATS, RAW, STRANGERS, encoded, texture
from IPython.display import Image as DisplayedImage
from PIL import Image

import nbbanana as nb
from nbbanana import images
from nbbanana.cli import main
from nbbanana.errors import NBBananaError
from nbbanana.notebook.cell_runs import CellRequest
from nbbanana.request import EditRequest
from nbbanana.widgets.form_state import Draft, FormState
from nbbanana.widgets.pictures import Slot

WORDS = "Keep the subject. Make it snow."
LONGEST_LINE, MOST_LINES = 420, 3

DIFFERENCES = {
    "text as a number": "A line and a form hold text only: `--seed 7` is the number 7, `seed='7'` is a text.",
    "text as a switch": "A line says `--enable-web-search=yes`; a call says True.",
    "a picture as the prompt": "In a call the two are swapped then; elsewhere words have a place of their own.",
    "parts in JSON": "The JSON of `nbbanana run` is what a service takes: its words are sent as they are.",
    "a number's text": "A line sees how a value is written: Decimal('7') is 7 there and no number of JSON elsewhere.",
}
"""Why ways differ, by what cases name."""

REFUSED = "refused"


class Sent(BaseException):
    """Raised in place of sending: holds the request."""

    def __init__(self, request: EditRequest) -> None:
        super().__init__()
        self.request = request


@dataclass
class Case:
    """
    An input.

    Args:
        what: in words.
        prompt, images, parameters, region: what is asked; only one of them is unusual.
        ways: which ways can carry it.
        line: how a line writes the parameters; as `--name value` unless it is said.
        differs: a key of `DIFFERENCES`, where ways may come to other ends.
        expect: `taken`, `refused`, or None for either.
    """

    what: str
    prompt: Any = WORDS
    images: tuple[Any, ...] = ("plain.png",)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    region: Any = None
    ways: tuple[str, ...] = ("call", "cell", "form", "shell")
    line: str | None = None
    differs: str | None = None
    expect: str | None = None

    @property
    def all_ways(self) -> tuple[str, ...]:
        """The ways, with the words of a shell where a line is one: those are texts and whole numbers."""
        texts = [*self.images, self.prompt, "" if self.region is None else self.region]
        is_text = all(type(text) is str for text in texts) and self.line is None
        is_text = is_text and all(type(value) in {str, int} for value in self.parameters.values())
        return (*self.ways, "words") if is_text and "cell" in self.ways else self.ways


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with every kind of file."""
    place = tmp_path_factory.mktemp("inputs")
    names = [
        "plain.png", "with space.png", "two  spaces.png", "quote's.png", "komma,.png", "brackets[1].png", "hash#1.png",
        "equals=1.png", "-dash.png", "—long.png", "semi;colon.png", "per%20cent.png", "emoji🙂.png", "umlautä.png",
        unicodedata.normalize("NFD", "café.png"), "noending", "wrong.jpg", "UPPER.PNG", "{{braces}}.png", "a&b.png",
        "dollar$HOME.png", "edit:1.png", "tilde~.png", "double\"quote.png", "back\\slash.png", "日本語.png", "a<<b.png",
    ]  # fmt: skip
    for number, name in enumerate(names):
        (place / name).write_bytes(encoded("PNG", texture(size=(40 + number, 40))))
    for format_ in FORMATS:
        (place / f"good.{format_.lower()}").write_bytes(encoded(format_))
    for number, data in enumerate([*BROKEN.values(), *STRANGERS.values(), *RAW.values()]):
        (place / f"bad{number}.png").write_bytes(data)
    (place / "empty.png").write_bytes(b"")
    (place / "shots [final]").mkdir()
    for name in ("img2.png", "img10.png"):
        (place / "shots [final]" / name).write_bytes(encoded("PNG", texture(size=(9, len(name)))))
    (place / "nothing here").mkdir()
    with zipfile.ZipFile(place / "shots.zip", "w") as archive:
        archive.writestr("a.png", encoded("PNG"))
    yield place
    OPENED.close()


@pytest.fixture
def session(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[nb.Session]:
    """A session in the folder that sends nothing: what would be sent is raised."""
    monkeypatch.chdir(folder)

    def start(self: nb.Session, request: EditRequest, **how: Any) -> Any:
        raise Sent(request)

    monkeypatch.setattr(nb.Session, "start", start)
    monkeypatch.setenv("NBBANANA_STORE", str(tmp_path / "store"))
    with nb.Session(provider="sandbox", store=tmp_path / "store") as opened:
        yield opened


# ── the ways ────────────────────────────────────────────────────────────────────────────────────────────────


def by_call(case: Case, session: nb.Session) -> EditRequest:
    """As `nb.submit` and `nb.edit` take it."""
    session.submit(case.prompt, *case.images, region=case.region, **case.parameters)
    raise AssertionError("nothing was started")


def by_cell(case: Case, session: nb.Session) -> EditRequest:
    """As a line and a body: texts in quotes, everything else by a variable."""
    namespace = {f"picture{number}": image for number, image in enumerate(case.images)}
    words = [quoted(image) if isinstance(image, str) else f"picture{n}" for n, image in enumerate(case.images)]
    options = [option(name, value) for name, value in case.parameters.items()]
    if case.region is not None:
        options.append(f"--region {quoted(str(case.region))}")
    line = " ".join([*words, *options]) if case.line is None else f"{' '.join(words)} {case.line}"
    asked = CellRequest(line, f"{case.prompt}\n", namespace)
    [request] = asked.requests(asked.look_up())
    raise Sent(request)


def option(name: str, value: Any) -> str:
    """A parameter as a line writes it."""
    spelled = name.replace("_", "-")
    if isinstance(value, bool | np.bool_):
        return f"--{spelled}" if value else f"--no-{spelled}"
    return f"--{spelled} {quoted(str(value))}"


def quoted(text: str) -> str:
    """A text as one word of a line, which takes values from nowhere."""
    return '"' + text.replace('"', '""').replace("{{", "{{{{") + '"'


def by_form(case: Case, session: nb.Session) -> EditRequest:
    """As the state of a form: pictures are loaded when they are put in, parameters as they are set."""
    form = FormState(Draft(session.default_model_at()), session.model_of)
    form.change("a picture", slots=tuple(map(Slot, session.load(case.images))))
    form.write(case.prompt)
    for name, value in case.parameters.items():
        form.set(name, value)
    raise Sent(form.request(session))


def by_shell(case: Case, session: nb.Session) -> EditRequest:
    """As the JSON of `nbbanana run`."""
    payload = {"prompt": case.prompt, "image_urls": list(case.images), **case.parameters}
    return told(["run", session.default_model_at(), "--sandbox", "--input", json.dumps(payload)])


def by_words(case: Case, session: nb.Session) -> EditRequest:
    """As the words of `nbbanana edit`."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in case.parameters.items()]
    if case.region is not None:
        options.append(f"--region={case.region}")
    return told(["edit", "--sandbox", *case.images, f"--prompt={case.prompt}", *options])


def told(words: list[str]) -> EditRequest:
    """What a shell says of its words."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = main(words)
    raise ToldError(code, said.getvalue())


class ToldError(Exception):
    """What a shell tells of an error: its code and its text, which begins with the name of the class."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.lines = text.splitlines() or [""]


WAYS: dict[str, Callable[[Case, nb.Session], EditRequest]] = {
    "call": by_call,
    "cell": by_cell,
    "form": by_form,
    "shell": by_shell,
    "words": by_words,
}


def outcome(way: str, case: Case, session: nb.Session) -> tuple[str, str]:
    """`taken` and the digest of the question, or `refused` and the class; anything else fails."""
    try:
        WAYS[way](case, session)
    except Sent as sent:
        return "taken", sent.request.ask
    except ToldError as told:
        kind, _, first = told.lines[0].partition(": ")
        check_lines([first, *told.lines[1:]])
        return (REFUSED, kind) if told.code else ("taken", "without being started")
    except NBBananaError as error:
        check_lines(error.lines)
        return REFUSED, type(error).__name__
    raise AssertionError("it went nowhere")


def check_lines(lines: list[str]) -> None:
    """A message has at most three lines, none of them long, and no traceback."""
    assert 2 <= len(lines) <= MOST_LINES, lines
    assert max(map(len, lines)) <= LONGEST_LINE, lines
    assert not any("Traceback" in line or "0x7f" in line for line in lines), lines


def check_all(cases: list[Case], session: nb.Session) -> None:
    """Every case by every way; what fails is listed at once."""
    wrong: list[str] = []
    for case in cases:
        ends: dict[str, tuple[str, str]] = {}
        for way in case.all_ways:
            try:
                ends[way] = outcome(way, case, session)
            except Exception as raw:
                wrong.append(f"{case.what}, by {way}: {type(raw).__name__}: {str(raw)[:300]}")
        if case.differs is None and len(set(ends.values())) > 1:
            wrong.append(f"{case.what} differs: {ends}")
        if case.differs is not None and len(set(ends.values())) == 1:
            wrong.append(f"{case.what} does not differ any more: {ends}")
        if case.expect and {end for end, _ in ends.values()} != {case.expect} and case.differs is None:
            wrong.append(f"{case.what} is not {case.expect}: {ends}")
    assert not wrong, "\n".join(wrong)


# ── the inputs ──────────────────────────────────────────────────────────────────────────────────────────────


def picture_texts() -> list[Case]:
    """Paths, patterns, addresses and what is typed in their place."""
    good = [
        "plain.png", "./plain.png", "plain.png/", "with space.png", "two  spaces.png", "quote's.png", "komma,.png",
        "noending", "brackets[1].png", "hash#1.png", "equals=1.png", "-dash.png", "—long.png", "semi;colon.png",
        "wrong.jpg", "per%20cent.png", "emoji🙂.png", "umlautä.png", "café.png",
        unicodedata.normalize("NFD", "café.png"),
        unicodedata.normalize("NFD", "umlautä.png"), "UPPER.PNG", "{{braces}}.png", "a&b.png", "dollar$HOME.png",
        "edit:1.png", "tilde~.png", "double\"quote.png", "back\\slash.png", "日本語.png", "a<<b.png",
        "shots [final]/img2.png", "shots [final]/*.png", "shots [[]final]/*.png", "plai?.png", "**/img10.png",
        "https://example.com/a.png", "https://example.com/a.png?sig=1&b=2", "https://example.com/",
        "data:image/png;base64," + base64.b64encode(encoded("PNG")).decode(),
        *(f"good.{format_.lower()}" for format_ in FORMATS),
    ]  # fmt: skip
    bad = [
        "", " ", ".", "..", "/", "missing.png", "plain.pgn", "plain", "missing/plain.png", "shots [final]",
        "nothing here", "*.tga", "[", "shots [final]/*.jpg", "empty.png", "a\0b.png", "x" * 5000, "x/" * 3000,
        "http://example.com/a.png", "ftp://example.com/a.png", "file:///etc/passwd", "s3://bucket/a.png",
        "https://user:pass@example.com/a.png", "https://localhost/a.png", "https://127.0.0.1/a.png", "https://",
        "https://exa mple.com/a.png", "https://example.com:99999/a.png", "https://[::1]/a.png", "HTTP://x.example",
        "data:image/png;base64,####", "data:,", "data:image/png;base64", "data:text/plain,hi", "/dev/null",
        base64.b64encode(encoded("PNG") * 9).decode(), base64.b64encode(encoded("JPEG") * 9).decode(),
        "~nobody-of-that-name/a.png", "\ud800.png", "shots.zip", "C:\\pictures\\a.png", "plain.png\n", "plain.png ",
        "shots.zip/a.png", "?.png ?.jpg", "<svg></svg>",
        *(f"bad{number}.png" for number in range(len(BROKEN) + len(STRANGERS) + len(RAW))),
    ]  # fmt: skip
    decodes_late = {f"bad{number}.png" for number in range(len(BROKEN))}
    return [
        *(Case(f"the path {text[:40]!r}", images=(text,), expect="taken") for text in good),
        *(
            Case(f"the path {text[:40]!r}", images=(text,), expect=None if text in decodes_late else REFUSED)
            for text in bad
        ),
    ]


def lazy(make: Callable[[], Any]) -> Any:
    """An object that is made for its case."""
    return make()


def closed_image() -> Image.Image:
    """An image of a file that was closed before its pixels were read."""
    with Image.open(io.BytesIO(encoded("PNG"))) as image:
        return image


OPENED = contextlib.ExitStack()
"""The files that cases hold; closed with the folder."""


def picture_objects(folder: Path) -> list[Case]:
    """Objects in place of a picture; a shell has only texts."""
    data = encoded("PNG")
    at_end = io.BytesIO()
    texture().save(at_end, "PNG")
    text_file = OPENED.enter_context((folder / "plain.png").open(encoding="latin-1"))
    closed = (folder / "plain.png").open("rb")
    closed.close()
    grey = np.linspace(0, 1, 64).reshape(8, 8)
    modes = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16", "La", "RGBa"]
    small = texture(size=(9, 8))
    good: dict[str, Any] = {
        "bytes": data,
        "a bytearray": bytearray(data),
        "a memoryview": memoryview(data),
        "a BytesIO at its end": at_end,
        "an open file": OPENED.enter_context((folder / "plain.png").open("rb")),
        "a Path": folder / "plain.png",
        "a relative Path": Path("plain.png"),
        "a PurePosixPath": pathlib.PurePosixPath("plain.png"),
        "a path in an archive": zipfile.Path(folder / "shots.zip") / "a.png",
        "a loaded picture": images.load(data),
        "an upload": {"name": "a.png", "type": "image/png", "size": len(data), "content": memoryview(data)},
        "an upload without a name": {"content": data},
        "IPython's Image": DisplayedImage(data=data),
        "IPython's Image of a file": DisplayedImage(filename=str(folder / "plain.png")),
        "ipywidgets' Image": ipywidgets.Image(value=data),
        "google-genai's Image": types.SimpleNamespace(image_bytes=data, mime_type="image/png"),
        "openai's Image": types.SimpleNamespace(b64_json=base64.b64encode(data).decode(), url=None),
        "a figure": types.SimpleNamespace(savefig=small.save),
        "a list of one": [data],
        "a tuple of two": (data, data),
        "a list in a list": [[data]],
        "an iterator": pd.Series(["plain.png"]),
        "an array of paths": np.array(["plain.png", "umlautä.png"]),
        "an array of Paths": np.array([Path("plain.png")], dtype=object),
        "an Index": pd.Index(["plain.png"]),
        "a Series of a category": pd.Series(["plain.png"], dtype="category"),
        "a Series of images": pd.Series([small]),
        "grey floats": grey,
        "grey float32 with rounding": (grey * 1.0000001).astype(np.float32),
        "grey uint8": (grey * 255).astype(np.uint8),
        "grey uint16": (grey * 65535).astype(np.uint16),
        "grey bool": grey > 0.5,
        "one channel": grey[:, :, None],
        "three channels": np.stack([grey] * 3, axis=2),
        "four channels": np.stack([grey] * 4, axis=2),
        "float16": grey.astype(np.float16),
        "not contiguous": np.asfortranarray(np.stack([grey] * 3, axis=2))[::2],
        "big endian": (grey * 65535).astype(">u2"),
        "a masked array": np.ma.masked_array((grey * 255).astype(np.uint8)),
        "a memory-mapped file": np.memmap(folder / "good.bmp", dtype=np.uint8, mode="r", shape=(8, 8)),
        "a table of pixels": pd.DataFrame((grey * 255).astype(np.uint8)),
        **{f"PIL {mode}": (small.convert("L") if mode in {"1", "LA", "P", "I;16"} else small) for mode in modes},
    }
    for mode in modes:
        step = {"PA": "P", "La": "LA", "RGBa": "RGBA", "I;16": "I;16", "HSV": "HSV"}.get(mode, mode)
        base = texture("L", (9, 8)) if mode in {"1", "LA", "P", "I;16", "La", "PA"} else small
        middle = base.convert("LA") if mode == "La" else base.convert("RGBA") if mode == "RGBa" else base.convert(step)
        good[f"PIL {mode}"] = middle.convert(mode) if mode in {"La", "RGBa"} else middle
    bad: dict[str, Any] = {
        "an int": 7,
        "a float": 2.5,
        "NaN": math.nan,
        "a bool": True,
        "a complex number": 1j,
        "a Decimal": decimal.Decimal(7),
        "a date": dt.date(2026, 9, 1),
        "a UUID": uuid.uuid4(),
        "an object": object(),
        "an Ellipsis": ...,
        "a function": len,
        "a class": Path,
        "a class that reads": io.BytesIO,
        "a module": json,
        "a module that reads": types.ModuleType("read"),
        "a dict": {"a": 1},
        "a dict of a URL": {"url": "https://example.com/a.png"},
        "a set": {"plain.png"},
        "a frozenset": frozenset({"plain.png"}),
        "a range": range(3),
        "a list of numbers": [1, 2],
        "a list with None": [None],
        "a list with an empty text": [""],
        "a list that holds itself": lazy(_endless),
        "empty bytes": b"",
        "bytes of text": b"no picture",
        "bytes of a raw file": RAW["DNG"],
        "an empty BytesIO": io.BytesIO(),
        "a StringIO": io.StringIO("x"),
        "a file open as text": text_file,
        "a closed file": closed,
        "a Path to nothing": folder / "missing.png",
        "a Path to a folder": folder,
        "a path to nothing in an archive": zipfile.Path(folder / "shots.zip") / "b.png",
        "a response": httpx.Response(200, content=data),
        "an exception": ValueError("x"),
        "an upload without content": {"name": "a.png", "content": None},
        "an upload of text": {"name": "a.png", "content": "text"},
        "IPython's Image of nothing": types.SimpleNamespace(image_bytes=None),
        "a widget without a picture": ipywidgets.Image(value=b""),
        "a closed image": closed_image(),
        "an array of NaN": np.full((4, 4), np.nan),
        "an array of infinities": np.full((4, 4), np.inf),
        "an array from 0 to 255 as floats": grey * 255,
        "an array from -1 to 1": grey * 2 - 1,
        "an array of int64": np.ones((4, 4), dtype=np.int64),
        "an array of complex numbers": np.ones((4, 4), dtype=complex),
        "an array of dates": np.zeros((4, 4), dtype="datetime64[s]"),
        "an array with channels first": np.zeros((3, 8, 8), dtype=np.uint8),
        "a batch": np.zeros((2, 8, 8, 3), dtype=np.uint8),
        "two channels": np.zeros((8, 8, 2), dtype=np.uint8),
        "an array of no pixels": np.zeros((0, 8), dtype=np.uint8),
        "a single number": np.array(3),
        "a row of numbers": np.zeros(9),
        "a Series of numbers": pd.Series([1.0, 2.0]),
        "a Series of paths to nothing": pd.Series(["missing.png"]),
        "a Series with a gap": pd.Series(["plain.png", None]),
        "a table of paths": pd.DataFrame({"path": ["plain.png"]}),
        "a huge array": np.broadcast_to(np.uint8(0), (100_000, 100_000)),
        "PIL F outside of 0..1": Image.fromarray((grey * 300).astype(np.float32)),
    }
    ways = ("call", "cell", "form")
    return [
        *(Case(what, images=(value,), ways=ways, expect="taken") for what, value in good.items()),
        *(Case(what, images=(value,), ways=ways, expect=REFUSED) for what, value in bad.items()),
    ]


def _endless() -> list[Any]:
    endless: list[Any] = []
    endless.append(endless)
    return endless


def prompts() -> list[Case]:
    """Words."""
    good = [
        "Make it snow.", " Make it snow. ", "Make it\nsnow.", "Make it\n\nsnow.", "Fais la nuit é.", "夜にして", "🙂",
        "a" * 5000, "{not a placeholder}", "%%nbedit", "--seed 7", "-n 4", '"quoted"', "'", "`code`",
        "<b>bold</b>", "$HOME", "\\n", "a\tb", "a\u2028b", "keep the face", "Keep it: this is a sentence.", "-- dash",
        "a\u200bb", "\u202eright", "None", "0", "true", "{}", "[1]", "a\x1b[31mred",
    ]  # fmt: skip
    ends = ["Make it\r\nsnow.", "Make it\rsnow.", "Make it\r\n\r\nsnow.", "a\n\r\nb"]
    bad = ["", " ", "\t", "\u00a0", "---"]
    parts = ["keep: the face\nchange: b", "keep:: it", "keep: the face", "change: a\nchange: b", "Only: x"]
    other: list[Any] = [None, 7, 2.5, True, b"bytes", ["a"], {"a": 1}, object(), Path("plain.png"), np.str_("x")]
    return [
        *(Case(f"the prompt {text[:30]!r}", prompt=text, expect="taken") for text in good + ends),
        *(Case(f"the prompt {text!r}", prompt=text, expect=REFUSED) for text in bad),
        *(
            Case(f"the prompt {text!r}", prompt=text, differs="a picture as the prompt")
            for text in ("https://example.com", "plain.png")
        ),
        # The JSON of `nbbanana run` is what a service takes: braces are words there.
        *(
            Case(f"the prompt {text!r}", prompt=text, ways=("call", "cell", "form"), expect=expect)
            for text, expect in (("{{name}}", REFUSED), ("{{a[1]}}", REFUSED), ("{{{{name}}", "taken"))
        ),
        # In a cell and in a shell such a line stands between two passes.
        *(
            Case(f"the prompt {text!r}", prompt=text, ways=("call", "form", "shell"), expect=REFUSED)
            for text in ("a\n---\nb", "a\r\n---\r\nb")
        ),
        *(Case(f"the prompt {text!r}", prompt=text, differs="parts in JSON") for text in parts),
        Case("half a character as a prompt", prompt="a\ud800", ways=("call", "cell", "form"), expect=REFUSED),
        *(Case(f"a prompt of type {type(value).__name__}", prompt=value, ways=("call",)) for value in other),
    ]


def numbers() -> list[Case]:
    """Seeds and counts."""
    cases = []
    for name, good, bad in (
        ("seed", [0, 1, 7, -1, 2**31 - 1, 2**53, np.int64(7), np.int32(7), np.uint8(7)], []),
        ("number_of_images", [1, 4, np.int64(2)], [0, -1, 5, 100, 10**30]),
        ("safety_tolerance", [1, 6, np.int16(3)], [0, 7]),
    ):
        for value in good:
            ways = ("call", "cell", "form", "shell") if type(value) is int else ("call", "cell", "form")
            cases.append(Case(f"{name}={value!r}", parameters={name: value}, ways=ways, expect="taken"))
        cases += [Case(f"{name}={value!r}", parameters={name: value}, expect=REFUSED) for value in bad]
        cases.append(Case(f"{name}=None", parameters={name: None}, ways=("call", "form", "shell"), expect="taken"))
        for text in ("7.5", "seven", "", " ", "0x1", "1_0", "1e1", "nan", "inf", "٧", "1,5", "+", "None", "true"):
            cases.append(Case(f"{name}={text!r}", parameters={name: text}, expect=REFUSED))
        for odd in ([1], {"a": 1}, True, False):
            cases.append(
                Case(f"{name}={odd!r}", parameters={name: odd}, ways=("call", "form", "shell"), expect=REFUSED)
            )
        for odd in (2.5, math.nan, math.inf, -math.inf):
            cases.append(Case(f"{name}={odd!r}", parameters={name: odd}, ways=("call", "cell", "form"), expect=REFUSED))
        for odd in (object(), b"1", np.array([1]), 1j, np.float64(2.5), np.datetime64("2026-01-01")):
            cases.append(Case(f"{name}={odd!r}", parameters={name: odd}, ways=("call", "form"), expect=REFUSED))
        cases += [
            Case(f"{name}=2.0", parameters={name: 2.0}, ways=("call", "form", "shell"), expect="taken"),
            Case(f"{name}={'2'!r}", parameters={name: "2"}, differs="text as a number"),
            Case(f"{name}={' 2 '!r}", parameters={name: " 2 "}, differs="text as a number"),
            Case(f"{name} of a Decimal", parameters={name: decimal.Decimal(2)}, ways=("call", "cell"),
                 differs="a number's text"),
            Case(f"{name} of a Fraction", parameters={name: fractions.Fraction(2)}, ways=("call", "cell"),
                 differs="a number's text"),
        ]  # fmt: skip
    return cases


def choices() -> list[Case]:
    """Listed values and switches."""
    good = {
        "aspect_ratio": ["1:1", "16:9", "16x9", "16/9", "16 : 9", "AUTO", "auto", np.str_("1:1")],
        "resolution": ["1K", "1k", "4K", " 2k ", "0.5k"],
        "output_format": ["png", "PNG", "jpg", "JPEG", "webp"],
    }
    bad = {
        "aspect_ratio": ["16:10", "square", "", "1", "1:1:1", "16\n9", "portrait"],
        "resolution": ["8K", "2048", "K", "1024x1024", "hd"],
        "output_format": ["gif", "png,jpeg", ".png", "image/png"],
    }
    ways = ("call", "cell", "form", "shell")
    cases = [
        Case(f"{name}={value!r}", parameters={name: value}, ways=ways if type(value) is str else ways[:3], expect=end)
        for table, end in ((good, "taken"), (bad, REFUSED))
        for name, values in table.items()
        for value in values
    ]
    json_ways = ("call", "form", "shell")
    cases += [
        *(Case(f"resolution={v!r}", parameters={"resolution": v}, ways=json_ways) for v in (7, 1.5, ["1K"], {"a": 1})),
        *(Case(f"a switch {v!r}", parameters={"enable_web_search": v}, expect="taken") for v in (True, False)),
        *(Case(f"a switch {v!r}", parameters={"enable_web_search": v}, ways=json_ways) for v in (1, 0, 1.0, [True])),
        *(
            Case(f"an unknown parameter {name}", parameters={name: 1}, ways=json_ways, expect=REFUSED)
            for name in ("sede", "n_images", "xyz", "negative_prompt", "Seed", "steps")
        ),
    ]
    cases.append(
        Case(
            "NumPy's True", parameters={"enable_web_search": np.bool_(1)}, ways=("call", "cell", "form"), expect="taken"
        )
    )
    for text in ("yes", "off", "true"):
        line = f"--enable-web-search={text}"
        cases.append(
            Case(f"a switch {text!r}", parameters={"enable_web_search": text}, line=line, differs="text as a switch")
        )
    for value in ("maybe", "2", "ja"):
        line = f"--enable-web-search={value}"
        cases.append(Case(f"a switch {value!r}", parameters={"enable_web_search": value}, line=line))
    cases.append(Case("pictures by name", parameters={"image_urls": ["plain.png"]}, ways=("call", "form")))
    return cases


def regions() -> list[Case]:
    """Parts of a picture; a form draws them, and a shell's JSON has none."""
    ways = ("call", "cell")
    good = [
        "0,0,1,1",
        "0.7,0,1,0.3",
        "0.7,0,1,0.3+0,0.5,0.25,1",
        "0,0,0.5,1@1",
        " 0,0,1,1",
        "-0.01,0,1,1.01",
        "the left half",
    ]
    bad = [
        "", "0,0,1", "0,0,1,1,1", "a,b,c,d", "0;0;1;1", "64,48,320,240", "0,0,1000,1000", "25,25,75,75", "nan,0,1,1",
        "0,0,1,inf", "0,0,1,1@2", "0,0,1,1@0", "0,0,1,1@x", "edit:99", "edit:x", "the sky", "-64,0,1,1",
        "0,0,1.5,1", "9" * 400 + ",0,1,1", "٠,٠,١,١" * 3,
    ]  # fmt: skip
    objects: list[Any] = [
        (64, 48, 320, 240), [0.1, 0.1, 500, 500], (0, 0, 1), (0, 0, 1, 1, 1), (None,) * 4, ("a",) * 4, [], 7, object(),
        (math.nan, 0, 1, 1), (-5, 0, 1, 1), {"left": 0}, [(0, 0, 1, 1), (64, 48, 320, 240)],
    ]  # fmt: skip
    return [
        *(Case(f"the region {text!r}", region=text, ways=ways, expect="taken") for text in good),
        *(Case(f"the region {text[:30]!r}", region=text, ways=ways, expect=REFUSED) for text in bad if text),
        *(Case(f"the region {value!r}"[:60], region=value, ways=("call",), expect=REFUSED) for value in objects),
        *(
            Case(f"the region {value!r}"[:60], region=value, ways=("call",), expect="taken")
            for value in [
                (0, 0, 0.5, 1),
                [0, 0, 0.5, 1],
                [(0, 0, 0.5, 1), (0.5, 0, 1, 1)],
                tuple(np.array([0, 0, 1, 1])),
                tuple(np.array([0, 0, 0.5, 1], dtype=np.float32)),
                np.array([0, 0, 0.5, 1]),
            ]
        ),
    ]


def lists() -> list[Case]:
    """Several pictures, too many and none."""
    many = tuple(encoded("PNG", texture(size=(5, 5 + number))) for number in range(21))
    return [
        Case("no picture", images=(), expect=REFUSED),
        Case("two paths", images=("plain.png", "umlautä.png"), expect="taken"),
        Case("the same twice", images=("plain.png", "plain.png"), expect="taken"),
        Case("twenty", images=many[:20], ways=("call", "cell", "form"), expect="taken"),
        Case("twenty-one", images=many, ways=("call", "cell", "form"), expect=REFUSED),
        Case("a path and an address", images=("plain.png", "https://example.com/a.png"), expect="taken"),
        Case("a good and a bad one", images=("plain.png", "missing.png"), expect=REFUSED),
        Case("a glob and a path", images=("shots [final]/*.png", "plain.png"), expect="taken"),
        Case("a generator", images=((path for path in ["plain.png"]),), ways=("call",), expect="taken"),
        Case("a map", images=(map(str, ["plain.png"]),), ways=("call",), expect="taken"),
        Case("None as a picture", images=(None,), ways=("call", "cell", "form"), expect=REFUSED),
    ]


GROUPS: dict[str, Callable[[Path], list[Case]]] = {
    "paths": lambda _: picture_texts(),
    "objects": picture_objects,
    "prompts": lambda _: prompts(),
    "numbers": lambda _: numbers(),
    "choices": lambda _: choices(),
    "regions": lambda _: regions(),
    "lists": lambda _: lists(),
}


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.nightly, id="all"), 8])
@pytest.mark.parametrize("group", GROUPS)
def test_an_input_is_taken_or_refused_alike_by_every_way(
    group: str, every: int, folder: Path, session: nb.Session
) -> None:
    """No raw exception, no difference without a name, three short lines, before anything is sent."""
    check_all(GROUPS[group](folder)[::every], session)


def test_the_rig_is_as_large_as_it_says(folder: Path, session: nb.Session) -> None:
    """At least 400 inputs, each of its own; every difference that is named has one."""
    cases = [case for make in GROUPS.values() for case in make(folder)]
    print(f"\n{len(cases)} inputs, {sum(len(case.all_ways) for case in cases)} with their ways")
    assert len(cases) >= 400
    assert {case.differs for case in cases if case.differs} == set(DIFFERENCES)
