"""A part of a picture: drawn with boxes, a lasso or a brush; the words for it, and a mask."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from PIL import Image

from nbbanana import images
from nbbanana.display.thumbs import data_uri, encode
from nbbanana.errors import ImageError, UsageError
from nbbanana.images import ImageInput
from nbbanana.models.catalogue import ModelList, search, short_name
from nbbanana.regions import Area, Box, Shape, box_shape, mask_of, shape_of, words_for
from nbbanana.session import EditResult
from nbbanana.text import one_line
from nbbanana.widgets.base import Answers, Form, Message, Post, render, ui_thread
from nbbanana.widgets.compare import only_output
from nbbanana.widgets.pictures import seen

__all__ = ["Region", "region"]

STILL_SIDE = 640
"""Pixels of the longer side of the picture in a saved notebook."""
SHADE = 0.45
"""How dark what is not chosen is there."""


class Region(Form, title="Region", script="region/main.js", styles=("region.css",)):
    """
    A part of a picture, drawn by hand: `nb.region(picture)` opens it.

    >>> import nbbanana as nb
    >>> part = nb.region(nb.samples.still_life((64, 48)), boxes=[(0.7, 0, 1, 0.3)])
    >>> part.words, part.mask().getbbox()
    ('the upper-right corner', (45, 0, 64, 14))
    >>> [model.id for model in part.models]
    ['qwen/qwen-image-2.1/edit', 'tongyi-mai/z-image/turbo/inpainting']
    >>> part.close()
    """

    def __init__(self, picture: ImageInput, boxes: Iterable[Sequence[float]] = (), *, post: Post | None = None) -> None:
        if picture.source is None:
            raise ImageError(
                f"{picture.name} is a URL, and its picture is not here.",
                "The region tool does not download.",
                'Download it, and give the file: nb.region("picture.png").',
            )
        super().__init__(post=post)
        self.changed: Callable[[], object] = lambda: None
        """Called in the UI thread after the user drew; a Studio around it keeps what was drawn."""
        self.picture = picture
        self.shapes: tuple[Shape, ...] = tuple(box_shape(box) for box in boxes)
        self._seen: dict[str, int] = {}
        """How often each front end drew, as far as it is known here: what it drew since is not overwritten."""

    def __repr__(self) -> str:
        return one_line(f"<Region of {self.picture.name}: {self.words or 'nothing yet'}>")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        return self.picture.width or 1, self.picture.height or 1

    @property
    def words(self) -> str:
        """Words for it, to put into a prompt; empty while nothing is drawn."""
        return self.area.words

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes around what was drawn, as parts of the picture: left, top, right, bottom. Set it to draw."""
        return self.area.boxes

    @boxes.setter
    def boxes(self, boxes: Iterable[Sequence[float]]) -> None:
        shapes = tuple(box_shape(box) for box in boxes)
        ui_thread.call(lambda: self.put(shapes))

    def put(self, shapes: tuple[Shape, ...]) -> None:
        """Show these in place of what is drawn; called in the UI thread."""
        if shapes != self.shapes:
            self.shapes = shapes
            self._tell_shapes()
            self.refresh_still()

    def mask(self) -> Image.Image:
        """It as a mask of the picture's size, in mode `L`: white is to be repainted, black stays."""
        return self.area.mask()

    @property
    def models(self) -> ModelList:
        """The models that take it as a mask: `nb.edit(…, mask=part, model="qwen")`; all others take its words."""
        return search("mask")

    @property
    def area(self) -> Area:
        """It as a value that does not change any more; `region=` of `nb.edit` takes the one or the other."""
        return Area(self.shapes, self.size, identity=self.picture.identity)

    def __nbbanana_region__(self) -> Area:
        if not self.shapes:
            raise UsageError(
                f"Nothing is drawn on {self.picture.name} yet.", "A region is what was drawn.", "Draw a box on it."
            )
        return self.area

    def still(self) -> tuple[str, str]:
        """The picture with what is not chosen darkened, and the words."""
        said = self.words or "nothing is drawn yet"
        text = f"Region of {self.picture.name}: {said}"
        image = _shaded(self.picture, self.shapes)
        uri = data_uri(encode(image, quality=70))
        return render("region.html", uri=uri, width=image.width, height=image.height, alt=text, words=said), text

    def _hello(self, _: Message) -> None:
        self.emit(
            "subject",
            name=self.picture.name,
            width=self.size[0],
            height=self.size[1],
            models=" or ".join(short_name(model.id) for model in self.models),
        )
        self._tell_shapes()
        self.emit_made("picture", lambda: seen(self.picture.source or b""))

    def _drawn(self, message: Message) -> None:
        self.shapes = tuple(shape_of(row) for row in message["shapes"])
        self._seen[str(message.get("view", ""))] = int(message.get("count", 0))
        self._tell_words()
        self.changed()

    answers: ClassVar[Answers] = {"hello": _hello, "shapes": _drawn, "settled": lambda form, _: form.refresh_still()}

    def _tell_shapes(self) -> None:
        rows = [{"kind": one.kind, "points": one.points, "radius": one.radius} for one in self.shapes]
        self.emit("shapes", shapes=rows, seen=self._seen)
        self._tell_words()

    def _tell_words(self) -> None:
        ratio = self.size[0] / self.size[1]
        self.emit("words", words=self.words, each=[words_for([one.box(ratio)]) for one in self.shapes])


def _shaded(picture: ImageInput, shapes: Sequence[Shape]) -> Image.Image:
    small = images.thumbnail(picture.source or b"", side=STILL_SIDE, format="JPEG", quality=90)
    image = Image.open(io.BytesIO(small)).convert("RGB")
    if not shapes:
        return image
    return Image.composite(image, image.point(lambda value: int(value * SHADE)), mask_of(shapes, image.size))


def region(picture: Any, boxes: Iterable[Sequence[float]] = ()) -> Region:
    """
    Choose a part of a picture by drawing on it, and get words and a mask for it.

    Args:
        picture: an output, a result with one output, or whatever `nb.edit` takes but a URL.
        boxes: what is chosen to begin with: left, top, right and bottom of each, as parts of the picture.

    Raises:
        ImageError: not a picture, damaged, too large, or a URL.
        UsageError: a result of several outputs, or a box that is none.
    """
    return Region(images.load(only_output(picture) if isinstance(picture, EditResult) else picture), boxes)
