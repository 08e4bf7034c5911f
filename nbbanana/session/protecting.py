"""The original's pixels put back into an edited picture: made here, as an edit of its own."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.engine.loop import process_id
from nbbanana.errors import NotInStoreError, UsageError
from nbbanana.images import PLAY_MARK, ImageInput, file_of, load, open_safely
from nbbanana.images.colours import to_srgb, upright
from nbbanana.measure import Protected, check_installed, composite
from nbbanana.regions import Area, words_for
from nbbanana.request import EditRequest, Origin, origin
from nbbanana.session.library import Asker
from nbbanana.session.reproduce import area_at, part_of
from nbbanana.session.requesting import region_of
from nbbanana.settings import LOCAL_PROVIDER
from nbbanana.store import Store
from nbbanana.store.records import Edit, InputRecord, OutputRecord

if TYPE_CHECKING:
    from PIL.Image import Image


__all__ = ["MODEL", "made_again", "protect"]

MODEL = "local/protect"
"""What stands in a record in the place of a model."""
KEEP, OUTSIDE = "keep", "outside"
"""The parameters that say what is the original's: a part of it, or all but a part."""
ORIGINAL, EDITED = 0, 1
"""The places of the two pictures among the inputs of a record."""
ALIKE = 0.02
"""Shapes that differ by less are one: a region that was drawn on one picture is the same part of the other."""
COMPRESSION, RUNS = 1, zlib.Z_RLE
"""zlib's level and strategy: photographs gain little by more, and 4096×4096 pixels are waited for."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """
    What is to be the original's.

    Args:
        name: `keep`, or `outside`, which keeps all but this part.
        value: the part as a parameter has it: boxes as text, other shapes as JSON, a mask by its identity.
        area: the part; None where it is a mask.
        mask: the mask as a PNG.
        words: words for what is kept.
    """

    name: str
    value: Any
    area: Area | None = None
    mask: bytes | None = None
    words: str = "what the mask shows"

    def kept(self, size: tuple[int, int]) -> Image:
        """Return what is kept as a mask in mode `L`: white is the original's."""
        from PIL import ImageChops

        if self.mask is not None:
            plane = open_safely(self.mask).convert("L").resize(size)
        else:
            assert self.area is not None
            plane = self.area.mask(size)
        return plane if self.name == KEEP else ImageChops.invert(plane)


@dataclass(frozen=True, slots=True)
class _Original:
    """The picture whose pixels are kept: its record, its bytes or their file, and what is said of it."""

    record: InputRecord
    source: bytes | Path
    is_play: bool = False
    notes: tuple[str, ...] = ()


def protect(
    asker: Asker,
    edit: Edit,
    index: int,
    label: str,
    store: Store,
    *,
    region: Any = None,
    outside: Any = None,
    original: Any = None,
) -> Any:
    """
    Put the original's pixels back into an output of an edit, and write that down as an edit of its own.

    Args:
        asker: writes it down.
        edit: the edit whose output it is.
        index: which output.
        label: what one types to get it.
        store: where the pictures are.
        region: what is kept of the original; None is all but `outside`.
        outside: what is left as it was edited; None is the region of the edit.
        original: the picture whose pixels are kept; None is the edit's main input.

    Returns:
        The result.

    Raises:
        MeasureError: the two pictures cannot be laid on each other well enough; nothing is written then.
        NotInStoreError: a picture is not in the store; in replay, there is no such edit.
        UsageError: it is not clear what is kept, the original is not here, or measuring is not installed.
    """
    output = next(one for one in edit.outputs if one.index == index)
    first = _own_original(edit, label, store) if original is None else _given_original(asker, original, store)
    changed = InputRecord(label, f"sha256:{output.sha256}", output.sha256, None, output.width, output.height)
    wish = _wish(region, outside, edit, (first.record, changed), label, store)
    if edit.is_local and edit.inputs[ORIGINAL].identity == first.record.identity:
        wish = _together(_wish_of(edit, store), wish, (output.width, output.height))
    return _result(asker, edit, first, changed, wish, store)


def made_again(asker: Asker, edit: Edit, store: Store, given: Mapping[str, Any]) -> Any:
    """
    Make once more what a record of this module says, from the pictures in the store.

    Args:
        asker: writes it down.
        edit: the record.
        store: where the pictures are.
        given: what the caller wants otherwise, which nothing can be.

    Raises:
        NotInStoreError: a picture is not in the store.
        UsageError: something is wanted otherwise.
    """
    if wanted := [name for name, value in given.items() if value]:
        raise UsageError(
            f"{wanted[0]} means nothing for edit {edit.id}.",
            "It was made here from two pictures, by no service.",
            "Leave it out.",
        )
    wish = _wish_of(edit, store)
    first, changed = edit.inputs
    known = _Original(first, store.blob_path(str(first.sha256)), edit.is_play)
    return _result(asker, edit, known, changed, wish, store)


def _result(asker: Asker, edit: Edit, first: _Original, changed: InputRecord, wish: _Wish, store: Store) -> Any:
    before = _made_before(store, first.record, changed, wish)
    if asker.mode == "replay":
        if before is None:
            raise NotInStoreError(
                "The store does not hold this picture.",
                "In replay nothing is made, also not what is made here.",
                "Use mode='auto': it asks no service and costs nothing.",
            )
        return asker.local(before)

    source = store.blob_path(str(changed.sha256))
    made = composite(first.source, source, wish.kept((first.record.width or 1, first.record.height or 1)))
    is_play = edit.is_play or first.is_play
    data = _file(made.image, before, store, is_play=is_play)
    blobs = [data, *([first.source] if isinstance(first.source, bytes) else []), *filter(None, [wish.mask])]
    note = " ".join([made.sentence, *first.notes])
    return asker.local(_record(first.record, changed, wish, made, data, is_play=is_play), blobs, note)


def _record(
    first: InputRecord, changed: InputRecord, wish: _Wish, made: Protected, data: bytes, *, is_play: bool
) -> Edit:
    parameters = {"prompt": f"Keep {wish.words} as in {first.name}.", wish.name: wish.value, **_figures(made)}
    pictures = tuple(ImageInput(record.name, record.identity) for record in (first, changed))
    here: Origin = origin.get()
    request = EditRequest(MODEL, parameters, pictures, seed_field=None)
    width, height = made.image.size
    return Edit(
        model=MODEL,
        provider=LOCAL_PROVIDER,
        ask=request.ask,
        digest=request.digest(LOCAL_PROVIDER),
        parameters=dict(request.parameters),
        seed=None,
        seed_given=False,
        inputs=(first, changed),
        outputs=(OutputRecord(0, hashlib.sha256(data).hexdigest(), "image/png", width, height, len(data)),),
        masks=() if wish.mask is None else (_mask_record(wish.name, wish.mask),),
        region=wish.area if wish.name == OUTSIDE else None,
        notebook=here.notebook,
        kernel=here.kernel or process_id(),
        cell=here.cell,
        execution=here.execution,
        is_play=is_play,
    )


def _figures(made: Protected) -> dict[str, Any]:
    """Return what was measured, as a record keeps it: parts and ΔE00, and where the edited picture lies."""
    where = made.registration
    return {
        "kept": round(made.kept, 4),
        "seam": round(made.seam.value, 3),
        "seam_floor": round(made.seam.floor, 3),
        "uncovered": round(made.uncovered, 4),
        "registration": {
            "confidence": round(where.confidence, 3),
            "uncertainty": round(where.uncertainty, 3),
            "moved": round(where.corner, 3),
            "scale": round(where.scale, 5),
            "rotation": round(where.rotation, 3),
        },
    }


# ── which picture, and which part ───────────────────────────────────────────────────────────────────────────


def _own_original(edit: Edit, label: str, store: Store) -> _Original:
    """Return the main input of an edit; of an edit that put pixels back itself, the picture they came from."""
    record = edit.inputs[ORIGINAL] if edit.inputs else None
    if record is None:
        raise UsageError(
            f"{label} has no original.",
            "It was made without an input picture.",
            f"Name a picture whose pixels are kept: {label}.protect(…, original='picture.png').",
        )
    if record.sha256 is None:
        raise UsageError(
            f"The original of {label} is not here.",
            f"{record.name} was asked with by its address.",
            f"Download it, and give the file: {label}.protect(…, original='{record.name}').",
        )
    path = store.blob_path(record.sha256)
    sent = (f"What was sent is kept: {record.note}",) if record.note else ()
    return _Original(record, path, notes=sent)


def _given_original(asker: Asker, original: Any, store: Store) -> _Original:
    """Return another picture than the edit's own input, as the store keeps it: its pixels and nothing else."""
    images = asker.load([original])
    if len(images) != 1 or images[0].source is None:
        what = f"{len(images)} pictures are" if len(images) != 1 else f"{images[0].name} is an address and"
        raise UsageError(f"{what} not an original.", "It is one picture, whose pixels are here.", "Give one file.")
    image = images[0]
    assert image.source is not None
    decoded = open_safely(image.source)
    pixels = to_srgb(upright(decoded))
    deep = image.source[24:25] == b"\x10" if image.format == "PNG" else decoded.mode[0] in "IF"
    notes = (f"{image.name} has more than 8 bits a channel: what is kept of it has 8.",) if deep else ()
    data = _png(pixels, is_play=image.is_play)
    record = InputRecord(
        image.name, image.identity, hashlib.sha256(data).hexdigest(), None, pixels.width, pixels.height
    )
    makers = store.by_output(image.identity.partition(":")[2])
    return _Original(record, data, image.is_play or any(maker.is_play for maker in makers), notes)


def _wish(
    region: Any, outside: Any, edit: Edit, pictures: tuple[InputRecord, InputRecord], label: str, store: Store
) -> _Wish:
    if region is not None and outside is not None:
        raise UsageError(
            f"{label}.protect was given a region and `outside`.", "Each says by itself what is kept.", "Give one."
        )
    if region is None and outside is None:
        if edit.region is None or edit.region.input != ORIGINAL:
            raise UsageError(
                f"It is not said what of {label} is the original's.",
                "The edit had no region." if edit.region is None else "The region of the edit is of a reference image.",
                f"{label}.protect((0, 0, 1, 0.4)) keeps a part of the original, and outside=(…) all but a part.",
            )
        outside = edit.region
    name, part = (KEEP, region) if outside is None else (OUTSIDE, outside)
    if hasattr(part, "getbands") or hasattr(part, "__array_interface__"):
        return _of_mask(name, part)
    images = tuple(ImageInput(one.name, one.identity, one.width, one.height) for one in pictures)
    if isinstance(part, Area) and part is edit.region:
        part = replace(part, identity="")  # it is the same part of another original
    area = region_of(part, images, lambda: store)
    assert area is not None
    if area.input == EDITED:
        _check_shape(*images)
    written = _written(area)
    first = images[ORIGINAL]
    own = replace(area_at(written), size=(first.width or 1, first.height or 1), identity=first.identity)
    words = words_for(own.boxes)
    return _Wish(name, written, own, words=words if name == KEEP else f"all but {words}")


def _wish_of(edit: Edit, store: Store) -> _Wish:
    """Return what a record of this module says was kept."""
    name, value = part_of(edit)
    words = edit.prompt.removeprefix("Keep ").removesuffix(f" as in {edit.inputs[ORIGINAL].name}.")
    if not edit.masks:
        return _Wish(name, value, area_at(value), words=words)
    return _Wish(name, value, mask=store.blob_path(str(edit.masks[0].sha256)).read_bytes(), words=words)


def _together(before: _Wish, now: _Wish, size: tuple[int, int]) -> _Wish:
    """Return what is kept where something was kept before: both, since what came back once is not given up again."""
    if before.name == now.name == KEEP and before.area is not None and now.area is not None:
        area = replace(now.area, shapes=tuple(dict.fromkeys((*before.area.shapes, *now.area.shapes))))
        return _Wish(KEEP, _written(area), area, words=words_for(area.boxes))
    from PIL import ImageChops

    data = _png(ImageChops.lighter(before.kept(size), now.kept(size)), is_play=False)
    words = " and ".join(dict.fromkeys((before.words, now.words)))
    return _Wish(KEEP, f"sha256:{hashlib.sha256(data).hexdigest()}", mask=data, words=words)


def _check_shape(first: ImageInput, changed: ImageInput) -> None:
    one, other = ((image.width or 1) / (image.height or 1) for image in (first, changed))
    if abs(one / other - 1) > ALIKE:
        raise UsageError(
            "The region was drawn on the edited picture.",
            f"{changed.name} has another shape than {first.name}, so that its parts are not those of the original.",
            "Draw it on the original: nb.region(result.originals[0]).",
        )


def _written(area: Area) -> Any:
    """Return a part as a parameter has it: boxes as text, to four places; what was drawn otherwise as JSON."""
    if all(shape.kind == "box" for shape in area.shapes):
        return "+".join(",".join(f"{round(part, 4):g}" for part in shape.box()) for shape in area.shapes)
    return {**area.as_json(), "input": ORIGINAL}


def _of_mask(name: str, given: Any) -> _Wish:
    check_installed()
    from PIL import Image

    from nbbanana.measure.pixels import region_of as masked

    region = masked(given, (1, 1))
    assert region is not None
    data = _png(Image.fromarray(region.mask.astype("uint8") * 255), is_play=False)
    return _Wish(name, f"sha256:{hashlib.sha256(data).hexdigest()}", mask=data)


def _mask_record(name: str, data: bytes) -> InputRecord:
    image = load(data, name="mask")
    digest = image.identity.partition(":")[2]
    return InputRecord("mask", image.identity, digest, None, image.width, image.height, parameter=name)


# ── the file ────────────────────────────────────────────────────────────────────────────────────────────────


def _made_before(store: Store, first: InputRecord, changed: InputRecord, wish: _Wish) -> Edit | None:
    """Return the newest edit that put the same part of the same picture back into the same picture."""
    children = {child for maker in store.by_output(str(changed.sha256)) for child in store.children(maker.id)}
    for edit in store.numbered(sorted(children, reverse=True)):
        same = tuple(one.identity for one in edit.inputs) == (first.identity, changed.identity)
        if edit.model == MODEL and same and edit.outputs and edit.parameters.get(wish.name) == wish.value:
            return edit
    return None


def _file(image: Image, before: Edit | None, store: Store, *, is_play: bool) -> bytes:
    """
    Return a picture as a PNG; of one with the same pixels that was made before, its very bytes.

    Another version of Pillow may compress otherwise. The bytes are what a further edit asks with, and with others it
    would be sent, and paid, again.
    """
    if before is not None and store.has_blob(before.outputs[0].sha256):
        data = store.blob_path(before.outputs[0].sha256).read_bytes()
        old = open_safely(data)
        if old.mode == image.mode and old.size == image.size and old.tobytes() == image.tobytes():
            return data
    return _png(image, is_play=is_play)


def _png(image: Image, *, is_play: bool) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    if is_play:
        words.add_text("Software", PLAY_MARK)
    return file_of(image, "PNG", compress_level=COMPRESSION, compress_type=RUNS, pnginfo=words)
