"""How long pictures take, as ratios: against the plain way to do the same with Pillow, on the same machine."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nbbanana.images import MAX_UPLOAD_BYTES, load, prepare, thumbnail

pytestmark = pytest.mark.benchmark


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """The shortest of some runs, in seconds of processor time."""
    runs = []
    for _ in range(times):
        begun = time.process_time()
        work()
        runs.append(time.process_time() - begun)
    return min(runs)


def photograph(path: Path, size: tuple[int, int]) -> Image.Image:
    """A real photograph at another size, with the grain that a camera adds."""
    large = np.asarray(Image.open(path).convert("RGB").resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
    grain = np.random.default_rng(0).normal(0, 3, large.shape[:2])
    return Image.fromarray(np.clip(large + grain[..., None], 0, 255).astype(np.uint8))


def test_a_thumbnail_of_a_jpeg_costs_a_fraction_of_decoding_it(photo: Callable[[str], Path]) -> None:
    """4096×4096 to 512: less than half of what opening, decoding and resizing take."""
    buffer = io.BytesIO()
    photograph(photo("coffee"), (4096, 4096)).save(buffer, "JPEG", quality=92)

    def plainly() -> None:
        image = Image.open(io.BytesIO(buffer.getvalue())).resize((512, 512), Image.Resampling.LANCZOS)
        image.save(io.BytesIO(), "JPEG", quality=80)

    ratio = seconds(lambda: thumbnail(buffer.getvalue(), side=512)) / seconds(plainly)
    print(f"\nthumbnail of a JPEG against the plain way: {ratio:.2f}")
    assert ratio < 0.5


def test_a_thumbnail_of_a_png_costs_no_more_than_decoding_it(photo: Callable[[str], Path]) -> None:
    """4096×4096 to 512: inflating the PNG is nearly all of it."""
    buffer = io.BytesIO()
    photograph(photo("coffee"), (4096, 4096)).save(buffer, "PNG", compress_level=3)
    ratio = seconds(lambda: thumbnail(buffer.getvalue(), side=512)) / seconds(
        lambda: Image.open(io.BytesIO(buffer.getvalue())).load()
    )
    print(f"\nthumbnail of a PNG against decoding it: {ratio:.2f}")
    assert ratio < 1.5


def test_finding_the_size_of_an_upload_costs_less_than_encoding_the_whole(photo: Callable[[str], Path]) -> None:
    """24 megapixels to six MiB: the search is cheaper than one PNG of all of them."""
    image = photograph(photo("coffee"), (6000, 4000))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95)
    picture = load(buffer.getvalue())
    [upload] = prepare([picture])
    assert 0.85 * MAX_UPLOAD_BYTES < len(upload.data) <= MAX_UPLOAD_BYTES
    whole = seconds(lambda: image.save(io.BytesIO(), "PNG", compress_level=3), times=1)
    ratio = seconds(lambda: prepare([picture]), times=1) / whole
    print(f"\nan upload of 24 megapixels against one PNG of them: {ratio:.2f}")
    assert ratio < 1
