"""Several results together, and what a result asks further with: the parts of `results` that know no result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeVar, overload

from nbbanana.display.views import ResultView
from nbbanana.session import view_builders
from nbbanana.store.records import Edit

__all__ = ["Asker", "Pending", "ResultSet", "Results", "bundle_of"]

Result_co = TypeVar("Result_co", covariant=True)


class Pending(Protocol):
    """A request under way."""

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the result."""
        ...


class Asker(Protocol):
    """The part of a session that results need: to edit and to resubmit."""

    def edit(self, prompt: str, *images: Any, **how: Any) -> Any:
        """Ask for an edit and wait for it."""
        ...

    def resubmit(
        self, edit: Edit, *, mode: str = "auto", seed: int | None = None, assume_price: float | None = None
    ) -> Pending:
        """Ask again what a record asked."""
        ...


class Results(Sequence[Result_co]):
    """Several results in an order; a slice of them is of the same kind and shows itself."""

    def __init__(self, results: Sequence[Any]) -> None:
        self._results = tuple(results)

    def __len__(self) -> int:
        return len(self._results)

    @overload
    def __getitem__(self, index: int) -> Result_co: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Result_co | Self:
        return self._part(self._results[index]) if isinstance(index, slice) else self._results[index]

    def _part(self, results: Sequence[Any]) -> Self:
        return type(self)(results)


class ResultSet(Results[Any]):
    """Several results of one question, such as with several seeds; shows itself as one grid."""

    def __repr__(self) -> str:
        return f"<ResultSet of {len(self)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        if not self._results:
            return {"text/plain": repr(self)}, {}
        return bundle_of(
            view_builders.set_view([(result.view(), result.origin, result.record) for result in self]), include, exclude
        )


def bundle_of(view: ResultView, include: Any, exclude: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the MIME bundle of a view, of the types that IPython asks for, and its metadata."""
    from nbbanana.display import bundle
    from nbbanana.settings import settings

    data, metadata = bundle(view, budget=settings().max_output_bytes or None)
    kept = {
        mime: value
        for mime, value in data.items()
        if (not include or mime in include) and not (exclude and mime in exclude)
    }
    return kept, {mime: value for mime, value in metadata.items() if mime in kept or mime not in data}
