"""What varies in a sweep, how its values are called, and how axes are combined."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nbbanana import errors
from nbbanana.sweeps.plan import axes_of, combined, is_series, points_of_rows
from nbbanana.sweeps.planning import check_words, filled, replaced

VALUES = st.lists(st.integers(0, 99), min_size=2, max_size=4, unique=True)


@pytest.mark.parametrize(
    "several", [[1, 2], (1, 2), range(2), np.array([1, 2]), pd.Series([1, 2]), iter([1, 2]), {1: "a", 2: "b"}.keys()]
)
def test_whatever_holds_several_values_is_an_axis(several):
    """Lists, ranges, arrays of numbers, columns of a table and generators; numbers come out as Python's own."""
    _, [axis] = axes_of({"seed": several})
    assert len(axis) == 2
    assert all(type(value) is int for value in axis.values)


@pytest.mark.parametrize("one", ["1K", b"bytes", 7, None, {"a": 1}, Image.new("RGB", (2, 2)), np.zeros((2, 2, 3))])
def test_a_picture_a_text_and_a_number_are_one_value(one):
    """An array of pixels is a picture, not a series."""
    assert not is_series(one)


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_a_product_has_each_combination_once_the_last_axis_quickest(several):
    """As `itertools.product` has them."""
    _, axes = axes_of({f"axis{number}": values for number, values in enumerate(several)})
    points = combined(axes)
    found = [tuple(value for value, _ in point.values()) for point in points]
    assert len(found) == len(set(found)) == math.prod(map(len, several))
    assert found == sorted(
        found, key=lambda one: [axis.values.index(value) for axis, value in zip(axes, one, strict=True)]
    )


def test_axes_that_are_zipped_have_as_many_values_each():
    """Else it is said how many each has."""
    _, axes = axes_of({"seed": [1, 2], "resolution": ["1K", "2K"]})
    assert [point["resolution"][0] for point in combined(axes, "zip")] == ["1K", "2K"]
    _, axes = axes_of({"seed": [1, 2, 3], "resolution": ["1K", "2K"]})
    with pytest.raises(errors.UsageError, match="seed 3, resolution 2"):
        combined(axes, "zip")


def test_the_same_value_twice_is_an_error():
    """Two cells would ask the same and be one, and be counted as two."""
    with pytest.raises(errors.UsageError, match="7 twice"):
        axes_of({"seed": [7, 8, 7]})


def test_an_axis_without_a_value_is_an_error():
    """Nothing would be asked, without a word."""
    with pytest.raises(errors.UsageError, match="seed has no value"):
        axes_of({"seed": []})


def test_rows_of_a_table_are_cells_and_what_is_missing_is_not_set():
    """NaN, None and NaT stand for nothing."""
    table = pd.DataFrame({"seed": [1, 2], "resolution": ["1K", None], "size": [math.nan, 2.0]})
    _, points = points_of_rows(table)
    assert [{name: value for name, (value, _) in point.items()} for point in points] == [
        {"seed": 1, "resolution": "1K"},
        {"seed": 2, "size": 2.0},
    ]


def test_long_texts_are_called_by_what_differs():
    """A header says no more than it must; where two still read alike, a number tells them apart."""
    _, [axis] = axes_of({"prompt": ["Keep the cup as it is. Make it night.", "Keep the cup as it is. Make it snow."]})
    assert axis.names == ("night", "snow")
    long = "x" * 200
    _, [axis] = axes_of({"note": [long + "a", long + "b"]})
    assert len(set(axis.names)) == 2


@given(st.dictionaries(st.sampled_from(["red", "car", "red car", "road"]), st.text(max_size=8), min_size=1))
def test_what_a_replacement_puts_in_is_not_searched_again(changes):
    """Each place of the prompt is replaced at most once: the outcome is that of one reading from left to right."""
    prompt = "A red car on a road, a carpet and a red road."
    found, at, expected = replaced(prompt, changes), 0, ""
    words = sorted(changes, key=len, reverse=True)
    while at < len(prompt):
        word = next(
            (
                word
                for word in words
                if prompt.startswith(word, at)
                and not prompt[at - 1 : at].isalnum()
                and not prompt[at + len(word) : at + len(word) + 1].isalnum()
            ),
            None,
        )
        expected += changes[word] if word else prompt[at]
        at += len(word) if word else 1
    assert found == expected


@pytest.mark.parametrize("word", ["blue", "Red", "ed", ""])
def test_words_that_are_not_in_the_prompt_are_refused(word):
    """Also where they are a part of a longer word, or written with other capitals: a sweep would vary nothing."""
    with pytest.raises(errors.PromptError, match="cannot be replaced"):
        check_words(["A red car."], [word])


def test_a_placeholder_takes_its_value_and_four_braces_are_two():
    """What stands for two braces is not a placeholder; what has no value here is left."""
    assert filled("{{ a }} {{b}} {{{{a}} {{{a}}}", {"a": "x"}) == "x {{b}} {{a}} {x}"
