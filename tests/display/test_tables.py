"""What the line magics show: the history by day, a dry run, a quiet note."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from support.markup import read
from support.outputs import edit_row

from nbbanana.display import (
    DryRun,
    Picture,
    describe,
    dry_run_bundle,
    history_bundle,
    note_bundle,
)
from nbbanana.store.records import WHOLE, Edit

NOON = 1_773_316_800.0
"""12 March 2026, 12:00 UTC."""
STARRED, REJECTED = {WHOLE: "starred"}, {WHOLE: "rejected"}


@pytest.fixture
def row() -> Edit:
    return edit_row(47, NOON, "Make it snow.", "runcomfy", seed=7, outputs=4, cost=0.28)


def test_a_history_is_grouped_by_day_and_named_by_what_one_types(row: Edit) -> None:
    """Newest first as they are given, a heading for each day, `nb.history[47]` for each edit."""
    rows = [row, replace(row, id=46, created_at=NOON - 3600), replace(row, id=45, created_at=NOON - 86_400)]
    data = history_bundle(rows, [None] * 3, 1284, zone=UTC)
    page = read(data["text/html"])
    assert [one.text for one in page.all("strong")] == ["Thursday, 12 March 2026", "Wednesday, 11 March 2026"]
    assert [one.text for one in page.all("code")] == ["nb.history[47]", "nb.history[46]", "nb.history[45]"]
    assert page.text.startswith("3 of 1,284 edits")
    assert data["text/plain"].splitlines() == [
        "3 of 1,284 edits",
        "Thursday, 12 March 2026",
        "  nb.history[47] 12:00  Make it snow.  (seed 7 · 4 pictures · $0.28)",
        "  nb.history[46] 11:00  Make it snow.  (seed 7 · 4 pictures · $0.28)",
        "Wednesday, 11 March 2026",
        "  nb.history[45] 12:00  Make it snow.  (seed 7 · 4 pictures · $0.28)",
    ]


def test_every_picture_of_a_history_has_words(row: Edit, small: bytes) -> None:
    """An edit without one keeps its place with a frame."""
    page = read(history_bundle([row, replace(row, id=46)], [small, None], 2, zone=UTC)["text/html"])
    assert [one.attributes["alt"] for one in page.all("img")] == ["First picture of edit 47: Make it snow."]
    assert len(page.all("tr")) == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"provider": "sandbox", "is_play": True}, "seed 7 · 4 pictures · sandbox · $0.28 in play money"),
        ({"cost": None}, "seed 7 · 4 pictures · cost not known"),
        ({"state": "unknown", "outputs": (), "cost": None}, "? unknown, may be charged · seed 7"),
        ({"state": "cancelled", "outputs": (), "cost": None, "seed": None}, "■ cancelled"),
        ({"state": "running", "outputs": (), "cost": None}, "◐ running · seed 7"),
        ({"state": "warming", "outputs": (), "cost": None}, "warming · seed 7"),
        (
            {"state": "failed", "outputs": (), "cost": None, "ratings": STARRED},
            "× failed · ★ starred · seed 7",
        ),
        (
            {"cost": None, "ratings": REJECTED, "tags": ("cover", "a b")},
            "✕ rejected · cover · a b · seed 7 · 4 pictures",
        ),
    ],
)
def test_an_edit_says_how_it_ended_and_what_it_cost(row: Edit, given: dict[str, object], said: str) -> None:
    """The state stands first where it is not the usual one; a cost that is not known is not nothing."""
    data = history_bundle([replace(row, **given)], [None], 1, zone=UTC)  # type: ignore[arg-type]
    assert said in data["text/plain"]
    assert said in read(data["text/html"]).text


def test_an_empty_history_says_so() -> None:
    """And what was looked for, where something was."""
    assert history_bundle([], [], 0)["text/plain"] == "No edits yet"
    assert history_bundle([], [], 0, heading="with “neon”")["text/plain"].endswith("with “neon”")


def test_fifty_edits_weigh_little(row: Edit, photo: Callable[[str], Path]) -> None:
    """A page of the history with a photograph on each row is at most 300 kB."""
    sources = [photo(name) for name in ("astronaut", "coffee", "chelsea", "portrait", "rocket")]
    rows = [replace(row, id=n, parameters={"prompt": "word " * 100}) for n in range(50)]
    data = history_bundle(rows, sources * 10, 50, zone=UTC)
    assert len(json.dumps(data)) <= 300_000
    assert len(read(data["text/html"]).all("img")) == 50


def test_a_dry_run_shows_the_request_and_the_price(small: bytes) -> None:
    """Pictures by name and size, how the price comes about, and that nothing was sent."""
    cup = Picture("cup.png", small, 320, 200)
    request = {"prompt": "Make it “snow” for $5.", "image_urls": [describe(cup)], "number_of_images": 4}
    run = DryRun("google/nano-banana-2/edit", "runcomfy", request, (cup,), 4, 0.28, is_exact=True, how="4 × $0.07")
    data = dry_run_bundle(run)
    page = read(data["text/html"])
    assert json.loads(page.all("pre")[0].text) == request
    assert "$0.28 (4 × $0.07)" in page.text
    assert page.text.endswith("Nothing was sent.")
    assert data["text/plain"].startswith(
        "Not sent: 4 pictures · google/nano-banana-2/edit · runcomfy\n$0.28 (4 × $0.07)\n"
    )
    assert data["text/plain"].endswith("Nothing was sent.")
    assert f"cup.png (320×200, {len(small) / 1000:.0f} kB)" in data["text/plain"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cost": None, "how": "the service names no price"}, "Price not known (the service names no price)"),
        ({"cost": 0.28, "is_exact": False, "how": "4 × $0.07"}, "About $0.28 (4 × $0.07)"),
        ({"cost": 0.28, "is_exact": True, "provider": "sandbox", "is_play": True}, "$0.28 in play money"),
    ],
)
def test_a_price_says_how_sure_it_is(given: dict[str, object], said: str) -> None:
    """Unknown is not free, and a floor is called one."""
    facts: dict[str, object] = {"model": "m", "provider": "runcomfy", "request": {"prompt": "x"}} | given
    data = dry_run_bundle(DryRun(**facts))  # type: ignore[arg-type]
    assert said in data["text/plain"].splitlines()
    assert said in read(data["text/html"]).text


def test_a_note_is_one_quiet_line() -> None:
    """The same words in both forms."""
    data = note_bundle("No token anywhere,\nso the sandbox answers.")
    assert data["text/plain"] == "No token anywhere, so the sandbox answers."
    assert read(data["text/html"]).text == data["text/plain"]


def test_descriptions_of_pictures_say_what_is_known(small: bytes) -> None:
    """A name alone, or with its size."""
    assert describe(Picture("shop.example/cup.jpg", None)) == "shop.example/cup.jpg"
    assert describe(Picture("cup.png", None, 320, 200, size=1_500_000)) == "cup.png (320×200, 1.5 MB)"


def test_rows_are_made_by_the_same_hand(row: Edit, small: bytes) -> None:
    """Equal rows give equal pages."""
    assert history_bundle([row] * 3, [small] * 3, 3, zone=UTC) == history_bundle([row] * 3, [small] * 3, 3, zone=UTC)
