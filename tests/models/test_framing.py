"""`aspect_ratio` and `resolution` in each model's own words: the same ratio exactly, the same tier, or an error."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tiers import scaled

from nbbanana import models
from nbbanana.errors import ParameterError
from nbbanana.grammar import options_of, parse
from nbbanana.models import Model, from_schema
from nbbanana.models.carrying import payload_for
from nbbanana.models.framing import PAIR, Frame, frame_of, framed, in_words, pair_fields, ratio_of, tier_of

PRESETS = ["square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"]
WORDS: dict[str, dict[str, Any]] = {
    "presets": {"image_size": {"type": "string", "enum": PRESETS, "default": "square_hd"}},
    "presets with auto": {"image_size": {"type": "string", "enum": ["auto", *PRESETS]}},
    "sizes": {"size": {"type": "string", "enum": ["1024x1024", "1536x1024", "1024x1536", "2048x2048", "3840x2160"]}},
    "stars": {"size": {"type": "string", "default": "1024*1024"}},
    "pixels": {
        "width": {"type": "integer", "minimum": 256, "maximum": 4096, "multipleOf": 16},
        "height": {"type": "integer", "minimum": 256, "maximum": 4096, "multipleOf": 16},
    },
    "other names": {
        "ratio": {"type": "string", "enum": ["adaptive", "1:1", "16:9", "9:16", "21:9"]},
        "quality_tier": {"type": "string", "enum": ["1k", "2k"]},
    },
    "a size called resolution": {"resolution": {"type": "string", "enum": ["1024x1024", "2048x1152"]}},
    "small letters": {
        "aspect_ratio": {"type": "string", "enum": ["1:1", "16:9", "3:2"], "default": "1:1"},
        "resolution": {"type": "string", "enum": ["1k", "2k", "4k"]},
    },
}
RATIOS = ["1:1", "16:9", "9:16", "3:2", "2:3", "4:3", "3:4", "21:9", "7:3", "32:18", "auto", "1:8"]


def model(words: str) -> Model:
    """A model that says shape and size in one way."""
    return from_schema(f"made/{words}", {"properties": {"prompt": {"type": "string"}, **WORDS[words]}})


@pytest.mark.parametrize(
    ("words", "asked", "own"),
    [
        ("presets", {"aspect_ratio": "16:9"}, {"image_size": "landscape_16_9"}),
        ("presets", {"aspect_ratio": "1:1"}, {"image_size": "square_hd"}),
        ("presets", {"aspect_ratio": "1:1", "resolution": "0.5K"}, {"image_size": "square"}),
        ("presets", {"aspect_ratio": "3:4", "resolution": "1k"}, {"image_size": "portrait_4_3"}),
        ("presets with auto", {"aspect_ratio": "auto"}, {"image_size": "auto"}),
        ("sizes", {"aspect_ratio": "3:2"}, {"size": "1536x1024"}),
        ("sizes", {"aspect_ratio": "1:1", "resolution": "2K"}, {"size": "2048x2048"}),
        ("stars", {"aspect_ratio": "16:9"}, {"size": "1408*792"}),
        ("pixels", {"aspect_ratio": "1:1", "resolution": "2K"}, {"width": 2048, "height": 2048}),
        ("pixels", {"aspect_ratio": "16:9"}, {"width": 1280, "height": 720}),
        ("other names", {"aspect_ratio": "16x9", "resolution": "2K"}, {"ratio": "16:9", "quality_tier": "2k"}),
        ("other names", {"aspect_ratio": "auto"}, {"ratio": "adaptive"}),
        ("other names", {"resolution": "2k"}, {"quality_tier": "2k"}),
        (
            "a size called resolution",
            {"aspect_ratio": "16:9", "resolution": "2K"},
            {"resolution": "2048x1152"},
        ),
        ("small letters", {"aspect_ratio": "32:18"}, {"aspect_ratio": "16:9"}),
    ],
)
def test_what_is_asked_is_said_in_the_model_s_own_words(words: str, asked: dict[str, str], own: dict[str, Any]) -> None:
    """A ratio and a tier, a preset, a size, two numbers."""
    assert framed(model(words), {"seed": 7, **asked}) == {"seed": 7, **own}


@pytest.mark.parametrize(
    ("words", "asked", "what"),
    [
        ("presets", {"aspect_ratio": "21:9"}, "no word for aspect_ratio 21:9"),
        ("presets", {"aspect_ratio": "auto"}, "no word for aspect_ratio auto"),
        ("presets", {"aspect_ratio": "16:9", "resolution": "4K"}, "no word for aspect_ratio 16:9 and resolution 4K"),
        ("sizes", {"aspect_ratio": "16:9", "resolution": "1K"}, "no word for aspect_ratio 16:9 and resolution 1K"),
        ("sizes", {"resolution": "2K"}, "no word for resolution 2K"),
        ("pixels", {"aspect_ratio": "wide"}, "no word for aspect_ratio wide"),
        ("pixels", {"aspect_ratio": "1:1", "resolution": "8K"}, "no word for aspect_ratio 1:1 and resolution 8K"),
    ],
)
def test_what_has_no_true_counterpart_is_an_error_that_names_what_there_is(
    words: str, asked: dict[str, str], what: str
) -> None:
    """The nearest would be another shape; nothing is guessed."""
    with pytest.raises(ParameterError) as caught:
        framed(model(words), asked)
    assert what in caught.value.what
    assert next(iter(WORDS[words])) in caught.value.why


def test_what_a_model_takes_itself_is_its_own_affair() -> None:
    """Its names and its spellings stay, and its check says what it takes."""
    own = models.get("openai/gpt-image-2/edit")
    assert own.check(framed(own, {"prompt": "x", "aspect_ratio": "16x9", "resolution": "2K"}), images=1) == {
        "prompt": "x",
        "aspect_ratio": "16:9",
        "resolution": "2k",
    }
    assert framed(own, {"aspect_ratio": "7:5"}) == {"aspect_ratio": "7:5"}
    with pytest.raises(ParameterError, match="aspect_ratio must be"):
        own.check({"prompt": "x", "aspect_ratio": "7:5"}, images=1)
    lite = models.get("nano-banana-lite")
    with pytest.raises(ParameterError, match=r"no word for resolution 2K\.\n.*aspect_ratio: auto, 21:9"):
        framed(lite, {"resolution": "2K"})
    bare = from_schema("a/b", {"properties": {"prompt": {"type": "string"}}})
    with pytest.raises(ParameterError, match="aspect_ratio is not a parameter of a/b"):
        bare.check(framed(bare, {"prompt": "x", "aspect_ratio": "1:1"}), images=0)


def test_the_same_thing_twice_is_an_error_unless_it_is_the_same() -> None:
    """The model's own word beside the pair."""
    found = model("presets")
    both = {"aspect_ratio": "16:9", "image_size": "landscape_16_9"}
    assert framed(found, both) == {"image_size": "landscape_16_9"}
    with pytest.raises(
        ParameterError, match="image_size is square, and aspect_ratio 16:9 is image_size landscape_16_9"
    ):
        framed(found, both | {"image_size": "square"})


def asked_frame(asked: dict[str, str]) -> Frame:
    """What the pair asks for."""
    return Frame(ratio_of(asked.get("aspect_ratio")), tier_of(asked.get("resolution")))


def said_frame(found: Model, own: dict[str, Any]) -> Frame:
    """What a model's own words ask for."""
    if "width" in own:
        return frame_of(f"{own['width']}x{own['height']}") or Frame()
    frames = [frame for value in own.values() if (frame := frame_of(value))]
    ratio = next((frame.ratio for frame in frames if frame.ratio is not None), None)
    return Frame(ratio, next((frame.tier for frame in frames if frame.tier), None))


@settings(max_examples=scaled(150))
@given(
    words=st.sampled_from([*WORDS]),
    asked=st.fixed_dictionaries(
        {},
        optional={"aspect_ratio": st.sampled_from(RATIOS), "resolution": st.sampled_from(["0.5K", "1K", "2k", "4K"])},
    ),
)
def test_the_ratio_is_never_another_and_saying_it_twice_changes_nothing(words: str, asked: dict[str, str]) -> None:
    """For every way to say it and everything that can be asked: the same, or an error."""
    found = model(words)
    try:
        own = framed(found, asked)
    except ParameterError:
        return
    assert framed(found, own) == own
    wanted, said = asked_frame(asked), said_frame(found, own)
    assert wanted.ratio is None or wanted.ratio == said.ratio
    assert wanted.tier is None or wanted.tier == said.tier
    if not {*own} & {*PAIR}:
        assert found.check({"prompt": "x", **own}, images=0) == {"prompt": "x", **own}


@given(width=st.integers(1, 60), height=st.integers(1, 60), tier=st.sampled_from(["0.5K", "1K", "2K", "4K"]))
def test_pixels_have_the_ratio_exactly_and_are_within_the_limits(width: int, height: int, tier: str) -> None:
    """Whatever the ratio; one that cannot be had in the steps of the model is an error."""
    try:
        own = framed(model("pixels"), {"aspect_ratio": f"{width}:{height}", "resolution": tier})
    except ParameterError:
        return
    assert Fraction(own["width"], own["height"]) == Fraction(width, height)
    assert all(256 <= side <= 4096 and side % 16 == 0 for side in own.values())


def test_a_line_takes_the_pair_for_a_model_with_other_words() -> None:
    """`--aspect-ratio` on a model with `image_size`; a model that has the fields has no option twice."""
    found = model("presets")
    cell = parse("a.jpg --aspect-ratio 16x9", "Dusk.\n", model_of=lambda _: found, default_model=found.id)
    assert framed(found, cell.parameters) == {"image_size": "landscape_16_9"}
    assert [field.name for field in pair_fields(found)] == [*PAIR]
    for model_id in models.ids():
        names = [option.name for option in options_of(models.get(model_id))]
        assert len(names) == len({*names})
    assert pair_fields(models.get("nano-banana-2")) == ()
    assert [field.enum for field in pair_fields(model("pixels"))] == [(), ()]


def test_what_the_model_s_word_means_is_said() -> None:
    """Only where it says it otherwise than the pair does."""
    assert in_words(model("presets"), {"image_size": "portrait_16_9"}) == ("image_size portrait_16_9 is 9:16 at 1K.",)
    assert in_words(model("pixels"), {"width": 2048, "height": 2048}) == ("width and height are 1:1 at 2K.",)
    assert in_words(model("other names"), {"ratio": "16:9", "quality_tier": "2k"}) == ()


def test_a_service_with_other_words_gets_its_own() -> None:
    """The catalogue's ratio is sent as the preset that the service has for it, or refused before anything is sent."""
    own = models.get("openai/gpt-image-2/edit")
    properties = {
        "prompt": {"type": "string"},
        "images": {"type": "array", "format": "image_uris"},
        **WORDS["presets"],
    }
    live = from_schema(own.id, {"properties": properties})
    sent = payload_for(own, {"prompt": "x", "aspect_ratio": "16:9"}, ["u"], live, "there")
    assert sent == {"prompt": "x", "images": ["u"], "image_size": "landscape_16_9"}
    with pytest.raises(ParameterError, match="no word for aspect_ratio 3:2"):
        payload_for(own, {"prompt": "x", "aspect_ratio": "3:2"}, ["u"], live, "there")


@given(st.text(max_size=30))
def test_any_word_stands_for_something_or_nothing(word: str) -> None:
    """Words come from services."""
    assert frame_of(word) is None or isinstance(frame_of(word), Frame)


def test_numbers_that_are_no_sizes_are_nothing() -> None:
    """A ratio with a zero, a preset without one."""
    for word in ("0:1", "1:0", "00x00", "landscape_0_3", "landscape", "square_4_3", "٣:٢"):
        assert frame_of(word) is None, word
