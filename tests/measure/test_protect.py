"""The original's pixels come back exactly where nothing should have changed, without a seam; or it is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support.measuring.edits import jpeg, moved, reread, retoned, shown_at
from support.measuring.photographs import photograph

from nbbanana.errors import MeasureError, UsageError
from nbbanana.measure import composite

KEEP = (0, 0, 0.6, 1)


def edited_pair(name: str = "astronaut"):
    """A photograph, and the same moved by two pixels, with another tone, an edit on the right, and JPEG."""
    pair = moved(photograph(name), 0.1, shift=(2.0, -1.0), scale=(1.01, 1.01))
    after = pair.after.copy()
    width, height = after.size
    after.paste((200, 30, 30), (round(0.75 * width), round(0.3 * height), round(0.9 * width), round(0.6 * height)))
    return reread(pair, lambda _: jpeg(retoned(after, np.random.default_rng(1)), 92))


def test_what_is_kept_is_exact_and_the_edit_is_beside_it() -> None:
    """Every pixel that is to be kept is the original's; the red field is where it was painted."""
    pair = edited_pair()
    made = composite(pair.before, pair.after, KEEP)
    before, after = np.asarray(pair.before), np.asarray(made.image)
    kept = int(0.6 * before.shape[1])
    assert made.image.size == pair.before.size
    assert (after[:, :kept] == before[:, :kept]).all()
    assert made.kept == pytest.approx(0.6, abs=0.01)
    row, column = round(0.45 * before.shape[0]), round(0.82 * before.shape[1])
    assert after[row, column, 0] > 140
    assert after[row, column, 1] < 90


def test_registering_and_matching_the_tone_lower_the_seam() -> None:
    """The step across the seam is a fraction of that of a plain paste."""
    pair = edited_pair()
    made = composite(pair.before, pair.after, KEEP)
    before, after, plain = (np.asarray(image, float) for image in (pair.before, made.image, pair.after))
    at = int(0.6 * before.shape[1])
    beyond = slice(at, at + 12)
    own = np.abs(after[:, beyond] - before[:, beyond]).mean()
    assert own < 0.35 * np.abs(plain[:, beyond] - before[:, beyond]).mean()
    assert made.seam.value < 3
    assert made.sentence.startswith("60% of the picture is the original's again; the seam differs by")


def test_an_edit_of_another_size_is_brought_to_the_original_s() -> None:
    """A service that answers at half or twice the size."""
    pair = edited_pair()
    for factor in (0.5, 2.0):
        other = shown_at(pair, (round(pair.after.width * factor), round(pair.after.height * factor)))
        made = composite(other.before, other.after, KEEP)
        assert made.image.size == pair.before.size
        assert made.seam.value < 4


def test_it_refuses_what_cannot_be_laid_on_it() -> None:
    """Another scene, a part that the edit does not show, a seam through what was painted anew."""
    pair = edited_pair()
    with pytest.raises(MeasureError) as refused:
        composite(pair.before, photograph("coffee"), KEEP)
    assert refused.value.reason == "unrelated"
    with pytest.raises(MeasureError) as refused:
        composite(pair.before, pair.after.crop((0, 0, 300, pair.after.height)), (0, 0, 0.5, 1))
    assert refused.value.reason == "uncovered"
    painted = pair.after.copy()
    painted.paste(
        Image.new("RGB", (round(0.55 * painted.width), painted.height), (0, 200, 0)), (round(0.45 * painted.width), 0)
    )
    with pytest.raises(MeasureError) as refused:
        composite(pair.before, painted, KEEP)
    assert refused.value.reason == "seam"
    assert "also in its own tone" in refused.value.why


def test_a_seam_that_would_show_is_refused() -> None:
    """A step of 8 ΔE along it is seen at once; of 2 it is kept."""
    photo = photograph("astronaut")
    for more, shows in ((14, True), (6, False)):
        pixels = np.asarray(photo).astype(int)
        # Across the seam, in the place where it lies alone, so that no change of tone explains it.
        pixels[:, 250:] += np.asarray([more, -more, 0])
        edited = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        if not shows:
            assert composite(photo, edited, KEEP).seam.value < 6
            continue
        with pytest.raises(MeasureError) as refused:
            composite(photo, edited, KEEP)
        assert refused.value.reason == "seam"
        assert 6 < float(refused.value.why.split("by ")[1].split()[0]) < 12


@pytest.mark.parametrize("keep", [None, (0, 0, 1, 1), np.zeros((40, 40), bool), (0.5, 0.5, 0.5, 0.5)])
def test_nothing_or_everything_cannot_be_kept(keep: object) -> None:
    """There would be nothing to do."""
    pair = edited_pair("coins")
    with pytest.raises(UsageError, match=r"cannot be kept|covers nothing of the picture"):
        composite(pair.before, pair.after, keep)
