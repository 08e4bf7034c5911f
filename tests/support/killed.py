"""A process that asks for a batch of edits and is killed in the middle of it."""

from __future__ import annotations

import sys

from PIL import Image

import nbbanana as nb


def main(folder: str, first_seed: int, count: int) -> None:
    """Ask for `count` edits at once and wait for all of them."""
    picture = Image.linear_gradient("L").resize((48, 32)).convert("RGB")
    with nb.Session(store=folder) as session:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        jobs = [
            session.submit("Make it snow.", picture, seed=first_seed + number, resolution="0.5K")
            for number in range(count)
        ]
        for job in jobs:
            job.result()
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
