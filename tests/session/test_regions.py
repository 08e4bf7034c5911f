"""Regions: what an edit was about is kept with it, found again, and made a mask for models that take one."""

from __future__ import annotations

import asyncio
import io
import json
import shlex
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.schemas import INPAINT

import nbbanana as nb
from nbbanana.errors import BundleError, NotInStoreError, UsageError
from nbbanana.grammar import parse, split_cell
from nbbanana.regions import Area, Shape, area_of, box_shape
from nbbanana.store.provenance import read_embedded

CORNER = (0.7, 0.0, 1.0, 0.3)
WORDS = "Put a bird into the upper-right corner."
SMALL: dict[str, Any] = {"seed": 7, "resolution": "0.5K"}
PAINT = "someone/inpaint"


def test_a_region_is_kept_with_its_edit_and_not_sent(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """The record has it, the caption says it, the ask is that of the same words without it."""
    part = nb.region(photo("coffee"), boxes=[CORNER])
    result = session.edit(WORDS, photo("coffee"), region=part, **SMALL)
    assert result.region is not None
    assert result.region.words == "the upper-right corner"
    assert session.store.get(result.id).region == result.region == session.history[result.id].record.region
    assert "region" not in result.parameters
    assert session.request(WORDS, [photo("coffee")], parameters=SMALL).ask == result.record.ask
    data = result._repr_mimebundle_()[0]
    assert "Region: the upper-right corner of coffee.png." in data["text/plain"]
    assert data["application/vnd.nbbanana.v1+json"]["region"]["shapes"][0]["kind"] == "box"


def test_what_is_answered_from_the_store_is_about_what_is_asked_now(
    session: nb.Session, photo: Callable[[str], Path]
) -> None:
    """The picture is the same and costs nothing; the region is this asker's, and the record keeps its own."""
    first = session.edit(WORDS, photo("coffee"), region=CORNER, **SMALL)
    second = session.edit(WORDS, photo("coffee"), region=(0, 0, 0.5, 1), **SMALL)
    assert (second.origin, second.id) == ("replayed", first.id)
    assert second.region is not None
    assert second.region.words == "the left half"
    assert session.store.get(first.id).region == first.region


def test_a_region_finds_its_picture(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """It was drawn on the second of two; of a picture that is not asked with it is refused, and so is an empty one."""
    part = nb.region(photo("chelsea"), boxes=[CORNER])
    request = session.request(WORDS, [photo("coffee"), photo("chelsea")], region=part)
    assert request.region is not None
    assert (request.region.input, request.region.size) == (1, part.size)
    with pytest.raises(UsageError, match="not among those"):
        session.request(WORDS, [photo("coffee")], region=part)
    with pytest.raises(UsageError, match="Nothing is drawn"):
        session.request(WORDS, [photo("coffee")], region=nb.region(photo("coffee")))
    with pytest.raises(UsageError, match="picture 2"):
        session.request(WORDS, [photo("coffee")], region=Area((box_shape(CORNER),), (8, 8), input=1))


@pytest.mark.parametrize("wrong", [(0.7, 0.0, 1.0), "the corner", [], [(0, 0, 1)], (0, 0, float("nan"), 1), 3])
def test_what_is_no_region_is_refused(session: nb.Session, photo: Callable[[str], Path], wrong: Any) -> None:
    """An error that says what a region is."""
    with pytest.raises(UsageError):
        session.request(WORDS, [photo("coffee")], region=wrong)


def test_every_call_takes_a_region(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """Boxes as lists, in `submit` and in async code; asking again keeps them, and so does the code that asks again."""
    two = [CORNER, (0.0, 0.5, 1.0, 1.0)]
    first = session.submit(WORDS, photo("coffee"), region=two, **SMALL).result()
    second = asyncio.run(session.aedit("Make it night.", photo("coffee"), region=[list(box) for box in two], **SMALL))
    again = first.rerun()
    assert first.region == second.region == again.region
    assert first.region is not None
    assert len(first.region.boxes) == 2
    assert f"region={two}" in first.code()
    assert eval(again.code(), {"nb": nb}).region == first.region


def test_a_lasso_is_written_as_code_by_its_edit(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """What cannot be said in four numbers is taken from the record, to the point."""
    lasso = Area((Shape("lasso", ((0.1, 0.1), (0.9, 0.2), (0.4, 0.8))),), (8, 8))
    result = session.edit(WORDS, photo("coffee"), region=lasso, **SMALL)
    assert f"region=nb.history[{result.id}].region" in result.code()
    assert eval(result.code(), {"nb": nb}).region == result.region


@pytest.mark.parametrize(
    ("area", "option"),
    [
        (Area((box_shape(CORNER),), (8, 8)), "--region 0.7,0,1,0.3"),
        (Area((box_shape(CORNER), box_shape((0, 0.5, 0.25, 1))), (8, 8), 1), "--region 0.7,0,1,0.3+0,0.5,0.25,1@2"),
        (Area((Shape("brush", ((0.5, 0.5),), 0.1),), (8, 8)), "--region edit:1"),
    ],
)
def test_a_copied_cell_is_about_the_same(
    session: nb.Session, photo: Callable[[str], Path], area: Area, option: str
) -> None:
    """The option says boxes in numbers and all else by its edit; read back, the region is the same."""
    pictures = [photo("coffee"), photo("chelsea")]
    result = session.edit(WORDS, *pictures, region=area, **SMALL)
    text = result.cell()
    assert text.splitlines()[0].endswith(option)
    cell = parse(*split_cell(text), default_model="x/y", model_of=session.model_of)
    again = session.request(cell.prompt, pictures, parameters=cell.parameters, region=cell.region)
    assert (again.region, again.ask) == (result.region, result.record.ask)


@pytest.mark.parametrize("wrong", ["", "corner", "0,0,1", "0,0,1,1@0", "0,0,1,1@x", "0,0,1,1@9", "edit:99", "edit:1"])
def test_a_region_on_a_line_that_cannot_be_read_is_said(
    session: nb.Session, photo: Callable[[str], Path], wrong: str
) -> None:
    """What is no part of a picture, and an edit that has none, are errors before anything is sent."""
    session.edit(WORDS, photo("coffee"), **SMALL)
    with pytest.raises((UsageError, NotInStoreError)):
        session.request(WORDS, [photo("coffee")], region=wrong)


def test_a_bundle_carries_regions(session: nb.Session, photo: Callable[[str], Path], tmp_path: Path) -> None:
    """Shapes of all kinds come back as they were, the crate tells them to others, a picture carries them inside."""
    shapes = (
        box_shape(CORNER),
        Shape("lasso", ((0.1, 0.1), (0.4, 0.2), (0.2, 0.4))),
        Shape("brush", ((0.5, 0.5),), 0.05),
    )
    result = session.edit(WORDS, photo("coffee"), region=Area(shapes, (8, 8)), **SMALL)
    path = session.history.export(tmp_path / "study.zip", [result])
    opened = nb.History.open(path)[result.id]
    assert opened.region == result.region
    assert opened.region is not None
    assert opened.region.shapes == shapes
    with zipfile.ZipFile(path) as archive:
        graph = json.loads(archive.read("ro-crate-metadata.json"))["@graph"]
    [said] = [entity for entity in graph if entity["@type"] == "PropertyValue"]
    assert said["description"] == opened.region.words
    assert area_of(json.loads(said["value"])) == result.region
    saved = result[0].save(tmp_path / "bird.png", embed=True)
    record = read_embedded(saved.read_bytes())
    assert record is not None
    assert record.holds
    assert record.edit.region == result.region


@pytest.mark.parametrize(
    "change",
    [
        lambda region: region["shapes"].clear(),
        lambda region: region["shapes"][0].update(kind="star"),
        lambda region: region["shapes"][0].update(points=[[0, 0], [1, 7]]),
        lambda region: region.update(size=[0, 1]),
        lambda region: region.update(path="/etc"),
    ],
)
def test_a_strange_region_refuses_the_bundle(
    session: nb.Session, photo: Callable[[str], Path], tmp_path: Path, change: Callable[[dict[str, Any]], Any]
) -> None:
    """Nothing that a region cannot be comes out of a stranger's file."""
    result = session.edit(WORDS, photo("coffee"), region=CORNER, **SMALL)
    path = session.history.export(tmp_path / "study.zip", [result])
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    records = json.loads(content["edits.json"])
    change(records["edits"][0]["region"])
    content["edits.json"] = json.dumps(records).encode()
    with zipfile.ZipFile(tmp_path / "strange.zip", "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(BundleError):
        session.history.merge(tmp_path / "strange.zip")


# ── masks ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def painter(served: Callable[..., Any]) -> tuple[nb.Session, Any]:
    """A session over a served sandbox that has a model with a mask."""
    session, box = served(models={PAINT: {"input_schema": INPAINT, "base_price_usd": 0.05}})
    session.engine_at()  # a model that is not shipped is known by who runs it
    return session, box


def kept(session: nb.Session, result: nb.EditResult) -> Image.Image:
    """The mask that was sent, as the store keeps it."""
    [record] = session.store.get(result.id).masks
    assert record.sha256 is not None
    return Image.open(io.BytesIO(session.store.blob_path(record.sha256).read_bytes())).convert("L")


def test_a_mask_is_whatever_is_a_picture(
    painter: tuple[nb.Session, Any], photo: Callable[[str], Path], tmp_path: Path
) -> None:
    """A path, a PIL image, a region, the word for the request's own: each is sent as a PNG and kept as inputs are."""
    session, box = painter
    part = nb.region(photo("coffee"), boxes=[CORNER])
    file = tmp_path / "mask.png"
    part.mask().save(file)
    asks = set()
    for number, mask in enumerate((str(file), file, part.mask(), part, "region")):
        result = session.edit(
            "Paint a bird.", photo("coffee"), model=PAINT, mask_image_url=mask, region=part, seed=number
        )
        assert kept(session, result).tobytes() == part.mask().tobytes()
        assert len(result.inputs) == 1
        assert str(result.parameters["mask_image_url"]).startswith(("sha256:", "pixels:"))
        asks.add(result.parameters["mask_image_url"])
    assert len(asks) == 2, "a file is known by its bytes, all others by their pixels"
    [sent, *_] = [seen.body for seen in box.requests if seen.method == "POST" and "mask_image_url" in (seen.body or {})]
    assert sent["mask_image_url"].startswith("data:image/png;base64,")
    assert session.history.verify().ok
    assert session.history.gc().blobs == ()


def test_another_mask_is_another_question(painter: tuple[nb.Session, Any], photo: Callable[[str], Path]) -> None:
    """Asked again with the same mask it is answered from the store; with another it is sent."""
    session, _ = painter
    ask: dict[str, Any] = {"model": PAINT, "seed": 7}
    part, other = (nb.region(photo("coffee"), boxes=[box]).mask() for box in (CORNER, (0, 0, 0.5, 0.5)))
    first = session.edit("Paint a bird.", photo("coffee"), mask_image_url=part, **ask)
    assert session.edit("Paint a bird.", photo("coffee"), mask_image_url=part, **ask).id == first.id
    assert session.edit("Paint a bird.", photo("coffee"), mask_image_url=other, **ask).id != first.id


@pytest.mark.nightly
def test_a_mask_is_as_large_as_its_picture_arrives(painter: tuple[nb.Session, Any]) -> None:
    """A picture that is scaled to fit takes its mask with it."""
    session, _ = painter
    noise = Image.merge("RGB", [Image.effect_noise((2000, 1600), 90) for _ in range(3)])
    result = session.edit("Paint a bird.", noise, model=PAINT, mask_image_url="region", region=(0, 0, 0.5, 1), seed=1)
    [picture], mask = result.inputs, kept(session, result)
    assert picture.width is not None
    assert picture.width < 2000
    assert mask.size == (picture.width, picture.height)
    assert mask.getbbox() == pytest.approx((0, 0, mask.width / 2, mask.height), abs=1)


def test_a_mask_comes_back_with_its_record(
    painter: tuple[nb.Session, Any], photo: Callable[[str], Path], tmp_path: Path
) -> None:
    """Rerun, copied code, copied cell, a bundle and curl: each asks with the mask that the record keeps."""
    session, _ = painter
    part = nb.region(photo("coffee"), boxes=[CORNER])
    first = session.edit("Paint a bird.", photo("coffee"), model=PAINT, mask_image_url=part, region=part, seed=3)
    assert first.rerun().record.ask == first.record.ask
    assert f"mask_image_url='edit:{first.id}.mask'" in first.code()
    assert f"--mask-image-url edit:{first.id}.mask" in first.cell()
    with session:
        again = eval(first.code(), {"nb": nb})
        assert (again.origin, again.record.ask) == ("replayed", first.record.ask)
    path = session.history.export(tmp_path / "study.zip", [first])
    opened = nb.History.open(path)[first.id]
    session.engine_at()  # it ended with the block
    assert opened.record.masks == first.record.masks
    name = first.record.masks[0].sha256
    assert name is not None
    assert shlex.quote(str(session.store.blob_path(name))) in first.curl()


def test_there_must_be_a_mask_to_take(painter: tuple[nb.Session, Any], photo: Callable[[str], Path]) -> None:
    """The word without a region, and the mask of an edit that had none, are said."""
    session, _ = painter
    plain = session.edit(WORDS, photo("coffee"), **SMALL)
    for mask, match in (("region", "no region"), (f"edit:{plain.id}.mask", "had no mask")):
        with pytest.raises(UsageError, match=match):
            session.request(WORDS, [photo("coffee")], model=PAINT, parameters={"mask_image_url": mask})


@pytest.mark.parametrize("mask", [(0, 0, 0.5, 0.5), [0, 0, 1, 1], [(0, 0, 0.5, 0.5), (0.5, 0, 1, 1)]])
def test_a_box_as_a_mask_is_told_what_a_mask_may_be(
    painter: tuple[nb.Session, Any], photo: Callable[[str], Path], mask: Any
) -> None:
    """In an edit and in a sweep, where it is no axis; what the message says to write is a mask."""
    session, box = painter
    ask = {"model": PAINT, "session": session}
    with pytest.raises(UsageError, match="which is a box") as caught:
        session.edit("Paint a bird.", photo("coffee"), model=PAINT, mask=mask)
    assert "a region of nb.region, or the word 'region'" in str(caught.value)
    with pytest.raises(UsageError, match="which is a box"):
        nb.sweep("Paint a bird.", photo("coffee"), mask=mask, seed=[1, 2], **ask)
    assert not [seen for seen in box.requests if seen.method == "POST"]
    planned = nb.sweep("Paint a bird.", photo("coffee"), region=mask, mask="region", seed=[1, 2], **ask)
    assert planned.plan.shape == "seed (2) = 2 cells"


def test_several_names_are_one_region_of_several_parts(
    painter: tuple[nb.Session, Any], photo: Callable[[str], Path]
) -> None:
    """In an edit, and in a sweep, whose plan names it; names and boxes may stand beside each other."""
    session, _ = painter
    names = ["the left third", "the right third"]
    request = session.request("Paint a bird.", [photo("coffee")], region=names)
    assert request.region is not None
    assert len(request.region.boxes) == 2
    mixed = session.request("Paint a bird.", [photo("coffee")], region=[names[0], (0.7, 0, 1, 1)])
    assert mixed.region is not None
    assert mixed.region.boxes[0] == request.region.boxes[0]
    swept = nb.sweep("Paint a bird.", photo("coffee"), region=names, seed=[1, 2], session=session)
    assert swept.plan.shape == "seed (2) = 2 cells"
    words = swept._repr_mimebundle_()[0]["text/plain"]
    assert f"All are about one part of a picture: {request.region.words}." in words
