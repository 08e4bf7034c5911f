"""One diff: words, parameters, inputs and pixels of two edits or two pictures, measured when that is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.edited import photograph
from support.kept_pictures import kept, png
from support.markup import read
from support.measuring.edits import moved, pair_of

import nbbanana as nb
from nbbanana import measure
from nbbanana.errors import ImageError, NotInStoreError, VariableError

TOP = (0.0, 0.0, 1.0, 0.4)


def with_patch(picture: Image.Image) -> Image.Image:
    """A photograph whose upper-right corner is another photograph."""
    after = picture.copy()
    size = (round(picture.width * 0.28), round(picture.height * 0.28))
    after.paste(photograph("coffee").resize(size), (picture.width - size[0], 0))
    return after


@pytest.fixture
def before() -> Image.Image:
    """A photograph."""
    return pair_of(photograph("astronaut")).before


@pytest.fixture
def session(tmp_path: Path) -> Iterator[nb.Session]:
    """A session in which pictures of the tests are kept; it is the current one."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        yield session


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A list that grows by the region of each measuring."""
    seen: list[object] = []
    real = measure.drift

    def counted(before: object, after: object, region: object = None) -> measure.Drift:
        seen.append(region)
        return real(before, after, region)

    monkeypatch.setattr(measure, "drift", counted)
    return seen


def shown(diff: Any) -> tuple[str, str]:
    """What a diff shows, as plain text and as HTML."""
    bundle = diff._repr_mimebundle_()[0]
    return bundle["text/plain"], bundle["text/html"]


# ── what is compared ────────────────────────────────────────────────────────────────────────────────────────────


def test_words_parameters_inputs_and_pixels_are_one_view(session: nb.Session, before: Image.Image) -> None:
    """In text and in HTML; the patch is found where it is."""
    one = kept(session, "Make it rain.", before, main=before)
    two = kept(session, "Make it snow.", with_patch(before), main=with_patch(before), seed=8)
    diff = nb.diff(one, two)
    assert diff.parameters == {"seed": (7, 8)}
    assert diff.inputs == (("main.png", "main.png"),)
    assert diff.pixels[0].sentence == "The upper-right corner redrawn."
    text, html = shown(diff)
    page = read(html)
    assert "[-rain-]{+snow+}" in text
    assert "seed: 7 → 8" in text
    for said in (text, page.text):
        assert "The upper-right corner redrawn." in said
    assert [element.text for element in page.all("ins")][1] == "snow"
    assert all(image.attributes["alt"] for image in page.all("img"))


def test_whatever_names_an_edit_or_its_picture_gives_the_same(session: nb.Session, before: Image.Image) -> None:
    """A result, its number, a number of NumPy, an output; `history.diff` takes them too, and gives the same."""
    one, two = kept(session, "Rain.", before), kept(session, "Snow.", with_patch(before))
    whole = shown(nb.diff(one, two))
    for left, right in ((1, 2), (np.int64(1), two), (one, np.int64(2))):
        assert shown(nb.diff(left, right)) == whole
        assert shown(session.history.diff(left, right)) == whole
    single = nb.diff(one[0], two[0])
    assert single.words == nb.diff(one, two).words
    assert single.pixels[0].as_json()["drift"] == nb.diff(1, 2).pixels[0].as_json()["drift"]
    assert repr(single) == "<Diff one[0] → two[0]: same parameters>" or "[0]" in repr(single)


def test_a_job_that_is_over_is_its_result_and_one_under_way_is_refused(served: Callable[..., Any]) -> None:
    """Nothing waits: the message says what to do."""
    session, _ = served(time_scale=1)
    with session:
        job = session.submit("Make it snow.", nb.samples.still_life((96, 64)), seed=7)
        with pytest.raises(VariableError, match="not over yet"):
            nb.diff(job, job)
        job.cancel()
    session, _ = served(store="other")
    with session:
        job = session.submit("Make it snow.", nb.samples.still_life((96, 64)), seed=7)
        result = job.result()
        assert nb.diff(job, job).left.label == result.label
        assert session.history.diff(job, result.id).pixels[0].is_same_file


def test_pictures_that_are_no_edit_s_are_compared_by_pixels_alone(before: Image.Image, tmp_path: Path) -> None:
    """Files, PIL images and arrays; there are no words to compare."""
    (tmp_path / "before.png").write_bytes(png(before))
    after = with_patch(before)
    for left, right in ((tmp_path / "before.png", after), (str(tmp_path / "before.png"), np.asarray(after))):
        diff = nb.diff(left, right)
        assert (diff.words, diff.parameters, diff.parts, diff.inputs) == ((), {}, {}, ())
        text, html = shown(diff)
        assert text.splitlines()[1] == "The upper-right corner redrawn."
        assert text.startswith("before.png → ")
        assert not read(html).all("ins")[1:]


def test_an_edit_beside_its_own_input_is_compared_by_pixels_alone(session: nb.Session, before: Image.Image) -> None:
    """A picture has no words, so that nothing is gone and nothing is new."""
    after = kept(session, "Make it snow.", with_patch(before), main=before)
    diff = nb.diff(png(before), after)
    assert diff.words == ()
    assert diff.pixels[0].sentence == "The upper-right corner redrawn."


def test_what_is_no_picture_and_no_edit_is_refused(session: nb.Session) -> None:
    """A URL is not fetched, and an edit that is not there is not made up."""
    with pytest.raises(ImageError, match="does not download"):
        nb.diff("https://example.com/a.png", "https://example.com/b.png")
    with pytest.raises(NotInStoreError):
        nb.diff(1, 2)
    with pytest.raises(ImageError):
        nb.diff(True, object())


# ── pairs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def names(diff: Any) -> list[tuple[str, str]]:
    """The indices of the pictures that are paired."""
    return [(pair.left.label[-3:], pair.right.label[-3:]) for pair in diff.pixels]


def test_outputs_are_paired_in_their_order_and_one_alone_with_that_of_its_index(
    session: nb.Session, before: Image.Image
) -> None:
    """What has none to be compared with is shown after them."""
    four = kept(session, "Four.", *(moved(photograph("astronaut"), shift=(at, 0)).after for at in range(4)))
    two = kept(session, "Two.", before, with_patch(before))
    assert names(nb.diff(four, two)) == [("[0]", "[0]"), ("[1]", "[1]")]
    assert names(nb.diff(two, four[1:3])) == [("[0]", "[1]"), ("[1]", "[2]")]
    assert names(nb.diff(four, two[1])) == [("[1]", "[1]")]
    assert names(nb.diff(four[3], two)) == [("[3]", "[0]")]
    page = read(shown(nb.diff(four, two))[1])
    labels = [element.text for element in page.all("code")]
    assert labels[-2:] == ["nbbanana.history[1][2]", "nbbanana.history[1][3]"]


def test_an_edit_without_pictures_has_words_and_no_pairs(session: nb.Session, before: Image.Image) -> None:
    """Such as one that failed."""
    nothing, something = kept(session, "Rain."), kept(session, "Snow.", before)
    diff = nb.diff(nothing, something)
    assert diff.pixels == ()
    assert "{+Snow+}" in shown(diff)[0]
    assert len(read(shown(diff)[1]).all("img")) == 1


# ── measured when it is asked for ───────────────────────────────────────────────────────────────────────────────


def test_nothing_is_measured_for_words_and_once_for_pixels(
    session: nb.Session, before: Image.Image, measured: list[object]
) -> None:
    """Whether something differs at all is answered by what is on record."""
    kept(session, "Rain.", before, before)
    kept(session, "Rain.", with_patch(before), moved(photograph("astronaut"), shift=(2, 0)).after)
    diff = nb.diff(1, 2)
    assert diff
    assert (diff.parameters, len(diff.pixels), repr(diff), measured) == ({}, 2, repr(diff), [])
    assert diff.pixels[1].sentence == "Moved 2.0 px; otherwise the same."
    assert len(measured) == 1
    first = shown(diff)
    assert (shown(diff), len(measured)) == (first, 2)


def test_words_alone_load_no_numpy(tmp_path: Path) -> None:
    """In a fresh process, over a store that is there already."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        kept(session, "Rain.", nb.samples.still_life((96, 64)))
        kept(session, "Snow.", nb.samples.still_life((96, 64)))
    code = (
        "import sys, nbbanana as nb\n"
        "history = nb.History.open(sys.argv[1])\n"
        "diff = history.diff(1, 2)\n"
        "print(bool(diff), diff.words[0], diff.pixels[0].is_same_file, 'numpy' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "store")], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "True ('gone', 'Rain') True False"


def test_files_of_the_same_bytes_are_the_same_file_and_not_measured(
    session: nb.Session, before: Image.Image, measured: list[object]
) -> None:
    """Two edits that gave the same file differ in nothing if nothing else differs."""
    one, two = kept(session, "Rain.", before), kept(session, "Rain.", before)
    diff = nb.diff(one, two)
    assert not diff
    assert "The same file." in shown(diff)[0]
    assert "The same file." in read(shown(diff)[1]).text
    assert diff.pixels[0].drift is None
    assert nb.diff(before, before.copy()).pixels[0].sentence == "The same pixels."
    assert measured == []


def test_the_region_is_that_of_both_edits_where_they_agree(
    session: nb.Session, before: Image.Image, measured: list[object]
) -> None:
    """Else it is estimated: with two regions it would be wrong to call one of them meant."""
    same = [kept(session, "Rain.", picture, main=before, region=TOP) for picture in (before, with_patch(before))]
    other = kept(session, "Rain.", with_patch(before), main=before, region=(0.0, 0.5, 1.0, 1.0))
    inside = nb.diff(*same).pixels[0]
    assert inside.sentence == (
        "Outside the region: nothing changed that can be seen; inside: the upper-right corner redrawn."
    )
    estimated = nb.diff(same[0], other).pixels[0]
    assert estimated.sentence == "The upper-right corner redrawn."
    assert [getattr(region, "boxes", None) is not None for region in measured] == [True, False]


def test_the_region_of_an_edit_counts_against_the_picture_it_was_drawn_on(
    session: nb.Session, before: Image.Image
) -> None:
    """Against another picture it says nothing, nor on an output of another shape."""
    edit = kept(session, "Rain.", with_patch(before), main=before, region=TOP)
    found = nb.diff(png(before), edit).pixels[0].drift
    assert found is not None
    assert found.is_region_given
    wide = before.crop((0, 0, before.width, before.height // 2))
    squeezed = kept(session, "Rain.", wide, main=before, region=TOP)
    assert nb.diff(squeezed, edit).pixels[0].region is None


# ── where nothing can be said ───────────────────────────────────────────────────────────────────────────────────


def test_why_nothing_can_be_said_is_said_in_words(session: nb.Session, before: Image.Image) -> None:
    """Each pair has its own reason, and the others are measured."""
    tiny = before.resize((20, 20))
    kept(session, "One.", before, tiny, before)
    kept(session, "Two.", photograph("coffee"), tiny.rotate(90), with_patch(before))
    unrelated, small, found = nb.diff(1, 2).pixels
    assert (unrelated.drift, small.drift) == (None, None)
    assert unrelated.as_json()["reason"] == "unrelated"
    assert small.as_json()["reason"] == "small"
    assert found.drift is not None
    text, html = shown(nb.diff(1, 2))
    for pair in (unrelated, small, found):
        assert pair.sentence in text
        assert pair.sentence in read(html).text


def test_a_file_that_is_lost_is_said_without_its_place_on_this_machine(
    session: nb.Session, before: Image.Image, tmp_path: Path
) -> None:
    """The words are there all the same."""
    one, two = kept(session, "Rain.", before), kept(session, "Snow.", with_patch(before))
    two[0].path.unlink()
    text, html = shown(nb.diff(one, two))
    assert "nbbanana.history[2][0] cannot be read. Its file is not there any more." in text
    assert "{+Snow+}" in text
    assert str(tmp_path) not in text + html


def test_a_damaged_file_is_said(session: nb.Session, before: Image.Image) -> None:
    """In the words of the reader of pictures, with the picture's name."""
    data = png(before)
    one = kept(session, "Rain.", before)
    two = kept(session, "Snow.", with_patch(before))
    two[0].path.chmod(0o600)
    two[0].path.write_bytes(data[:5000])
    assert "nbbanana.history[2][0]" in nb.diff(one, two).pixels[0].sentence


def test_without_numpy_one_line_says_how_to_get_figures(
    session: nb.Session, before: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is as before, and files of the same bytes are still the same file."""
    kept(session, "Rain.", before, before, before)
    kept(session, "Snow.", with_patch(before), with_patch(before), before)
    monkeypatch.setattr("nbbanana.measure.find_spec", lambda name: None)
    text, html = shown(nb.diff(1, 2))
    for said in (text, read(html).text):
        assert said.count('pip install "nbbanana[measure]"') == 1
        assert said.count("The same file.") == 1
    assert "[-Rain-]{+Snow+}" in text
    assert nb.diff(1, 2).pixels[0].sentence == 'Figures of what changed need NumPy: pip install "nbbanana[measure]".'


def test_a_hostile_name_is_text(before: Image.Image) -> None:
    """Markup, dollars and control characters in a file's name stay text, in both forms."""
    name = "<img src=x onerror=alert(1)>$1$\x1b[31m.png"
    diff = nb.diff({"name": name, "content": png(before)}, {"name": name, "content": png(with_patch(before))})
    text, html = shown(diff)
    assert "\x1b" not in text + html
    assert all(image.attributes["src"].startswith("data:") for image in read(html).all("img"))


def test_as_json_it_can_be_written(session: nb.Session, before: Image.Image) -> None:
    """Words, parameters, inputs and the figures of each pair."""
    one, two = kept(session, "Rain.", before), kept(session, "Snow.", with_patch(before))
    found = json.loads(json.dumps(nb.diff(one, two).as_json()))
    assert found["words"][:2] == [["gone", "Rain"], ["new", "Snow"]]
    [pair] = found["pixels"]
    assert pair["sentence"] == pair["drift"]["sentence"] == "The upper-right corner redrawn."
    assert (pair["same_file"], pair["reason"]) == (False, None)
