"""Every shipped model runs on the sandbox over HTTP, and what is sent is what its own schema takes, as fetched."""

from __future__ import annotations

import re
from pathlib import Path

import fastjsonschema
import pytest
from support.sandboxes import Client, png

import nbbanana as nb
from nbbanana import models
from nbbanana.models.schemas import plain_schema
from nbbanana.sandbox import Sandbox
from nbbanana.sandbox.state import Catalogue

WORDS = "Keep the subject unchanged. Turn day into night."


def test_one_request_runs_through_every_shipped_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Row 11: those models really run. Each is validated by the schema that the service hands out; masks go along."""
    with Sandbox(time_scale=0, paint="flat") as box, Client(box) as client:
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        with nb.Session(store=tmp_path / "store") as session:
            for model_id in models.ids():
                model = models.get(model_id)
                pictures = [png()] if model.kind == "edit" else []
                mask = {model.mask_field: png(colour="white")} if model.mask_field else {}
                result = session.edit(WORDS, *pictures, model=model_id, **mask)
                assert (result.record.model, len(result), result.cost) == (model_id, 1, result.record.price_quoted)
                fetched = client.get(f"/models/{model_id}").json()["input_schema"]
                schema = {**plain_schema(model_id, fetched), "type": "object", "additionalProperties": False}
                payload = dict(box.submissions[-1].payload)
                fastjsonschema.compile(schema, use_default=False)(payload)
                required = {*fetched.get("required", ())}
                assert required <= {*payload}
                assert {*payload} <= required | {*mask} | {model.seed_field, model.prompt_field}, "no default is sent"
        assert len(box.submissions) == len(models.ids()) == 12


def test_what_the_service_publishes_of_a_model_holds_nothing_of_ours() -> None:
    """No source, no role, no grammar: what is fetched is as a service has it."""
    for model_id in models.ids():
        assert "x-nbbanana" not in str(Catalogue().find(model_id).published(with_schema=True))


@pytest.mark.parametrize("model_id", models.ids())
def test_its_price_is_play_money_and_the_note_says_each_factor(model_id: str) -> None:
    """What the note says is what is charged; every value that costs something else is one that can be asked for."""
    entry = Catalogue().find(model_id)
    note = entry.facts["pricing_note"]
    assert note.startswith("Play money.")
    for name, factors in entry.facts.get("multipliers", {}).items():
        field = entry.model.field(name)
        assert {*factors} == {*field.enum}
        for value, factor in factors.items():
            assert factor == 1.0 or re.search(rf"\b{re.escape(value)}\b[^;.]*?\b{factor:g}\b", note), (value, factor)
    for name, extra in entry.facts.get("surcharges", {}).items():
        assert entry.model.field(name).kind == "boolean"
        assert f"${extra}" in note
