"""A request's parameters under another model's names: nothing is dropped without being named."""

from __future__ import annotations

import pytest

from nbbanana import models
from nbbanana.errors import ParameterError, UsageError
from nbbanana.models.carrying import checked, transferred
from nbbanana.models.choosing import auto_model

EDIT, WORDS = models.get("nano-banana"), models.get("google/nano-banana-2/text-to-image")
LOCAL, LETTERS = models.get("kontext"), models.get("gpt-image")


def test_what_is_the_same_goes_along_under_its_name_there() -> None:
    """The count by its role, the rest by name; what is called otherwise is said."""
    moved = transferred({"number_of_images": 2, "seed": 7, "aspect_ratio": "16:9"}, EDIT, WORDS)
    assert moved.parameters == {"num_images": 2, "seed": 7, "aspect_ratio": "16:9"}
    assert moved.said == ("number_of_images is num_images there.",)
    assert not moved.dropped


def test_one_output_goes_without_saying() -> None:
    """A model without a count makes one."""
    assert not transferred({"number_of_images": 1, "seed": 7}, EDIT, LOCAL).dropped
    assert "number_of_images" in transferred({"number_of_images": 2}, EDIT, LOCAL).dropped


def test_what_has_no_counterpart_is_an_error_that_names_all_of_it() -> None:
    """It says what to write to give it up; giving up something else is refused."""
    moved = transferred({"seed": 7, "safety_tolerance": 3, "output_format": "png"}, EDIT, LETTERS)
    with pytest.raises(ParameterError, match="seed, safety_tolerance would be dropped") as caught:
        checked(moved, EDIT, LETTERS)
    assert "without=['safety_tolerance', 'seed']" in caught.value.how
    assert checked(moved, EDIT, LETTERS, ["seed", "safety_tolerance"]) == {"output_format": "png"}
    with pytest.raises(ParameterError, match="safety_tolerance"):
        checked(moved, EDIT, LETTERS, "seed")
    with pytest.raises(UsageError, match="sead was not set"):
        checked(moved, EDIT, LETTERS, ["sead"])


def test_a_value_that_is_not_taken_there_is_named_too() -> None:
    """A webp of the one is no format of the other, a switch is no number."""
    schema = {"properties": {"prompt": {"type": "string"}, "output_format": {"type": "string", "enum": ["png"]}}}
    there = models.from_schema("someone/model", schema)
    moved = transferred({"prompt": "Snow.", "output_format": "webp"}, EDIT, there)
    assert moved.parameters == {"prompt": "Snow."}
    assert "webp" in moved.dropped["output_format"]


def test_what_is_given_up_is_given_up_also_where_it_could_be_carried() -> None:
    """`without` names what the user set, under either name."""
    moved = transferred({"number_of_images": 2, "seed": 7}, EDIT, WORDS)
    assert checked(moved, EDIT, WORDS, ["number_of_images"]) == {"seed": 7}


def test_auto_takes_what_any_model_takes() -> None:
    """The default model's options under their names, the others' beside them; a count or a mask once."""
    auto = auto_model()
    names = {one.name for one in auto.options}
    assert {one.name for one in EDIT.options} <= names
    assert auto.mask_field is not None
    assert [one.role for one in auto.options].count("count") == 1
    assert [one.role for one in auto.options].count("mask") == 1
    assert auto.min_images == 0
    assert auto.parse_option("resolution", "2k") == "2k"
    assert auto.parse_option("resolution", "2K") == "2K"


FLUX = models.from_schema(
    "someone/flux",
    {
        "properties": {
            "prompt": {"type": "string"},
            "image_url": {"type": "string", "format": "image_uri"},
            "image_size": {"type": "string", "enum": ["square_hd", "landscape_16_9", "portrait_16_9"]},
        }
    },
)


def test_a_shape_and_a_size_go_along_in_the_other_model_s_words() -> None:
    """Both in one word there, and back; what has no word there is named with what there is."""
    there = transferred({"aspect_ratio": "16:9", "resolution": "1K"}, EDIT, FLUX)
    assert there.parameters == {"image_size": "landscape_16_9"}
    assert there.said == ("aspect_ratio 16:9 and resolution 1K is image_size landscape_16_9 there.",)
    back = transferred({"image_size": "portrait_16_9"}, FLUX, EDIT)
    assert back.parameters == {"aspect_ratio": "9:16", "resolution": "1K"}
    assert transferred({"resolution": "2K"}, EDIT, LETTERS).parameters == {"resolution": "2k"}
    lost = transferred({"aspect_ratio": "auto", "resolution": "0.5K"}, EDIT, LETTERS)
    assert not lost.parameters
    assert "1k, 2k or 4k" in lost.dropped["resolution"]
    assert "1:1" in lost.dropped["aspect_ratio"]


@pytest.mark.parametrize("written", ["mask", "--mask", "mask_url"])
def test_what_is_given_up_is_named_as_it_was_written(written: str) -> None:
    """A mask is `mask` in Python and on a line, whatever the model calls it; so says the error."""
    before, after = models.get("qwen"), models.get("kontext")
    moved = transferred({"mask_url": "m", "seed": 7}, before, after)
    with pytest.raises(ParameterError, match="mask would be dropped") as caught:
        checked(moved, before, after)
    assert "without=['mask']" in caught.value.how
    assert checked(moved, before, after, without=[written]) == {"seed": 7}
    counted = transferred({"number_of_images": 2}, models.get("nano-banana"), after)
    assert checked(counted, models.get("nano-banana"), after, without=["n"]) == {}
