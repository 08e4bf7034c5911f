"""JSON of unknown origin, value by value: what the standard library reads, and never more of one value than allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbbanana.errors import BundleError
from nbbanana.store import serialization
from nbbanana.store.serialization import JSONText

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def read(text: str, most: int = 1 << 20) -> dict[str, Any]:
    """Return an object: the lists and objects right below it piece by piece, all else as it is."""
    found: dict[str, Any] = {}
    stream = JSONText(text, most)
    for name in stream.members():
        if name.startswith("list"):
            found[name] = list(stream.elements())
        elif name.startswith("object"):
            found[name] = {key: stream.value() for key in stream.members()}
        else:
            found[name] = stream.value()
    stream.end()
    return found


@given(
    st.dictionaries(st.text(max_size=3), VALUES, max_size=3),
    st.lists(VALUES, max_size=6),
    st.dictionaries(st.text(max_size=3), VALUES, max_size=3),
    st.sampled_from([None, 0, 3]),
    st.integers(1, 40),
)
@example({}, [], {"": 0.0}, None, 17)
@example({}, [1e-30, 1e30, -0.25], {}, None, 12)
@example({}, [1e-30, 1e30, -0.25], {}, None, 13)
def test_it_reads_what_the_standard_library_reads(
    rest: dict[str, Any], several: list[Any], pairs: dict[str, Any], indent: int | None, piece: int
) -> None:
    """Whatever the values, the white space and the size of a piece, numbers at the end of a piece included."""
    whole = {**{f"_{name}": value for name, value in rest.items()}, "list": several, "object": pairs}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serialization, "PIECE", piece)
        assert read(json.dumps(whole, indent=indent)) == whole


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"a"',
        '{"a":',
        '{"a": 1',
        '{"a": 1}}',
        '{"a": 1} x',
        "{1: 2}",
        '{"a" 1}',
        '{"a": NaN}',
        '{"list": [1',
    ],
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    """Cut off, of another kind, with something behind it, or with what JSON does not have."""
    with pytest.raises(BundleError, match="not JSON"):
        read(text)


def test_a_value_that_does_not_end_is_not_looked_at_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is larger than allowed is refused; many that are small are read."""
    monkeypatch.setattr(serialization, "PIECE", 100)
    with pytest.raises(BundleError, match="does not end"):
        read(json.dumps({"list": ["x" * 4000], "b": 1}), most=1000)
    assert len(read(json.dumps({"list": ["x" * 400] * 20}), most=1000)["list"]) == 20
