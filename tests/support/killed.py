"""A process that asks for a batch of edits, half of them in a forked child if told so, and is killed meanwhile."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from PIL import Image

import nbbanana as nb


def main(folder: str, first_seed: int, count: int, forks: bool) -> None:
    """Ask for `count` edits at once and wait for all of them."""
    seeds = range(first_seed, first_seed + count)
    with nb.Session(store=folder) as session:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        if not forks:
            ask(session, seeds)
        else:
            begun = [session.submit("Make it snow.", picture(), seed=seeds[0], resolution="0.5K")]
            if (child := os.fork()) == 0:  # the engine runs by now: the child must make its own
                ask(session, seeds[count // 2 :])
                session.close()
                os._exit(0)
            ask(session, seeds[1 : count // 2])
            begun[0].result()
            os.waitpid(child, 0)
    sys.stdout.write("done\n")


def ask(session: nb.Session, seeds: Iterable[int]) -> None:
    """Ask for an edit with each seed, and wait for all."""
    jobs = [session.submit("Make it snow.", picture(), seed=seed, resolution="0.5K") for seed in seeds]
    for job in jobs:
        job.result()


def picture() -> Image.Image:
    """A small picture."""
    return Image.linear_gradient("L").resize((48, 32)).convert("RGB")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), forks=sys.argv[4] == "forks")
