"""Nothing is missing of a shipped model, and adding one is adding two files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from nbbanana import models
from nbbanana.models import from_schema
from nbbanana.models.catalogue import read
from nbbanana.models.offers import offer

from .gaps import clashes, gaps, ids_in

ROOT = Path(str(files("nbbanana.models"))) / "catalogue"
QWEN = "qwen/qwen-image-2.1/edit"
PROMPT = {"type": "string", "description": "What to do.", "x-nbbanana": {"source": "page", "sure": "documented"}}
SCHEMA: dict[str, Any] = {
    "title": "Paint",
    "description": "Paints a picture anew.",
    "type": "object",
    "required": ["prompt"],
    "additionalProperties": False,
    "x-nbbanana": {
        "sources": {"page": "its page"},
        "grammar": {
            "references": "the {ordinal} image",
            "order": "keep first",
            "prompt_limit": 900,
            "source": "page",
            "sure": "documented",
        },
    },
    "properties": {
        "prompt": PROMPT,
        "picture": PROMPT | {"format": "image_uri", "description": "What is edited."},
        "gloss": PROMPT | {"type": "integer", "minimum": 1, "maximum": 3, "default": 2, "description": "How shiny."},
    },
}
GUIDANCE = """# Paint

Paints.

## When to take it

- Always.

## When to take another

- Never.

## How to ask

- Say it.

## What it does not promise

- Anything.

Source: its page.
"""


def test_no_shipped_model_misses_anything() -> None:
    """The list names the model, the field and what is missing."""
    assert gaps(ROOT) == []
    assert ids_in(ROOT) == [*models.ids()]


def test_each_shipped_model_is_at_a_service() -> None:
    """RunComfy has all but the newest, whose id there is not known; that one is at three others."""
    assert [model_id for model_id in models.ids() if not offer("runcomfy", model_id)] == ["google/nano-banana-2.1/edit"]
    assert offer("fal", "google/nano-banana-2.1/edit")


def test_no_alias_hides_a_model_or_a_page() -> None:
    """And each stands for a model that is shipped; every vendor's model has a short name."""
    index = json.loads((ROOT / "models.json").read_text(encoding="utf-8"))
    assert clashes(index, [*models.ids()]) == []
    assert set(index["aliases"].values()) == {*models.ids()} - {"google/nano-banana-2/text-to-image"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder laid out as the catalogue, with one more model: two files."""
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "paint.schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    (tmp_path / "acme" / "paint.md").write_text(GUIDANCE, encoding="utf-8")
    return tmp_path


def test_a_model_is_added_by_adding_two_files(folder: Path) -> None:
    """All that a shipped model has: fields, options, checks, guidance, sources and how its prompts are written."""
    assert gaps(folder) == []
    model = read(folder, "acme/paint")
    assert (model.title, model.images_field, model.guidance) == ("Paint", "picture", GUIDANCE)
    assert model.check({"prompt": "x", "gloss": 3}, images=1) == {"prompt": "x", "gloss": 3}
    assert [field.option for field in model.options] == ["--gloss"]
    assert model.grammar.reference(2) == "the second image"
    assert model.grammar.prompt_limit == 900
    assert (model.field("gloss").source, model.field("gloss").sure) == ("page", "documented")
    assert model.sources["page"] == "its page"


def drop(*path: str) -> Callable[[dict[str, Any]], None]:
    """Take something out of a schema."""

    def change(schema: dict[str, Any]) -> None:
        node = schema
        for name in path[:-1]:
            node = node[name]
        del node[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "gap"),
    [
        (drop("properties", "seed", "x-nbbanana", "source"), "seed names no source of the file"),
        (drop("properties", "seed", "x-nbbanana", "sure"), "seed does not say how sure it is"),
        (drop("properties", "seed", "description"), "seed has no sentence that describes it"),
        (drop("properties", "prompt"), "no field takes the words"),
        (drop("x-nbbanana", "grammar", "references"), "the grammar does not say references"),
        (drop("x-nbbanana", "grammar", "prompt_limit"), "the grammar does not say how long a prompt may be"),
        (drop("x-nbbanana", "grammar", "masked"), "the grammar does not say what a prompt says beside a mask"),
        (drop("x-nbbanana", "grammar", "sure"), "the grammar does not say where it comes from"),
        (drop("additionalProperties"), "it takes fields that it does not name"),
        (drop("title"), "its guidance does not begin with its title"),
    ],
)
def test_what_a_schema_misses_is_named(tmp_path: Path, change: Callable[[dict[str, Any]], None], gap: str) -> None:
    """One line, with the model and the field."""
    shutil.copytree(ROOT / "qwen", tmp_path / "qwen")
    path = tmp_path / f"{QWEN}.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    change(schema)
    path.write_text(json.dumps(schema), encoding="utf-8")
    assert any(line.startswith(f"{QWEN}: {gap}") for line in gaps(tmp_path))


def test_what_a_guidance_misses_is_named(folder: Path) -> None:
    """A section that is empty is missing; so is the whole file."""
    path = folder / "acme" / "paint.md"
    path.write_text(GUIDANCE.replace("- Anything.\n", ""), encoding="utf-8")
    assert gaps(folder) == ["acme/paint: the guidance lacks 'What it does not promise'"]
    path.unlink()
    assert gaps(folder) == ["acme/paint: there is no guidance"]


def test_an_alias_that_hides_something_is_named() -> None:
    """An id, a page, or nothing at all."""
    index = {"aliases": {"a/b": "a/b", "p": "a/b", "x": "y"}, "pages": {"p": "a/b", "a/b": "c"}}
    assert clashes(index, ["a/b"]) == [
        "x stands for no model",
        "a/b is an id or a page as well",
        "p is an id or a page as well",
        "a/b is a model as well",
    ]


def test_a_service_says_nothing_of_sources_or_grammar() -> None:
    """What comes over the network is not taken for what was read in this package's sources."""
    model = from_schema("acme/paint", SCHEMA)
    assert model.grammar == models.Grammar()
    assert model.sources == {}
    assert {(field.source, field.sure) for field in model.fields} == {("", None)}
