"""`EditResult` and `Output`: what came back, as a user holds it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.display.views import ResultView
from nbbanana.engine.run import Outcome
from nbbanana.errors import UsageError
from nbbanana.images import ImageInput, open_safely
from nbbanana.regions import Area
from nbbanana.session import exporting, view_builders
from nbbanana.session.call_args import file
from nbbanana.session.drift_reports import DriftReport, against_input
from nbbanana.session.library import BY_NUMBER, RESULT, Asker, Expression, Library, expression, shell
from nbbanana.session.protecting import protect
from nbbanana.session.reproduce import as_cell, as_code, as_curl, image_of
from nbbanana.session.result_sets import AskedAgain, ResultSet, Sampled, bundle_of
from nbbanana.session.stability import Sample
from nbbanana.store import Store
from nbbanana.store.embedding import has_content_credentials
from nbbanana.store.records import Edit, InputRecord, OutputRecord, Rating
from nbbanana.text import one_line

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from nbbanana.widgets.compare import Viewer

__all__ = ["EditResult", "Output"]


class Output:
    """
    One image of a result. It can be an input again: pass it to `nb.edit`, or call its own `edit`.

    `np.asarray(output)` is its pixels, of shape H×W×3 or H×W×4 and type uint8.
    """

    def __init__(self, result: EditResult, record: OutputRecord) -> None:
        self.result = result
        """The result that it is one image of."""
        self.index = record.index
        """Its place in the result, from 0."""
        self.sha256 = record.sha256
        """SHA-256 of its bytes."""
        self.mime = record.mime
        """Its media type, read from the bytes."""
        self.width, self.height = self.size = record.width, record.height
        """Pixels across and down; `size` is both, as PIL has it."""
        self.nbytes = record.size
        """The size of its file in bytes."""
        self._url = record.url

    def __repr__(self) -> str:
        return one_line(f"<Output {self.label} {self.width}×{self.height} {self.mime}>")

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        import numpy as np

        image = self.pil
        pixels = np.array(image if image.mode in {"RGB", "RGBA"} else image.convert("RGB"))
        return pixels if dtype is None else pixels.astype(dtype)

    @property
    def label(self) -> str:
        """The expression that gives it now, such as `neon[0]` or `nb.history[12][0]`."""
        return f"{self.result.label}[{self.index}]"

    @property
    def edit_id(self) -> int:
        """The edit that it belongs to: `nb.history[output.edit_id][output.index]`."""
        return self.result.id

    @property
    def seed(self) -> int | None:
        """The seed that was sent; it belongs to the request, so that outputs of one result share it."""
        return self.result.seed

    @property
    def starred(self) -> bool:
        """Whether it has a star of its own."""
        return self.result.record.ratings.get(self.index) == "starred"

    @property
    def path(self) -> Path:
        """The file in the store; read it, do not change it."""
        return self.result.library.store.blob_path(self.sha256)

    @property
    def bytes(self) -> bytes:
        """Its bytes, exactly as they came."""
        return self.path.read_bytes()

    @property
    def pil(self) -> Image:
        """The picture as a PIL image, decoded anew at each access."""
        return open_safely(self.path)

    @property
    def has_content_credentials(self) -> bool:
        """Whether the file is signed with Content Credentials (C2PA); they are found here, not verified."""
        return has_content_credentials(self.bytes)

    def save(
        self, path: str | Path = "", *, overwrite: bool = False, sidecar: bool = False, embed: bool = False
    ) -> Path:
        """
        Write its bytes to a file: exactly as they came, unless `embed` says otherwise.

        Args:
            path: the file; without a suffix it gets the one of its type. A folder (one that is there, or a path that
                ends in `/`) gets a file named `{label}-{index}.{suffix}`. Folders on the way are made.
            overwrite: replace a file that is there.
            sidecar: also write `<name>.<suffix>.json` with the record.
            embed: write a copy that has the request inside. Its pixels are the same, its bytes are not. What it
                cost and what you said about it, such as a note, stay out.

        Returns:
            The file.

        Raises:
            UsageError: a file that is there; a suffix that names another type, since nothing is converted; or `embed`
                for a file that is signed, or of a type that cannot hold a record. Nothing is written then.
        """
        target = exporting.target_of(path, exporting.file_name(self.result.name, self.result.id), self.index, self.mime)
        exporting.check_free([target], overwrite=overwrite)
        record = self.result.library.store.get(self.edit_id)  # with what was said of it since
        exporting.write(target, self.bytes, record, self.index, sidecar=sidecar, embed=embed)
        return target

    def view(self) -> Viewer:
        """Open it large in a cell: whole or pixel by pixel, beside its prompt; its input while Space is held."""
        from nbbanana.widgets.compare import view

        return view(self)

    def show(self) -> None:
        """Show it: in the cell of a notebook, else in the system's picture viewer."""
        if shell() is not None:
            sys.modules["IPython"].display.display(self)
        else:
            self.pil.show()

    def star(self) -> Output:
        """Star it; `history.filter(starred=True)` finds its edit."""
        return self._rated("starred")

    def unstar(self) -> Output:
        """Take its star away."""
        return self._rated(None)

    def reject(self) -> Output:
        """Reject it: a rating, it stays in the store."""
        return self._rated("rejected")

    def _rated(self, rating: Rating | None) -> Output:
        self.result.known(self.result.library.store.rate(self.edit_id, self.index, rating))
        return self

    def edit(self, prompt: str, *more: Any, **parameters: Any) -> EditResult:
        """Edit it further: like `nb.edit`, with this picture first."""
        result: EditResult = self.result.asker.edit(prompt, self, *more, **parameters)
        return result

    def drift(self, region: Any = None) -> DriftReport:
        """
        Measure what changed against the picture that it was made from: what moved, was recoloured, was redrawn.

        Args:
            region: what was meant to change, as for `nb.drift`; the region that was asked with unless it is given.

        Raises:
            MeasureError: nothing can be said; its `reason` says why.
            UsageError: it was made from words alone or from an address, or there is no NumPy.
        """
        image = self.__nbbanana_image__()
        return against_input(image, self.result.record, self.result.library.store, region)

    def protect(self, region: Any = None, *, outside: Any = None, original: Any = None) -> EditResult:
        """
        Put the original's pixels back where nothing should have changed. It is made here: no service is asked.

        The edited picture is laid on the original (shift, scale, a small turn), its tone matched to what is kept, and
        blended beside the seam, in what is not kept: every pixel that is kept is the original's, exactly. The new
        picture is an edit of its own in the history, with provider `local`; its caption says how well the seam fits.

        Args:
            region: what is kept of the original: a box (left, top, right and bottom as parts of it), boxes, words for
                a place such as "the upper half", `nb.region(…)`, or a mask (a picture in mode L or 1, or an array
                H×W), whose white is kept.
            outside: in place of `region`: all but this part is kept. Without either, it is the region of the edit.
            original: the picture whose pixels are kept, in place of the one that was asked with: in a chain of passes
                the very first, or the file where the service was given an address.

        Returns:
            A result of one PNG, of the original's size, 8 bits a channel, sRGB; transparent where it is kept and
            the original is. What was protected before stays so.

        Raises:
            MeasureError: the two cannot be laid on each other well enough, or a seam would show; its `reason` says
                which. Nothing is written then.
            NotInStoreError: one of the pictures is not in the store; in replay, this one was not made before.
            UsageError: it is not clear what is kept, the original is not here, or NumPy is not installed.
        """
        held = self.result
        where = (held.record, self.index, self.label, held.library.store)
        made: EditResult = protect(held.asker, *where, region=region, outside=outside, original=original)
        return made

    def __nbbanana_samples__(self) -> list[Sample]:
        return [Sample(self.label, self.path, self.result.record, self.index, self.sha256)]

    def vary(self, seeds: Iterable[int] | None = None, *, n: int | None = None, **how: Any) -> ResultSet:
        """Send the request that made it with other seeds, like `result.vary`: each gives as many pictures as it did."""
        return self.result.vary(seeds, n=n, **how)

    def __nbbanana_image__(self) -> ImageInput:
        return ImageInput(
            name=self.label,
            identity=f"sha256:{self.sha256}",
            width=self.width,
            height=self.height,
            source=self.bytes,
            is_play=self.result.record.is_play,
            remote_url=self._url,
            remote_provider=self.result.provider,
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        shown = self.result.view()
        alone = replace(shown, pictures=(shown.pictures[self.result.index(self)],), expected=1)
        return bundle_of(alone)


class EditResult(AskedAgain, Sampled[Output]):
    """
    What came back: a sequence of outputs that shows itself as a grid.

    `result[0]` is an `Output`, a slice is a result of these outputs, `result.record` is the record.

    Args:
        library: the store and the models of its records.
        asker: what asks further, such as by `rerun`; None for a result that was opened to be read.
        outcome: what the engine gave.
        name: the variable it is bound to.
        indices: which of its outputs it holds; None is all of them.
    """

    def __init__(
        self,
        library: Library,
        asker: Asker | None,
        outcome: Outcome,
        name: str | None = None,
        indices: Sequence[int] | None = None,
    ) -> None:
        self.library = library
        self.name = name
        self._asker = asker
        self._outcome = outcome
        self.record = outcome.edit
        records = {record.index: record for record in outcome.edit.outputs}
        self._indices = indices
        super().__init__([Output(self, records[index]) for index in (records if indices is None else indices)])

    def __repr__(self) -> str:
        return one_line(f"<EditResult {self.label} n={len(self)} model={self.model} seed={self.seed} {self.origin}>")

    def __reduce__(self) -> Any:
        return _reopened, (str(self.library.store.folder), self.id, self.name, self._indices)

    def _part(self, items: Sequence[Output]) -> EditResult:
        return EditResult(self.library, self._asker, self._outcome, self.name, [output.index for output in items])

    @property
    def asker(self) -> Asker:
        """What asks further; UsageError where the result was opened to be read."""
        if self._asker is None:
            folder = self.library.store.folder.name
            where = "" if self.record.is_local else f"provider={self.provider!r}, "
            raise UsageError(
                f"{self.label} was opened to be read.",
                "It belongs to no session that could ask a service.",
                f"nb.Session({where}store=…{folder!r}).history[{self.id}] can ask.",
            )
        return self._asker

    @property
    def id(self) -> int:
        """The store's stable id: `nb.history[id]`."""
        return self.record.id

    @property
    def label(self) -> str:
        """The expression that gives it now: a variable that holds it, such as `neon`, else `nb.history[12]`."""
        return expression(self.library, self.id, self.name)

    @property
    def provider(self) -> str:
        """The provider that ran it."""
        return self.record.provider

    @property
    def inputs(self) -> tuple[InputRecord, ...]:
        """The pictures that were asked with."""
        return self.record.inputs

    @property
    def originals(self) -> tuple[ImageInput, ...]:
        """The pictures that were asked with, as they can be asked with again."""
        return tuple(image_of(record, self.library.store) for record in self.record.inputs)

    @property
    def region(self) -> Area | None:
        """The part of an input that it was about, if one was given: `.words`, `.boxes`, `.mask()`."""
        return self.record.region

    @property
    def cost(self) -> float | None:
        """US dollars, where known; None is unknown, not free."""
        return self.record.cost

    @property
    def seconds(self) -> float | None:
        """How long the service took."""
        return self.record.duration

    @property
    def origin(self) -> str:
        """`made` just now, `replayed` from the store, or `collected`."""
        return self._outcome.origin

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about it for the reader, such as that an input was scaled."""
        return self._outcome.notes

    @property
    def passes(self) -> ResultSet:
        """The edits that led to it by its main picture, and itself: those of a chain, the first pass first."""
        before = [EditResult(self.library, self._asker, Outcome(edit)) for edit in self.library.ancestors(self.record)]
        return ResultSet([*before, self])

    def view(self, label: str | None = None) -> ResultView:
        """Return what to show of it; `label` is what it is called where it is shown."""
        stored = expression(self.library, self.id, nearest=BY_NUMBER)
        shown = view_builders.result_view(self._outcome, self.library, label or self.label, stored)
        if self._indices is None:
            return shown
        pictures = {output.index: one for output, one in zip(self.record.outputs, shown.pictures, strict=True)}
        return replace(shown, pictures=tuple(pictures[index] for index in self._indices))

    def __nbbanana_expression__(self, library: object, edit_id: int) -> Expression | None:
        is_whole = self._indices is None and library is self.library and edit_id == self.id
        return Expression(RESULT, "") if is_whole else None

    def edit(self, prompt: str, *more: Any, **parameters: Any) -> EditResult:
        """Edit its one output further, like `nb.edit`; UsageError where it has none, or more than one."""
        return self.only_output("edit(…)").edit(prompt, *more, **parameters)

    def drift(self, region: Any = None) -> DriftReport:
        """Measure what changed in its one output, like `output.drift`; UsageError where it has none, or several."""
        return self.only_output("drift()").drift(region)

    def protect(self, region: Any = None, *, outside: Any = None, original: Any = None) -> EditResult:
        """Put the original's pixels back into its one output, like `output.protect`."""
        return self.only_output("protect(…)").protect(region, outside=outside, original=original)

    def __nbbanana_image__(self) -> ImageInput:
        return self.only_output("edit(…)").__nbbanana_image__()

    def only_output(self, call: str) -> Output:
        """
        Return its one output.

        Args:
            call: what is to be done with it, as it is written behind it: `edit(…)`.

        Raises:
            UsageError: it has none, or several.
        """
        if len(self) == 1:
            return self[0]
        count = f"{len(self)} outputs" if self else "no output"
        which = f"Say which: {self.label}[{len(self) // 2}].{call}." if self else "Look at its record."
        raise UsageError(f"{self.label} has {count}.", "This is about one picture.", which)

    def save(self, folder: str | Path, *, overwrite: bool = False, sidecar: bool = False) -> list[Path]:
        """
        Write all its outputs into a folder, which is made: `{label}-{index}.{suffix}`.

        Raises:
            UsageError: no folder, or one of the files is there already; nothing is written then.
        """
        place, name = f"{file(folder)}/", exporting.file_name(self.name, self.id)
        targets = [exporting.target_of(place, name, output.index, output.mime) for output in self]
        exporting.check_free(targets, overwrite=overwrite)
        return [output.save(place, overwrite=overwrite, sidecar=sidecar) for output in self]

    def cell(self, name: str | None = None) -> str:
        """Return the `%%nbedit` cell that asks the same."""
        return as_cell(self.record, self.library.store, name or self.name)

    def code(self) -> str:
        """Return the Python that asks the same."""
        return as_code(self.record, self.library.store)

    def curl(self) -> str:
        """Write the same request as a `curl` command for a POSIX shell, which takes the key from its variable."""
        return as_curl(self.record, self.library.model(self.record), self.library.store)

    def known(self, edit: Edit) -> EditResult:
        """Return the same with what was said of its edit since; this one knows it too."""
        self.record, self._outcome = edit, replace(self._outcome, edit=edit)
        return EditResult(self.library, self._asker, self._outcome, self.name, self._indices)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return bundle_of(self.view())

    def _repr_html_(self) -> str:
        return str(bundle_of(self.view())[0]["text/html"])


def _reopened(folder: str, edit_id: int, name: str | None, indices: Sequence[int] | None) -> EditResult:
    """Return a result that was pickled: its store opened to be read, and its id."""
    library = Library(lambda: Store.open(folder, read_only=True))
    return EditResult(library, None, Outcome(library.store.get(edit_id), "replayed"), name, indices)
