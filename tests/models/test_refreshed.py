"""What services said of their models is kept in a dated file that outranks this package's, checked as a stranger's."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nbbanana.errors import ProtocolError
from nbbanana.models import from_schema, get
from nbbanana.models.offer_files import Offer, PriceList, keep, kept
from nbbanana.models.offers import ending, newest, offer, offered, origins, who_has
from nbbanana.models.schemas import input_schema
from nbbanana.settings import config_dir

EDIT, NEWER = "google/nano-banana-2/edit", "google/nano-banana-2.1/edit"
WORDS = {"prompt": {"type": "string"}, "image_urls": {"type": "array", "items": {"type": "string"}}}
DAY = "2027-01-02"


def told(model: str = EDIT, *, name: str = "", read: str = DAY, price: float | None = 0.10, **more: Any) -> Offer:
    """What fal said of a model."""
    schema = {"properties": WORDS | {"num_images": {"type": "integer", "maximum": 2}} | more, "required": ["prompt"]}
    prices = None if price is None else PriceList(price, read, "fal's own catalogue")
    return Offer("fal", model, name or "fal-ai/nano-banana-2/edit", schema, prices, read, "fal's own", alive=read)


def found(model: str = EDIT) -> Offer:
    """What is known of fal's model now."""
    there = offer("fal", model)
    assert there is not None
    return there


def price() -> float:
    """What a picture costs at fal by what is known now."""
    prices = found().prices
    assert prices is not None
    return prices.base


def file() -> Path:
    """The file of fal."""
    return config_dir() / "models" / "fal.json"


def test_what_a_service_said_outranks_what_this_package_has() -> None:
    """Fields and the price of a picture; what only this package knows stays: roles, factors of sizes."""
    keep("fal", [told()])
    there = found()
    assert (there.read, there.is_refreshed, there.alive) == (DAY, True, DAY)
    model = from_schema(EDIT, there.schema)
    assert model.field("num_images").maximum == 2
    assert model.count_field == "num_images"
    assert there.prices is not None
    assert there.prices.base == 0.10
    assert there.prices.factors["resolution"]["4K"] == 2.0
    assert there.prices.read == DAY
    assert f"fal (it was asked {DAY})" in origins(EDIT)


def test_what_this_package_learned_later_outranks_an_older_file() -> None:
    """A release after the refresh knows better."""
    keep("fal", [told(read="2026-01-01")])
    assert not found().is_refreshed
    assert price() == 0.08


def test_a_new_model_needs_no_release() -> None:
    """Its id is the service's; nothing more than its price of a picture is known, so a price is a floor."""
    new = "fal-ai/nano-banana-3/edit"
    keep("fal", [told(new, name=new)])
    assert offered("fal", "fal", new).id == new
    assert who_has(new) == ("fal",)
    prices = found(new).prices
    assert prices is not None
    assert prices.is_floor
    assert from_schema(new, found(new).schema).kind == "edit"


def test_asking_again_changes_only_the_models_that_were_asked_about() -> None:
    """And the file is written whole, for its owner alone."""
    keep("fal", [told(), told(NEWER, name="google/nano-banana-2.1/edit")])
    keep("fal", [told(price=0.12)])
    assert set(kept("fal")) == {EDIT, NEWER}
    assert price() == 0.12
    assert stat.S_IMODE(file().stat().st_mode) == 0o600
    assert [path.name for path in file().parent.iterdir()] == ["fal.json"]


def test_a_model_that_the_service_said_it_lacks_is_known_as_gone() -> None:
    """No other is sent there, and who asks hears since when."""
    keep("fal", [replace(told(), gone=DAY)])
    assert "fal" not in who_has(EDIT)
    said = ending("fal", EDIT)
    assert said is not None
    assert DAY in said


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"format": 2, "models": {}}', '{"format": 1, "models": []}', "[" * 100_000, '{"format": 1}'],
)
def test_a_file_that_cannot_be_read_counts_as_none(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """An edit must not fail because of it; the log names the command that writes it anew."""
    keep("fal", [told()])
    file().write_text(text, encoding="utf-8")
    assert not found().is_refreshed
    assert "nbbanana models refresh" in caplog.text
    keep("fal", [told()])
    assert found().is_refreshed


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../../v1/keys"},
        {"id": "a?b=c"},
        {"id": "a\nb"},
        {"id": 7},
        {"schema": {"properties": {}}},
        {"schema": {"properties": {"prompt": "text"}}},
        {"schema": {"properties": {f"p{n}": {"type": "string"} for n in range(300)}}},
        {"schema": None},
    ],
)
def test_an_entry_that_is_no_model_is_left_out_and_hurts_no_other(change: dict[str, Any]) -> None:
    """Its address would go into a request, its schema is compiled: both are checked, each time the file is read."""
    keep("fal", [told(), told(NEWER, name="google/nano-banana-2.1/edit")])
    whole = json.loads(file().read_text(encoding="utf-8"))
    whole["models"][EDIT].update(change)
    file().write_text(json.dumps(whole), encoding="utf-8")
    assert not found().is_refreshed
    assert found(NEWER).is_refreshed


@pytest.mark.parametrize("base", [-1, 0, 1e9, "free", True, None, float("nan")])
def test_a_price_that_is_no_sum_is_not_taken(base: Any) -> None:
    """This package's own stays."""
    keep("fal", [told()])
    whole = json.loads(file().read_text(encoding="utf-8"))
    whole["models"][EDIT]["prices"]["base"] = base
    file().write_text(json.dumps(whole), encoding="utf-8")
    assert price() == 0.08


def test_a_stranger_gives_fields_no_meaning_of_our_own() -> None:
    """A service does not say which field is the seed or what is lost: only this package's files do."""
    claim = {"type": "string", "x-nbbanana": {"role": "prompt", "loss": "everything"}}
    keep("fal", [told(note=claim)])
    field = from_schema(EDIT, found().schema).field("note")
    assert (field.role, field.loss) == (None, None)


def test_what_is_no_model_is_not_kept() -> None:
    """It is refused where it is written."""
    with pytest.raises(ProtocolError):
        keep("fal", [replace(told(), schema={"properties": {}})])
    assert kept("fal") == {}


def test_the_input_of_an_openapi_document_is_found_behind_its_references() -> None:
    """The first that is posted; alternatives are the first that is not null, and circles end."""
    circle = {"allOf": [{"$ref": "#/components/schemas/Circle"}]}
    properties = {
        "prompt": {"type": "string"},
        "seed": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
        "size": {"$ref": "#/components/schemas/Size"},
        "round": {"$ref": "#/components/schemas/Circle"},
    }
    schemas = {
        "In": {"properties": properties, "required": ["prompt"]},
        "Size": {"enum": ["1K", "2K"]},
        "Circle": circle,
    }
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}}
    paths = {"/a/requests/{id}": {"get": {}}, "/a": {"post": {"requestBody": body}}}
    model = from_schema("a/b", input_schema("a/b", {"components": {"schemas": schemas}, "paths": paths}))
    assert [(field.name, field.kind, field.enum) for field in model.fields][:3] == [
        ("prompt", "string", ()),
        ("seed", "integer", ()),
        ("size", "string", ("1K", "2K")),
    ]


@pytest.mark.parametrize(
    "document", [None, [], {}, {"paths": []}, {"paths": {"/a": {"post": []}}}, {"paths": {"a": 1}}]
)
def test_a_document_without_an_input_is_a_protocol_error(document: Any) -> None:
    """The model is named."""
    with pytest.raises(ProtocolError, match="a/b cannot be read"):
        input_schema("a/b", document)


def test_the_catalogue_s_own_model_is_as_it_was() -> None:
    """A refresh changes what a service takes, and not what a request may say."""
    before = get(EDIT)
    keep("fal", [told()])
    assert get(EDIT) is before


def test_what_another_package_s_service_said_outranks_that_package_too() -> None:
    """By its spec: its own offers are its package's, as the catalogue's files are this one's."""
    own = replace(told(read="2026-11-01", price=0.05), provider="elsewhere", id="banana-two")
    assert newest("elsewhere", EDIT, own) is own
    keep("elsewhere", [replace(own, read=DAY, prices=PriceList(0.07, DAY, "asked"))])
    found = newest("elsewhere", EDIT, own)
    assert found is not None
    assert found.prices is not None
    assert (found.is_refreshed, found.prices.base, found.id) == (True, 0.07, "banana-two")
    assert newest("elsewhere", NEWER, None) is None
