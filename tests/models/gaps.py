"""What a model's files miss: the list that a test of the catalogue fails with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import fastjsonschema

from nbbanana.models.catalogue import GUIDANCE, SCHEMA, read
from nbbanana.models.model import Model
from nbbanana.models.schemas import Field, Masked, Order, References, Sure

SECTIONS = ("When to take it", "When to take another", "How to ask", "What it does not promise")


def ids_in(folder: Path) -> list[str]:
    """The models of a folder laid out as the catalogue."""
    return sorted(path.relative_to(folder).as_posix().removesuffix(SCHEMA) for path in folder.rglob(f"*{SCHEMA}"))


def gaps(folder: Path) -> list[str]:
    """What the models of a folder miss, a line each: the model, the field, what is missing."""
    return [f"{model_id}: {gap}" for model_id in ids_in(folder) for gap in _of_model(folder, model_id)]


def clashes(index: Mapping[str, Any], models: list[str]) -> list[str]:
    """The aliases that name no model, or that hide an id or the address of a page."""
    found = [f"{alias} stands for no model" for alias, meant in index["aliases"].items() if meant not in models]
    hidden = {*models, *index["pages"]}
    found += [f"{alias} is an id or a page as well" for alias in index["aliases"] if alias in hidden]
    return found + [f"{page} is a model as well" for page in index["pages"] if page in models]


def _of_model(folder: Path, model_id: str) -> Iterator[str]:
    if not (folder / (model_id + GUIDANCE)).is_file():
        yield "there is no guidance"
        return
    model = read(folder, model_id)
    schema = json.loads((folder / (model_id + SCHEMA)).read_text(encoding="utf-8"))
    yield from _of_words(model)
    yield from _of_schema(model, schema)
    own = schema.get("x-nbbanana", {})
    yield from _of_grammar(own.get("grammar", {}), model)
    for field in model.fields:
        yield from _of_field(field, model)
    used = {field.source for field in model.fields} | {own.get("grammar", {}).get("source")}
    yield from (f"the source {name} is used by nothing" for name in model.sources if name not in used)


def _of_words(model: Model) -> Iterator[str]:
    if not model.summary.endswith("."):
        yield "its description is no sentence"
    if not model.guidance.startswith(f"# {model.title}\n"):
        yield "its guidance does not begin with its title"
    parts = model.guidance.partition("\nSource: ")[0].split("\n## ")
    written = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts[1:]}
    yield from (f"the guidance lacks {name!r}" for name in SECTIONS if not written.get(name))
    if "\nSource: " not in model.guidance:
        yield "the guidance lacks its source"


def _of_schema(model: Model, schema: dict[str, Any]) -> Iterator[str]:
    try:
        fastjsonschema.compile(schema, use_default=False)
    except fastjsonschema.JsonSchemaDefinitionException as error:
        yield f"its schema is none: {error}"
    if model.prompt_field is None:
        yield "no field takes the words"
    if schema.get("additionalProperties") is not False:
        yield "it takes fields that it does not name"
    defaults = {one.name: one.default for one in model.options if one.default is not None}
    for name, value in defaults.items():
        if model.parse_option(name, str(value).lower() if value is True or value is False else str(value)) != value:
            yield f"the default of {name} is not allowed"


def _of_grammar(grammar: Mapping[str, Any], model: Model) -> Iterator[str]:
    for name, words in (("references", References), ("order", Order)):
        if grammar.get(name) not in get_args(words):
            yield f"the grammar does not say {name}"
    if "prompt_limit" not in grammar:
        yield "the grammar does not say how long a prompt may be (null where no source tells)"
    if model.mask_field and grammar.get("masked") not in get_args(Masked):
        yield "the grammar does not say what a prompt says beside a mask"
    if grammar.get("source") not in model.sources or grammar.get("sure") not in get_args(Sure):
        yield "the grammar does not say where it comes from, and how sure that is"


def _of_field(field: Field, model: Model) -> Iterator[str]:
    if not field.description.endswith("."):
        yield f"{field.name} has no sentence that describes it"
    if field.source not in model.sources:
        yield f"{field.name} names no source of the file"
    if field.sure is None:
        yield f"{field.name} does not say how sure it is"
