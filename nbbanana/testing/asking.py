"""A process that asks a provider for pictures at once, to be killed meanwhile: FOLDER PROVIDER MODEL FIRST COUNT."""

from __future__ import annotations

import sys

from PIL import Image

import nbbanana as nb

__all__ = ["main", "small_picture"]


def small_picture() -> Image.Image:
    """Return a small picture."""
    return Image.linear_gradient("L").resize((48, 32)).convert("RGB")


def main(folder: str, provider: str, model: str, first: int, count: int) -> None:
    """Ask for `count` edits with seeds from `first` on, and wait for all."""
    with nb.Session(provider=provider, store=folder, model=model) as session:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        seeds = range(first, first + count)
        jobs = [session.submit(f"Make it snow, number {seed}.", small_picture(), seed=seed) for seed in seeds]
        for job in jobs:
            job.result()


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:]))  # type: ignore[arg-type]
