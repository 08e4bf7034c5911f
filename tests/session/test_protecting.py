"""`output.protect`: the original's pixels come back exactly, as an edit of its own that no service made."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.edited import SKY, as_bytes, kept_edit, photograph, rendered
from support.tiers import in_turn

import nbbanana as nb
from nbbanana import errors
from nbbanana.images import PLAY_MARK
from nbbanana.images.colours import to_srgb, upright
from nbbanana.regions import Area, Shape
from nbbanana.settings import settings

FACE = (0.3, 0.4, 0.7, 0.9)
URL = "https://files.example/shots/portrait.jpg"


@pytest.fixture
def edited(session: nb.Session) -> nb.EditResult:
    """A photograph whose sky was to be changed, and which came back moved and in another tone."""
    return kept_edit(session, photograph("astronaut"), [rendered()], region=SKY)


def rows_and_columns(box: tuple[float, ...], size: tuple[int, int]) -> tuple[slice, slice]:
    """The pixels of a box."""
    left, top, right, bottom = (round(part * side) for part, side in zip(box, size * 2, strict=True))
    return slice(top, bottom), slice(left, right)


# ── the pixels ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_part_that_is_named_is_the_original_s_exactly_and_the_rest_is_the_edit_s(edited: nb.EditResult) -> None:
    """A box: each of its pixels is the original's; the bar that the model painted is still there."""
    made = edited[0].protect(FACE)
    before, after = np.asarray(photograph("astronaut")), np.asarray(made[0])
    place = rows_and_columns(FACE, made[0].size)
    assert (after[place] == before[place]).all()
    assert after[round(0.12 * after.shape[0]), round(0.15 * after.shape[1]), 0] > 170
    assert made[0].size == photograph("astronaut").size
    assert made[0].mime == "image/png"
    assert made.parameters["kept"] == pytest.approx(0.2, abs=0.005)


def test_without_an_argument_all_but_the_region_of_the_edit_is_kept(edited: nb.EditResult) -> None:
    """The edit was about the sky: all below it is the original's again."""
    made = edited[0].protect()
    before, after = np.asarray(photograph("astronaut")), np.asarray(made[0])
    place = rows_and_columns((0, SKY[3], 1, 1), made[0].size)
    assert (after[place] == before[place]).all()
    assert made.region == edited.region
    assert made.prompt.startswith("Keep all but the upper third as in ")
    same = edited[0].protect(outside=SKY)
    assert same[0].sha256 == made[0].sha256
    assert edited.protect()[0].sha256 == made[0].sha256, "of a result with one output it can be said of the result"


@pytest.mark.parametrize(
    "part",
    in_turn(
        [
            (0, 0.5, 1, 1),
            [(0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1)],
            "the lower half",
            "Lower half",
            "0,0.5,1,1",
            Area((Shape("lasso", ((0, 0.5), (1, 0.5), (1, 1), (0, 1))),), (256, 256)),
            np.arange(256)[:, None] >= np.full((1, 256), 128),
            Image.fromarray(np.uint8(255 * (np.arange(100)[:, None] >= np.full((1, 100), 50)))),
        ],
        3,
    ),
    ids=["box", "boxes", "words", "words as one types them", "text of a line", "lasso", "array", "mask"],
)
def test_a_part_is_said_as_elsewhere_or_by_a_mask(edited: nb.EditResult, part: Any) -> None:
    """Whatever says the lower half keeps the lower half."""
    made = edited[0].protect(part)
    before, after = np.asarray(photograph("astronaut")), np.asarray(made[0])
    place = rows_and_columns((0, 0.51, 1, 1), made[0].size)
    assert (after[place] == before[place]).all()
    assert made.parameters["kept"] == pytest.approx(0.5, abs=0.01)
    again = made.rerun()
    assert again[0].sha256 == made[0].sha256
    assert again.id != made.id


def test_a_region_may_be_drawn_on_either_picture(edited: nb.EditResult) -> None:
    """On the original, or on what came back where that has the same shape."""
    for picture in (edited.originals[0], edited[0]):
        drawn = nb.region(picture, boxes=[FACE])
        made = edited[0].protect(drawn)
        drawn.close()
        place = rows_and_columns(FACE, made[0].size)
        assert (np.asarray(made[0])[place] == np.asarray(photograph("astronaut"))[place]).all()


def test_one_that_was_drawn_on_an_edit_of_another_shape_is_refused(session: nb.Session) -> None:
    """Its parts are not those of the original."""
    wide = rendered().crop((0, 50, 256, 206))
    result = kept_edit(session, photograph("astronaut"), [wide])
    drawn = nb.region(result[0], boxes=[FACE])
    with pytest.raises(errors.UsageError, match="drawn on the edited picture") as refused:
        result[0].protect(drawn)
    drawn.close()
    assert "originals[0]" in refused.value.lines[-1]


ORIGINALS: dict[str, Callable[[Image.Image], bytes]] = {
    "PNG": as_bytes,
    "JPEG": lambda image: as_bytes(image, "JPEG", quality=95),
    "turned by EXIF": lambda image: as_bytes(image.rotate(90, expand=True), "JPEG", quality=95, exif=_turned()),
    "CMYK": lambda image: as_bytes(image.convert("CMYK"), "TIFF"),
    "grey": lambda image: as_bytes(image.convert("L")),
    "palette": lambda image: as_bytes(image.quantize(200)),
    "WebP": lambda image: as_bytes(image, "WEBP", lossless=True),
    "16 bits": lambda image: as_bytes(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)),
}


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.mark.parametrize("kind", in_turn(ORIGINALS, 3))
@pytest.mark.parametrize("is_given", [False, True], ids=["as it was sent", "given"])
def test_every_pixel_that_is_kept_is_the_original_s_as_decoded(session: nb.Session, kind: str, is_given: bool) -> None:
    """Upright, in sRGB, 8 bits a channel, whatever the file is."""
    data = ORIGINALS[kind](photograph("astronaut"))
    with Image.open(io.BytesIO(data)) as opened:
        decoded = np.asarray(to_srgb(upright(opened)).convert("RGB"))
    result = kept_edit(session, data, [rendered(Image.fromarray(decoded))])
    made = result[0].protect("the lower half", original=data if is_given else None)
    after = np.asarray(made[0])
    assert after.shape == decoded.shape
    assert (after[len(after) // 2 :] == decoded[len(after) // 2 :]).all()
    assert any("more than 8 bits" in note for note in made.notes) == (kind == "16 bits" and is_given)


def test_what_is_transparent_in_the_original_is_transparent_again_where_it_is_kept(session: nb.Session) -> None:
    """Red, green, blue and alpha are the original's; what is not kept is opaque."""
    original = photograph("astronaut").convert("RGBA")
    alpha = np.tile(np.linspace(0, 255, original.width).astype(np.uint8), (original.height, 1))
    original.putalpha(Image.fromarray(alpha))
    white = Image.alpha_composite(Image.new("RGBA", original.size, "white"), original)
    made = kept_edit(session, as_bytes(original), [rendered(white)])[0].protect("the lower half")
    after, half = np.asarray(made[0]), original.height // 2
    assert (after[half:] == np.asarray(original)[half:]).all()
    assert (after[10 : half - 20, 10:-10, 3] == 255).all(), "the edges, which the edit does not show, are its own too"


def test_an_original_that_was_scaled_to_be_sent_is_kept_as_sent_or_as_it_is(
    session: nb.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note says that what was sent is kept; the file itself can be given, and all its pixels are there."""
    monkeypatch.setattr("nbbanana.images.uploading.MAX_UPLOAD_PIXELS", 40_000)
    file = as_bytes(photograph("astronaut"))
    result = kept_edit(session, file, [rendered()])
    small = result[0].protect("the lower half")
    assert small[0].width < 256
    assert any("What was sent is kept" in note for note in small.notes)
    whole = result[0].protect("the lower half", original=file)
    assert (np.asarray(whole[0])[128:] == np.asarray(photograph("astronaut"))[128:]).all()


# ── the record ──────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_an_edit_of_its_own_made_here_for_nothing(session: nb.Session, edited: nb.EditResult) -> None:
    """Provider, model, inputs, parents, figures; no POST, no charge, nothing in any sum."""
    before = session.history.total_cost()
    made = edited[0].protect(FACE)
    record = made.record
    assert (record.provider, record.model, record.state, record.cost) == ("local", "local/protect", "completed", 0.0)
    assert record.parents == (edited.id,)
    assert [one.name for one in record.inputs] == [edited.inputs[0].name, edited[0].label]
    assert set(record.parameters) == {"prompt", "keep", "kept", "seam", "seam_floor", "uncovered", "registration"}
    assert record.parameters["keep"] == "0.3,0.4,0.7,0.9"
    assert record.parameters["registration"]["moved"] == pytest.approx(2.2, abs=0.3)
    assert session.history.total_cost() == before
    assert made.id not in {post.edit_id for post in session.store.posts(limit=100)}
    assert session.store.budget("local") is None
    assert session.history[-1].id == made.id
    assert session.history.verify().ok


def test_it_shows_itself_with_how_well_the_seam_fits(edited: nb.EditResult) -> None:
    """Made here, free, and the error along the seam in ΔE; also when it is looked up again."""
    made = edited[0].protect()
    said = made._repr_mimebundle_()[0]
    for text in (said["text/plain"], said["text/html"]):
        assert "made here" in text
        assert "free" in text
        assert "ΔE" in text
    assert "65% of the picture is the original's again; the seam differs by" in said["text/plain"]
    assert 'alt="Keep all but the upper third' in said["text/html"]
    again = nb.history[made.id]
    assert again.notes == ()
    assert "the seam differs by" in again._repr_mimebundle_()[0]["text/plain"]
    assert "made here · free" in nb.history.latest(1)._repr_mimebundle_()[0]["text/plain"]


def test_its_parents_are_the_edited_picture_and_the_edit_that_made_the_original(session: nb.Session) -> None:
    """In a chain the original of the last pass is the picture of the one before; the first of all can be given."""
    photo = photograph("astronaut")
    first = kept_edit(session, photo, [rendered(shift=1)])
    second = kept_edit(session, first[0], [rendered(shift=3)])
    made = second[0].protect("the lower half")
    assert set(made.record.parents) == {first.id, second.id}
    assert (np.asarray(made[0])[256:] == np.asarray(first[0])[256:]).all()
    oldest = second[0].protect("the lower half", original=photo)
    assert (np.asarray(oldest[0])[256:] == np.asarray(photo)[256:]).all()
    assert oldest.record.parents == (second.id,)
    assert [one.id for one in oldest.passes] == [first.id, second.id, oldest.id]
    assert "original=" in oldest.code()
    tree = session.history.lineage(first.id)._repr_mimebundle_()[0]["text/plain"]
    assert f"history[{made.id}]" in tree


def test_a_picture_that_is_protected_can_be_protected_again(session: nb.Session) -> None:
    """The original of a protected picture is the same original: two places are kept in the end."""
    photo = photograph("astronaut")
    once = kept_edit(session, photo, [rendered()])[0].protect((0, 0.5, 0.4, 1))
    twice = once[0].protect((0.6, 0.5, 1, 1))
    for box in ((0, 0.5, 0.4, 1), (0.6, 0.5, 1, 1)):
        place = rows_and_columns(box, twice[0].size)
        assert (np.asarray(twice[0])[place] == np.asarray(photo)[place]).all()
    assert twice.record.parents == (once.id,)
    assert twice.parameters["keep"] == "0,0.5,0.4,1+0.6,0.5,1,1"
    both = once[0].protect(outside=SKY)
    assert (np.asarray(both[0])[round(256 * SKY[3]) :] == np.asarray(photo)[round(256 * SKY[3]) :]).all()
    assert both.prompt.startswith("Keep the lower-left quarter and all but the upper third as in ")
    assert both.rerun()[0].sha256 == both[0].sha256


def test_it_is_edited_further_at_the_session_s_provider(session: nb.Session, edited: nb.EditResult) -> None:
    """The next edit is the service's, not `local`; what is not play money is no test picture."""
    made = edited[0].protect()
    further = made[0].edit("Make it snow.", seed=3)
    assert further.provider == "sandbox"
    assert further.record.parents == (made.id,)


def test_of_test_pictures_it_is_one_that_no_service_is_paid_for(
    session: nb.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the sandbox painted stays play: in the record and in the file."""
    result = kept_edit(session, photograph("astronaut"), [rendered()], provider="sandbox")
    made = result[0].protect("the lower half")
    assert made.record.is_play
    assert PLAY_MARK in made[0].pil.info["Software"]
    assert "test pictures" in made._repr_mimebundle_()[0]["text/plain"]
    monkeypatch.setenv("FAL_KEY", "not-a-key:at-all")
    with (
        nb.Session(store=tmp_path / "store", provider="fal") as paying,
        pytest.raises(errors.ImageError, match="test picture"),
    ):
        paying.edit("Make it snow.", made[0])


def test_rerun_makes_it_again_and_what_only_a_service_can_is_refused(edited: nb.EditResult) -> None:
    """Again the same bytes, as an edit of its own: it is never an answer to anything. vary and curl say why not."""
    made = edited[0].protect()
    again = made.rerun()
    assert again.id == made.id + 1
    assert again.origin == "made"
    assert again[0].sha256 == made[0].sha256
    for refused in (
        lambda: made.vary(range(3)),
        lambda: made[0].vary(n=2),
        made.curl,
        lambda: nb.session.current().resubmit(made.record),
    ):
        with pytest.raises(errors.UsageError, match="No service made edit"):
            refused()
    with pytest.raises(errors.UsageError, match="provider means nothing"):
        made.rerun(provider="fal")


def test_its_bytes_stay_when_another_compressor_makes_it_again(
    edited: nb.EditResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a further edit asks with is the same, so that nothing is paid twice after an update."""
    made = edited[0].protect()
    monkeypatch.setattr("nbbanana.session.protecting.RUNS", 0)
    monkeypatch.setattr("nbbanana.session.protecting.COMPRESSION", 9)
    assert edited[0].protect()[0].sha256 == made[0].sha256


@pytest.mark.nightly
def test_the_code_that_it_gives_makes_it_again(edited: nb.EditResult) -> None:
    """Python in both cases: no line of a cell asks for it."""
    boxes = edited[0].protect([(0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1)])
    own = edited[0].protect()
    drawn = edited[0].protect(Area((Shape("lasso", ((0, 0.5), (1, 0.5), (1, 1), (0, 1))),), (256, 256)))
    masked = edited[0].protect(np.arange(256)[:, None] >= np.full((1, 256), 128))
    assert own.code() == f"nb.history[{edited.id}][0].protect(outside=(0.0, 0.0, 1.0, 0.35))"
    assert own.cell("face") == f"face = {own.code()}"
    import nbbanana

    for made in (boxes, own, drawn, masked):
        again = eval(made.code(), {"nb": nb, "nbbanana": nbbanana})
        assert again[0].sha256 == made[0].sha256


def test_it_is_compared_counted_listed_and_filtered_like_any_other(session: nb.Session, edited: nb.EditResult) -> None:
    """The diff, the table, the filters and the frame."""
    one, other = edited[0].protect(FACE), edited[0].protect("the lower half")
    diff = session.history.diff(one.id, other.id)
    assert diff.parameters["keep"] == ("0.3,0.4,0.7,0.9", "0,0.5,1,1")
    assert [found.id for found in session.history.filter(provider="local")] == [other.id, one.id]
    assert [found.id for found in session.history.search("lower half", model="local/protect")] == [other.id]
    frame = session.history.to_frame()
    assert frame.loc[one.id, "provider"] == "local"
    assert frame.loc[one.id, "cost"] == 0
    with pytest.raises(errors.StoreError, match="nothing about that is open"):
        session.history.settle(one.id, cost=1)
    assert not session.history.waiting()


def test_passes_with_a_protected_picture_are_folded_without_it(session: nb.Session) -> None:
    """What was put back is no words for a model; the proposal says so."""
    first = kept_edit(session, photograph("astronaut"), [rendered()], prompt="Make it night.")
    made = first[0].protect("the lower half")
    last = kept_edit(session, made[0], [rendered(shift=3)], prompt="Add a boat.")
    folded = nb.rebase(last)
    assert folded.prompt == "Make it night. Add a boat."
    assert any(f"Edit {made.id} put the original's pixels back" in note for note in folded.notes)


def test_it_travels_in_a_bundle_and_inside_its_file(edited: nb.EditResult, tmp_path: Path) -> None:
    """Merged elsewhere it is the same edit; its file knows what it is; an RO-Crate names it."""
    made = edited[0].protect()
    nb.history.export(tmp_path / "study.zip", [edited, made])
    file = made[0].save(tmp_path / "made.png", embed=True)
    with nb.Session(provider="sandbox", store=tmp_path / "other") as other:
        assert other.history.merge(tmp_path / "study.zip") == 2
        found = other.history.filter(provider="local")[0]
        assert found[0].sha256 == made[0].sha256
        assert found.record.parents == (other.history.filter(provider="runcomfy")[0].id,)
        assert other.history.verify().ok
        assert found[0].protect(FACE)[0].size == made[0].size
        recovered = nb.recover(file)
        assert recovered.record.uid == made.record.uid
        assert recovered.parameters["seam"] == made.parameters["seam"]
    with zipfile.ZipFile(tmp_path / "study.zip") as bundle:
        crate = json.loads(bundle.read("ro-crate-metadata.json"))["@graph"]
    assert any(entity["@id"] == "#local/local/protect" for entity in crate)


def test_what_changed_is_measured_of_it_as_of_any_other(edited: nb.EditResult) -> None:
    """Against the original, outside of what was not kept nothing changed; a mask says the same the other way round."""
    settings().measure = True
    kept = np.arange(256)[:, None] >= np.full((1, 256), round(256 * SKY[3]))
    for made in (edited[0].protect(), edited[0].protect(kept)):
        [drift] = made.record.drifts
        assert drift.is_measured
        assert "Outside the region: nothing changed that can be seen" in drift.sentence
    found = nb.history.filter(provider="local", drift_outside__lt=1)
    assert len(found) == 2


# ── what is refused ─────────────────────────────────────────────────────────────────────────────────────────


def refusals(session: nb.Session) -> dict[str, tuple[type[Exception], str, Callable[[], Any]]]:
    """What cannot be done, its error, and a word of it."""
    photo = photograph("astronaut")
    plain = kept_edit(session, photo, [rendered()])
    other = kept_edit(session, photo, [photograph("coffee")])
    linked = kept_edit(session, URL, [rendered()])
    drawn = nb.region(photograph("coffee"), boxes=[FACE])
    return {
        "another scene": (errors.MeasureError, "laid|same|scene|register|do not show", lambda: other[0].protect(FACE)),
        "nothing is said": (errors.UsageError, "not said what", plain[0].protect),
        "both are said": (errors.UsageError, "Give one", lambda: plain[0].protect(FACE, outside=SKY)),
        "all of it": (errors.UsageError, "covers all", lambda: plain[0].protect((0, 0, 1, 1))),
        "nothing of it": (errors.UsageError, "covers nothing", lambda: plain[0].protect(outside=(0, 0, 1, 1))),
        "pixels for parts": (errors.UsageError, "in pixels", lambda: plain[0].protect((0, 0, 300, 300))),
        "no place": (errors.UsageError, "not a place", lambda: plain[0].protect("the face")),
        "another picture's": (errors.UsageError, "not among", lambda: plain[0].protect(drawn)),
        "colours as a mask": (errors.UsageError, "not a mask", lambda: plain[0].protect(photo)),
        "only an address": (errors.UsageError, "is not here", lambda: linked[0].protect(FACE)),
        "an address is given": (errors.UsageError, "address", lambda: plain[0].protect(FACE, original=URL)),
    }


@pytest.mark.parametrize(
    "case",
    [
        "another scene",
        "nothing is said",
        "both are said",
        "all of it",
        "nothing of it",
        "pixels for parts",
        "no place",
        "another picture's",
        "colours as a mask",
        "only an address",
        "an address is given",
    ],
)
def test_it_says_why_it_cannot_and_writes_nothing(session: nb.Session, case: str) -> None:
    """An error of ours that says what to do; neither a row nor a file comes of it."""
    kind, words, act = refusals(session)[case]
    before = len(session.history), sorted((session.folder / "blobs").rglob("*"))
    with pytest.raises(kind, match=words) as refused:
        act()
    assert refused.value.lines[-1]
    assert (len(session.history), sorted((session.folder / "blobs").rglob("*"))) == before


def test_an_original_of_which_only_the_address_is_known_can_be_given(session: nb.Session, tmp_path: Path) -> None:
    """The error names it; with the file it works."""
    result = kept_edit(session, URL, [rendered()])
    photograph("astronaut").save(tmp_path / "portrait.png")
    made = result[0].protect(FACE, original=tmp_path / "portrait.png")
    place = rows_and_columns(FACE, made[0].size)
    assert (np.asarray(made[0])[place] == np.asarray(photograph("astronaut"))[place]).all()
    assert made.inputs[0].name == "portrait.png"


def test_a_picture_that_is_gone_from_the_store_is_said(session: nb.Session, edited: nb.EditResult) -> None:
    """The input's file, or the output's."""
    for digest in (edited.inputs[0].sha256, edited[0].sha256):
        path = session.store.blob_path(str(digest))
        data = path.read_bytes()
        path.chmod(0o600)
        path.unlink()
        with pytest.raises(errors.NotInStoreError, match="is not in the store"):
            edited[0].protect(FACE)
        path.write_bytes(data)
    assert len(session.history) == 1


def test_without_numpy_it_says_what_to_install(edited: nb.EditResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra by its name; nothing is written."""
    monkeypatch.setattr("nbbanana.measure.find_spec", lambda _: None)
    for part in (FACE, np.ones((4, 4), bool)):
        with pytest.raises(errors.UsageError, match="needs NumPy") as refused:
            edited[0].protect(part)
        assert 'nbbanana[measure]"' in refused.value.lines[-1]
    assert len(nb.history) == 1


@pytest.mark.parametrize(
    "parameters", [{}, {"keep": 7}, {"keep": {"shapes": 1}}, {"keep": "0,0,?"}, {"outside": [1, 2]}, {"keep": None}]
)
def test_a_stranger_s_record_that_makes_no_sense_is_an_error_of_ours(
    edited: nb.EditResult, parameters: dict[str, Any]
) -> None:
    """It shows, and can be neither made again nor written as code."""
    from dataclasses import replace

    odd = replace(edited[0].protect().record, parameters={"prompt": "Hi.", **parameters})
    stored = nb.history[nb.session.current().store.add_local(odd, "").id]
    assert "made here" in stored._repr_mimebundle_()[0]["text/html"]
    for act in (stored.rerun, stored.code, stored.cell, stored[0].protect):
        with pytest.raises(errors.UsageError):
            act()


def test_a_picture_that_was_made_of_words_alone_has_no_original(session: nb.Session) -> None:
    """There is nothing to download: another picture may be named."""
    made = session.edit("A red bicycle.", model="google/nano-banana-2/text-to-image", resolution="1K")
    with pytest.raises(errors.UsageError, match="Name a picture whose pixels are kept") as caught:
        made[0].protect((0, 0, 0.5, 0.5))
    assert "Download" not in str(caught.value)
