"""What the front end of the Studio is told of its form and of records: plain JSON."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nbbanana.display.differences import word_diff
from nbbanana.display.tables import STATES
from nbbanana.display.words import duration, money, paid, price_in_words
from nbbanana.models.defaults import proposals
from nbbanana.prompts import fields_of, words_of
from nbbanana.session.model_choice import other_model
from nbbanana.session.reproduce import image_of, operand_of
from nbbanana.store.records import WHOLE, Rating
from nbbanana.text import one_line
from nbbanana.widgets.form_state import Draft, FormState, title_of
from nbbanana.widgets.inputs import Slot
from nbbanana.widgets.thumbnail_cache import Source, blob_source

if TYPE_CHECKING:
    from nbbanana.engine.prices import Quote
    from nbbanana.images import ImageInput
    from nbbanana.models import Field, Model
    from nbbanana.session.choice import Choice
    from nbbanana.store import Store
    from nbbanana.store.records import Budget, Edit, InputRecord, OutputRecord

__all__ = [
    "Row",
    "are_alike",
    "bare",
    "draft_of",
    "field_row",
    "field_rows",
    "gist",
    "group_row",
    "input_source",
    "node_row",
    "node_source",
    "output_source",
    "parents_of_primary",
    "price_row",
    "rated",
    "region_row",
    "service_row",
    "slot_row",
    "slot_source",
    "state_word",
    "words_against",
]

Row = dict[str, Any]
ALIKE = 0.5
"""So much of two prompts is the same text, where they are shown as one."""

INPUT_SIDE, TILE_SIDE, NODE_SIDE = 240, 640, 96
"""The longer sides of thumbnails, about twice what is shown, for screens with two pixels in one."""


# ── thumbnails ────────────────────────────────────────────────────────────────────────────────────────────


def slot_source(slot: Slot) -> Source | None:
    """The thumbnail of an input; None for a URL, which is not fetched."""
    data = slot.image.source
    return None if data is None else Source(f"{slot.image.identity}@{INPUT_SIDE}", data, INPUT_SIDE)


def output_source(output: OutputRecord, store: Store, side: int = TILE_SIDE) -> Source | None:
    """The thumbnail of an output; None where the store has lost it."""
    return _of_blob(output.sha256, store, side)


def input_source(record: InputRecord, store: Store) -> Source | None:
    """The thumbnail of what an edit was asked with."""
    return _of_blob(record.sha256, store, NODE_SIDE) if record.sha256 else None


def node_source(edit: Edit, store: Store) -> Source | None:
    """The thumbnail that stands for an edit: its first output."""
    return output_source(edit.outputs[0], store, NODE_SIDE) if edit.outputs else None


def _of_blob(sha256: str, store: Store, side: int) -> Source | None:
    return blob_source(sha256, store, side) if store.has_blob(sha256) else None


def _key(source: Source | None) -> str | None:
    return None if source is None else source.key


# ── the form ────────────────────────────────────────────────────────────────────────────────────────────────


def field_rows(model: Model) -> list[Row]:
    """The parameters of a model, for the front end to draw a control for each."""
    proposed = {found.field: {"caution": found.short, "preset": found.value} for found in proposals(model)}
    none = {"caution": None, "preset": None}
    shown = (one for one in model.options if one.kind not in {"array", "object"})
    return [field_row(one) | proposed.get(one.name, none) for one in shown]


def field_row(field: Field) -> Row:
    """A parameter, for the front end to draw a control for."""
    return {
        "name": field.name,
        "title": title_of(field),
        "kind": field.kind,
        "role": field.role,
        "choices": list(field.enum) or _counted(field),
        "minimum": field.minimum,
        "maximum": field.maximum,
        "step": field.step,
        "default": field.default,
        "description": field.description,
        "ends": list(field.ends),
        "cost": field.cost_note,
    }


def _counted(field: Field) -> list[int]:
    """The values of a small whole number, which are better shown than typed."""
    if field.kind != "integer" or field.minimum is None or field.maximum is None:
        return []
    values = range(int(field.minimum), int(field.maximum) + 1, int(field.step or 1))
    return list(values) if len(values) <= 8 else []


def slot_row(slot: Slot, note: str | None) -> Row:
    """An input picture; `note` says what sending does to it."""
    image = slot.image
    size = f"{image.width}×{image.height}" if image.width and image.height else "by its URL"
    notes = [sentence for sentence in (slot.note, note) if sentence]
    return {
        "key": slot.key,
        "picture": _key(slot_source(slot)),
        "name": one_line(image.name, 60),
        "operand": slot.operand,
        "size": size,
        "width": image.width,
        "height": image.height,
        "note": " ".join(notes),
    }


def region_row(form: FormState) -> Row | None:
    """The region of the form: on which picture, in words, and its boxes."""
    area = form.area
    if area is None:
        return None
    slot = form.draft.slots[area.input]
    boxes = [list(box) for box in area.boxes]
    return {"key": slot.key, "name": one_line(slot.image.name, 60), "words": area.words, "boxes": boxes}


def service_row(choice: Choice, chosen: str, choices: Sequence[tuple[str, str]]) -> Row:
    """
    Who runs what the form asks for, in words, and who else could.

    Args:
        choice: who runs it.
        chosen: what the form says; empty is the session's.
        choices: values and words to choose from.
    """
    words = "No service: log in with %nblogin"
    if choice.name:
        words = "" if len(choices) > 1 else choice.title  # the control names it
        words = f"{choice.title}: test pictures, play money" if choice.is_play else words
    offered = [{"value": value, "label": one_line(label, 60)} for value, label in choices]
    return {"name": choice.name, "title": choice.title, "words": words, "chosen": chosen, "choices": offered}


def price_row(quote: Quote | None, budget: Budget | None, *, is_play: bool = False) -> Row:
    """What the next run costs and what is left; `is_play` says that it is play money."""
    row: Row = {
        "amount": None,
        "how": "",
        "note": "",
        "left": "",
        "share": None,
        "is_play": is_play,
        "is_over": False,
        "needs_max_price": False,
    }
    if quote is not None:
        row["amount"] = price_in_words(quote.low, quote.high)
        row["how"] = quote.how
        row["note"] = "" if quote.is_exact else quote.note or ""
    if budget is not None:
        row["left"] = f"{money(budget.left)} of {money(budget.amount)} left"
        row["share"] = budget.left / budget.amount if budget.amount else 0.0
        row["needs_max_price"] = quote is not None and quote.high is None
        row["is_over"] = quote is not None and (quote.high or quote.low or 0.0) > budget.left
    return row


# ── jobs and results ────────────────────────────────────────────────────────────────────────────────────────


def group_row(edit: Edit, store: Store, label: str, *, origin: str = "", notes: Sequence[str] = ()) -> Row:
    """
    An edit with its pictures.

    Args:
        edit: the edit.
        store: where its pictures are.
        label: what one types to get it.
        origin: how it answered a run here: `made`, `replayed` or `collected`; empty where it answered none.
        notes: sentences about it.
    """
    starred, rejected = rated(edit, "starred"), rated(edit, "rejected")
    facts = [other_model(edit.model, edit.provider), f"seed {edit.seed}" if edit.seed is not None else ""]
    if origin == "replayed":
        facts += ["from the store, $0.00 now"]
    else:
        # How long it took until it was fetched says nothing of the work.
        took = duration(edit.duration) if edit.duration is not None and origin != "collected" else ""
        facts += [took, paid(edit.cost, edit.provider, is_play=edit.is_play)]
    facts += [f"region: {edit.region.words}"] if edit.region else []
    return {
        "edit": edit.id,
        "label": label,
        "prompt": one_line(edit.prompt, 300),
        "gist": gist(edit.prompt),
        "facts": " · ".join(filter(None, facts)),
        "notes": [one_line(note, 300) for note in notes],
        "tiles": [
            {
                "index": output.index,
                "name": f"{label}[{output.index}]",
                "picture": _key(output_source(output, store)),
                "width": output.width,
                "height": output.height,
                "starred": output.index in starred,
                "rejected": output.index in rejected,
            }
            for output in edit.outputs
        ],
    }


def rated(edit: Edit, rating: Rating) -> frozenset[int]:
    """The indices of the outputs that have a rating; that of a whole edit holds for outputs without their own."""
    whole = edit.ratings.get(WHOLE)
    return frozenset(output.index for output in edit.outputs if edit.ratings.get(output.index, whole) == rating)


def state_word(state: str) -> str:
    """
    What is said of an edit that has no pictures, in a word or two; empty for one that has.

    >>> state_word("completed"), state_word("rejected"), state_word("queued")
    ('', 'refused', 'queued')
    """
    return STATES.get(state, "").partition(" ")[2].partition(",")[0]


def gist(prompt: str) -> str:
    r"""
    The line of a prompt that tells it from others: words that keep things come first, the change comes last.

    >>> gist("Keep the pose unchanged.\nMake it snow.")
    'Make it snow.'
    """
    lines = [line for line in prompt.splitlines() if line.strip()]
    return one_line(lines[-1], 300) if lines else ""


# ── the past ────────────────────────────────────────────────────────────────────────────────────────────────


def node_row(edit: Edit, store: Store) -> Row:
    """An edit in the strip: a small picture, its parent, and the picture that its line began with."""
    first = edit.inputs[0] if edit.inputs else None
    return {
        "id": edit.id,
        "parents": parents_of_primary(edit, store),
        "root": first.identity if first else f"words of {edit.model}",
        "from": one_line(first.name, 40) if first else "words alone",
        "fromPicture": _key(input_source(first, store)) if first else None,
        "picture": _key(node_source(edit, store)),
        "prompt": one_line(edit.prompt, 160),
        "seed": edit.seed,
        "state": edit.state,
        "word": state_word(edit.state),
        "mark": STATES.get(edit.state, "").partition(" ")[0],
        "starred": edit.starred,
        "rejected": edit.rejected,
        "when": when(edit.created_at),
        "count": len(edit.outputs),
    }


def parents_of_primary(edit: Edit, store: Store) -> list[int]:
    """The edits that made its primary input: what it was made of, while the others only gave it cues."""
    kind, _, digest = edit.inputs[0].identity.partition(":") if edit.inputs else ("", "", "")
    if not edit.parents or kind != "sha256":
        return []
    made = {parent.id for parent in store.by_output(digest)}
    return [parent for parent in edit.parents if parent in made]


def when(moment: float, now: float | None = None) -> str:
    """
    How long ago, as people say it.

    >>> when(0, now=30), when(0, now=7200), when(0, now=3 * 86400)
    ('just now', '2 hours ago', '3 days ago')
    """
    seconds = (time.time() if now is None else now) - moment
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {word}{'' if number == 1 else 's'} ago"
    return "just now"


def draft_of(edit: Edit, store: Store, *, with_pictures: bool = True) -> Draft:
    """
    A record as it stood on a form; without pictures it is only good for comparing.

    Raises:
        NotInStoreError: an input is not in the store any more.
    """
    parameters = {name: value for name, value in edit.parameters.items() if name != "prompt"}
    parameters |= {str(mask.parameter): f"edit:{edit.id}.mask" for mask in edit.masks}
    slots = []
    for number, record in enumerate(edit.inputs):
        if with_pictures:
            slots.append(Slot(image_of(record, store), operand_of(edit, number, store)))
        else:
            slots.append(Slot(bare(record)))
    region = edit.region
    pointed = (slots[region.input].key, region.shapes) if region and region.input < len(slots) else None
    words = words_of(edit.prompt, edit.parts, edit.model)
    prompt, parts = (str(words), fields_of(words.parts)) if words.parts else (words.lines, {})
    return Draft(edit.model, prompt, parameters, tuple(slots), pointed, parts=parts)


def bare(record: InputRecord) -> ImageInput:
    """An input by its name and identity, without its bytes."""
    from nbbanana.images import ImageInput

    return ImageInput(record.name, record.identity)


def words_against(parent: str, child: str) -> tuple[tuple[str, str], ...]:
    """
    Return a prompt with what is new and what is gone against another: pairs of `same`, `new` or `gone`, and words.

    Prompts that have little in common give the second as it is, for a mixture of both reads as noise.

    >>> words_against("Make it snow now.", "Make it rain now.")
    (('same', 'Make it '), ('gone', 'snow'), ('new', 'rain'), ('same', ' now.'))
    """
    changes = word_diff(parent, child)
    return changes if are_alike(changes, parent, child) else (("same", child),)


def are_alike(changes: Iterable[tuple[str, str]], left: str, right: str) -> bool:
    """Tell whether two texts have so much in common that their `word_diff` can be read."""
    return 2 * sum(len(text) for kind, text in changes if kind == "same") >= ALIKE * (len(left) + len(right))
