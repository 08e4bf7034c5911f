"""The place of a result that is on its way: it says where things stand, and nothing jumps when the result comes."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.markup import Page, read

from nbbanana.display import Picture, ProgressDisplay, ResultView, bundle, thumbs
from nbbanana.engine.run import Progress
from nbbanana.images import thumbnails

Views = Callable[..., ResultView]


@pytest.fixture
def waiting(view: Views) -> ResultView:
    """A view of four outputs of which none is here."""
    return view(4, pictures=(), seconds=None, cost=None, provenance={})


def shown(view: ResultView, progress: Progress) -> Page:
    return read(ProgressDisplay(view).bundle(progress)["text/html"])


def state(page: Page) -> str:
    """The line that says where it stands; what the bar says instead of itself is left out."""
    line = next(one for one in page.all("p") if one.text[:1] in "○◐◕●■×?")
    bars = page.all("progress")
    return " ".join(line.text.removesuffix(bars[0].text if bars else "").split())


def last(page: Page) -> str:
    return page.all("p")[-1].text


def test_a_pause_counts_down_and_is_free(waiting: ResultView) -> None:
    """A service that asks to wait is named with the time left; stopping then costs nothing, for it was refused."""
    paused = Progress("paused", note="The service is busy.", resumes_at=time.monotonic() + 12.2)
    page = shown(waiting, paused)
    assert re.fullmatch("○ Waiting again in 1[12] s · The service is busy.", state(page))
    assert last(page) == "■ ends it here: it was refused, nothing is charged."


@pytest.mark.parametrize("phase", ["preparing", "submitting", "paused", "queued", "running", "downloading"])
def test_a_job_that_no_cell_waits_for_has_no_stop_button(waiting: ResultView, phase: Any) -> None:
    """■ would stop nothing: what `.cancel()` would do is said instead."""
    html = ProgressDisplay(waiting, is_waited=False).bundle(Progress(phase))["text/html"]
    assert "■" not in html
    assert last(read(html)).endswith((".", "charged yet."))


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (Progress("preparing"), "○ Preparing"),
        (Progress("submitting"), "○ Sending"),
        (Progress("queued", 1, 30.2, 2), "○ Queued third in line · about 30 s"),
        (Progress("queued", 1, None, 0), "○ Queued next in line"),
        (Progress("queued"), "○ Queued"),
        (Progress("running", 7.9, 12.3), "◐ Running 7 of about 12 s"),
        (Progress("running", 7.9), "◐ Running 7 s"),
        (Progress("running", 70, 125), "◐ Running 1 min 10 s of about 2 min 5 s"),
        (Progress("downloading", 9, 12, None, 2, 4, 2_300_000), "◕ Downloading 2 of 4 pictures · 2.3 MB"),
        (Progress("done"), "● Done"),
    ],
)
def test_the_state_stands_in_one_place(waiting: ResultView, progress: Progress, said: str) -> None:
    """A mark, a word, and what is known; the bar says the same to who cannot see it."""
    page = shown(waiting, progress)
    assert state(page) == said
    assert all(bar.text == bar.attributes["title"] == said.split(" ", 2)[2] for bar in page.all("progress"))


def test_past_what_is_usual_it_says_so(waiting: ResultView) -> None:
    """The bar is full and stays, and the words tell."""
    page = shown(waiting, Progress("running", 15, 12))
    assert "15 s, longer than usual (about 12 s)" in page.text
    bar = page.all("progress")[0].attributes
    assert bar["value"] == bar["max"] == "12"


def test_without_experience_there_is_no_bar(waiting: ResultView) -> None:
    """A bar without an end would only move."""
    assert shown(waiting, Progress("running", 15)).all("progress") == []


@pytest.mark.parametrize(
    ("phase", "said"),
    [
        ("preparing", "■ ends it here: nothing is sent."),
        ("submitting", "■ ends it if it can still be ended; it is on its way and may be charged."),
        ("queued", "■ ends it here: nothing is charged."),
        ("running", "■ stops waiting: it runs on, may be charged, and %nbresume collects it."),
        ("downloading", "■ stops waiting: the pictures are made, and %nbresume fetches them."),
    ],
)
def test_what_stopping_does_is_said_before_it_is_done(waiting: ResultView, phase: Any, said: str) -> None:
    """The last line, where "How it was made" will stand."""
    assert last(shown(waiting, Progress(phase))) == said


def test_something_unusual_is_said_beside_the_state(waiting: ResultView) -> None:
    """A poll that failed does not look like one that did not."""
    page = shown(waiting, Progress("running", 5, 12, note="The service did not answer. Asking again."))
    assert "5 of about 12 s · The service did not answer. Asking again." in page.text


def test_a_sandbox_run_is_called_one(waiting: ResultView) -> None:
    """Also before there is anything to show."""
    sandbox = ProgressDisplay(replace(waiting, provider="sandbox", is_play=True)).bundle(Progress("running", 5, 12))
    assert "5 of about 12 s · sandbox" in read(sandbox["text/html"]).text
    assert (
        sandbox["text/plain"] == "◐ Running  5 of about 12 s · sandbox  neon: Keep the cup. Turn the table into marble."
    )


def test_places_are_kept_with_a_faint_copy_of_the_input(waiting: ResultView) -> None:
    """Four tiles with their names, each the same few pixels."""
    page = shown(waiting, Progress("queued"))
    tiles = page.all("img")[1:]
    assert [one.attributes["alt"] for one in tiles] == [f"Picture {n} of 4, not here yet" for n in range(1, 5)]
    assert len({one.attributes["src"] for one in tiles}) == 1
    assert all("opacity:.22" in one.attributes["style"] for one in tiles)
    assert [one.text for one in page.all("code")][:4] == ["neon[0]", "neon[1]", "neon[2]", "neon[3]"]


def test_without_an_input_the_places_are_empty_frames(waiting: ResultView) -> None:
    """Words alone give no picture to keep a place with."""
    page = shown(replace(waiting, inputs=()), Progress("queued"))
    assert page.all("img") == []
    assert len(page.all("td")) == 4


@pytest.mark.parametrize(("asked", "tall"), [("16:9", "56.25"), ("9:16", "177.78"), ("1:1", "100.0"), ("auto", "62.5")])
def test_a_place_has_the_ratio_that_the_picture_will_have(waiting: ResultView, asked: str, tall: str) -> None:
    """What was asked for; where that is `auto`, the input's."""
    unseen = replace(waiting, parameters={"aspect_ratio": asked}, inputs=(Picture("cup.png", None, 320, 200),))
    frames = [
        value
        for name, value in shown(unseen, Progress("queued")).styles
        if value.startswith("0 0 ") and value.endswith("%")
    ]
    assert len(frames) == 4
    assert all(value.startswith(f"0 0 {tall}") for value in frames)


def skeleton(page: Page) -> list[tuple[str, str]]:
    """Header and tiles: the grid, and what is in it, with their styles but without how faint they are."""
    start = next(
        n for n, one in enumerate(page.elements) if "display:grid;grid-template" in one.attributes.get("style", "")
    )
    body = [one for one in page.elements[start:] if one.tag in {"table", "tr", "td", "div", "img", "code"}]
    return [
        (one.tag, re.sub(r";?(opacity:\.22|visibility:hidden)", "", one.attributes.get("style", ""))) for one in body
    ]


@pytest.mark.parametrize("count", [1, 4, 12])
def test_from_queued_to_done_it_keeps_its_shape(view: Views, count: int) -> None:
    """The same grid with as many tiles; `tests/browser/test_outputs.py` measures the heights."""
    done = view(count)
    waiting = replace(done, pictures=(), seconds=None, cost=None)
    grids = [
        skeleton(shown(waiting, Progress("queued"))),
        skeleton(shown(waiting, Progress("running", 3, 12))),
        skeleton(shown(replace(waiting, pictures=done.pictures[:1]), Progress("downloading", 9, 12, None, 1, count))),
        skeleton(read(bundle(done)[0]["text/html"])),
    ]
    tiles = [[one for one in grid if one[0] in {"tr", "td", "div", "img"}][: 1 + 3 * count] for grid in grids]
    assert tiles[1:] == tiles[:1] * 3


def test_pictures_take_their_places_as_they_come(view: Views) -> None:
    """Two of four are here; the other places are kept."""
    four = view(4)
    two = replace(four, pictures=four.pictures[:2])
    alts = [one.attributes["alt"] for one in shown(two, Progress("downloading", 9, 12, None, 2, 4)).all("img")][1:]
    assert alts[0].endswith("Picture 1 of 4, seed 7.")
    assert alts[1].endswith("Picture 2 of 4, seed 7.")
    assert alts[2:] == ["Picture 3 of 4, not here yet", "Picture 4 of 4, not here yet"]


@pytest.mark.nightly
@pytest.mark.parametrize(("count", "most"), [(4, 15_000), (12, 25_000), (80, 90_000)])
def test_an_update_weighs_little(view: Views, large: list[Path], count: int, most: int) -> None:
    """It is sent up to five times a second."""
    inputs = (Picture("portrait.jpg", large[3], 4096, 4096),)
    waiting = view(count, pictures=(), inputs=inputs)
    assert len(json.dumps(ProgressDisplay(waiting).bundle(Progress("running", 3, 12)))) <= most


@pytest.mark.nightly
def test_pictures_that_came_add_little(view: Views, large: list[Path]) -> None:
    """Until all four are here they are small."""
    pictures = tuple(Picture(f"neon[{n}]", large[n], 4096, 4096) for n in range(3))
    page = ProgressDisplay(view(4, pictures=pictures)).bundle(Progress("downloading", 9, 12, None, 3, 4))
    assert len(json.dumps(page)) <= 60_000


def test_a_display_decodes_once_however_often_it_is_updated(view: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred updates read the input once and each output once."""
    real, seen = thumbnails.shrunk, Counter[int]()

    def counted(source: Any, **options: Any) -> Image.Image:
        seen[len(source)] += 1
        return real(source, **options)

    monkeypatch.setattr(thumbs, "shrunk", counted)
    four = view(4)
    display = ProgressDisplay(replace(four, pictures=()))
    for number in range(100):
        here = replace(four, pictures=four.pictures[: number // 25])
        display.bundle(Progress("downloading", number, 100, None, number // 25, 4), here)
    assert sum(seen.values()) == 1 + 3


def test_an_unchanged_state_is_an_unchanged_bundle(waiting: ResultView) -> None:
    """Within one second nothing changes, so nothing need be sent."""
    display = ProgressDisplay(waiting)
    first, second = Progress("running", 7.1, 12.0), Progress("running", 7.9, 12.0)
    assert display.bundle(first) == display.bundle(second)
    assert display.bundle(first) != display.bundle(Progress("running", 8.0, 12.0))


@pytest.mark.parametrize(
    ("phase", "said", "line", "rest"),
    [
        (
            "cancelled",
            "Cancelled in the queue: nothing is charged.\nRun the cell again to ask again.",
            "■ Cancelled in the queue: nothing is charged.",
            ["Run the cell again to ask again."],
        ),
        (
            "cancelled",
            "It already runs: %nbresume collects it.",
            "■ Stopped It already runs: %nbresume collects it.",
            [],
        ),
        ("failed", "The service refused.\nWhy.\nMend.", "× Failed The service refused.", ["Why.", "Mend."]),
        ("unknown", "It may have been taken.", "? Unknown It may have been taken.", []),
        ("running", "Stopped waiting.", "■ Stopped waiting.", []),
        ("failed", "", "× Failed", []),
    ],
)
def test_the_end_without_a_result_is_told(
    waiting: ResultView, phase: Any, said: str, line: str, rest: list[str]
) -> None:
    """What happened, what it cost, what to do; no tiles, for nothing is coming."""
    data = ProgressDisplay(waiting).stopped(Progress(phase), said)
    page = read(data["text/html"])
    assert state(page) == line
    assert [one.text for one in page.all("p")][2:] == rest
    assert page.all("td") == []
    assert data["text/plain"].startswith(" ".join(line.split(" ")[:2]))
    assert data["text/plain"].splitlines()[1:] == rest


def test_what_came_before_the_end_stays(view: Views) -> None:
    """Two pictures that are here are not taken away."""
    four = view(4)
    display = ProgressDisplay(replace(four, pictures=four.pictures[:2]))
    page = read(display.stopped(Progress("failed"), "It broke.")["text/html"])
    assert len(page.all("td")) == 2
