"""The catalogue as it is shown: a list of models, one of them whole, several beside each other, a ranking."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from nbbanana import text
from nbbanana.models.catalogue import ModelComparison, ModelList, short_name
from nbbanana.models.choosing import Ranked, Ranking
from nbbanana.models.model import Model, bundle_of
from nbbanana.models.offers import origins, who_has
from nbbanana.models.schemas import Field
from nbbanana.text import one_line, plain, written

__all__ = ["list_bundle", "model_bundle", "models_compared_bundle", "ranking_bundle"]

WIDTH = 100
"""Columns of a terminal that running text takes."""

_CODE = re.compile(r"(?<!\w)`([\w./:-]+)`")
"""Words between backticks, which are code."""

render = partial(text.render, "nbbanana.models")
_wrapped = partial(wrap, break_on_hyphens=False, break_long_words=False)

NEITHER = "–"
"""Where a model has no such field."""

FURTHER = (
    'Search one word, such as mask, seed or lettering; --choose "…" (nb.models.choose) ranks them for a request; '
    "%nbmodels lists all."
)
"""What to do where no model was found."""

# ── a list ──────────────────────────────────────────────────────────────────────────────────────────────────────


@bundle_of.register(ModelList)
def list_bundle(models: ModelList) -> dict[str, str]:
    """
    Return models as a list: what one writes for each, what it takes, what it is for.

    >>> from nbbanana import models
    >>> print(list_bundle(models.search("no picture"))["text/plain"])
    1 model for “no picture”
      google/nano-banana-2/text-to-image  makes pictures from words · several outputs · seed
          Makes pictures from words alone.
    """
    rows: list[dict[str, Any]] = [
        {
            "name": one_line(short_name(model.id)),
            "title": one_line(model.title),
            "id": one_line(model.id),
            "can": _can(model),
            "summary": one_line(model.summary),
            "mark": "default · " if model.id == models.default else "",
        }
        for model in models
    ]
    count = "1 model" if len(rows) == 1 else f"{len(rows)} models"
    title = f"{count} for “{one_line(models.about)}”" if models.about else count
    width = max((len(row["name"]) for row in rows), default=0)
    lines = [f"  {row['name']:<{width}}  {row['mark']}{row['can']}\n      {row['summary']}" for row in rows]
    then = "" if rows else f"No text about a model has all of these words. {FURTHER}"
    html = render("model_list", title=title, rows=rows, then=then)
    return {"text/plain": "\n".join(filter(None, [title, *lines, then])), "text/html": html}


def _can(model: Model) -> str:
    """Return what it takes and can do, in a line."""
    able = {"several outputs": model.count_field, "seed": model.seed_field, "mask": model.mask_field}
    return " · ".join([_takes(model), *(words for words, field in able.items() if field)])


def _takes(model: Model) -> str:
    least, most = model.min_images, model.max_images
    if most == 0:
        return "makes pictures from words"
    if most == 1:
        return "edits one picture"
    return f"edits {least} or more pictures" if most is None else f"edits {least} to {most} pictures"


# ── one model ───────────────────────────────────────────────────────────────────────────────────────────────────


@bundle_of.register(Model)
def model_bundle(model: Model) -> dict[str, str]:
    """Return a model: what it is for, its options, what each takes unless it is set, where that is from, its advice."""
    shown = {
        "title": one_line(model.title),
        "id": one_line(model.id),
        "name": one_line(short_name(model.id)),
        "takes": _can(model),
        "summary": one_line(model.summary),
        "services": ", ".join(origins(model.id)),
        "options": [
            {
                "option": field.option + (f", {field.short}" if field.short else ""),
                "allowed": _allowed(field),
                "unless_set": written(field.default),
                "about": one_line(field.description or ""),
                "cost": one_line(field.cost_note or ""),
                "source": f"{field.sure}: {one_line(field.source)}" if field.sure else "",
            }
            for field in model.options
        ],
        "sources": [f"{one_line(name)}: {one_line(said)}" for name, said in model.sources.items()],
        "guidance": list(_sections(model.guidance)),
    }
    return {"text/plain": "\n".join(_model_lines(shown)), "text/html": render("model", model=shown)}


def _allowed(field: Field) -> str:
    if field.role == "mask":
        return "a picture, or a region"
    if field.enum:
        return ", ".join(written(value) for value in field.enum)
    if field.minimum is not None and field.maximum is not None:
        return f"{field.minimum} to {field.maximum}"
    bounds = [("at least", field.minimum), ("at most", field.maximum)]
    limit = "".join(f", {how} {bound}" for how, bound in bounds if bound is not None)
    return {"boolean": "true, false", "string": "text"}.get(field.kind, field.kind) + limit


def _sections(guidance: str) -> Iterator[dict[str, Any]]:
    """Give the parts of a guidance below its title: a heading, and its items; every second part of one is code."""
    for part in guidance.replace("\nSource: ", "\n## Source\n").split("\n## ")[1:]:
        heading, _, rest = part.partition("\n")
        blocks = [item for block in rest.strip().split("\n\n") for item in f"\n{block}".split("\n- ")]
        items = [" ".join(item.split()) for item in blocks]
        yield {"heading": one_line(heading), "items": [_CODE.split(plain(item)) for item in items if item]}


def _model_lines(model: dict[str, Any]) -> Iterator[str]:
    yield f"{model['title']}  {model['id']}  {model['takes']}"
    yield f"  {model['summary']}"
    if model["name"] != model["id"]:
        yield f"  --model {model['name']}"
    if model["services"]:
        yield f"  at {model['services']}"
    for option in model["options"]:
        unless = f"; {option['unless_set']} unless set" if option["unless_set"] else ""
        cost = f" ({option['cost']})" if option["cost"] else ""
        source = f" [{option['source']}]" if option["source"] else ""
        yield f"  {option['option']:<24} {option['allowed']}{unless}{cost}{source}"
    for source in model["sources"]:
        yield from _wrapped(source, WIDTH, initial_indent="  ", subsequent_indent="    ")
    for section in model["guidance"]:
        yield f"\n  {section['heading']}"
        for item in section["items"]:
            words = "".join(f"`{part}`" if number % 2 else part for number, part in enumerate(item))
            yield from _wrapped(words, WIDTH, initial_indent="  - ", subsequent_indent="    ")


# ── several ─────────────────────────────────────────────────────────────────────────────────────────────────────


@bundle_of.register(ModelComparison)
def models_compared_bundle(compared: ModelComparison) -> dict[str, str]:
    """Return models beside each other, a row a thing that they take; what they share stands last."""
    models = compared.models
    rows = [*_facts_of(models), *_options_of(models)]
    unlike = [row for row in rows if len(set(row[1:])) > 1]
    same = [f"{row[0]} ({row[1]})" for row in rows if len(set(row[1:])) == 1 and row[1] != NEITHER]
    head = [one_line(short_name(model.id)) for model in models]
    html = render("model_comparison", head=head, rows=unlike, same=same)
    lines = [*_columns(["", *head], unlike), *([f"The same: {'; '.join(same)}."] if same else [])]
    return {"text/plain": "\n".join(lines), "text/html": html}


def _facts_of(models: Sequence[Model]) -> Iterator[tuple[str, ...]]:
    yield "for", *(one_line(model.summary) for model in models)
    yield "pictures", *(_takes(model) for model in models)
    for name, role in (("outputs at once", "count"), ("seed", "seed"), ("mask", "mask")):
        fields = [next((one for one in model.fields if one.role == role), None) for model in models]
        yield name, *map(_of_role, fields)
    yield "services", *(", ".join(who_has(model.id)) or "not known" for model in models)


def _of_role(field: Field | None) -> str:
    if field is None:
        return NEITHER
    if field.role == "count" and field.maximum is not None:
        return f"1 to {field.maximum:g}"
    return "yes, needed" if field.required else "yes"


def _options_of(models: Sequence[Model]) -> Iterator[tuple[str, ...]]:
    by_role = {"seed", "count", "mask"}
    names = dict.fromkeys(one.name for model in models for one in model.options if one.role not in by_role)
    for name in names:
        fields = [model.named(name) for model in models]
        yield one_line(name), *(_cell(field) if field else NEITHER for field in fields)


def _cell(field: Field) -> str:
    default = written(field.default)
    return f"{_allowed(field)}; {default} unless set" if default else _allowed(field)


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Give rows in columns that a terminal has room for, cells wrapped."""
    first = max((len(row[0]) for row in rows), default=0)
    width = max(20, (WIDTH - first) // max(1, len(head) - 1) - 2)
    for row in [head, *rows]:
        cells = [_wrapped(cell, width) or [""] for cell in row[1:]]
        for number, parts in enumerate(zip_longest(*cells, fillvalue="")):
            name = row[0] if number == 0 else ""
            yield "  ".join([name.ljust(first), *(part.ljust(width) for part in parts)]).rstrip()


# ── a ranking ───────────────────────────────────────────────────────────────────────────────────────────────────


@bundle_of.register(Ranking)
def ranking_bundle(ranking: Ranking) -> dict[str, str]:
    """Return a ranking: each model with its reasons and the sentence that they rest on, and what keeps others out."""
    shown = ranking.alternatives
    entries = [_entry(number, one) for number, one in enumerate(shown, 1)]
    view = {
        "title": f"For “{one_line(ranking.prompt, 120)}”" if ranking.prompt else "For a request",
        "entries": entries,
        "others": [one_line(short_name(one.id)) for one in ranking if one not in shown],
        "out": _by_reason(ranking),
        "said": "" if len(ranking) else "No model of the catalogue can take this.",
        "rests": f"By {ranking.document}, and by each model's own guidance. A model that you name is the one that is "
        "used.",
    }
    return {"text/plain": "\n".join(_ranking_lines(view)), "text/html": render("ranking", **view)}


def _by_reason(ranking: Ranking) -> list[tuple[str, list[str]]]:
    """Return what keeps models out, each with the names of those."""
    found: dict[str, list[str]] = {}
    for name, why in ranking.excluded.items():
        found.setdefault(one_line(why), []).append(one_line(short_name(name)))
    return list(found.items())


def _entry(number: int, one: Ranked) -> dict[str, Any]:
    return {
        "number": number,
        "title": one_line(one.model.title),
        "name": one_line(short_name(one.id)),
        "id": one_line(one.id),
        "reasons": one_line("; ".join(one.reasons)),
        "sentence": one_line(one.sentence.strip(" :")),
        "source": one_line(one.source),
    }


def _ranking_lines(view: dict[str, Any]) -> Iterator[str]:
    yield view["title"]
    if view["said"]:
        yield view["said"]
    for one in view["entries"]:
        yield f"{one['number']}. {one['id']} (--model {one['name']}): {one['reasons']}."
        said = f"“{one['sentence']}” ({one['source']})"
        yield from _wrapped(said, WIDTH, initial_indent="     ", subsequent_indent="     ")
    if view["others"]:
        yield from _wrapped(f"Others that can take it: {', '.join(view['others'])}.", WIDTH)
    for why, names in view["out"]:
        yield from _wrapped(f"Left out: {', '.join(names)}: {why}.", WIDTH, subsequent_indent="  ")
    yield from _wrapped(view["rests"], WIDTH)
