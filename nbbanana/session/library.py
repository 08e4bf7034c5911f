"""
What results and the history hold: a store, of a folder or a bundle, with its models; what asks further; and names.

A name is what a caption calls an edit: an expression that gives it when it is typed into a cell. A variable of the user
that holds the result comes first, then an item of a set of results, then the history of a session that a variable
holds, then that of the module by the name that the user imported it under.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from nbbanana import models
from nbbanana.errors import BundleError, ConfigError, ImageNotFoundError, NotInStoreError, UnknownModelError, translated
from nbbanana.images import ImageInput, load_all
from nbbanana.models import Model, from_schema
from nbbanana.session.reproduce import image_of
from nbbanana.settings import Guarded, cache_dir
from nbbanana.store import Store
from nbbanana.store.blobs import hash_file
from nbbanana.store.bundles import merge
from nbbanana.store.records import Edit

__all__ = [
    "BY_NUMBER",
    "ITEM",
    "RESULT",
    "SESSION",
    "Asker",
    "Expression",
    "Library",
    "Recorded",
    "expression",
    "holders",
    "is_bundle",
    "load_or_recall",
    "open_store",
    "refuse_writing",
    "shell",
    "variable_of",
]


DEEPEST = 100
"""So many edits that led to one are followed at most."""


class Recorded:
    """What has a record: the base of `EditResult` and of `Recovered`."""

    record: Edit
    """The record in the store."""

    @property
    def prompt(self) -> str:
        """The prompt."""
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
    def parameters(self) -> Mapping[str, Any]:
        """What was set, the prompt among them."""
        return self.record.parameters


class Asker(Protocol):
    """The part of a session that results and the history need: to edit, to resubmit, to collect, to write down."""

    used: dict[int, None]
    last: Any

    @property
    def mode(self) -> str:
        """`auto`, `fresh` or `replay`."""

    def load(self, images: Iterable[Any]) -> tuple[ImageInput, ...]:
        """Load pictures."""

    def local(self, made: Edit, blobs: Iterable[bytes] = (), note: str = "") -> Any:
        """Return the result of an edit that was made here; one without a number is written down first."""

    def edit(self, prompt: str, *images: Any, **how: Any) -> Any:
        """Ask for an edit and wait for it."""

    def collect(self, edits: Sequence[Edit]) -> list[Any]:
        """Take accepted jobs up again; returns them."""

    def resubmit(
        self,
        edit: Edit,
        *,
        mode: str = "auto",
        seed: int | None = None,
        n: int | None = None,
        **how: Any,
    ) -> Any:
        """Ask again what a record asked; returns its job."""

    def resubmit_all(
        self,
        edit: Edit,
        seeds: Sequence[int],
        *,
        provider: str = "",
        model: str | None = None,
        without: Iterable[str] = (),
        max_price: float | None = None,
        assume_price: float | None = None,
    ) -> Any:
        """Ask again what a record asked, with each of these seeds, and wait for all."""


class Library(Guarded):
    """
    A store, opened on first use, and the models that its records were made with. It asks no service.

    Args:
        open_store: opens the store.
    """

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open = open_store
        self._store: Store | None = None
        self._models: dict[str, Model] = {}
        super().__init__()

    def __repr__(self) -> str:
        return f"<Library {self._store!r}>"

    @property
    def store(self) -> Store:
        """The store, opened on first use."""
        with self._guard:
            if self._store is None:
                self._store = self._open()
            return self._store

    def close(self) -> None:
        """Close the store; it is opened again when it is needed."""
        with self._guard:
            if self._store is not None:
                self._store.close()
            self._store = None

    def model(self, edit: Edit) -> Model:
        """
        Return the model of a record, by the schema that was kept with it.

        A record without a schema has the shipped one of its model; one of a model that is not shipped is shown by
        its parameters alone.
        """
        key = edit.schema_hash or edit.model
        with self._guard:
            if key not in self._models:
                self._models[key] = self._model(edit)
            return self._models[key]

    def model_by_id(self, model_id: str) -> Model:
        """
        Return a model by its id: the shipped one, else as the newest record here has it.

        Raises:
            UnknownModelError: it is not shipped, and no record of it keeps a schema.
        """
        try:
            return models.get(model_id)
        except UnknownModelError:
            for edit in self.store.filter(model=model_id, limit=1):
                if edit.schema_hash is not None:
                    return self.model(edit)
            raise

    def blob(self, sha256: str | None) -> Path | None:
        """Return the file with these bytes; None where it is not in the store."""
        return self.store.blob_path(sha256) if sha256 is not None and self.store.has_blob(sha256) else None

    def ancestors(self, edit: Edit) -> list[Edit]:
        """Return the edits that led to this one by its main picture, the first one first, without itself."""
        found: list[Edit] = []
        while len(found) < DEEPEST and (before := self._before(edit)) is not None:
            found.insert(0, before)
            edit = before
        return found

    def _before(self, edit: Edit) -> Edit | None:
        """Return the newest edit before this one that made its main picture, if it is one of these records."""
        main = edit.inputs[-1:] if edit.is_local else edit.inputs[:1]  # what was made here began with the edited one
        kind, _, digest = main[0].identity.partition(":") if main else ("", "", "")
        made = self.store.by_output(digest) if kind == "sha256" else []
        return next((one for one in made if one.id < edit.id), None)

    def _model(self, edit: Edit) -> Model:
        try:
            shipped: Model | None = models.get(edit.model)
        except UnknownModelError:
            shipped = None
        if edit.schema_hash is not None:
            try:
                schema = self.store.schema(edit.schema_hash)
            except NotInStoreError:
                schema = None
            if schema is not None and (shipped is None or schema != shipped.schema):
                return from_schema(edit.model, schema)
        return shipped or from_schema(edit.model, {"properties": {name: {} for name in edit.parameters}})


def is_bundle(path: Path) -> bool:
    """Return whether a store's place is a bundle: a zip file by its name."""
    return path.suffix.lower() == ".zip" and not path.is_dir()


def refuse_writing(place: Path, mode: str) -> None:
    """
    Refuse to ask a service where the answer could not be kept.

    Raises:
        ConfigError: the place is a bundle.
    """
    if is_bundle(place):
        raise ConfigError(
            f"{place.name} is a bundle, and a bundle is only read.",
            f"The mode is {mode}, which may write.",
            "Merge it into a store: nb.history.merge(…), or use mode='replay'.",
        )


def open_store(path: Path, *, read_only: bool = False) -> Store:
    """
    Open a store's folder or a bundle; read-only, nothing in a folder is made or changed.

    Raises:
        StoreError, BundleError: it cannot be read.
    """
    return _open_bundle(path, read_only=read_only) if is_bundle(path) else Store.open(path, read_only=read_only)


def _open_bundle(path: Path, *, read_only: bool) -> Store:
    """
    Return the edits of a bundle as a store in the cache, unpacked once for each content.

    A notebook that is replayed may star what it shows: without `read_only` the copy in the cache takes that.

    Raises:
        BundleError: not there, or not to be trusted.
    """
    place = cache_dir() / "bundles" / _digest(path)
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=place.parent))
        try:
            with Store.open(beside) as store:
                merge(store, path, keep_ids=True)
            _rename(beside, place)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return Store.open(place, read_only=read_only)


def _rename(beside: Path, place: Path) -> None:
    try:
        beside.rename(place)
    except OSError:
        # Another kernel unpacked the same bundle meanwhile; its folder has the same content.
        if not place.is_dir():
            raise


def _digest(path: Path) -> str:
    with translated(
        OSError,
        lambda error: BundleError(f"The bundle {path.name} cannot be read.", f"{error.strerror}.", "Check its name."),
    ):
        return hash_file(path)


def load_or_recall(sources: Iterable[Any], store: Store) -> tuple[ImageInput, ...]:
    """
    Load pictures; a file that is not here is taken from the store by its name, the one used first if several had it.

    Raises:
        ImageError: one that can neither be loaded nor is known to the store.
    """
    found: list[ImageInput] = []
    for source in sources:
        try:
            found += load_all([source])
        except ImageNotFoundError:
            record = _recalled(source, store)
            if record is None:
                raise
            found.append(record)
    return tuple(found)


def _recalled(source: Any, store: Store) -> ImageInput | None:
    if not isinstance(source, str | Path):
        return None
    name = Path(source).name
    edits = store.filter(input=name, limit=100)
    records = [record for edit in reversed(edits) for record in (*edit.inputs, *edit.masks) if record.name == name]
    return image_of(records[0], store) if records else None


PACKAGE = "nbbanana"
RESULT, ITEM, BY_NUMBER, SESSION, MODULE = range(5)
"""How near a way to an edit is; from `BY_NUMBER` on it is the edit's number in a history."""


class Expression(NamedTuple):
    """
    A way to an edit from the value of a variable: how near it is, and what stands behind the variable's name.

    A result, several of them, a history and a session give theirs by `__nbbanana_expression__(library, edit_id)`; None
    where there is none.
    """

    rank: int
    rest: str


def expression(
    library: object,
    edit_id: int,
    preferred: str | None = None,
    nearest: int = RESULT,
    among: Sequence[tuple[str, object]] | None = None,
) -> str:
    """
    Return an expression for an edit that works in the user's next cell.

    Args:
        library: the library that the edit is of.
        edit_id: its number.
        preferred: the variable to name where several hold it. Where there are no cells, as in a script, it is taken
            as it is.
        nearest: the nearest way to take; `BY_NUMBER` names the edit by its number.
        among: what `holders` gave, for many edits at once; None looks now.
    """
    found = [
        (at.rank, name != preferred, place, f"{name}{at.rest}")
        for place, (name, value) in enumerate(holders() if among is None else among)
        if (at := _way(value, library, edit_id)) is not None and at.rank >= nearest
    ]
    if found:
        return min(found)[-1]
    if preferred and nearest == RESULT and shell() is None:
        return preferred
    return f"{PACKAGE}.history[{edit_id}]"


def holders() -> list[tuple[str, object]]:
    """Return the user's variables through which edits can be had."""
    module = sys.modules.get(PACKAGE)
    # By their class: a stranger's object may answer to any attribute, and take its time.
    return [
        (name, value)
        for name, value in _variables()
        if value is module or hasattr(type(value), "__nbbanana_expression__")
    ]


def variable_of(value: object) -> str | None:
    """Return the variable that holds this very value; None where none does."""
    return next((name for name, held in _variables() if held is value), None)


def _way(value: Any, library: object, edit_id: int) -> Expression | None:
    if value is sys.modules.get(PACKAGE):
        return Expression(MODULE, f".history[{edit_id}]")
    way: Expression | None = value.__nbbanana_expression__(library, edit_id)
    return way


def _variables() -> Iterator[tuple[str, Any]]:
    """Yield the user's variables, without those that IPython keeps results in."""
    here = shell()
    namespace: Mapping[str, Any] = vars(sys.modules["__main__"]) if here is None else here.user_ns
    for name, value in list(namespace.items()):
        if not name.startswith("_"):
            yield name, value


def shell() -> Any:
    """Return IPython's shell, where this process has one; None elsewhere."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if get_ipython is None else get_ipython()
