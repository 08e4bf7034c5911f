"""`nb.stability`: how alike pictures of one seed and of several seeds are, in a sentence, a matrix and a table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from support.edited import as_bytes, kept_edit, photograph, rendered

import nbbanana as nb
from nbbanana import errors
from nbbanana.display.picture_tables import LikenessView, likeness_bundle
from nbbanana.images import load


def sample(session: nb.Session, seed: int | None = 7, picture: Image.Image | None = None, **changes: Any) -> Any:
    """An edit of one photograph whose picture is the test's."""
    return kept_edit(session, photograph("astronaut"), [picture or rendered()], seed=seed, **changes)


# ── what is said ────────────────────────────────────────────────────────────────────────────────────────────


def test_one_seed_that_was_asked_again_and_again(session: nb.Session) -> None:
    """A shift by a pixel does not count as unlike, since each is laid on each other."""
    found = nb.stability([sample(session, 7, rendered(shift=shift)) for shift in range(4)])
    assert found.sentence.startswith("4 pictures of seed 7: SSIM 0.9")
    assert found.sentence.endswith("over 6 pairs.")
    assert found.again is not None
    assert found.apart is None
    assert found.mean > 0.95
    assert found.seeds == (7,)


def test_several_seeds_of_one_request(session: nb.Session) -> None:
    """The mean and the deviation are those of the pairs; the standard error leaves out one picture after the other."""
    found = nb.stability(
        [sample(session, seed, photograph(name)) for seed, name in enumerate(("coffee", "camera", "moon"))]
    )
    assert found.sentence.startswith("3 pictures of 3 seeds: SSIM 0.")
    pairs = [found.ssim[0][1], found.ssim[0][2], found.ssim[1][2]]
    assert found.mean == pytest.approx(sum(pairs) / 3)
    assert found.mean < 0.5
    assert found.deviation is not None
    assert found.standard_error is not None
    assert any("could not be laid on each other" in note for note in found.notes)


@pytest.mark.nightly
def test_several_seeds_several_times_say_what_a_seed_held(session: nb.Session) -> None:
    """Pairs of one seed apart from all others."""
    pictures = [(1, rendered()), (1, rendered(shift=3)), (2, photograph("coffee")), (2, photograph("coffee"))]
    found = nb.stability([sample(session, seed, picture) for seed, picture in pictures])
    assert found.sentence.startswith("4 pictures of 2 seeds: SSIM 0.9")
    assert "over 2 pairs of one seed, 0." in found.sentence
    assert found.sentence.endswith("over the other 4.")
    assert found.again is not None
    assert found.apart is not None
    assert found.again.mean > 0.95
    assert found.apart.mean < 0.5


@pytest.mark.nightly
def test_pictures_of_one_result_are_of_one_request_and_not_one_seed_again(session: nb.Session) -> None:
    """Some services count the seed up from picture to picture; the same place of two runs is what is compared."""
    three = [rendered(shift=shift) for shift in range(3)]
    first, again = (kept_edit(session, photograph("astronaut"), three, seed=7) for _ in range(2))
    assert first.stability().sentence.startswith("3 pictures of one request with seed 7: SSIM")
    both = nb.stability(first, again)
    assert both.again is not None
    assert both.again.pairs == 3
    assert "3 pairs of 15 are equal to the byte." in both.notes


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"prompt": "Paint it blue."}, "words"),
        ({"provider": "sandbox"}, "provider"),
        ({"model": "kontext"}, "model"),
        ({"parameters": {"prompt": "Paint the sky red.", "resolution": "2K"}}, "resolution"),
    ],
)
def test_different_requests_are_named_by_what_differs(session: nb.Session, changes: dict[str, Any], name: str) -> None:
    """They are compared, and neither sentence nor note takes them for samples of one seed."""
    found = nb.stability(sample(session), sample(session, **changes))
    assert found.unlike == (name,)
    assert found.sentence.startswith(f"2 pictures of different requests ({name}): SSIM")
    assert any("says nothing of what a seed holds" in note for note in found.notes)
    assert found.again is None


def test_pictures_that_no_edit_made_are_compared_too(session: nb.Session) -> None:
    """Files, PIL images and arrays, one of them beside a result."""
    found = nb.stability(as_bytes(photograph("coffee")), photograph("coffee"))
    assert found.sentence == "2 pictures: SSIM 1.00 over 1 pair."
    assert nb.stability(sample(session), rendered()).sentence.startswith("2 pictures: SSIM 1.00")


def test_a_result_from_the_store_is_not_a_second_sample(session: nb.Session) -> None:
    """The same output twice would be alike by nature: it counts once, and that is said."""
    one, other = sample(session), sample(session)
    found = nb.stability(one, other, session.history[one.id])
    assert len(found.samples) == 2
    assert any("counted once" in note and "rerun()" in note for note in found.notes)
    with pytest.raises(errors.UsageError, match="1 picture cannot be compared"):
        nb.stability(one, session.history[one.id])


@pytest.mark.painted
@pytest.mark.nightly
def test_a_series_and_a_page_measure_themselves(session: nb.Session) -> None:
    """What the sandbox painted is said to be no model's."""
    made = session.edit("Make it night.", nb.samples.still_life((320, 240)), seed=3, resolution="0.5K")
    series = made.vary(range(3))
    assert series.stability().sentence.startswith("3 pictures of 3 seeds: SSIM")
    found = session.history.latest(10).stability()
    assert found.sentence.startswith("4 pictures of 4 seeds") or found.sentence.startswith("3 pictures of 3 seeds")
    assert any("no model made them" in note for note in found.notes)


# ── how it shows ────────────────────────────────────────────────────────────────────────────────────────────


def test_it_shows_a_matrix_with_the_pictures_as_headers(session: nb.Session) -> None:
    """Static: SSIM right of the diagonal, bits left of it, every picture with its words; the same as text."""
    found = nb.stability([sample(session, seed, rendered(shift=seed)) for seed in (1, 2, 3)])
    bundle = found._repr_mimebundle_()[0]
    html = bundle["text/html"]
    assert html.count("<img") == 3
    assert 'alt="' in html
    assert "seed 2" in html
    assert "<script" not in html
    assert " id=" not in html
    assert f"{found.ssim[0][1]:.2f}" in html
    assert "standard error of the mean" in html
    assert found.sentence in bundle["text/plain"]
    assert "[2]" in bundle["text/plain"]


def test_many_pictures_are_listed_by_how_little_they_are_like_the_others() -> None:
    """Of twenty the twelve that stand out, the least alike first."""
    count = 20
    ssim = tuple(tuple(1.0 if a == b else 0.9 - 0.02 * max(a, b) for b in range(count)) for a in range(count))
    view = LikenessView(
        labels=tuple(f"made[{n}]" for n in range(count)),
        seeds=tuple(range(count)),
        sources=(as_bytes(Image.new("RGB", (8, 8))),) * count,
        ssim=ssim,
        bits=((0,) * count,) * count,
        registered=((True,) * count,) * count,
        sentence="20 pictures.",
    )
    bundle = likeness_bundle(view)
    assert bundle["text/html"].count("<img") == 12
    lines = bundle["text/plain"].splitlines()
    assert lines[2].startswith("made[19], seed 19")
    assert "12 of 20 that are least like the others" in lines[-1]


def test_words_of_a_stranger_are_shown_as_words(session: nb.Session) -> None:
    """A name with markup stays text."""
    picture = load(as_bytes(photograph("coffee")), name="<b>x</b>\x1b[31m.png")
    bundle = nb.stability(picture, sample(session))._repr_mimebundle_()[0]
    assert "<b>x" not in bundle["text/html"]
    assert "\x1b" not in bundle["text/html"] + bundle["text/plain"]


def test_it_gives_a_table_with_a_row_for_each_pair(session: nb.Session) -> None:
    """Both pictures, both seeds, and the figures."""
    found = nb.stability(sample(session, 1), sample(session, 1), sample(session, 2))
    frame = found.to_frame()
    assert list(frame.columns) == [
        "first",
        "second",
        "first_seed",
        "second_seed",
        "ssim",
        "bits",
        "registered",
        "same_seed_again",
    ]
    assert len(frame) == 3
    assert list(frame["same_seed_again"]) == [True, False, False]
    assert frame["ssim"].mean() == pytest.approx(found.mean)


# ── what cannot be measured ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (nb.stability, "No picture cannot"),
        (lambda: nb.stability([]), "No picture cannot"),
        (lambda: nb.stability(photograph("coffee")), "1 picture cannot"),
        (lambda: nb.stability("https://files.example/a.png", photograph("coffee")), "address"),
        (lambda: nb.stability([Image.new("RGB", (8, 8))] * 101), "101 pictures cannot"),
    ],
)
def test_too_few_too_many_and_addresses_are_said(session: nb.Session, act: Callable[[], Any], words: str) -> None:
    """An error of ours with what to do."""
    with pytest.raises(errors.UsageError, match=words) as refused:
        act()
    assert len(refused.value.lines) == 3


def test_without_numpy_it_says_what_to_install(session: nb.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra by its name."""
    monkeypatch.setattr("nbbanana.measure.find_spec", lambda _: None)
    with pytest.raises(errors.UsageError, match="needs NumPy"):
        sample(session).stability()


def test_its_name_loads_no_numpy() -> None:
    """`nb.stability` and `nb.Output.protect` are there without it."""
    code = "import sys, nbbanana as nb; nb.stability; nb.Output.protect; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
