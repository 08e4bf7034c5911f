"""What the painter costs, measured against what the same picture costs without it."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from nbbanana.sandbox.painter import paint

pytestmark = pytest.mark.benchmark

NEON = "Keep the subject unchanged. Convert the background into a rainy neon cyberpunk street."


def cpu(work: Callable[[], object]) -> float:
    """The least processor time of three runs, in seconds."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize(("resolution", "side", "most"), [("1K", 1024, 8.0), ("4K", 4096, 4.0)])
def test_painting_costs_a_few_times_what_scaling_and_writing_costs(
    photo: Callable[[str], Path], resolution: str, side: int, most: float
) -> None:
    """The richest look, against decoding the photograph, scaling it and writing it as PNG with the same effort."""
    source = photo("portrait").read_bytes()

    def plain() -> None:
        picture = Image.open(io.BytesIO(source)).convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
        picture.save(io.BytesIO(), "PNG", compress_level=1)

    def painted() -> None:
        paint([source], prompt=NEON, seed=1, index=0, aspect_ratio="1:1", resolution=resolution)

    ratio = cpu(painted) / cpu(plain)
    print(f"{resolution}: {ratio:.1f} times as long as scaling and writing")
    assert ratio < most


def test_the_largest_picture_stays_within_600_megabytes(photo: Callable[[str], Path]) -> None:
    """The highest mark of a process that paints one 4K picture, interpreter and all."""
    script = (
        "import resource, sys; from nbbanana.sandbox.painter import paint;"
        f"paint([sys.stdin.buffer.read()], prompt={NEON!r}, seed=1, index=0, aspect_ratio='1:1', resolution='4K');"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform != 'darwin' else 2**20))"
    )
    data = photo("portrait").read_bytes()
    run = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True, check=True)
    print(f"peak: {int(run.stdout)} MB")
    assert int(run.stdout) < 600
