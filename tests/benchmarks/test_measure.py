"""
What measuring a change costs, against scikit-image's registration and SSIM doing the same, and how much memory.

scikit-image finds a shift by phase correlation and no scale; for scale and turn its way is a log-polar transform, which
is timed too. Asserted are ratios to that at the same moment on the same machine, and memory; times are printed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import structural_similarity
from skimage.registration import phase_cross_correlation
from skimage.transform import AffineTransform, warp, warp_polar
from support.measuring.edits import Pair, jpeg, moved, reread
from support.measuring.photographs import photograph

from nbbanana.measure import drift, likeness

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(0)]

MOST_MEMORY = 10.0
"""Times the decoded RGB bytes of the larger picture."""


def seconds(work: Callable[[], object], times: int) -> float:
    """The shortest of some runs, in seconds of processor time."""
    runs = []
    for _ in range(times):
        begun = time.process_time()
        work()
        runs.append(time.process_time() - begun)
    return min(runs)


def pair_of(side: int) -> Pair:
    """A photograph at that size with the grain that a camera adds, and the same moved, as JPEG."""
    large = photograph("retina").resize((round(side * 1.03),) * 2, Image.Resampling.BICUBIC)
    grain = np.random.default_rng(0).normal(0, 3, large.size[::-1]).astype(np.float32)
    pixels = np.asarray(large, np.int16) + grain[..., None].astype(np.int16)
    photo = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    pair = reread(moved(photo, 0.015, shift=(3.0, 1.0)), lambda image: jpeg(image, 90))
    box = (0, 0, side, side)
    return Pair(pair.before.crop(box), pair.after.crop(box), pair.matrix)


def with_scikit_image(before: Image.Image, after: Image.Image) -> float:
    """Scale and turn by log-polar phase correlation, then shift, then the registered picture, then SSIM."""
    first, second = (np.asarray(image.convert("L"), np.float32) / 255 for image in (before, after))
    spectra = [np.log1p(np.abs(np.fft.fftshift(np.fft.fft2(plane)))) for plane in (first, second)]
    radius = min(first.shape) // 8
    polar = [warp_polar(spectrum, radius=radius, scaling="log") for spectrum in spectra]
    phase_cross_correlation(*polar, upsample_factor=10, normalization=None)
    shift, *_ = phase_cross_correlation(first, second, upsample_factor=10)
    registered = warp(second, AffineTransform(translation=(-shift[1], -shift[0])), order=3)
    return float(structural_similarity(first, registered, gaussian_weights=True, data_range=1.0))


@pytest.mark.parametrize(("side", "times", "most"), [(1024, 5, 1.0), (4096, 2, 0.4)])
def test_measuring_costs_less_than_the_same_with_scikit_image(side: int, times: int, most: float) -> None:
    """1 megapixel and 16; goals of issue 13: half a second and four on two cores."""
    pair = pair_of(side)
    drift(pair.before, pair.after)
    wall = time.perf_counter()
    found = drift(pair.before, pair.after)
    wall = time.perf_counter() - wall
    ours = seconds(lambda: drift(pair.before, pair.after), times)
    theirs = seconds(lambda: with_scikit_image(pair.before, pair.after), 1 if side > 2000 else times)
    print(f"\n{side}²: drift {ours:.2f} s of processor time ({wall:.2f} s), scikit-image {theirs:.2f} s")
    print(f"a corner is off by {pair.corner(found.registration.matrix):.3f} px")
    assert ours < most * theirs
    assert pair.corner(found.registration.matrix) < 0.2


def test_likeness_of_eight_pictures_costs_seconds_not_minutes() -> None:
    """28 pairs, at 512 pixels: about as much as one drift of a megapixel each."""
    pair = pair_of(1024)
    pictures = [jpeg(pair.before, quality) for quality in range(50, 90, 5)]
    begun = time.process_time()
    likeness(pictures)
    taken, one = time.process_time() - begun, seconds(lambda: drift(pair.before, pair.after), 2)
    print(f"\nlikeness of 8: {taken:.2f} s, {taken / 28 / one:.2f} of a drift for each pair")
    assert taken < 28 * 1.5 * one


MEMORY = """
import json, re, sys
import numpy as np, PIL.Image
import nbbanana.measure.comparison, nbbanana.measure.protecting, nbbanana.measure.similarity
from nbbanana.measure import composite, drift
small = PIL.Image.effect_noise((256, 256), 60)
drift(small, small.rotate(1))
def peak(): return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
before = peak()
found = drift(sys.argv[1], sys.argv[2])
after = peak()
composite(sys.argv[1], sys.argv[2], (0, 0, 0.5, 1))
print(json.dumps([before, after, peak(), *found.registration.before]))
"""


@pytest.mark.parametrize("side", [1024, 4096])
def test_memory_is_within_ten_times_the_decoded_picture(side: int, tmp_path: Path) -> None:
    """The peak of a process of its own, from files on, beyond what it was with the libraries loaded."""
    if not Path("/proc/self/status").exists():
        pytest.skip("this machine has no /proc")
    pair = pair_of(side)
    pair.before.save(tmp_path / "a.png", compress_level=1)
    pair.after.save(tmp_path / "b.jpg", quality=95)
    command = [sys.executable, "-c", MEMORY, tmp_path / "a.png", tmp_path / "b.jpg"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    start, drifted, composed, width, height = json.loads(run.stdout)
    parts = [(peak - start) / (width * height * 3) for peak in (drifted, composed)]
    print(f"\n{width}×{height}: drift {parts[0]:.1f}, composite {parts[1]:.1f} times the decoded picture")
    assert max(parts) <= MOST_MEMORY
