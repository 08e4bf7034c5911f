"""Edits to fill stores with, a few that are asked one by one or a million at once; empty stores that are copied."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nbbanana.request import EditRequest
from nbbanana.store import Edit, InputRecord, OutputRecord, Store, Transition
from nbbanana.store.database import Database

__all__ = ["MODEL", "Clock", "asked", "complete", "copied", "generated", "output", "picture", "sha256"]

MODEL = "google/nano-banana-2/edit"
NOON = 1_760_000_000.0


class Clock:
    """Time that passes when it is told to, in seconds since the epoch."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float = 1.0) -> float:
        """Let time pass; gives the time then."""
        self.now += seconds
        return self.now


def sha256(data: bytes | str) -> str:
    """The name of some bytes."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def picture(name: str = "portrait.jpg", content: str = "a portrait") -> InputRecord:
    """An input that was read from a file."""
    return InputRecord(name, f"sha256:{sha256(content)}", sha256(f"sent {content}"), width=640, height=480)


def output(content: str, index: int = 0) -> OutputRecord:
    """One picture of a result."""
    url = f"https://playgrounds-storage-public.runcomfy.net/{content}.png"
    return OutputRecord(index, sha256(content), "image/png", 1024, 1024, 4096, url)


def asked(prompt: str = "Make it snow.", *inputs: InputRecord, seed: int = 7, **changes: Any) -> Edit:
    """An edit that is about to be sent, with digests that follow from what it holds."""
    new = Edit(MODEL, "sandbox", "", "", {"prompt": prompt}, seed, seed_given=False, inputs=inputs)
    new = replace(new, **changes)
    new = replace(new, is_play=new.provider == "sandbox")
    request = EditRequest(new.model, new.parameters, new.inputs, minted_seed=new.seed, seed_field=None)  # type: ignore[arg-type]
    return replace(new, ask=request.ask, digest=request.digest(new.provider))


def complete(store: Store, new: Edit, *contents: str, cost: float | None = None) -> Edit:
    """Take an edit all the way; `contents` become its outputs."""
    edit = store.begin(new)
    store.move(edit.id, "submitting")
    store.move(edit.id, "queued", request_id=f"request-{edit.id}")
    store.move(edit.id, "running")
    store.move(edit.id, "downloading")
    outputs = [output(content, index) for index, content in enumerate(contents)]
    return store.move(edit.id, "completed", outputs=outputs, cost=cost)


@contextmanager
def copied(empty: Path) -> Iterator[None]:
    """While it is entered, a store that this process makes begins as a copy of `empty`, a file that no one has open."""
    prepare = Database._prepare

    def copy_first(database: Database) -> None:
        if not database.path.exists():
            part = database.path.with_name(f"empty-{os.urandom(8).hex()}")
            shutil.copyfile(empty, part)
            part.chmod(0o600)
            with suppress(FileExistsError):  # another thread or process was quicker
                os.link(part, database.path)
            part.unlink()
        prepare(database)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_prepare", copy_first)
        yield


PLACES = [
    "street",
    "forest",
    "harbour",
    "desert",
    "kitchen",
    "station",
    "library",
    "rooftop",
    "garden",
    "bridge",
    "tunnel",
    "market",
]
LIGHTS = ["neon", "golden", "foggy", "stormy", "moonlit", "overcast", "candlelit", "harsh", "pale", "crimson"]
KEEP = "Keep the subject identity, pose, and clothing unchanged. Convert the background into a "


def generated(count: int, *, seed: int = 0, vocabulary: Sequence[str] = ()) -> Iterator[Edit]:
    """Completed edits as years of work would leave them: one model mostly, prompts alike, chains of edits of edits."""
    chance = random.Random(seed)
    words = vocabulary or [f"{chance.choice('bcdfghklmnprst')}{chance.choice('aeiou')}{n:x}" for n in range(5000)]
    previous = sha256(f"{seed} start")
    for number in range(count):
        at = NOON + 60.0 * number
        prompt = f"{KEEP if chance.random() < 0.86 else ''}{chance.choice(LIGHTS)} {chance.choice(PLACES)}"
        prompt += ", " + " ".join(chance.choices(words, k=12)) + "."
        if chance.random() < 0.01:
            prompt += " 背景换成下雨的霓虹街道。"
        source = previous if chance.random() < 0.4 else sha256(f"{seed} photo {number % 1000}")
        previous = sha256(f"{seed} output {number}")
        photo = InputRecord(f"photo-{number % 1000}.jpg", f"sha256:{source}", source, width=1024, height=1024)
        parameters = {"prompt": prompt, "resolution": chance.choice(["1K", "2K", "4K"])}
        new = Edit(
            MODEL if number % 10 else "google/nano-banana-2/text-to-image",
            "runcomfy" if number % 4 else "sandbox",
            ask=sha256(f"{seed} ask {number}"),
            digest=sha256(f"{seed} digest {number}"),
            parameters=parameters,
            seed=chance.randrange(2**31),
            seed_given=False,
            inputs=(photo,),
        )
        yield _finished(new, number, at, seconds=chance.lognormvariate(2.5, 0.4), output=previous)


def _finished(new: Edit, number: int, at: float, *, seconds: float, output: str) -> Edit:
    times = [("prepared", at), ("submitting", at + 0.1), ("queued", at + 0.5), ("running", at + 2.0)]
    times += [("downloading", at + seconds), ("completed", at + seconds + 1.0)]
    return Edit(
        id=0,
        uid=sha256(f"uid {new.ask}")[:32],
        model=new.model,
        provider=new.provider,
        ask=new.ask,
        digest=new.digest,
        parameters=new.parameters,
        seed=new.seed,
        seed_given=new.seed_given,
        state="completed",
        created_at=at,
        inputs=new.inputs,
        outputs=(OutputRecord(0, output, "image/png", 1024, 1024, 1_500_000),),
        request_id=sha256(f"request {new.ask}")[:36],
        accepted_at=at + 0.5,
        started_at=at + 2.0,
        done_at=at + seconds,
        finished_at=at + seconds + 1.0,
        price_quoted=0.07,
        cost=0.07,
        package_version="0",
        transitions=tuple(Transition(state, when) for state, when in times),  # type: ignore[arg-type]
        ratings={-1: "starred"} if number % 50 == 0 else {},
        tags=("keeper",) if number % 50 == 0 else (),
    )
