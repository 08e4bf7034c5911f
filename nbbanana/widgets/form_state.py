"""
The state of a form without any widget: what is on it now, what was on it before, and the request that it makes.

Every change makes a new `Draft`, and the old one is kept, so that nothing that was being written is ever lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from nbbanana.errors import NBBananaError, PromptError, UsageError
from nbbanana.grammar import Cell, read_words, to_cell
from nbbanana.models import Field, Model
from nbbanana.models.carrying import transferred
from nbbanana.models.defaults import presets
from nbbanana.prompts import Prompt, code_of, composed, fields_of, read_fields
from nbbanana.prompts.prompting import UseCase
from nbbanana.regions import Area, Shape, written
from nbbanana.request import EditRequest
from nbbanana.session import Session
from nbbanana.session.call_args import with_count
from nbbanana.store import Store
from nbbanana.widgets.pictures import Slot, expression_of, operand_of

__all__ = ["RECALLS", "Draft", "FormState", "differences", "field_title"]

RECALLS = ("all", "all but seed", "only words")
"""What of a record can be brought into the form."""

DEPTH = 200
"""So many changes can be undone."""


@dataclass(frozen=True, slots=True)
class Draft:
    """
    What is on the form.

    Args:
        model: the endpoint.
        prompt: the words, also where there are none yet.
        parameters: only what is set, without the prompt; nothing else will be sent.
        slots: the pictures in their order, the first the primary one.
        region: the key of the slot whose part it is about, and what was drawn there; None where nothing is.
        provider: the service that runs it; empty is that of the session.
        parts: what stands in the fields of the parts, by label; they hold while the prompt is what they make.
    """

    model: str
    prompt: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    slots: tuple[Slot, ...] = ()
    region: tuple[str, tuple[Shape, ...]] | None = None
    provider: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))


ROLE_TITLES = {"count": "Number of pictures", "mask": "Mask"}
TITLES = {
    "limit_generations": "One picture per round",
    "enable_web_search": "Search the web first",
    "output_format": "Format",  # two words and their default are more than half of a column has room for
}
"""What a form calls parameters whose own name does not say what they do, or is long."""


def field_title(field: Field) -> str:
    """What a form calls a parameter."""
    title = ROLE_TITLES.get(field.role or "") or TITLES.get(field.name)
    return title or field.name.replace("_", " ").capitalize()


class FormState:
    """
    A draft that is changed in steps which can be taken back.

    Args:
        draft: what it begins with.
        model_of: gives a model by its id and the service that runs it.

    >>> from nbbanana import models
    >>> form = FormState(Draft("google/nano-banana-2/edit", "Make it snow."), lambda model_id, _: models.get(model_id))
    >>> form.set("seed", 7)
    >>> form.undo(), dict(form.draft.parameters)
    ('seed', {})
    """

    def __init__(self, draft: Draft, model_of: Callable[[str, str], Model]) -> None:
        self.draft = draft
        self._model_of = model_of
        self._past: list[tuple[str, Draft]] = []

    @property
    def model(self) -> Model:
        """The model that is chosen."""
        return self._model_of(self.draft.model, self.draft.provider)

    @property
    def can_undo(self) -> str | None:
        """What `undo` would take back, in a word or two; None where there is nothing."""
        return self._past[-1][0] if self._past else None

    # ── changing it ─────────────────────────────────────────────────────────────────────────────────────────

    def change(self, what: str, *, is_going_on: bool = False, **changes: Any) -> None:
        """
        Change what is on the form, in one step.

        Args:
            what: what is changed, as `undo` says it.
            is_going_on: whether the step goes on with a last one of its kind, and is taken back together with that.
            changes: fields of the draft. A region goes with its picture.
        """
        changed = replace(self.draft, **changes)
        if changed.region and all(slot.key != changed.region[0] for slot in changed.slots):
            changed = replace(changed, region=None)
        if changed == self.draft:
            return
        if not (is_going_on and self.can_undo == what):
            self._past.append((what, self.draft))
            del self._past[:-DEPTH]
        self.draft = changed

    def write(self, prompt: str) -> None:
        """Change the words; writing on is one step, however many letters it takes."""
        self.change("the words", prompt=prompt, is_going_on=True)

    def write_parts(self, fields: Mapping[str, str]) -> None:
        """Fill in the parts, and write the prompt that they make; where they make none, the words stay."""
        parts = {name: text for name, text in fields.items() if text.strip()}
        self.change("the parts", parts=parts, prompt=_made(parts, self.model) or self.draft.prompt, is_going_on=True)

    def start(self, case: UseCase) -> None:
        """Begin with a use case: its parts, or its words, and what of its parameters the model takes; one step."""
        words = case.prompts[0]
        parts = fields_of(words.parts) if words.parts else {}
        parameters = dict(self.draft.parameters) | taken(self.model, case.parameters)
        self.change(
            "the use case",
            parts=parts,
            prompt=_made(parts, self.model) or words.lines,
            parameters=self._ordered(parameters),
        )

    @property
    def words(self) -> str:
        """The prompt as a request takes it: with its parts, where they still make what stands there, without braces."""
        made = _made(self.draft.parts, self.model)
        is_made = made is not None and made == self.draft.prompt and "{{" not in made
        return made if made is not None and is_made else str(self.draft.prompt)

    def set(self, name: str, value: Any) -> None:
        """
        Set a parameter; None leaves it to the model again.

        Raises:
            ParameterError: no such parameter, or a value that it does not take.
        """
        rest = {key: old for key, old in self.draft.parameters.items() if key != name}
        found = self.model.field(name)
        if value is not None:
            is_text = isinstance(value, str) and found.kind != "string"
            rest[name] = self.model.parse_option(found, value) if is_text else value
            _check(self.model, {name: rest[name]}, self.draft.prompt)
        self.change(name.replace("_", " "), parameters=self._ordered(rest))

    def choose(self, model_id: str, provider: str | None = None) -> list[str]:
        """
        Take another model, and with it another service where one is named, in one step.

        What two models call differently and is the same, such as the number of pictures, is carried over. What was set
        from the beginning for one model stays with it; the other has presets of its own. Returns the titles of what
        the model has no option for, which is reset.

        Raises:
            UnknownModelError: there is none of that id.
        """
        before = self.model
        where = self.draft.provider if provider is None else provider
        model = self._model_of(model_id, where)
        usual = presets(before)
        given = {name: value for name, value in self.draft.parameters.items() if usual.get(name, ...) != value}
        moved = transferred(given, before, model)
        self.change(
            "the model" if provider is None else "the service",
            provider=where,
            model=model.id,
            parameters={**presets(model), **moved.parameters},
            prompt=self._prompt_for(model),
        )
        return [field_title(before.field(name)) for name in moved.dropped]

    def remove(self, key: str) -> None:
        """Take a picture away."""
        self.change("a picture", slots=tuple(slot for slot in self.draft.slots if slot.key != key))

    def move(self, key: str, to: int) -> None:
        """Put a picture at another place, counted from 0."""
        moving = [slot for slot in self.draft.slots if slot.key == key]
        others = [slot for slot in self.draft.slots if slot.key != key]
        place = max(0, min(to, len(others)))
        self.change("the order", slots=(*others[:place], *moving, *others[place:]))

    def point(self, key: str, shapes: tuple[Shape, ...]) -> None:
        """Point at a part of a picture, or at nothing; drawing on is one step, however many strokes it takes."""
        region = (key, shapes) if shapes else None
        self.change("the region", region=region, is_going_on=bool(region and self.draft.region))

    def shapes_on(self, key: str) -> tuple[Shape, ...]:
        """What is drawn on a picture."""
        return self.draft.region[1] if self.draft.region and self.draft.region[0] == key else ()

    @property
    def area(self) -> Area | None:
        """The region as a request has it."""
        for number, slot in enumerate(self.draft.slots):
            if shapes := self.shapes_on(slot.key):
                size = (slot.image.width or 1, slot.image.height or 1)
                return Area(shapes, size, number, slot.image.identity)
        return None

    def recall(self, draft: Draft, what: str, *, seed_field: str | None) -> None:
        """
        Bring a draft of the past into the form.

        Args:
            draft: it.
            what: one of `RECALLS`.
            seed_field: what its model calls the seed.

        Raises:
            UsageError: another word for what.
        """
        if what not in RECALLS:
            raise UsageError(f"what is {what!r}.", f"It is one of {', '.join(RECALLS)}.", "Choose one of them.")
        if what == "only words":
            self.change("the recall", prompt=draft.prompt, parts=draft.parts)
            return
        left_out = seed_field if what == "all but seed" else None
        self.change(
            "the recall",
            model=draft.model,
            prompt=draft.prompt,
            parts=draft.parts,
            parameters={name: value for name, value in draft.parameters.items() if name != left_out},
            slots=draft.slots,
            region=draft.region,
        )

    def undo(self) -> str | None:
        """Take the last change back; returns what it was, or None where there was none."""
        if not self._past:
            return None
        what, self.draft = self._past.pop()
        return what

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────────

    def request(self, session: Session) -> EditRequest:
        """
        The request that the form makes, checked; nothing is sent.

        Raises:
            PromptError, ParameterError, ImageError: it cannot be asked like this.
        """
        draft = self.draft
        return session.request(
            self.words,
            [slot.image for slot in draft.slots],
            model=draft.model,
            provider=draft.provider or None,
            parameters=draft.parameters,
            region=self.area,
        )

    def priced(self) -> EditRequest:
        """What the price depends on, also where the form is not ready to be sent."""
        return EditRequest(
            self.draft.model,
            self.draft.parameters,
            images=tuple(slot.image for slot in self.draft.slots),
            seed_field=self.model.seed_field,
        )

    def cell(self, store: Store) -> str:
        """
        The `%%nbedit` cell that asks the same.

        Raises:
            PromptError: no words, or ones that a cell cannot say.
            UsageError: an upload that no edit was asked with yet.
        """
        operands = [operand_of(slot, store) for slot in self.draft.slots]
        asked = Cell(read_words(self.words, {}), model=self.draft.model, parameters=self.draft.parameters)
        return to_cell(
            asked,
            operands,
            region=written(self.area) if self.area else None,
            provider=self.draft.provider or None,
        )

    def code(self, store: Store) -> str:
        """The Python that asks the same; raises what `cell` does."""
        pictures = [expression_of(slot, store) for slot in self.draft.slots]
        rest = {"model": self.draft.model, **self.draft.parameters}
        rest |= {"region": written(self.area)} if self.area else {}
        rest |= {"provider": self.draft.provider} if self.draft.provider else {}
        arguments = [
            code_of(read_words(self.words, {})).replace("\n", "\n    "),
            *pictures,
            *(f"{name}={value!r}" for name, value in rest.items()),
        ]
        return "nb.edit(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"

    def _prompt_for(self, model: Model) -> str:
        """Return the prompt in another model's grammar, where it is made of parts."""
        made = _made(self.draft.parts, model) if isinstance(self.words, Prompt) else None
        return made or self.draft.prompt

    def _ordered(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """In the schema's order, so that a cell reads the same whichever was set first."""
        return {one.name: values[one.name] for one in self.model.options if one.name in values}


def _made(parts: Mapping[str, str], model: Model) -> Prompt | None:
    """Return the prompt that the fields of the parts make; None where they make none."""
    with suppress(PromptError):
        if found := read_fields(parts):
            return composed(found, model.grammar)
    return None


def taken(model: Model, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a use case's parameters a model takes, under its own names."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        with suppress(NBBananaError):
            given = with_count(model, {}, value) if name == "n" else {name: value}
            _check(model, given)
            found |= given
    return found


def _check(model: Model, values: Mapping[str, Any], prompt: str = "") -> None:
    """Raise what is wrong with values, whatever else is missing yet."""
    words = {model.prompt_field: prompt.strip() or "words"} if model.prompt_field else {}
    model.check({**words, **values}, images=max(1, model.min_images) if model.images_field else 0)


def differences(mine: Draft, other: Draft) -> list[str]:
    """
    What the other draft asks for in another way, as phrases: `seed 3 instead of 7`.

    >>> differences(Draft("m", "Snow.", {"seed": 7}), Draft("m", "Rain.", {"seed": 3}))
    ['other words', 'seed 3 instead of 7']
    """
    found = [f"model {other.model}"] if mine.model != other.model else []
    if " ".join(mine.prompt.split()) != " ".join(other.prompt.split()):
        found.append("other words" if mine.prompt.strip() else "words, where there are none")
    names = dict.fromkeys([*other.parameters, *mine.parameters])
    found += [_unlike(name, mine, other) for name in names if mine.parameters.get(name) != other.parameters.get(name)]
    return [*found, *_pictures_unlike(mine.slots, other.slots), *_regions_unlike(mine, other)]


def _regions_unlike(mine: Draft, other: Draft) -> list[str]:
    ours, theirs = (one.region[1] if one.region else () for one in (mine, other))
    if ours == theirs:
        return []
    return ["another region"] if ours and theirs else ["a region" if theirs else "no region"]


def _unlike(name: str, mine: Draft, other: Draft) -> str:
    said = name.replace("_", " ")
    if name not in other.parameters:
        return f"{said} not set"
    there = f"{said} {_word(other.parameters[name])}"
    return f"{there} instead of {_word(mine.parameters[name])}" if name in mine.parameters else there


def _word(value: Any) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _pictures_unlike(mine: Sequence[Slot], other: Sequence[Slot]) -> list[str]:
    ours, theirs = ([slot.image.identity for slot in slots] for slots in (mine, other))
    if ours == theirs:
        return []
    if sorted(ours) == sorted(theirs):
        return ["the pictures in another order"]
    if len(ours) != len(theirs):
        return [f"{len(theirs)} input picture{'' if len(theirs) == 1 else 's'} instead of {len(ours)}"]
    return ["another input picture" if len(theirs) == 1 else "other input pictures"]
