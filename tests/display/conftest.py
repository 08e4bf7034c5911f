"""Real photographs at the size that the largest outputs have, and a view that shows one of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbbanana.display import Picture, ResultView


@pytest.fixture(scope="session")
def large(photo: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four photographs of 4096×4096 with the grain of a high sensitivity, which is hard on every codec."""
    import numpy as np
    from PIL import Image, ImageOps

    folder = tmp_path_factory.mktemp("large")
    grain = np.tile(np.random.default_rng(7).normal(0, 14, (512, 512, 3)).astype(np.int16), (8, 8, 1))
    paths = []
    for name in ("astronaut", "coffee", "chelsea", "portrait"):
        with Image.open(photo(name)) as image:
            full = ImageOps.fit(image.convert("RGB"), (4096, 4096), Image.Resampling.BICUBIC)
        noisy = Image.fromarray((np.asarray(full) + grain).clip(0, 255).astype(np.uint8))
        noisy.save(folder / f"{name}.jpg", quality=90)
        paths.append(folder / f"{name}.jpg")
    return paths


@pytest.fixture(scope="session")
def small(photo: Callable[[str], Path]) -> bytes:
    """A photograph of 320×200, as bytes."""
    from PIL import Image, ImageOps

    file = io.BytesIO()
    with Image.open(photo("coffee")) as image:
        ImageOps.fit(image, (320, 200)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def view(small: bytes) -> Callable[..., ResultView]:
    """Makes a view of `count` outputs; what is given by name replaces what it has."""

    def make(count: int = 4, **given: Any) -> ResultView:
        pictures = tuple(Picture(f"neon[{n}]", small, 320, 200, "image/png", len(small), 7) for n in range(count))
        facts: dict[str, Any] = {
            "prompt": "Keep the cup.\nTurn the table into marble.",
            "inputs": (Picture("coffee.png", small, 320, 200),),
            "pictures": pictures,
            "expected": count,
            "label": "neon",
            "model": "google/nano-banana-2/edit",
            "provider": "runcomfy",
            "edit_id": 47,
            "seconds": 11.84,
            "cost": 0.28,
            "parameters": {"number_of_images": count, "seed": 7},
            "defaults": {"aspect_ratio": "auto", "enable_web_search": False},
            "provenance": {
                "edit": 47,
                "created": "2026-03-12T14:02:11Z",
                "digest": "5d90e2a7" * 8,
                "seed_given": True,
                "inputs": [{"name": "coffee.png", "identity": "sha256:" + "8f3a41c0" * 8}],
            },
        }
        return ResultView(**(facts | given))

    return make
