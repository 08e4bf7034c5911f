"""`EditResult` and `Output`: what came back, as a user holds it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from nbbanana.errors import UsageError
from nbbanana.images import ImageInput
from nbbanana.text import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

    from nbbanana.display.views import ResultView
    from nbbanana.engine.run import Outcome
    from nbbanana.regions import Area
    from nbbanana.session.session import Session
    from nbbanana.store.records import Edit, InputRecord, OutputRecord
    from nbbanana.widgets.viewer import Viewer

__all__ = ["EditResult", "Output", "ResultSet", "Results"]

SUFFIXES = {"image/png": {".png"}, "image/jpeg": {".jpg", ".jpeg"}, "image/webp": {".webp"}}


class Output:
    """
    One image of a result. It can be an input again: pass it to `nb.edit`, or call its own `edit`.

    `width` and `height` are in pixels, `size` is in bytes.
    """

    def __init__(self, result: EditResult, record: OutputRecord) -> None:
        self._result = result
        self._record = record

    def __repr__(self) -> str:
        return one_line(f"<Output {self.label} {self.width}×{self.height} {self.mime}>")

    @property
    def label(self) -> str:
        """What one types to get it."""
        return f"{self._result.label}[{self.index}]"

    @property
    def edit_id(self) -> int:
        """The edit that it belongs to: `nb.history[output.edit_id][output.index]`."""
        return self._result.id

    @property
    def result(self) -> EditResult:
        """The result that it is one image of."""
        return self._result

    @property
    def index(self) -> int:
        """Its place in the result, from 0."""
        return self._record.index

    @property
    def seed(self) -> int | None:
        """The seed that was sent; it belongs to the request, so that outputs of one result share it."""
        return self._result.seed

    @property
    def sha256(self) -> str:
        """SHA-256 of its bytes."""
        return self._record.sha256

    @property
    def mime(self) -> str:
        """Its media type, read from the bytes."""
        return self._record.mime

    @property
    def width(self) -> int:
        """Pixels across."""
        return self._record.width

    @property
    def height(self) -> int:
        """Pixels down."""
        return self._record.height

    @property
    def size(self) -> int:
        """Bytes."""
        return self._record.size

    @property
    def path(self) -> Path:
        """The file in the store; read it, do not change it."""
        return self._result.session.store.blob_path(self._record.sha256)

    @property
    def bytes(self) -> bytes:
        """Its bytes, exactly as they came."""
        return self.path.read_bytes()

    @property
    def pil(self) -> Image:
        """It as a PIL image, decoded anew at each access."""
        from nbbanana.images import open_safely

        return open_safely(self.path)

    @property
    def has_content_credentials(self) -> bool:
        """Whether the file is signed with Content Credentials (C2PA); they are found here, not verified."""
        from nbbanana.store.provenance import has_content_credentials

        return has_content_credentials(self.bytes)

    def save(self, path: str | Path, *, sidecar: bool = False, embed: bool = False) -> Path:
        """
        Write its bytes to a file: exactly as they came, unless `embed` says otherwise.

        Args:
            path: where to; without a suffix it gets the one of its type.
            sidecar: also write `<name>.<suffix>.json` with the record.
            embed: write a copy that has the request inside. Its pixels are the same, its bytes are not. What it
                cost and what you said about it, such as a note, stay out.

        Raises:
            UsageError: a suffix that names another type: nothing is converted behind your back. Or `embed` for a file
                that is signed, or of a type that cannot hold a record; nothing is written then.
        """
        target = self._target(path)
        if embed:
            from nbbanana.store.provenance import embedded_copy

            target.write_bytes(embedded_copy(self.bytes, self._result.record, self.index))
        else:
            shutil.copyfile(self.path, target)
        if sidecar:
            from nbbanana.store.provenance import sidecar as text_of
            from nbbanana.store.provenance import sidecar_path

            record = self._result.session.store.get(self.edit_id)  # with what was said of it since
            sidecar_path(target).write_text(text_of(record, self.index), encoding="utf-8")
        return target

    def _target(self, path: str | Path) -> Path:
        target = Path(path).expanduser()
        fitting = SUFFIXES.get(self.mime, {target.suffix.lower()})
        if not target.suffix:
            target = target.with_suffix(min(fitting))
        if target.suffix.lower() not in fitting:
            raise UsageError(
                f"{target.name} would hold {self.mime} under the suffix {target.suffix}.",
                "save() writes the bytes as they came.",
                f"Use {min(fitting)}, or .pil.save({target.name!r}) to convert it.",
            )
        return target

    def view(self) -> Viewer:
        """See it large in a cell: whole or with its true pixels, beside its words, its input while Space is held."""
        from nbbanana.widgets.viewer import view

        return view(self)

    def edit(self, prompt: str, *more: Any, **parameters: Any) -> EditResult:
        """Edit it further: like `nb.edit`, with this picture first."""
        return self._result.session.edit(prompt, self, *more, **parameters)

    def __nbbanana_image__(self) -> ImageInput:
        return ImageInput(
            name=self.label,
            identity=f"sha256:{self.sha256}",
            width=self.width,
            height=self.height,
            source=self.bytes,
            is_sandbox=self._result.provider == "sandbox",
            remote_url=self._record.url,
            remote_provider=self._result.provider,
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        from nbbanana.session.views import output_view

        return _bundle(output_view(self), include, exclude)


class EditResult(Sequence[Output]):
    """
    What came back: a sequence of outputs that shows itself as a grid.

    A result is data with the session that it came from: `result[0]` is an `Output`, `result.record` the record.
    """

    def __init__(self, session: Session, outcome: Outcome, name: str | None = None) -> None:
        self.session = session
        self.name = name
        self._outcome = outcome
        self._outputs = tuple(Output(self, record) for record in outcome.edit.outputs)

    def __repr__(self) -> str:
        return one_line(f"<EditResult {self.label} n={len(self)} model={self.model} seed={self.seed} {self.origin}>")

    def __len__(self) -> int:
        return len(self._outputs)

    @overload
    def __getitem__(self, index: int) -> Output: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Output]: ...
    def __getitem__(self, index: int | slice) -> Output | Sequence[Output]:
        return self._outputs[index]

    def __iter__(self) -> Iterator[Output]:
        return iter(self._outputs)

    @property
    def record(self) -> Edit:
        """The record in the store."""
        return self._outcome.edit

    @property
    def id(self) -> int:
        """The store's stable id: `nb.history[id]`."""
        return self.record.id

    @property
    def label(self) -> str:
        """What one types to get it."""
        return self.name or f"history[{self.id}]"

    @property
    def prompt(self) -> str:
        """The words that were sent."""
        return self.record.prompt

    @property
    def seed(self) -> int | None:
        """The seed that was sent."""
        return self.record.seed

    @property
    def model(self) -> str:
        """The endpoint."""
        return self.record.model

    @property
    def provider(self) -> str:
        """Who ran it."""
        return self.record.provider

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What was set, the prompt among them."""
        return self.record.parameters

    @property
    def inputs(self) -> tuple[InputRecord, ...]:
        """The pictures that were asked with."""
        return self.record.inputs

    @property
    def originals(self) -> tuple[ImageInput, ...]:
        """The pictures that were asked with, as they can be asked with again."""
        from nbbanana.session.again import image_of

        return tuple(image_of(record, self.session.store) for record in self.record.inputs)

    @property
    def region(self) -> Area | None:
        """The part of an input that it was about, where somebody said: `.words`, `.boxes`, `.mask()`."""
        return self.record.region

    @property
    def cost(self) -> float | None:
        """US dollars, where the service told; None is unknown, not free."""
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
        """What the reader should know of it."""
        return self._outcome.notes

    def view(self, label: str | None = None) -> ResultView:
        """What to show of it; `label` is what it is called where it is shown."""
        from nbbanana.session.views import result_view

        return result_view(self, label or self.label)

    def edit(self, prompt: str, *more: Any, **parameters: Any) -> EditResult:
        """
        Edit its one output further: like `nb.edit`, with that picture first.

        Raises:
            UsageError: it has no output, or more than one.
        """
        return self._only_output().edit(prompt, *more, **parameters)

    def __nbbanana_image__(self) -> ImageInput:
        return self._only_output().__nbbanana_image__()

    def _only_output(self) -> Output:
        if len(self) == 1:
            return self[0]
        count = f"{len(self)} outputs" if self else "no output"
        which = f"Say which: {self.label}[{len(self) // 2}].edit(…)." if self else "Look at its record."
        raise UsageError(f"{self.label} has {count}.", "One picture is edited further.", which)

    def rerun(self, *, mode: str = "fresh") -> EditResult:
        """The same request again: a new sample, also where the seed was given."""
        return self.session.resubmit(self.record, mode=mode).result()

    def vary(self, seeds: Iterable[int]) -> ResultSet:
        """The same request with other seeds, all at once."""
        jobs = [self.session.resubmit(self.record, seed=seed) for seed in seeds]
        return ResultSet([job.result() for job in jobs])

    def annotate(
        self,
        *,
        starred: bool | None = None,
        rejected: bool | None = None,
        note: str | None = None,
        add_tags: Iterable[str] = (),
        remove_tags: Iterable[str] = (),
    ) -> EditResult:
        """Say what you think of it; None and nothing leave as it is. Returns it with what was said."""
        edit = self.session.store.annotate(
            self.id, starred=starred, rejected=rejected, note=note, add_tags=add_tags, remove_tags=remove_tags
        )
        return EditResult(self.session, replace(self._outcome, edit=edit), self.name)

    def star(self) -> EditResult:
        """Mark it as one to come back to."""
        return self.annotate(starred=True)

    def reject(self) -> EditResult:
        """Mark it as one to leave behind; it stays in the store."""
        return self.annotate(rejected=True)

    def cell(self, name: str | None = None) -> str:
        """The `%%nbedit` cell that asks the same."""
        from nbbanana.session.again import as_cell

        return as_cell(self.record, self.session.store, name or self.name)

    def code(self) -> str:
        """The Python that asks the same."""
        from nbbanana.session.again import as_code

        return as_code(self.record, self.session.store)

    def curl(self) -> str:
        """
        The same request as a `curl` command for a POSIX shell; it takes the token from `$RUNCOMFY_TOKEN`.

        Raises:
            NotInStoreError: a picture of it is not in the store.
        """
        from nbbanana.session.curl import as_curl
        from nbbanana.settings import Endpoints

        model = self.session.model_of(self.model)
        return as_curl(self.record, model, self.session.store, Endpoints.from_environment().model_api)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return _bundle(self.view(), include, exclude)

    def _repr_html_(self) -> str:
        return str(_bundle(self.view(), {"text/html"}, None)[0]["text/html"])


class Results(Sequence[EditResult]):
    """Several results in an order."""

    def __init__(self, results: Sequence[EditResult]) -> None:
        self._results = tuple(results)

    def __len__(self) -> int:
        return len(self._results)

    @overload
    def __getitem__(self, index: int) -> EditResult: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EditResult]: ...
    def __getitem__(self, index: int | slice) -> EditResult | Sequence[EditResult]:
        return self._results[index]


class ResultSet(Results):
    """Several results of one question, such as with several seeds; shows itself as one grid."""

    def __repr__(self) -> str:
        return f"<ResultSet of {len(self)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        from nbbanana.session.views import set_view

        if not self._results:
            return {"text/plain": repr(self)}, {}
        return _bundle(set_view(self._results), include, exclude)


def _bundle(view: ResultView, include: Any, exclude: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    from nbbanana.display import bundle
    from nbbanana.settings import settings

    data, metadata = bundle(view, budget=settings().max_output_bytes or None)
    kept = {
        mime: value
        for mime, value in data.items()
        if (not include or mime in include) and not (exclude and mime in exclude)
    }
    return kept, {mime: value for mime, value in metadata.items() if mime in kept or mime not in data}
