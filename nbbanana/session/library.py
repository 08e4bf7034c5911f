"""`Library`: a store and the models of its records, which is all that showing, comparing and exporting need."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from nbbanana import models
from nbbanana.errors import NotInStoreError, UnknownModelError
from nbbanana.models import Model, from_schema
from nbbanana.store import Store
from nbbanana.store.records import Edit

__all__ = ["Library"]


class Library:
    """
    A store, opened on first use, and the models that its records were made with. It asks no service.

    Args:
        open_store: opens the store.
    """

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open = open_store
        self._store: Store | None = None
        self._models: dict[str, Model] = {}
        self._guard = threading.RLock()

    def __repr__(self) -> str:
        return f"<Library {self._store!r}>"

    @property
    def store(self) -> Store:
        """The store cannot do it."""
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
