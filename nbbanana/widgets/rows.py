"""What front ends are told, as JSON: of records, in results and in the history strip, and of a Studio's form."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from nbbanana.display.differences import word_diff
from nbbanana.display.listings import STATES
from nbbanana.display.views import duration, money, paid, price_in_words
from nbbanana.engine.prices import Quote
from nbbanana.errors import ConfigError, CredentialError, PromptError
from nbbanana.images import ImageInput
from nbbanana.models import Field, Model
from nbbanana.models.defaults import Proposal, proposals
from nbbanana.prompts import composed, fields_of, read_fields, words_of
from nbbanana.prompts.prompting import escape, use_cases_there
from nbbanana.providers.registry import ProviderSpec, find, title_of
from nbbanana.session import Session
from nbbanana.session.engines import Choice
from nbbanana.session.model_choice import other_model
from nbbanana.session.reproduce import image_of, operand_of
from nbbanana.session.services import by_list, least, usable
from nbbanana.store import Store
from nbbanana.store.records import WHOLE, Budget, Edit, InputRecord, OutputRecord, Rating
from nbbanana.text import joined, one_line
from nbbanana.widgets.base import Row
from nbbanana.widgets.form_state import Draft, FormState, field_title
from nbbanana.widgets.pictures import Slot, Source, Want, blob_source

__all__ = [
    "TILE_SIDE",
    "are_alike",
    "bare",
    "case_rows",
    "choice_at",
    "draft_of",
    "field_rows",
    "gist",
    "group_row",
    "input_source",
    "node_row",
    "parents_of_primary",
    "parts_row",
    "price_row",
    "rated",
    "region_row",
    "service_row",
    "slot_row",
    "state_word",
    "when",
    "words_against",
]

ALIKE = 0.5
"""So much of two prompts is the same text, where they are shown as one."""

INPUT_SIDE, TILE_SIDE, NODE_SIDE = 240, 640, 96
"""The longer sides of thumbnails, about twice what is shown, for screens with two pixels in one."""


# ── thumbnails ────────────────────────────────────────────────────────────────────────────────────────────


def input_source(image: ImageInput) -> Source | None:
    """The thumbnail of an input; None for a URL, which is not fetched."""
    data = image.source
    return None if data is None else Source(f"{image.identity}@{INPUT_SIDE}", data, INPUT_SIDE)


def _source_of(record: OutputRecord | InputRecord, store: Store, side: int) -> Source | None:
    """The thumbnail of an output or an input of a record; None where the store has lost it, or never had it."""
    sha256 = record.sha256
    return blob_source(sha256, store, side) if sha256 and store.has_blob(sha256) else None


# ── jobs and results ────────────────────────────────────────────────────────────────────────────────────────


def group_row(edit: Edit, store: Store, label: str, want: Want, *, origin: str = "", notes: Sequence[str] = ()) -> Row:
    """
    An edit with its pictures.

    Args:
        edit: the edit.
        store: where its pictures are.
        label: what one types to get it.
        want: sends their thumbnails.
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
        "facts": joined(*facts),
        "notes": [one_line(note, 300) for note in notes],
        "tiles": [
            {
                "index": output.index,
                "name": f"{label}[{output.index}]",
                "picture": want(_source_of(output, store, TILE_SIDE)),
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


def node_row(edit: Edit, store: Store, want: Want) -> Row:
    """An edit in the strip: a small picture, its parent, and the picture that its line began with."""
    first = edit.inputs[0] if edit.inputs else None
    shown = (edit.outputs, edit.inputs)
    made, given = (want(_source_of(one[0], store, NODE_SIDE)) if one else None for one in shown)
    return {
        "id": edit.id,
        "parents": parents_of_primary(edit, store),
        "root": first.identity if first else f"words of {edit.model}",
        "from": one_line(first.name, 40) if first else "words alone",
        "fromPicture": given,
        "picture": made,
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
    if with_pictures:
        slots = [Slot(image_of(one, store), operand_of(edit, at, store)) for at, one in enumerate(edit.inputs)]
    else:
        slots = [Slot(bare(record)) for record in edit.inputs]
    region = edit.region
    pointed = (slots[region.input].key, region.shapes) if region and region.input < len(slots) else None
    words = words_of(edit.prompt, edit.parts, edit.model)
    parts = {} if words.parts is None or "{{" in words else fields_of(words.parts)
    prompt = str(words) if parts else escape(words.lines)
    return Draft(edit.model, prompt, parameters, tuple(slots), pointed, parts=parts)


def bare(record: InputRecord) -> ImageInput:
    """An input by its name and identity, without its bytes."""
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


# ── the form ────────────────────────────────────────────────────────────────────────────────────────────────


def field_rows(model: Model) -> list[Row]:
    """The parameters of a model, for the front end to draw a control for each."""
    proposed = {found.field: found for found in proposals(model)}
    shown = (one for one in model.options if one.kind not in {"array", "object"})
    return [_field_row(one, proposed.get(one.name)) for one in shown]


def _field_row(field: Field, proposal: Proposal | None) -> Row:
    return {
        "name": field.name,
        "title": field_title(field),
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
        "caution": proposal and proposal.short,
        "preset": proposal and proposal.value,
    }


def _counted(field: Field) -> list[int]:
    """The values of a small whole number, which are better shown than typed."""
    if field.kind != "integer" or field.minimum is None or field.maximum is None:
        return []
    values = range(int(field.minimum), int(field.maximum) + 1, int(field.step or 1))
    return list(values) if len(values) <= 8 else []


def slot_row(slot: Slot, note: str | None, want: Want) -> Row:
    """An input picture; `note` says what sending does to it, `want` sends its thumbnail."""
    image = slot.image
    size = f"{image.width}×{image.height}" if image.width and image.height else "by its URL"
    return {
        "key": slot.key,
        "picture": want(input_source(image)),
        "name": one_line(image.name, 60),
        "operand": slot.operand,
        "size": size,
        "width": image.width,
        "height": image.height,
        "note": " ".join(filter(None, (slot.note, note))),
    }


def region_row(form: FormState) -> Row | None:
    """The region of the form: on which picture, in words, and its boxes."""
    area = form.area
    if area is None:
        return None
    slot = form.draft.slots[area.input]
    return {
        "key": slot.key,
        "name": one_line(slot.image.name, 60),
        "words": area.words,
        "boxes": [list(box) for box in area.boxes],
    }


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
        row |= {
            "amount": price_in_words(quote.low, quote.high),
            "how": quote.how,
            "note": "" if quote.is_exact else quote.note or "",
        }
    if budget is not None:
        row |= {
            "left": f"{money(budget.left)} of {money(budget.amount)} left",
            "share": budget.left / budget.amount if budget.amount else 0.0,
            "needs_max_price": quote is not None and quote.high is None,
            "is_over": quote is not None and (quote.high or quote.low or 0.0) > budget.left,
        }
    return row


# ── services ────────────────────────────────────────────────────────────────────────────────────────────────


def choice_at(session: Session, provider: str) -> Choice:
    """Return who runs a request at a service, also where its key is not here: the price line says so then."""
    try:
        return session.choice(provider)
    except (ConfigError, CredentialError):
        return Choice(provider, find(provider) if provider else None)


def service_row(session: Session, form: FormState, *, is_public: bool) -> Row:
    """Who runs what the form asks for, in words, and who else could; a page for visitors has no choice."""
    chosen, choice = form.draft.provider, choice_at(session, form.draft.provider)
    offered = {} if is_public or session.mode == "replay" else dict(_offered(form, choice_at(session, "")))
    if offered and chosen not in offered:
        offered[chosen] = title_of(chosen)
    words = "No service: log in with %nblogin"
    if choice.name:
        words = "" if len(offered) > 1 else choice.title  # the control names it
        words = f"{choice.title}: test pictures, play money" if choice.is_play else words
    choices = [{"value": value, "label": one_line(label, 60)} for value, label in offered.items()]
    return {"name": choice.name, "title": choice.title, "words": words, "chosen": chosen, "choices": choices}


def _offered(form: FormState, own: Choice) -> Iterator[tuple[str, str]]:
    """Give values and words; the service that runs the form has its price beside it, the others here."""
    yield "", own.title if own.name else "no service yet"
    for spec in usable():
        if own.spec is None or spec.name not in {own.name, own.spec.name}:
            yield spec.name, _offer_words(spec, form)


def _offer_words(spec: ProviderSpec, form: FormState) -> str:
    if spec.is_play:
        return f"{spec.label}, play money"
    price = by_list(spec, form.priced(), form.model)
    if price is None or spec.name == form.draft.provider:
        return spec.label
    return f"{spec.label}, {least(price)}"


# ── the parts of the prompt ─────────────────────────────────────────────────────────────────────────────────


FIELDS = {
    "keep": ("Keep", "subject identity, pose, clothing"),
    "change": ("Change", "Convert the background into …"),
    "only": ("Only", "background"),
    "avoid": ("Avoid", "added text, extra people"),
    "text": ("Text", 'headline = "OPEN"'),
    "reference": ("From picture", "2 = the jacket"),
    "more": ("And", "a sentence that follows the change"),
}
"""By label, what a field is called and an example."""

SEVERAL = frozenset({"change", "text", "reference", "more"})
"""The fields that grow with their lines."""


def parts_row(form: FormState) -> Row:
    """The fields of the parts, what they make in the model's grammar, and what is wrong with them."""
    made, trouble = "", ""
    try:
        found = read_fields(form.draft.parts)
        made = str(composed(found, form.model.grammar)) if found else ""
    except PromptError as error:
        trouble = f"{error.what} {error.how}"
    fields = [
        {"name": name, "title": title, "example": example, "several": name in SEVERAL}
        for name, (title, example) in FIELDS.items()
    ]
    return {"fields": fields, "values": dict(form.draft.parts), "made": made, "trouble": trouble}


def case_rows() -> list[dict[str, str]]:
    """What the Studio can begin with."""
    return [
        {
            "id": case.id,
            "title": case.title,
            "why": f"{case.why} ({case.source})",
            "group": "Sample prompts" if case.parts is None else "Use cases",
        }
        for case in use_cases_there()
    ]
