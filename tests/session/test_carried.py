"""A parameter that the chosen service does not carry is refused before it is sent; one carried with loss is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.fal_service import FalService
from support.gemini_service import GeminiService

import nbbanana as nb
from nbbanana import errors, models
from nbbanana.models.offers import offer
from nbbanana.providers import service as module
from nbbanana.session.dry_run import describe_requests

EDIT = "google/nano-banana-2/edit"
SNOW = "Keep the subject unchanged. Make it snow."


def entry(without=(), **losses):
    """A catalogue entry of the service whose schema lacks some fields and carries some with loss."""
    schema = dict(models.get(EDIT).schema)
    fields = {name: dict(node) for name, node in schema["properties"].items() if name not in without}
    for name, loss in losses.items():
        fields[name]["x-nbbanana"] = {**fields[name].get("x-nbbanana", {}), "loss": loss}
    return {EDIT: {"input_schema": {**schema, "properties": fields}, "base_price_usd": 0.07, "price_unit": "output"}}


def test_a_set_parameter_that_would_be_dropped_is_refused_before_anything_is_sent(served, photo):
    """It names the parameter, the service and who carries it; the dry run says the same."""
    session, box = served(models=entry(without=("output_format",)))
    with pytest.raises(errors.ParameterError, match="sandbox does not carry output_format") as caught:
        session.edit(SNOW, photo("portrait"), output_format="webp")
    assert "fal, openrouter and runcomfy carry it" in caught.value.why
    request = session.request(SNOW, [photo("portrait")], parameters={"output_format": "webp"})
    with pytest.raises(errors.ParameterError, match="does not carry output_format"):
        describe_requests(session, [request])
    assert not box.submissions
    assert len(session.edit(SNOW, photo("portrait"))) == 1


def test_a_seed_that_nobody_set_is_not_sent_to_a_service_that_takes_none(served, photo):
    """It would be refused otherwise; the record says that there was none. A seed that was set is refused by name."""
    session, box = served(models=entry(without=("seed",)))
    result = session.edit(SNOW, photo("portrait"))
    assert "seed" not in box.submissions[-1].payload
    assert result.record.seed is None
    shown = describe_requests(session, [session.request(SNOW, [photo("portrait")])])["text/plain"]
    assert "random seed" not in shown
    with pytest.raises(errors.ParameterError, match="does not carry seed"):
        session.edit(SNOW, photo("portrait"), seed=7)


def test_what_is_carried_with_loss_is_sent_and_said(fal_with_loss, photo):
    """In one line, in the result's notes and in the dry run, and only where it was set."""
    session, fal = fal_with_loss
    said = "fal carries safety_tolerance with loss: as thresholds."
    result = session.edit(SNOW, photo("portrait"), safety_tolerance=2)
    assert said in result.notes
    assert fal.posts[-1].payload["safety_tolerance"] == "2"
    request = session.request(SNOW, [photo("portrait")], parameters={"safety_tolerance": 2})
    assert said in describe_requests(session, [request])["text/plain"]
    assert not any("with loss" in note for note in session.edit(SNOW, photo("portrait")).notes)


@pytest.fixture
def fal_with_loss(monkeypatch, tmp_path):
    """A session at a fal of whose offer one parameter is carried with loss."""
    there = offer("fal", EDIT)
    node = {**there.schema["properties"]["safety_tolerance"], "x-nbbanana": {"loss": "as thresholds"}}
    changed = {**there.schema, "properties": {**there.schema["properties"], "safety_tolerance": node}}
    monkeypatch.setattr(module, "offered", lambda *_: replace(there, schema=changed))
    with FalService() as service, monkeypatch.context() as patch:
        for name, value in service.environment.items():
            patch.setenv(name, value)
        with nb.Session(provider="fal", store=tmp_path / "fal") as session:
            yield session, service


def test_the_gemini_api_refuses_what_it_would_drop_and_says_what_it_loses(monkeypatch, tmp_path, photo):
    """Its default model, unnamed; the seed and the safety level go out, a file format does not."""
    with GeminiService() as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        with nb.Session(provider="gemini", store=tmp_path / "gemini") as session:
            with pytest.raises(errors.ParameterError, match="gemini does not carry output_format") as caught:
                session.edit(SNOW, photo("portrait"), output_format="webp")
            assert "fal and openrouter carry it" in caught.value.why
            assert service.posts == []
            result = session.edit(SNOW, photo("portrait"), seed=7, safety_tolerance=2, aspect_ratio="8:1")
    assert (result.record.model, result.record.model_named) == ("google/nano-banana-2.1/edit", False)
    lossy = [note for note in result.notes if "with loss" in note]
    assert [note.split()[2] for note in lossy] == ["seed", "safety_tolerance"]
    (post,) = service.posts
    assert post.model == "gemini-nano-banana-2.1"
    assert post.payload["generationConfig"]["seed"] == 7
    assert len(post.payload["safetySettings"]) == 4


def test_a_named_model_whose_end_was_announced_is_sent_and_said(monkeypatch, tmp_path, photo):
    """Until the service says that it is gone; then the error names what follows it, and nothing was charged."""
    with GeminiService() as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        with nb.Session(provider="gemini", store=tmp_path / "gemini") as session:
            result = session.edit(SNOW, photo("portrait"), model="nano-banana-2")
            assert any("announced for 2026-10-29" in note for note in result.notes)
            service.retired.add("gemini-3.1-flash-image")
            with pytest.raises(errors.ModelRetiredError, match="any more") as caught:
                session.edit(SNOW, photo("portrait"), model="nano-banana-2")
            assert "--model google/nano-banana-2.1/edit" in caught.value.how
            assert session.history[2].record.state == "rejected"
    assert len(service.posts) == 1
