"""
The input rig for questions to the history: what users call an edit's number, a moment, a name and a limit.

Each value goes to each call and each line that can carry it. It is taken, and then finds the same edits by all of
them; or it is refused by an error of ours in three short lines. Nothing is found by mistake, and nothing is silently
left out.
"""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import math
import pathlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import nbbanana as nb
from nbbanana.errors import NBBananaError
from nbbanana.notebook import line_magics
from nbbanana.session import History

REFUSED = "refused"
LONGEST_LINE, MOST_LINES = 420, 3
SECOND = dt.datetime(2026, 3, 2, 18, tzinfo=dt.UTC)
"""Between the second and the third of the four edits."""


class Found(BaseException):
    """Raised in place of showing: the numbers of the edits that a line found."""

    def __init__(self, thing: Any) -> None:
        super().__init__()
        self.numbers = numbers_of(thing)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[nb.Session]:
    """Four edits of four days in March, at noon, with seeds 7, 7, 8 and 9; the second is tagged."""
    folder = tmp_path_factory.mktemp("past")
    picture = folder / "plain.png"
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save(picture)
    with nb.Session(provider="sandbox", store=folder / "store") as session:
        for words, seed in [("Make it snow.", 7), ("Make it rain.", 7), ("Make it rain.", 8), ("Make it neon.", 9)]:
            session.edit(words, picture, seed=seed, mode="fresh")
        session.history[2].annotate(add_tags="cover", starred=True)
    with closing(sqlite3.connect(folder / "store" / "edits.sqlite")) as database, database:
        for number in range(1, 5):
            noon = dt.datetime(2026, 3, number, 12, tzinfo=dt.UTC).timestamp()
            database.execute("UPDATE edits SET created_at = ? WHERE id = ?", (noon, number))
    with nb.Session(provider="sandbox", store=folder / "store") as session:
        yield session


@pytest.fixture(autouse=True)
def lines_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line raises what it found."""

    def show(_: Any, thing: Any) -> None:
        raise Found(thing)

    monkeypatch.setattr(line_magics, "_show", show)


def numbers_of(thing: Any) -> list[int]:
    """The numbers of the edits in what a line shows."""
    if hasattr(thing, "left"):
        return [thing.left.id, thing.right.id]
    if hasattr(thing, "record"):
        return [thing.id]
    return [one if isinstance(one, int) else one.id for one in thing]


# ── the questions ───────────────────────────────────────────────────────────────────────────────────────────────


def exported(history: History, what: Any, place: Path) -> list[int]:
    """The prompts' numbers of the edits in a bundle of these: it numbers them anew, their words and seeds stay."""
    told = {(result.prompt, result.seed): result.id for result in history}
    return [told[result.prompt, result.seed] for result in History.open(history.export(place / "study.zip", what))]


NUMBERS: dict[str, Callable[[History, Any, Path], Any]] = {
    "an item": lambda history, value, _: [history[value]],
    "a slice": lambda history, value, _: history[value:3],
    "a diff": lambda history, value, _: [history.diff(value, 1).left],
    "a lineage": lambda history, value, _: list(history.lineage(value)),
    "an export": exported,
    "an export of several": lambda history, value, place: exported(history, [value], place),
}
LIMITS: dict[str, Callable[[History, Any, Path], Any]] = {
    "the latest": lambda history, value, _: history.latest(value),
    "a filter": lambda history, value, _: history.filter(limit=value),
    "a search": lambda history, value, _: history.search("make", limit=value),
}

TWO = [2, np.int64(2), np.uint8(2), np.int16(2), pd.Series([2]).iloc[0], np.array(2), pd.Index([2])[0]]
NO_NUMBERS: list[Any] = [
    2.0, 2.5, np.float64(2), "2", "two", math.nan, math.inf, decimal.Decimal(2), fractions.Fraction(2), object(), b"2",
    dt.date(2026, 3, 1), True, np.True_, 10**30, -(10**30), 10**5000, 2j, {}, [[2]], ("2",), range, Path("2"),
]  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize("question", NUMBERS)
def test_an_edits_number_is_taken_whatever_library_made_it(question: str, past: nb.Session, tmp_path: Path) -> None:
    """As an item, in a slice, compared, traced, exported."""
    for value in TWO:
        assert asked(NUMBERS[question], past, value, tmp_path) == [2], repr(value)


@pytest.mark.parametrize("question", NUMBERS)
def test_what_is_no_number_of_an_edit_is_refused(question: str, past: nb.Session, tmp_path: Path) -> None:
    """In three short lines; nothing is found by mistake."""
    nothing = {"an export": ({},)}.get(question, ())
    for value in NO_NUMBERS:
        if not any(value is one or (value == {} == one) for one in nothing):
            assert asked(NUMBERS[question], past, value, tmp_path) == REFUSED, repr(value)[:60]


@pytest.mark.parametrize("question", LIMITS)
def test_a_limit_is_a_whole_number_from_0_on(question: str, past: nb.Session, tmp_path: Path) -> None:
    """Two are two whatever library says it; what is none is refused."""
    for value in TWO:
        assert asked(LIMITS[question], past, value, tmp_path) == [4, 3], repr(value)
    assert asked(LIMITS[question], past, 0, tmp_path) == []
    for value in [*NO_NUMBERS, -1, None]:
        assert asked(LIMITS[question], past, value, tmp_path) == REFUSED, repr(value)[:60]


def asked(question: Callable[[History, Any, Path], Any], past: nb.Session, value: Any, place: Path) -> Any:
    """The numbers that a question finds, or that it is refused; any other error fails."""
    try:
        found = question(past.history, value, place)
    except NBBananaError as error:
        check_lines(error.lines)
        return REFUSED
    return [one if isinstance(one, int) else one.id for one in found]


def check_lines(lines: list[str]) -> None:
    """A message has at most three lines, none of them long, no traceback and no address of an object."""
    assert 2 <= len(lines) <= MOST_LINES, lines
    assert max(map(len, lines)) <= LONGEST_LINE, lines
    assert not any("Traceback" in line or " at 0x" in line for line in lines), lines


# ── moments ─────────────────────────────────────────────────────────────────────────────────────────────────────

MOMENTS: list[Any] = [
    "2026-03-02T18:00Z", "2026-03-02T18:00:00+00:00", "2026-03-02T20:00:00.000+02:00", "20260302T180000Z",
    "2026-W10-1T18:00:00Z", np.str_("2026-03-02T18:00Z"), SECOND, SECOND.astimezone(dt.timezone(dt.timedelta(hours=5))),
    SECOND.astimezone().replace(tzinfo=None), SECOND.timestamp(), int(SECOND.timestamp()),
    np.int64(SECOND.timestamp()), np.float64(SECOND.timestamp()), np.array(SECOND.timestamp()),
    np.datetime64("2026-03-02T18:00"), np.datetime64("2026-03-02T18:00:00", "ns"), np.array("2026-03-02T18", "M8[ns]"),
    pd.Timestamp(SECOND), pd.Timestamp(SECOND).tz_convert("Asia/Tokyo"), pd.Series([SECOND]).iloc[0],
    pd.Series([SECOND]).dt.tz_localize(None).to_numpy()[0],
]  # fmt: skip
NO_MOMENTS: list[Any] = [
    "yesterday", "", " ", "2026-13-01", "2026-02-30", "2026-03-02T25:00", "2026-03-02T18:00:00+99:00", "1772474400",
    "\ud800", "٢٠٢٦-٠٣-٠٢", math.nan, math.inf, -math.inf, np.float64("nan"), 10**400, -(10**400), 10**5000, 2j,
    True, np.True_, decimal.Decimal(5), object(), b"2026-03-02", ["2026-03-02"], (2026, 3, 2), {}, Path("2026-03-02"),
    dt.time(18), dt.timedelta(1), np.timedelta64(1, "D"), np.datetime64("NaT"), np.datetime64(10**7, "Y"), pd.NaT,
    pd.Timedelta(1), pd.Period("2026-03-02"), pd.Series([SECOND]), np.array(["2026-03-02"], "M8[D]"), dt.datetime.min,  # noqa: DTZ901 - just this
    dt.date.min,
]  # fmt: skip


def test_a_moment_is_taken_whatever_library_made_it(past: nb.Session, tmp_path: Path) -> None:
    """Text, datetimes with and without a zone, dates, numbers, NumPy and pandas: between the second and the third."""
    for value in MOMENTS:
        assert asked(lambda history, when, _: history.filter(since=when), past, value, tmp_path) == [4, 3], repr(value)
        assert asked(lambda history, when, _: history.filter(until=when), past, value, tmp_path) == [2, 1], repr(value)
    for day in ["2026-03-03", dt.date(2026, 3, 3), np.datetime64("2026-03-03"), pd.Timestamp("2026-03-03")]:
        assert asked(lambda history, when, _: history.search("make", since=when), past, day, tmp_path) == [4, 3]


def test_what_is_no_moment_is_refused(past: nb.Session, tmp_path: Path) -> None:
    """In three short lines, as `since` and as `until`."""
    for value in NO_MOMENTS:
        for name in ("since", "until"):
            found = asked(lambda history, when, _, name=name: history.filter(**{name: when}), past, value, tmp_path)
            assert found == REFUSED, repr(value)[:60]


# ── facts ───────────────────────────────────────────────────────────────────────────────────────────────────────

FACTS: list[tuple[str, Any, Any]] = [
    *(("seed", value, [2, 1]) for value in (7, np.int64(7), np.array(7), pd.Series([7, None]).iloc[0], 7.0)),
    *(("seed", value, REFUSED) for value in ("7", 7.5, math.nan, True, [7], 10**30, object(), b"7", (7, 9))),
    *((name, value, [4, 3, 2, 1]) for name in ("state", "states") for value in (
        "completed", np.str_("completed"), ["completed"], ("completed", "failed"), {"completed"},
        pd.Series(["completed"]), np.array(["completed"]), iter(["completed"]))),
    *(("state", value, REFUSED) for value in ("nonsense", "", ["completed", "nonsense"], 7, [7], object(), b"failed")),
    *(("starred", value, [2]) for value in (True, np.True_, np.array(True))),
    *(("starred", value, REFUSED) for value in ("yes", 1, "", [True], object())),
    *(("tag", value, [2]) for value in ("cover", np.str_("cover"))),
    *(("tag", value, REFUSED) for value in (["cover"], 7, object(), b"cover", ("cover",))),
    *(("input", value, [4, 3, 2, 1]) for value in (
        "plain.png", np.str_("plain.png"), Path("plain.png"), "/a/folder/plain.png",
        pathlib.PurePosixPath("a/plain.png"))),
    *(("input", value, REFUSED) for value in (7, object(), b"plain.png", ["plain.png"])),
    *(("words", value, [3, 2]) for value in ("rain", np.str_("rain"), " RAIN ")),
    *((name, value, REFUSED) for name in ("words", "model", "provider", "notebook") for value in (
        7, object(), ["rain"], b"rain", math.nan)),
    *(("provider", value, [4, 3, 2, 1]) for value in ("sandbox", np.str_("sandbox"))),
    ("colour", "red", REFUSED),
]  # fmt: skip


def test_a_fact_finds_what_it_says_or_is_refused(past: nb.Session, tmp_path: Path) -> None:
    """A fact of another type never finds nothing, or everything, without a word."""
    for name, value, expected in FACTS:
        found = asked(lambda history, fact, _, name=name: history.filter(**{name: fact}), past, value, tmp_path)
        assert found == expected, f"{name}={value!r:.60}"


TAGS: list[tuple[Any, Any]] = [
    *((value, ("night",)) for value in ("night", np.str_("night"), ["night"], ("night",), {"night"}, iter(["night"]))),
    *((value, ("night",)) for value in (pd.Series(["night"]), np.array(["night"]), " night ")),
    *((value, ()) for value in (None, [], ())),
    *((value, REFUSED) for value in (7, object(), [7], b"night", [None], "", "x" * 500, ["a", 7], True)),
]


def test_one_text_is_one_tag_and_what_is_no_text_is_none(past: nb.Session) -> None:
    """However it is held; what is refused changes nothing."""
    for value, expected in TAGS:
        past.history[1].annotate(tags=[])
        try:
            past.history[1].annotate(add_tags=value)
        except NBBananaError as error:
            check_lines(error.lines)
            assert expected == REFUSED, repr(value)[:60]
            assert past.history[1].record.tags == ()
        else:
            assert past.history[1].record.tags == expected, repr(value)[:60]


@pytest.mark.parametrize("value", [7, None, object(), b"a.zip", "a\0b.zip", "\ud800.zip", "", ["a.zip"], math.nan])
def test_what_is_no_file_is_refused_by_everything_that_takes_one(value: Any, past: nb.Session, tmp_path: Path) -> None:
    """Exporting, merging, opening and saving."""
    place = str(tmp_path / value) if isinstance(value, str) and value else value
    saves = [lambda: past.history[1][0].save(place)] if value != "" else []  # an empty path is this folder
    for act in (lambda: past.history.export(place, 1), lambda: past.history.merge(place),
                lambda: len(History.open(place)), *saves):  # fmt: skip
        with pytest.raises(NBBananaError) as caught:
            act()
        check_lines(caught.value.lines)


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────────────────

LINES: list[tuple[str, Any]] = [
    ("2", [2]), ("-1", [4]), ("2:4", [2, 3]), (":3", [1, 2]), ("-n 2", [4, 3]), ("--limit 2", [4, 3]), ("99", REFUSED),
    ("-99", REFUSED), ("-n 0", REFUSED), ("-n x", REFUSED), ("-n 2.5", REFUSED), ("-n -2", REFUSED), ("rain", [3, 2]),
    ("--seed 7", [2, 1]), ("--seed x", REFUSED), ("--seed 7.0", REFUSED), ("--state completed", [4, 3, 2, 1]),
    ("--state nonsense", REFUSED), ("--starred", [2]), ("--tag cover", [2]), ("--input plain.png", [4, 3, 2, 1]),
    ("--input a/plain.png", [4, 3, 2, 1]), ("--since 2026-03-02T18:00Z", [4, 3]), ("--until 2026-03-02T18:00Z", [2, 1]),
    ("--since yesterday", REFUSED), ("--since", REFUSED), ("--diff 2 3", [2, 3]), ("--diff 2", REFUSED),
    ("--diff 2 x", REFUSED), ("--lineage 2", [2]), ("--lineage x", REFUSED), ("--colour red", REFUSED),
    ("rain --seed 7", [2]), ('"2"', []), (f"--seed {'9' * 400}", REFUSED), ("9" * 18, REFUSED),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), LINES, ids=lambda value: str(value)[:30])
def test_a_line_finds_what_the_call_finds(line: str, expected: Any, past: nb.Session) -> None:
    """`%nbhistory` reads the same words, numbers, moments and facts."""
    try:
        with pytest.raises(Found) as found:
            line_magics.show_history(SimpleNamespace(user_ns={}), line)  # type: ignore[arg-type]
    except NBBananaError as error:
        check_lines(error.lines)
        assert expected == REFUSED
    else:
        assert found.value.numbers == expected
