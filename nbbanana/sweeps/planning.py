"""From the arguments of a sweep to its plan: its words filled and replaced, each cell checked, the framing locked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from nbbanana.errors import InputError, PromptError, UsageError
from nbbanana.grammar import read_words
from nbbanana.images import ImageInput
from nbbanana.models import AUTO
from nbbanana.models.checking import nearest_name
from nbbanana.models.framing import ratio_of
from nbbanana.prompts import Prompt
from nbbanana.prompts.prompting import fits, names_in, normal
from nbbanana.request import EditRequest
from nbbanana.session import Session
from nbbanana.session.call_args import settled
from nbbanana.sweeps.plan import (
    Axis,
    Cell,
    Combine,
    Plan,
    Point,
    axes_of,
    combined,
    is_series,
    key_of,
    points_of_rows,
    seeded,
)
from nbbanana.text import clip

__all__ = ["check_names", "check_words", "filled", "places", "planned", "replaced"]

_BRACES = re.compile(r"(?P<escaped>\{\{\{\{)|\{\{(?!\{)\s*(?P<name>\w+)\s*\}\}")
SEED = "seed"
"""What models call it; one that calls it otherwise has its cells checked one by one."""


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
    searched = _searched(replace)
    if prompt is not None:
        words = [_checked(one) for one in prompt] if is_series(prompt) else _checked(prompt)
        given = {"prompt": words, **given}
    same, axes = axes_of(given)
    points = combined([*axes, *searched], combine)
    of_rows: list[Axis] = []
    if rows is not None:
        of_rows, row_points = points_of_rows(rows)
        points = [{**row, **point} for row in row_points for point in points]
    every = [*of_rows, *axes, *searched]
    twice = next((name for name, count in Counter(axis.name for axis in every).items() if count > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} varies twice.", "An axis is given once.", "Leave one of the two out.")
    varied = [value for axis in every if axis.name == "prompt" for value in axis.values]
    prompts = [_checked(one) for one in varied or [same.get("prompt")]]
    replaces = [axis.name for axis in searched]
    check_words(prompts, replaces)
    if checks_names:
        check_names(prompts, [*same, *(axis.name for axis in every)])
    names = placeholders(prompts)
    check_values({axis.name: axis.values for axis in every if axis.name in names})
    check_values({name: (same[name],) for name in names if name in same})
    common = session.load(settled(images)) if images else ()
    cells, locks = _Cells(session, region, same, common, replaces, names, is_strict=checks_names).all(points, lock=lock)
    _check_possible(cells)
    return Plan(tuple(every), tuple(cells), locks, tuple(prompts))


@dataclass(slots=True, eq=False)
class _Cells:
    """
    Makes the cells of a sweep; a picture is loaded once, however many cells have it.

    Most of what a request costs to make is reading its words: the lint, and which model they speak for. A seed changes
    none of that, so cells that differ in their seed alone are checked once but for that.

    Args:
        session: checks what is asked.
        region: the part of a picture that all are about.
        same: the values that all have.
        common: the pictures that all have, loaded.
        searched: the words that are replaced.
        names: of the placeholders.
        is_strict: whether a placeholder that has no value in a cell is an error.
    """

    session: Session
    region: Any
    same: Mapping[str, Any]
    common: tuple[ImageInput, ...]
    searched: Sequence[str]
    names: frozenset[str]
    is_strict: bool
    _options: dict[tuple[str | None, str | None], frozenset[str]] = field(default_factory=dict)
    _loaded: dict[int, tuple[ImageInput, ...]] = field(default_factory=dict)
    _requests: dict[tuple[object, ...], EditRequest] = field(default_factory=dict)

    def all(self, points: Sequence[Point], *, lock: bool | None) -> tuple[list[Cell], dict[str, Any]]:
        """Return all cells, and the parameters that were locked for all of them."""
        asks = [self._ask(point) for point in points]
        if lock is None:  # where the pictures vary
            lock = len({point["images"][1] for point in points if "images" in point}) > 1
        locks = self._locks(asks) if lock else {}
        seen: Counter[tuple[str | None, str]] = Counter()
        return [
            self._cell(number, point, ask, locks, seen)
            for number, (point, ask) in enumerate(zip(points, asks, strict=True))
        ], locks

    def _ask(self, point: Point) -> dict[str, Any]:
        """Return what a cell asks with: words, pictures, model, provider, count and parameters."""
        values = {**self.same, **{name: value for name, (value, _) in point.items()}}
        changes = {word: str(values.pop(word)) for word in self.searched if word in values}
        fills = {name: values[name] for name in self.names if name in values}
        prompt = filled(replaced(values.pop("prompt"), changes), fills)
        if self.is_strict and (empty := placeholders([prompt]) & self.names - set(fills)):
            raise _without_a_value(min(empty), point)
        pictures = self._pictures(values.pop("images", None))
        how = {name: values.pop(name, None) for name in ("model", "provider", "n")}
        known = self._options_at(how["model"], how["provider"])
        parameters = {name: value for name, value in values.items() if name not in fills or name in known}
        return {"prompt": prompt, "images": (*pictures, *self.common), **how, "parameters": parameters}

    def _options_at(self, model: str | None, provider: str | None) -> frozenset[str]:
        """Return the parameters of a model; looked up once for all its cells."""
        if (model, provider) not in self._options:
            options = self.session.model_at(model, provider).options
            self._options[model, provider] = frozenset({"aspect_ratio", "resolution", *(one.name for one in options)})
        return self._options[model, provider]

    def _pictures(self, value: Any) -> tuple[ImageInput, ...]:
        if value is None:
            return ()
        if id(value) not in self._loaded:
            self._loaded[id(value)] = self.session.load(settled(value if is_series(value) else [value]))
        return self._loaded[id(value)]

    def _locks(self, asks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """
        Return the shape and the size that all outputs are given where nobody set them: the shape that most pictures
        have, and the size that the model takes by itself.
        """
        model = self.session.model_at(asks[0]["model"], asks[0]["provider"])
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
            request = self._request(ask, {**locks, **ask["parameters"]})
        except InputError as error:
            return replace(cell, error=error)
        sample = 0 if request.is_seeded else seen[ask["provider"], request.ask]
        seen[ask["provider"], request.ask] += 1
        return replace(cell, request=seeded(request, sample), sample=sample)

    def _request(self, ask: Mapping[str, Any], parameters: Mapping[str, Any]) -> EditRequest:
        """
        Return the checked request of a cell.

        Raises:
            InputError: it cannot be asked.
        """
        how = [key_of(ask[name]) for name in ("prompt", "model", "provider", "n")]
        rest = [f"{name}={key_of(value)}" for name, value in sorted(parameters.items()) if name != SEED]
        key = (*map(id, ask["images"]), *how, *rest)
        known, has_seed = self._requests.get(key), parameters.get(SEED) is not None
        if known is not None and has_seed:
            model = self.session.model_of(known.model, ask["provider"])
            checked = model.check({**known.parameters, SEED: parameters[SEED]}, images=len(known.images))
            return replace(known, parameters=checked)
        request = self.session.request(
            read_words(ask["prompt"]),
            ask["images"],
            model=ask["model"],
            provider=ask["provider"],
            parameters=parameters,
            region=self.region,
            n=ask["n"],
        )
        if has_seed and request.seed_field == SEED and ask["model"] != AUTO:
            self._requests[key] = request
        return request


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


def _searched(words: Any) -> list[Axis]:
    """
    Return the axes of words that are replaced.

    Raises:
        UsageError: it is not said which words they stand for, or there is one value for some.
    """
    if words is not None and not isinstance(words, Mapping):
        raise UsageError(
            f"replace is {words!r:.60}.",
            "It says which words of the prompt are replaced, and what stands in their place cell by cell.",
            'For example: replace={"red": ["red", "blue"]}.',
        )
    same, axes = axes_of(words or {})
    if same:
        short = min(same)
        raise UsageError(
            f"replace has one value for {short!r:.60}.",
            "Words are replaced by several others, a cell each.",
            f"replace={{{short!r:.60}: ['…', '…']}}. To keep it as it is in a cell, name it among them.",
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
    sizes = [one.size for one in pictures if one.size]
    if not shapes or not sizes:
        return None

    def nearest(size: tuple[int, int]) -> Any:
        ratio = size[0] / size[1]
        return min(shapes, key=lambda word: max(ratio / float(shapes[word]), float(shapes[word]) / ratio))

    return Counter(map(nearest, sizes)).most_common(1)[0][0]


def _checked(prompt: Any) -> str:
    """Return the words of a prompt; of one in parts, its lines, which are composed when all placeholders are filled."""
    if not isinstance(prompt, str) or not prompt.strip():
        raise PromptError("There is no prompt.", "A request needs words.", "Say what to keep and what to change.")
    return prompt.lines if isinstance(prompt, Prompt) else prompt


def placeholders(prompts: Sequence[str]) -> frozenset[str]:
    """
    Return the names of the placeholders in some prompts.

    >>> sorted(placeholders(["Paint it {{colour}}, at {{ hour }} o'clock."]))
    ['colour', 'hour']
    """
    return frozenset(name for prompt in prompts for name in names_in(prompt))


def filled(prompt: str, values: Mapping[str, Any]) -> str:
    """
    Return a prompt with the values of its placeholders; one that has no value here stays, and `{{{{` is two braces.

    >>> filled("Paint the {{part}} {{colour}}, {{{{so}}.", {"colour": "red"})
    'Paint the {{part}} red, {{so}}.'
    """
    if isinstance(prompt, Prompt) and set(names := names_in(prompt)) <= set(values):
        return prompt.fill(**{name: values[name] for name in names}) if names else prompt  # its parts stay

    def value(match: re.Match[str]) -> str:
        """Return what stands in the place of a match."""
        if match["escaped"]:
            return "{{"
        name = normal(match["name"])
        return str(values[name]) if name in values else match[0]

    return _BRACES.sub(value, prompt)


def check_names(prompts: Sequence[str], known: Sequence[str]) -> None:
    """
    Check that each placeholder has a value.

    Raises:
        UsageError: one has none.
    """
    for name in sorted(placeholders(prompts) - set(known)):
        meant = nearest_name(name, known)
        hint = f"Did you mean {{{{{meant}}}}}? " if meant else ""
        raise UsageError(
            f"{{{{{name}}}}} has no value.",
            "Each placeholder of a swept prompt takes the values of the argument of that name.",
            f'{hint}Give them: {name}=["…", "…"], or write {{{{{{{{ where you mean two braces.',
        )


def check_values(values: Mapping[str, Iterable[Any]]) -> None:
    """
    Check that placeholders take what is text, a number or a path, and something.

    Raises:
        UsageError: one is given nothing, NaN, or something else.
    """
    for name, several in values.items():
        for value in several:
            is_text = fits(value) and bool(str(value).strip()) and value == value  # noqa: PLR0124 (NaN is not)
            if not is_text:
                shown = "no value" if value is None or not str(value).strip() else f"{value!r:.40}"
                raise UsageError(
                    f"{{{{{name}}}}} is given {shown}.",
                    "A placeholder takes text, a number or a path.",
                    f"Leave it out of {name}, or write it as text.",
                )


def replaced(prompt: str, changes: Mapping[str, str]) -> str:
    """
    Return a prompt with words replaced, all at once: what one puts in is not searched by another.

    >>> replaced("A red car on a red road.", {"red car": "blue car", "road": "red bridge"})
    'A blue car on a red red bridge.'
    """
    if not changes:
        return prompt
    # The longest first, so that "red car" is found before "red".
    words = sorted(changes, key=len, reverse=True)
    return re.sub("|".join(map(_whole, words)), lambda match: changes[match[0]], prompt)


def check_words(prompts: Sequence[str], words: Sequence[str]) -> None:
    """
    Check that words that are to be replaced stand in each prompt, as whole words.

    Raises:
        PromptError: they do not.
    """
    for word in words:
        without = next((prompt for prompt in prompts if not word.strip() or not re.search(_whole(word), prompt)), None)
        if without is not None:
            inside = bool(word.strip()) and word in without
            raise PromptError(
                f"{clip(word, 60)!r} cannot be replaced: the prompt does not hold it"
                f"{' as a whole word' if inside else ''}.",
                f"It is: {clip(without, 160)}",
                "Write it as it stands in the prompt, capitals too, or leave it out.",
            )


def _whole(word: str) -> str:
    """Return an expression for words that are no part of longer ones."""
    before = r"(?<!\w)" if word[:1].isalnum() else ""
    after = r"(?!\w)" if word[-1:].isalnum() else ""
    return f"{before}{re.escape(word)}{after}"


def places(prompt: str) -> list[tuple[str, bool]]:
    """
    Return a prompt in pieces, those True that are placeholders.

    >>> places("Keep the cup. Paint it {{ colour }}, {{{{so}}.")
    [('Keep the cup. Paint it ', False), ('{{colour}}', True), (', {{{{so}}.', False)]
    """
    found: list[tuple[str, bool]] = []
    end = 0
    for match in _BRACES.finditer(prompt):
        if match["name"]:
            found += [(prompt[end : match.start()], False), (f"{{{{{normal(match['name'])}}}}}", True)]
            end = match.end()
    return [piece for piece in [*found, (prompt[end:], False)] if piece[0]]
