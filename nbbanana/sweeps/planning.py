"""From the arguments of a sweep to its plan: axes told from values, each cell checked, the framing locked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from nbbanana.errors import InputError, PromptError, UsageError
from nbbanana.images import ImageInput
from nbbanana.models.framing import ratio_of
from nbbanana.prompts import Prompt
from nbbanana.session import Session
from nbbanana.session.call_args import settled
from nbbanana.sweeps.axes import Axis, Combine, Point, axes_of, combined, is_series, points_of_rows
from nbbanana.sweeps.cells import Cell, seeded
from nbbanana.sweeps.checking import Checker
from nbbanana.sweeps.lookups import check_replacements
from nbbanana.sweeps.plan import Plan
from nbbanana.sweeps.prompting import check_names, check_values, check_words, filled, placeholders, replaced

__all__ = ["planned"]


def planned(
    session: Session,
    prompt: Any,
    images: Sequence[Any],
    given: Mapping[str, Any],
    *,
    combine: Combine = "product",
    rows: Any = None,
    replace: Mapping[str, Any] | None = None,
    lock: bool | None = None,
    region: Any = None,
    checks_names: bool = True,
) -> Plan:
    """
    Return the plan of a sweep; sends nothing.

    Args:
        session: checks what is asked.
        prompt: the words, or several of them.
        images: the pictures of every cell, after the one of the axis `images`.
        given: `images`, `model`, `provider`, `n`, parameters and values of placeholders; several values are an axis.
        combine: `product` or `zip`.
        rows: a table whose rows are the cells.
        replace: words to search for in the prompt, and what stands in their place, cell by cell.
        lock: have all outputs one shape; None does it where the pictures vary and no shape is set.
        region: the part of a picture that all are about.
        checks_names: whether a placeholder that has no value is an error.

    Raises:
        UsageError: axes that cannot be combined.
        PromptError: no words, or words to be replaced that are not there.
        InputError: no cell can be asked; it is the reason of the first.
    """
    check_replacements(replace)
    words = dict(replace or {})
    same, axes = axes_of({**({} if prompt is None else {"prompt": _words(prompt)}), **given})
    searched = _searched(words)
    points = combined([*axes, *searched], combine)
    of_rows: list[Axis] = []
    if rows is not None:
        of_rows, row_points = points_of_rows(rows)
        points = [{**row, **point} for row in row_points for point in points]
    every = [*of_rows, *axes, *searched]
    _check_axes(every)
    varied = [value for axis in every if axis.name == "prompt" for value in axis.values]
    prompts = [_checked(one) for one in varied or [same.get("prompt")]]
    check_words(prompts, [axis.name for axis in searched])
    if checks_names:
        check_names(prompts, [*same, *(axis.name for axis in every)])
    names = placeholders(prompts)
    check_values({axis.name: axis.values for axis in every if axis.name in names})
    check_values({name: (same[name],) for name in names if name in same})
    makes = _Cells(
        session, _Same(same, tuple(settled(images)), frozenset(words), region, names, is_strict=checks_names)
    )
    cells, locks = makes.all(points, lock=lock)
    _check_possible(cells)
    return Plan(tuple(every), tuple(cells), locks, tuple(prompts))


@dataclass(frozen=True, slots=True)
class _Same:
    """What is the same in all cells: values, pictures, the words that are searched for, region and placeholders."""

    values: Mapping[str, Any]
    images: tuple[Any, ...]
    searched: frozenset[str]
    region: Any
    names: frozenset[str]
    is_strict: bool
    """Whether a placeholder that has no value in a cell is an error."""


class _Cells:
    """Makes the cells of a sweep; a picture is loaded once, however many cells have it."""

    def __init__(self, session: Session, same: _Same) -> None:
        self._session, self._same = session, same
        self._checker = Checker(session, same.region)
        self._names: dict[tuple[str | None, str | None], frozenset[str]] = {}
        self._loaded: dict[int, tuple[ImageInput, ...]] = {}
        self._common = session.load(same.images) if same.images else ()

    def all(self, points: Sequence[Point], *, lock: bool | None) -> tuple[list[Cell], dict[str, Any]]:
        """Return all cells, and the parameters that were locked for all of them."""
        asks = [self._ask(point) for point in points]
        locks = self._locks(asks) if (lock if lock is not None else _varies(points, "images")) else {}
        seen: Counter[tuple[str | None, str]] = Counter()
        return [
            self._cell(number, point, ask, locks, seen)
            for number, (point, ask) in enumerate(zip(points, asks, strict=True))
        ], locks

    def _ask(self, point: Point) -> dict[str, Any]:
        """Return what a cell asks with: words, pictures, model, provider, count and parameters."""
        values = {**self._same.values, **{name: value for name, (value, _) in point.items()}}
        changes = {word: str(values.pop(word)) for word in self._same.searched if word in values}
        fills = {name: values[name] for name in self._same.names if name in values}
        prompt = filled(replaced(values.pop("prompt"), changes), fills)
        if self._same.is_strict and (empty := placeholders([prompt]) & self._same.names - set(fills)):
            raise _without_a_value(min(empty), point)
        pictures = self._pictures(values.pop("images", None))
        how = {name: values.pop(name, None) for name in ("model", "provider", "n")}
        known = self._names_at(how["model"], how["provider"])
        parameters = {name: value for name, value in values.items() if name not in fills or name in known}
        return {"prompt": prompt, "images": (*pictures, *self._common), **how, "parameters": parameters}

    def _names_at(self, model: str | None, provider: str | None) -> frozenset[str]:
        """Return the parameters of a model; looked up once for all its cells."""
        if (model, provider) not in self._names:
            options = self._session.model_at(model, provider).options
            self._names[model, provider] = frozenset({"aspect_ratio", "resolution", *(one.name for one in options)})
        return self._names[model, provider]

    def _pictures(self, value: Any) -> tuple[ImageInput, ...]:
        if value is None:
            return ()
        if id(value) not in self._loaded:
            self._loaded[id(value)] = self._session.load(settled(value if is_series(value) else [value]))
        return self._loaded[id(value)]

    def _locks(self, asks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """
        Return the shape and the size that all outputs are given where nobody set them: the shape that most pictures
        have, and the size that the model takes by itself.
        """
        model = self._session.model_at(asks[0]["model"], asks[0]["provider"])
        fields = {field.name: field for field in model.options}
        locks: dict[str, Any] = {}
        if (shape := fields.get("aspect_ratio")) and not any("aspect_ratio" in ask["parameters"] for ask in asks):
            found = _commonest([ask["images"][0] for ask in asks if ask["images"]], shape.enum)
            locks |= {"aspect_ratio": found} if found else {}
        if (size := fields.get("resolution")) and not any("resolution" in ask["parameters"] for ask in asks):
            locks |= {"resolution": size.default} if size.default in size.enum else {}
        return locks

    def _cell(
        self,
        number: int,
        point: Point,
        ask: Mapping[str, Any],
        locks: Mapping[str, Any],
        seen: Counter[tuple[str | None, str]],
    ) -> Cell:
        cell = Cell(
            number,
            {name: called for name, (_, called) in point.items()},
            {name: value for name, (value, _) in point.items()},
            provider=ask["provider"],
        )
        try:
            request = self._checker.request(ask, {**locks, **ask["parameters"]})
        except InputError as error:
            return replace(cell, error=error)
        sample = 0 if request.is_seeded else seen[ask["provider"], request.ask]
        seen[ask["provider"], request.ask] += 1
        return replace(cell, request=seeded(request, sample), sample=sample)


def _check_possible(cells: Sequence[Cell]) -> None:
    """
    Check that each value of each axis can be asked in one cell at least: else it is a slip, and not a meeting of two.

    Raises:
        InputError: why a value cannot be asked.
    """
    possible = {place for cell in cells if cell.error is None for place in cell.at.items()}
    for cell in cells:
        if cell.error is not None and (not cell.at or any(place not in possible for place in cell.at.items())):
            raise cell.error


def _searched(words: Mapping[str, Any]) -> list[Axis]:
    """Return the axes of words that are replaced."""
    axes = axes_of(words)[1]
    if short := sorted(set(words) - {axis.name for axis in axes}):
        raise UsageError(
            f"replace has one value for {short[0]!r:.60}.",
            "Words are replaced by several others, a cell each.",
            f"replace={{{short[0]!r:.60}: ['…', '…']}}. To keep it as it is in a cell, name it among them.",
        )
    return axes


def _without_a_value(name: str, point: Point) -> UsageError:
    where = ", ".join(f"{axis} {called}" for axis, (_, called) in point.items())
    return UsageError(
        f"{{{{{name}}}}} has no value in a cell{f' ({where})' if where else ''}.",
        "Braces would be sent to the service.",
        f"Give each row a {name}, or leave the row out.",
    )


def _commonest(pictures: Sequence[ImageInput], words: Sequence[Any]) -> Any:
    """Return the word for the shape that most pictures are nearest to; None where none can be told."""
    shapes = {word: ratio for word in words if isinstance(ratio := ratio_of(word), Fraction)}
    sizes = [(one.width, one.height) for one in pictures if one.width and one.height]
    if not shapes or not sizes:
        return None

    def nearest(size: tuple[int, int]) -> Any:
        ratio = size[0] / size[1]
        return min(shapes, key=lambda word: max(ratio / float(shapes[word]), float(shapes[word]) / ratio))

    return Counter(map(nearest, sizes)).most_common(1)[0][0]


def _words(prompt: Any) -> Any:
    return [_checked(one) for one in prompt] if is_series(prompt) else _checked(prompt)


def _varies(points: Sequence[Point], name: str) -> bool:
    return len({point[name][1] for point in points if name in point}) > 1


def _checked(prompt: Any) -> str:
    """Return the words of a prompt; of one in parts, its lines, which are composed when all placeholders are filled."""
    if not isinstance(prompt, str) or not prompt.strip():
        raise PromptError("There is no prompt.", "A request needs words.", "Say what to keep and what to change.")
    return prompt.lines if isinstance(prompt, Prompt) else prompt


def _check_axes(axes: Sequence[Axis]) -> None:
    twice = next((name for name, count in Counter(axis.name for axis in axes).items() if count > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} varies twice.", "An axis is given once.", "Leave one of the two out.")
