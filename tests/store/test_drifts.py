"""What was measured of an edit's outputs stands in its record, travels with it, and is safe to read from a stranger."""

from __future__ import annotations

import base64
import io
import json
import math
import random
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.drifts import AGAINST, drifted, figures, heat_map, refused
from support.stores import asked, complete, picture

from nbbanana.errors import NotInStoreError, StoreError
from nbbanana.store import Edit, OutputDrift, OutputRecord, Store
from nbbanana.store.bundles import merge, write
from nbbanana.store.drifts import MOST_BYTES, is_heat_map
from nbbanana.store.provenance import embedded_copy, read_embedded, read_sidecar, sidecar, sidecar_path
from nbbanana.store.serialization import pack, unpack, unpack_heat_maps

DATA = Path(__file__).parent / "data"


def made(store: Store, *contents: bytes) -> Edit:
    """A completed edit whose pictures are in the store."""
    sent = store.put(b"sent")
    edit = store.begin(asked("Make it snow.", replace(picture(), sha256=sent)))
    store.move(edit.id, "submitting")
    store.move(edit.id, "queued", request_id=f"request-{edit.id}")
    outputs = [
        OutputRecord(index, store.put(data), "image/png", 8, 8, len(data)) for index, data in enumerate(contents)
    ]
    return store.move(edit.id, "completed", outputs=outputs)


def test_figures_stand_in_the_record_and_the_heat_map_apart(store: Store) -> None:
    """They are read with the edit, in the order of its outputs; the map is asked for by itself."""
    edit = made(store, b"one", b"two")
    written = store.measured(edit.id, [refused(1), drifted(0, moved=2.0)], {0: heat_map()})
    assert written == store.get(edit.id) == replace(edit, drifts=(drifted(0, moved=2.0), refused(1)))
    first, second = store.get(edit.id).drifts
    assert [first.value(name) for name in ("moved", "recoloured_outside", "redrawn_outside")] == [2.0, 0.5, 0.1]
    assert [first.value(name) for name in ("recoloured_inside", "redrawn_inside")] == [12.0, 0.9]
    assert first.reach == (1.0, 0.9375)
    assert [(first.value(name) or 0) > (first.floor(name) or 0) for name in ("moved", "recoloured_outside")] == [
        True,
        False,
    ]
    assert (second.is_measured, second.reason, second.value("moved")) == (False, "unrelated", None)
    assert (store.heat_map(edit.id, 0), store.heat_map(edit.id, 1)) == (heat_map(), None)
    assert (store.heat_map(99, 0), store.heat_map(10**30, 0)) == (None, None)
    with Image.open(io.BytesIO(heat_map())) as image:
        assert (image.size, image.mode, image.getpixel((0, 0))) == ((4, 3), "L", 128)


def test_measuring_again_takes_the_place_of_what_was_there(store: Store) -> None:
    """Two kernels that measure the same write the same; what is measured anew leaves nothing of before."""
    edit = made(store, b"one", b"two")
    for _ in range(2):
        store.measured(edit.id, [drifted(0), drifted(1)], {0: heat_map(), 1: heat_map(7)})
    assert store.get(edit.id).drifts == (drifted(0), drifted(1))
    store.measured(edit.id, [drifted(1, moved=3.0)], {})
    assert store.get(edit.id).drifts == (drifted(1, moved=3.0),)
    assert store.heat_maps(edit.id) == {}
    assert store.verify().ok


def test_what_is_no_measure_of_an_edit_is_not_written(store: Store) -> None:
    """An output that is not there, a map that is no map, an edit that is not there; what was there stays."""
    edit = made(store, b"one")
    store.measured(edit.id, [drifted(0)], {0: heat_map()})
    with pytest.raises(StoreError, match="no output 1"):
        store.measured(edit.id, [drifted(1)], {})
    with pytest.raises(StoreError, match="no heat map"):
        store.measured(edit.id, [drifted(0)], {0: b"<svg onload='alert(1)'>"})
    with pytest.raises(NotInStoreError):
        store.measured(99, [], {})
    assert (store.get(edit.id).drifts, store.heat_map(edit.id, 0)) == ((drifted(0),), heat_map())


def test_a_page_of_edits_asks_once_for_what_was_measured(store: Store) -> None:
    """Sixty edits need as many statements as two."""
    for number in range(60):
        edit = complete(store, asked(f"prompt {number}"), f"output {number}")
        store.measured(edit.id, [drifted(moved=number)], {0: heat_map()})

    def statements(limit: int) -> int:
        seen: list[str] = []
        with store._database.read() as connection:
            connection.set_trace_callback(seen.append)
        found = store.filter(limit=limit)
        with store._database.read() as connection:
            connection.set_trace_callback(None)
        assert [len(edit.drifts) for edit in found] == [1] * limit
        assert not any("heat_map" in text for text in seen)
        return len(seen)

    assert statements(60) == statements(2) > 5


def test_edits_that_could_be_measured_and_were_not_are_found(store: Store) -> None:
    """Not those without a local first input, those that did not end, or those that have figures."""
    first, second, third = (made(store, name.encode()) for name in ("one", "two", "three"))
    complete(store, asked("no input"), "four")
    complete(store, asked("an address", replace(picture(), sha256=None, url="https://example.com/a.png")), "five")
    store.begin(asked("not sent", picture()))
    store.measured(second.id, [refused(0)], {})
    assert store.unmeasured() == [third.id, first.id]
    assert (store.unmeasured(limit=1), store.unmeasured(before_id=third.id)) == ([third.id], [first.id])


def test_figures_and_maps_travel_in_a_bundle_where_older_readers_pass_over_them(store: Store, tmp_path: Path) -> None:
    """They stand under `extra` and arrive as they were."""
    edit = made(store, b"one", b"two")
    store.measured(edit.id, [drifted(0, sentence="The sky is redrawn — 3.1 ΔE."), refused(1)], {0: heat_map()})
    bundle = write(store, store.filter(), tmp_path / "study.zip")
    with zipfile.ZipFile(bundle) as archive:
        [record] = json.loads(archive.read("edits.json"))["edits"]
    assert "drifts" not in record
    assert [one["reason"] for one in record["extra"]["drifts"]] == [None, "unrelated"]
    with Store.open(tmp_path / "other") as other:
        assert merge(other, bundle) == 1
        [arrived] = other.filter()
        assert arrived.drifts == store.get(edit.id).drifts
        assert (other.heat_maps(arrived.id), merge(other, bundle)) == ({0: heat_map()}, 0)
        assert other.verify().ok


def test_a_sidecar_has_the_figures_and_a_copy_of_the_picture_has_not(store: Store, tmp_path: Path) -> None:
    """What lies beside a picture is its record; what is in the file is what was asked."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    edit = made(store, file.getvalue())
    edit = store.measured(edit.id, [drifted(0)], {0: heat_map()})
    place = tmp_path / "a.png"
    sidecar_path(place).write_text(sidecar(edit, 0), encoding="utf-8")
    beside, inside = read_sidecar(place), read_embedded(embedded_copy(file.getvalue(), edit, 0))
    assert beside is not None
    assert inside is not None
    assert (beside.edit.drifts, beside.holds) == ((drifted(0),), True)
    assert (inside.edit.drifts, inside.holds) == ((), True)


NUMBERS = st.floats(0, 1e6, allow_nan=False).map(lambda number: round(number, 4))
DRIFTS = st.one_of(
    st.builds(refused, st.just(0), st.sampled_from(["small", "plain", "repeated", "unrelated", "uncertain"])),
    st.builds(
        lambda *numbers, words: replace(drifted(0, *numbers), sentence=words),
        NUMBERS,
        st.none() | NUMBERS,
        NUMBERS,
        words=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    ),
)


@given(drift=DRIFTS, grey=st.none() | st.integers(0, 255))
def test_a_record_says_after_a_journey_what_it_said_before(drift: OutputDrift, grey: int | None) -> None:
    """Packed, written as JSON, read and unpacked, figures and maps are the same."""
    edit = replace(asked(), state="completed", outputs=(OutputRecord(0, AGAINST, "image/png", 8, 8, 9),), uid="0" * 32)
    edit = replace(edit, drifts=(drift,))
    maps = {} if grey is None else {0: heat_map(grey)}
    packed = json.loads(json.dumps(pack(edit, maps), allow_nan=False))
    assert unpack(packed).drifts == (drift,)
    assert unpack_heat_maps(packed) == maps


@given(st.integers(1, 80).flatmap(lambda w: st.tuples(st.just(w), st.integers(1, 64))), st.integers(0))
def test_a_grey_png_of_pillow_is_a_heat_map(size: tuple[int, int], seed: int) -> None:
    """Whatever the tiles are, and however their rows are filtered."""
    image = Image.frombytes("L", size, random.Random(seed).randbytes(size[0] * size[1]))
    for optimize in (False, True):
        file = io.BytesIO()
        image.save(file, "PNG", optimize=optimize)
        assert is_heat_map(file.getvalue())


@given(st.binary(max_size=200), st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_bytes_of_a_stranger_are_a_map_or_nothing(data: bytes, place: int, other: bytes) -> None:
    """No bytes raise; a map with any byte changed is none."""
    assert not is_heat_map(data)
    good = heat_map()
    changed = good[: place % len(good)] + other + good[place % len(good) + len(other) :]
    assert is_heat_map(changed) == (changed == good)


def _png(width: int, height: int, packed: bytes, *kind: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, *(kind or (8, 0, 0, 0, 0)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def test_a_bomb_is_no_heat_map() -> None:
    """What unpacks to more than it says, has a side beyond all tiles, or another kind of pixel, is left out."""
    bombs = [
        _png(4, 3, zlib.compress(bytes(50_000_000), 9)),
        _png(60_000, 60_000, zlib.compress(bytes(1000))),
        _png(4, 3, zlib.compress(bytes(15)), 8, 2, 0, 0, 0),
        _png(4, 3, zlib.compress(bytes(14))),
        _png(4, 3, zlib.compress(b"\x05" * 15)),
        heat_map() + b"more",
        bytes(MOST_BYTES + 1),
    ]
    assert [is_heat_map(bomb) for bomb in bombs] == [False] * len(bombs)
    assert is_heat_map(_png(4, 3, zlib.compress(bytes(15))))


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(drift: dict[str, Any]) -> None:
        place: Any = drift
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = to

    return change


HOSTILE: dict[str, Callable[[dict[str, Any]], object]] = {
    "figures that are words": _set("figures", to="moved a lot"),
    "figures that are a list": _set("figures", to=[1, 2]),
    "a value that is text": _set("figures", "moved", "corner", "value", to="2"),
    "a value of 10^400": _set("figures", "moved", "corner", "value", to=10**400),
    "a negative value": _set("figures", "outside", "recoloured", "value", to=-1),
    "a corner that is nothing": _set("figures", "moved", "corner", to=None),
    "a part without its figures": _set("figures", "outside", to={}),
    "more than there is": _set("figures", "extra", to={"deep": [1]}),
    "neither figures nor a reason": _set("figures", to=None),
    "figures and a reason": _set("reason", to="plain"),
    "a reason that is a sentence": _set("reason", to="<b>because</b>"),
    "another output": _set("index", to=7),
    "an output that is a yes": _set("index", to=True),
    "no SHA-256": _set("against", to="../../etc/passwd"),
    "a sentence without end": _set("sentence", to="x" * 3000),
    "half a surrogate pair": _set("sentence", to="\ud800"),
    "a reach of nothing": _set("figures", "frame", "reach", to=[0, 1]),
    "a frame of no size": _set("figures", "frame", "before", to=[0, 480]),
    "a map that is a number": _set("heat_map", to=7),
    "a map without end": _set("heat_map", to="A" * 100_000),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_figures_are_left_out_and_the_edit_is_taken(what: str, store: Store, tmp_path: Path) -> None:
    """What is not as it should be is as if it had not been measured; nothing else of the bundle is lost."""
    edit = made(store, b"one")
    store.measured(edit.id, [drifted(0)], {0: heat_map()})
    path = write(store, store.filter(), tmp_path / "study.zip")
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    content = json.loads(entries["edits.json"])
    HOSTILE[what](content["edits"][0]["extra"]["drifts"][0])
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (entries | {"edits.json": json.dumps(content).encode()}).items():
            archive.writestr(name, data)
    with Store.open(tmp_path / "other") as other:
        assert merge(other, path) == 1
        [arrived] = other.filter()
        assert (arrived.drifts, other.heat_maps(arrived.id), arrived.prompt) == ((), {}, "Make it snow.")


@pytest.mark.parametrize("drifts", ["words", 7, {"0": {}}, [1], [[]], [None]])
def test_what_is_no_list_of_measures_is_none(drifts: Any, store: Store, tmp_path: Path) -> None:
    """Whatever stands in their place, the record is read."""
    packed = pack(made(store, b"one")) | {"extra": {"drifts": drifts}}
    assert unpack(packed).drifts == ()
    assert unpack_heat_maps(packed) == {}


@pytest.mark.parametrize("data", ["%%%", "AAAA", base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()])
def test_a_map_that_is_no_picture_is_left_out_and_the_figures_stay(data: str, store: Store) -> None:
    """The figures were checked for themselves."""
    packed = pack(replace(made(store, b"one"), drifts=(drifted(0),)))
    packed["extra"]["drifts"][0]["heat_map"] = data
    assert unpack_heat_maps(packed) == {}
    assert unpack(packed).drifts == (drifted(0),)


@pytest.mark.parametrize(
    "figures", ['"words"', "[1]", "{}", '{"moved": 7, "outside": []}', '{"moved": {"corner": {"value": "2"}}}']
)
def test_a_store_of_a_stranger_with_odd_figures_is_read(figures: str, store: Store) -> None:
    """Whatever JSON stands in the column, what is no figure is none."""
    edit = made(store, b"one")
    store.measured(edit.id, [drifted(0)], {0: heat_map()})
    with store._database.write() as connection:
        connection.execute("UPDATE drifts SET figures = ?", (figures,))
    [drift] = store.get(edit.id).drifts
    assert (drift.value("moved"), drift.value("recoloured_outside"), drift.reach) == (None, None, (1.0, 1.0))
    assert drift.floor("moved") is None


def test_one_measure_twice_is_none(store: Store) -> None:
    """Of two for one output it is not known which holds."""
    packed = pack(replace(made(store, b"one"), drifts=(drifted(0),)))
    packed["extra"]["drifts"] *= 2
    assert unpack(packed).drifts == ()


def test_what_was_measured_fits_the_schema_of_bundles(store: Store) -> None:
    """A figure that `Drift.as_json` gets anew has to get its line there, or bundles lose it."""
    pytest.importorskip("numpy")
    from nbbanana import samples
    from nbbanana.measure import drift

    still_life = samples.still_life((320, 240))
    edited = still_life.copy()
    edited.paste((200, 30, 30), (200, 40, 300, 120))
    for region in (None, (0.6, 0, 1, 0.6), (0, 0, 1, 1)):
        found = drift(still_life, edited, region)
        one = OutputDrift(0, AGAINST, found.sentence, None, found.as_json())
        edit = replace(made(store, b"one"), drifts=(one,))
        packed = json.loads(json.dumps(pack(edit, {0: found.heat_file()})))
        assert unpack(packed).drifts == (one,)
        assert unpack_heat_maps(packed) == {0: found.heat_file()}
        assert all(value is None or math.isfinite(value) for value in map(one.value, ("moved", "recoloured_outside")))
        assert figures().keys() == one.figures.keys()  # type: ignore[union-attr]


def test_a_store_of_before_there_were_figures_takes_them(tmp_path: Path) -> None:
    """Its edits have none, are found as not measured, and take them."""
    folder = Path(shutil.copytree(DATA / "store4", tmp_path / "old"))
    with Store.open(folder) as store:
        edits = [edit for edit in store.filter() if edit.inputs]
        assert all(edit.drifts == () for edit in edits)
        assert store.unmeasured() == [edit.id for edit in edits if edit.inputs[0].sha256]
        one = edits[0]
        store.measured(one.id, [drifted(0)], {0: heat_map()})
        assert store.get(one.id).drifts == (drifted(0),)
        assert store.verify().ok
    with Store.open(folder, read_only=True) as store, pytest.raises(StoreError):
        store.measured(1, [], {})
