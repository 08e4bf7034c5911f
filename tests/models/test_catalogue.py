"""The models that are shipped, and everything that follows from their files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import fastjsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbbanana import models
from nbbanana.errors import ParameterError, UnknownModelError
from nbbanana.models.catalogue import read, short_name

EDIT, MAKE = "google/nano-banana-2/edit", "google/nano-banana-2/text-to-image"
NEWER = "google/nano-banana-2.1/edit"
ROOT = Path(str(files("nbbanana.models"))) / "catalogue"


def test_twelve_models_are_shipped() -> None:
    """Their ids are sorted; each is made once."""
    assert models.ids() == (
        "blackforestlabs/flux-1-kontext/pro/edit",
        "bytedance/seedream-5.0-pro/image-to-image",
        "google/nano-banana-2-lite/edit",
        NEWER,
        EDIT,
        MAKE,
        "google/nano-banana/pro/edit",
        "openai/gpt-image-2.5/flare/edit",
        "openai/gpt-image-2.5/sunburst/edit",
        "openai/gpt-image-2/edit",
        "qwen/qwen-image-2.1/edit",
        "tongyi-mai/z-image/turbo/inpainting",
    )
    assert models.get(EDIT) is models.get(EDIT)


def test_the_edit_model_has_the_fields_of_its_document() -> None:
    """Names, types, ranges and defaults, in its order."""
    fields = {field.name: field for field in models.get(EDIT).fields}
    assert {name: (field.kind, field.default) for name, field in fields.items()} == {
        "prompt": ("string", None),
        "image_urls": ("array", None),
        "number_of_images": ("integer", 1),
        "seed": ("integer", None),
        "aspect_ratio": ("string", "auto"),
        "resolution": ("string", "1K"),
        "output_format": ("string", "png"),
        "safety_tolerance": ("integer", 4),
        "limit_generations": ("boolean", None),
        "enable_web_search": ("boolean", False),
    }
    assert (fields["number_of_images"].minimum, fields["number_of_images"].maximum) == (1, 4)
    assert (fields["safety_tolerance"].minimum, fields["safety_tolerance"].maximum) == (1, 6)
    assert fields["resolution"].enum == ("0.5K", "1K", "2K", "4K")
    assert fields["output_format"].enum == ("png", "jpeg", "webp")
    assert fields["aspect_ratio"].enum[:3] == ("auto", "21:9", "16:9")
    assert [name for name, field in fields.items() if field.required] == ["prompt", "image_urls"]


def test_the_edit_model_knows_what_its_fields_are_for() -> None:
    """The roles by which other rooms find them."""
    model = models.get(EDIT)
    assert (model.kind, model.prompt_field, model.images_field) == ("edit", "prompt", "image_urls")
    assert (model.seed_field, model.count_field, model.mask_field) == ("seed", "number_of_images", None)
    assert (model.min_images, model.max_images) == (1, 20)
    assert model.is_shipped


def test_its_successor_differs_where_the_sources_say_so() -> None:
    """All 14 ratios, no 0.5K, 14 pictures at most, and how long it thinks."""
    model = models.get(NEWER)
    assert len([ratio for ratio in model.field("aspect_ratio").enum if ratio != "auto"]) == 14
    assert model.field("resolution").enum == ("1K", "2K", "4K")
    assert (model.min_images, model.max_images) == (1, 14)
    assert model.field("thinking_level").enum == ("minimal", "medium", "high")
    assert model.field("thinking_level") in model.options
    assert {field.name for field in models.get(EDIT).fields} < {field.name for field in model.fields}


@pytest.mark.parametrize(
    ("alias", "meant"),
    [
        ("nano-banana", EDIT),
        ("nano-banana-2", EDIT),
        ("nano-banana-2.1", NEWER),
        ("nano-banana-lite", "google/nano-banana-2-lite/edit"),
        ("nano-banana-pro", "google/nano-banana/pro/edit"),
        ("gpt-image", "openai/gpt-image-2/edit"),
        ("gpt-image-2.5", "openai/gpt-image-2.5/sunburst/edit"),
        ("kontext", "blackforestlabs/flux-1-kontext/pro/edit"),
        ("qwen", "qwen/qwen-image-2.1/edit"),
        ("z-image", "tongyi-mai/z-image/turbo/inpainting"),
        ("seedream", "bytedance/seedream-5.0-pro/image-to-image"),
    ],
)
def test_a_model_is_found_by_its_short_name(alias: str, meant: str) -> None:
    """An alias is a name of the same model: what is recorded is its id."""
    assert models.get(alias).id == models.get(meant).id


def test_the_text_to_image_model_takes_no_pictures() -> None:
    """And its sibling's names differ."""
    model = models.get(MAKE)
    assert (model.kind, model.images_field, model.count_field) == ("text-to-image", None, "num_images")
    assert (model.min_images, model.max_images) == (0, 0)


def test_what_costs_is_said() -> None:
    """Web search in so many words, on all that have it."""
    for model_id in (EDIT, MAKE, NEWER, "google/nano-banana/pro/edit"):
        field = models.get(model_id).field("enable_web_search")
        assert field.cost_note == "costs extra and takes longer"


@pytest.mark.parametrize("model_id", models.ids())
def test_every_shipped_schema_is_one(model_id: str) -> None:
    """It is valid JSON Schema, and its defaults are values that it allows; no two options are spelled the same."""
    model, schema = models.get(model_id), json.loads((ROOT / f"{model_id}.schema.json").read_text(encoding="utf-8"))
    validate = fastjsonschema.compile(schema, use_default=False, use_formats=False)
    defaults = {name: node["default"] for name, node in schema["properties"].items() if "default" in node}
    pictures = {one.name: ["u"] if one.is_list else "u" for one in model.picture_fields}
    masks = {model.mask_field: "m"} if model.mask_field else {}
    validate({"prompt": "x", **defaults, **pictures, **masks})
    assert len({field.option for field in model.options}) == len(model.options)


def test_options_are_everything_but_words_and_pictures() -> None:
    """In the order of the schema, as a command line writes them."""
    assert [field.option for field in models.get(EDIT).options] == [
        "--number-of-images",
        "--seed",
        "--aspect-ratio",
        "--resolution",
        "--output-format",
        "--safety-tolerance",
        "--limit-generations",
        "--enable-web-search",
    ]
    assert [field.short for field in models.get(EDIT).options if field.short] == ["-n"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("nano-banana-2/edit", EDIT),
        ("google/nano-banana-2-edit", EDIT),
        ("google/nano-banana-2/t2i", None),
        ("nano banana edit", "nano-banana"),
        ("kontekst", "kontext"),
        ("gpt-imag", "gpt-image"),
        ("../../etc/passwd", None),
    ],
)
def test_an_unknown_model_names_the_nearest(written: str, meant: str | None) -> None:
    """Ids are looked up, never used as paths."""
    with pytest.raises(UnknownModelError) as caught:
        models.get(written)
    assert caught.value.why == f"It holds {', '.join(map(short_name, models.ids()))}."
    if meant:
        assert caught.value.how == f"Did you mean {meant}?"


NODES = st.one_of(
    st.builds(
        lambda low, span: {"type": "integer", "minimum": low, "maximum": low + span},
        st.integers(-9, 9),
        st.integers(0, 9),
    ),
    st.builds(
        lambda words: {"type": "string", "enum": words},
        st.lists(st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True), min_size=1, max_size=5, unique=True),
    ),
    st.just({"type": "boolean"}),
    st.builds(lambda low: {"type": "number", "minimum": low}, st.integers(-9, 9)),
)


def allowed_value(node: dict) -> object:
    """A value that a property takes."""
    if "enum" in node:
        return node["enum"][-1]
    return True if node["type"] == "boolean" else node["minimum"]


@pytest.mark.nightly
@given(name=st.from_regex(r"[a-z][a-z0-9]{1,8}(_[a-z0-9]{1,5})?_new", fullmatch=True), node=NODES)
def test_a_field_added_to_the_file_is_added_everywhere(
    tmp_path_factory: pytest.TempPathFactory, name: str, node: dict
) -> None:
    """In fields, options, the command line's reading, the check and the payload, and nowhere else is anything to do."""
    root = tmp_path_factory.mktemp("catalogue")
    shutil.copytree(ROOT, root, dirs_exist_ok=True)
    path = root / f"{EDIT}.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert name not in schema["properties"]
    schema["properties"][name] = node | {"description": "New."}
    path.write_text(json.dumps(schema), encoding="utf-8")

    model = read(root, EDIT)
    field = model.fields[-1]
    value = allowed_value(node)
    assert (field.name, field.option, field.description) == (name, "--" + name.replace("_", "-"), "New.")
    assert model.options[-1] is field
    assert model.parse_option(name, str(value)) == value
    assert model.check({"prompt": "x", name: value}, images=1)[name] == value
    assert model.payload({"prompt": "x", name: value}, ["u"]) == {"prompt": "x", name: value, "image_urls": ["u"]}
    for wrong in (None if node["type"] != "boolean" else "maybe", {"not": "allowed"}, [value]):
        if wrong is not None:
            with pytest.raises(ParameterError, match=name):
                model.check({"prompt": "x", name: wrong}, images=1)
    with pytest.raises(ParameterError, match=name):
        models.get(EDIT).check({"prompt": "x", name: value}, images=1)


OPENED = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_line_magic("load_ext", "nbbanana")
ours = lambda: sorted(path.rpartition("/")[2] for path in opened if "/models/catalogue/" in path.replace("\\\\", "/"))
print(ours())
from nbbanana import models
models.get("google/nano-banana-2/edit")
print(ours())
"""


def test_loading_the_extension_opens_no_file_of_the_catalogue() -> None:
    """A model that is asked for by its id opens its own two files, however many models there are."""
    run = subprocess.run([sys.executable, "-c", OPENED], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["[]", "['edit.md', 'edit.schema.json']"]
