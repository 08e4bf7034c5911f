"""Prompts are split into passes and folded back by moving and cutting words; none is made up."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbbanana.prompts.passes import folded, in_passes

THINGS = ["dog", "red car", "lamp", "left chair", "sky", "sign on the wall"]
ORDERS = ["Remove the {}", "Replace the {} with a boat", "Turn the {} blue", "Make the {} larger", "Paint the {} white"]
KEEPS = ["Keep her face unchanged", "Keep the table and the light exactly as they are", "Do not change the framing"]


def words(text):
    """The words of a text in small letters."""
    return re.findall(r"\w+", text.lower())


@pytest.mark.parametrize(
    ("prompt", "passes"),
    [
        (
            "Keep her face. Change the background to a beach, remove the dog and add a red hat to her head.",
            (
                "Keep her face. Change the background to a beach.",
                "Keep her face. Remove the dog.",
                "Keep her face. Add a red hat to her head.",
            ),
        ),
        (
            "Change the background to a rainy street, then replace her coat with a raincoat. Keep her identity.",
            (
                "Keep her identity. Change the background to a rainy street.",
                "Keep her identity. Replace her coat with a raincoat.",
            ),
        ),
        (
            "For each input image: keep the pose. Convert the wall to grey. Center the subject.",
            (
                "For each input image: keep the pose. Convert the wall to grey.",
                "For each input image: keep the pose. Center the subject.",
            ),
        ),
    ],
)
def test_each_change_is_a_pass_and_what_stays_stands_in_each(prompt, passes):
    """Row 15: pass 1 changes the background, pass 2 the outfit; preservation comes first in both."""
    assert in_passes(prompt) == passes


@pytest.mark.parametrize(
    "prompt",
    [
        "Remove the leftmost object only. Keep the right two objects, the table, and the lighting unchanged.",
        'Keep the bottle, label, and lighting exactly as in the input. Replace only the text "ALPHA" with "A and B".',
        "Replace the car with a bike and paint it red.",
        "Create a poster of the person. Add a title and remove the background.",
        "把背景换成雨夜的街道，然后删除左边的狗。",
        "Make it more dramatic.",
    ],
)
def test_what_is_one_change_stays_one_pass(prompt):
    """So does what points back, a new picture, and a language whose orders are not read."""
    assert in_passes(prompt) == (prompt,)


@given(
    st.lists(st.sampled_from(KEEPS), max_size=2, unique=True),
    st.lists(st.tuples(st.sampled_from(ORDERS), st.sampled_from(THINGS)), min_size=2, max_size=5),
    st.sampled_from([". ", ", then ", " and ", ", "]),
)
def test_splitting_loses_and_invents_no_word(keeps, orders, joint):
    """Every pass has one of the orders, all have what stays, and folding them gives all orders in their order."""
    changes = [order.format(thing) for order, thing in orders]
    joined = joint.join([changes[0], *(one if joint == ". " else one.lower() for one in changes[1:])])
    prompt = " ".join(f"{sentence}." for sentence in [*keeps, joined])
    passes = in_passes(prompt)
    assert len(passes) == len(changes)
    for one, change in zip(passes, changes, strict=True):
        assert one.lower().endswith(f"{change.lower()}.")
        assert all(keep in one for keep in keeps)
    assert words(folded(passes).prompt) == [word for part in [*keeps, *changes] for word in words(part)]


def test_what_keeps_what_a_pass_made_is_left_out_and_said():
    """The original has no night that could stay; what the first pass keeps too stays, said once."""
    found = folded(["Keep the cup. Make it night.", "Keep the cup. Keep the night. Add a boat.", "Make it snow."])
    assert found.prompt == "Keep the cup. Make it night. Add a boat. Make it snow."
    assert found.left_out == ("Keep the night.",)


def test_words_that_are_not_read_are_folded_as_they_stand():
    """Nothing of them is moved or left out."""
    assert folded(["保持杯子不变。", "把墙涂成蓝色。"]).prompt == "保持杯子不变。\n把墙涂成蓝色。"
