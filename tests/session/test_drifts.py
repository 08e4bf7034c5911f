"""`nb.drift` and `output.drift()`: what changed, of whatever a user calls a picture, with the region that was meant."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nbbanana as nb
from nbbanana.errors import MeasureError, UsageError

HALF = (0.5, 0.0, 1.0, 1.0)
SMALL: dict[str, Any] = {"seed": 7, "resolution": "0.5K"}
WORDS = "Put a boat into the right half."


@pytest.fixture
def before(photo: Callable[[str], Path], tmp_path: Path) -> Path:
    """A photograph as a file."""
    with Image.open(photo("coffee")) as image:
        image.convert("RGB").resize((300, 200)).save(tmp_path / "cup.jpg", quality=92)
    return tmp_path / "cup.jpg"


@pytest.fixture
def after(before: Path, photo: Callable[[str], Path]) -> Image.Image:
    """The same with another picture in its right half."""
    with Image.open(before) as image, Image.open(photo("astronaut")) as other:
        found = image.convert("RGB")
        left = found.width // 2
        found.paste(other.convert("RGB").resize((found.width - left, found.height)), (left, 0))
    return found


def test_a_picture_is_whatever_a_user_calls_one(before: Path, after: Image.Image) -> None:
    """Paths, bytes, pictures of Pillow and arrays say the same, whatever their names."""
    file = io.BytesIO()
    after.save(file, "PNG")
    first = nb.drift(before, after, region=HALF)
    assert first.sentence.startswith("Outside the region: nothing changed that can be seen; inside: ")
    for one in (str(before), before.read_bytes(), Image.open(before)):
        for other in (file.getvalue(), np.asarray(after)):
            assert nb.drift(one, other, region=HALF).sentence == first.sentence


def test_a_region_is_what_it_is_for_an_edit_or_a_mask(before: Path, after: Image.Image) -> None:
    """A box, boxes, what was drawn, what stands on a line, and a mask as a picture or an array."""
    drawn = nb.region(before, boxes=[HALF])
    mask = np.zeros((after.height, after.width), bool)
    mask[:, after.width // 2 :] = True
    for region in (HALF, [HALF], drawn, "0.5,0,1,1", mask, Image.fromarray(mask)):
        report = nb.drift(before, after, region=region)
        assert report.is_region_given
        assert report.inside is not None
        assert report.inside.redrawn.is_above
        assert report.outside is not None
        assert not report.outside.redrawn.is_above
    words = nb.drift(before, after, region=drawn)._repr_mimebundle_()["text/plain"]
    assert "region: the right half" in words
    assert "region: a mask" in nb.drift(before, after, region=mask)._repr_mimebundle_()["text/plain"]


def test_a_report_has_the_figures(before: Path, after: Image.Image) -> None:
    """The three numbers, where it changed, how sure it is, and all of it as JSON."""
    report = nb.drift(before, after)
    assert report.moved.corner.value < 0.2
    assert 0.8 < report.confidence <= 1
    assert report.places[0].box.left > 0.45
    assert report.tiles[0].redrawn > 0.5
    assert report.heat_map((64, 32)).shape == (32, 64)
    assert report.as_json()["sentence"] == report.sentence
    assert repr(report) == f"<DriftReport cup.jpg → {report.after.name}: {report.sentence}>"


@pytest.mark.painted
def test_an_output_is_measured_against_its_input_with_its_own_region(session: nb.Session, before: Path) -> None:
    """Without an argument, and also where the two are given; another region is taken instead."""
    result = session.edit(WORDS, before, region=HALF, **SMALL)
    own = result[0].drift()
    assert own.before.name == "cup.jpg"
    assert own.after.name == result[0].label
    assert own.area is not None
    assert own.area.words == "the right half"
    for same in (result.drift(), nb.drift(result[0]), nb.drift(result), nb.drift(before, result[0])):
        assert same.sentence == own.sentence
        assert same.area == own.area
    other = result[0].drift(region=(0, 0, 1, 0.5))
    assert other.area is not None
    assert other.area.words == "the upper half"
    with session:
        assert nb.drift(result[0], region=f"edit:{result.id}").area == own.area
    mask = Image.linear_gradient("L")
    assert result[0].drift(region=mask).is_region_given


@pytest.mark.nightly
@pytest.mark.painted
def test_a_picture_that_it_was_not_made_from_has_nothing_to_do_with_its_region(
    session: nb.Session, before: Path, after: Image.Image
) -> None:
    """The region is of the picture that it was drawn on; on the picture before an edit of an edit it says nothing."""
    result = session.edit(WORDS, before, region=HALF, **SMALL)
    again = result.edit("Make it night.", **SMALL)
    assert again[0].drift().area is None
    assert nb.drift(after, result[0]).area is None


def test_what_cannot_be_measured_is_said(session: nb.Session, before: Path, tmp_path: Path) -> None:
    """Words alone, an address, one picture, several outputs, a region of another picture: each has its three lines."""
    alone = session.edit("A red boat.", model="google/nano-banana-2/text-to-image", **SMALL)
    with pytest.raises(UsageError, match="was made from words alone"):
        alone[0].drift()
    with pytest.raises(UsageError, match=r"^cup\.jpg is only known by its address"):
        nb.drift("https://example.com/cup.jpg", before)
    with pytest.raises(UsageError, match="There is one picture"):
        nb.drift(before)
    several = session.edit(WORDS, before, n=2, **SMALL)
    with pytest.raises(UsageError, match=r"has 2 outputs\.\n.*\n.*\[1\]\.drift\(\)"):
        several.drift()
    with pytest.raises(UsageError, match="not among those"):
        nb.drift(before, before, region=_drawn_elsewhere(tmp_path))
    with pytest.raises(MeasureError, match="fit") as caught:
        nb.drift(before, Image.effect_noise((640, 480), 80).convert("RGB"))
    assert caught.value.reason == "unrelated"
    assert len(caught.value.lines) == 3


def _drawn_elsewhere(folder: Path) -> Any:
    other = folder / "other.png"
    Image.linear_gradient("L").save(other)
    return nb.region(other, boxes=[HALF])


def test_an_edit_of_an_address_is_refused_before_anything_is_fetched(session: nb.Session) -> None:
    """Its input was never here; the store has its address only."""
    result = session.edit("Make it night.", "https://example.com/cup.jpg", **SMALL)
    with pytest.raises(UsageError, match="only known by its address"):
        result[0].drift()


def test_nothing_of_it_is_loaded_with_the_package() -> None:
    """`import nbbanana` and a look at the name load neither NumPy nor Pillow."""
    code = "import sys, nbbanana as nb; nb.drift; print([name for name in ('numpy', 'PIL') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
