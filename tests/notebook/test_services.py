"""Cells and the Studio at every service: one request, the same words, whoever runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from support.fal_service import FalService
from support.forms import Wire
from support.gemini_service import GeminiService
from support.openrouter_service import OpenRouterService
from support.runcomfy_service import RunComfyService
from support.sandboxes import png
from support.waiting import until

import nbbanana as nb
from nbbanana import errors
from nbbanana.testing.emulator import Emulator

SERVICES = {"runcomfy": RunComfyService, "fal": FalService, "gemini": GeminiService, "openrouter": OpenRouterService}


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Emulator]]:
    """All services at once, each with its key in the environment."""
    with ExitStack() as stack:
        found: dict[str, Emulator] = {}
        for name, kind in SERVICES.items():
            found[name] = stack.enter_context(kind())
            for variable, value in found[name].environment.items():
                monkeypatch.setenv(variable, value)
        yield found


def counts(services: dict[str, Emulator]) -> dict[str, int]:
    """How many requests each service took."""
    return {name: len(service.posts) for name, service in services.items()}


def test_a_cell_that_names_no_model_moves_from_one_service_to_another_by_one_word(services, shell):
    """Each takes it with its own default model, says so, and records that none was named."""
    models = {}
    for name in SERVICES:
        shell.run_cell(f"%%nbedit {name}_dusk << table --provider {name} -n 2 --seed 7\nMake it dusk.")
        result = shell.user_ns[f"{name}_dusk"]
        assert len(result) == 2
        assert result.record.model_named is False
        models[name] = result.record.model
    assert counts(services) == {"runcomfy": 1, "fal": 1, "gemini": 2, "openrouter": 2}
    assert models["runcomfy"] == "google/nano-banana-2/edit"
    assert models["gemini"] == "google/nano-banana-2.1/edit"


def test_a_chain_of_edits_crosses_services_and_a_failure_crosses_none(services, shell):
    """The output of one is the input of the next; what one refuses, no other gets."""
    shell.run_cell("%%nbedit one << table --provider fal --seed 1\nMake it dusk.")
    shell.run_cell("%%nbedit two << one[0] --provider gemini --seed 1\nAdd rain.")
    two = shell.user_ns["two"].record
    assert (two.provider, two.parents) == ("gemini", (shell.user_ns["one"].record.id,))
    services["openrouter"].end = "blocked"
    before = counts(services)
    with pytest.raises(errors.RejectedError):
        shell.run_cell("%%nbedit three << two[0] --provider openrouter --seed 1\nAdd snow.")
    assert "three" not in shell.user_ns
    assert {**counts(services), "openrouter": 0} == {**before, "openrouter": 0}


@pytest.mark.parametrize("name", SERVICES)
def test_the_studio_runs_at_it_and_says_who_and_for_how_much(services, name, tmp_path):
    """Its title and its price, its default model, and one POST a picture where it counts none."""
    with nb.Session(provider=name, store=tmp_path / "store") as session:
        form = nb.studio(png(), prompt="Make it dusk.", session=session)
        told = Wire(form)
        form._receive({"kind": "hello", "number": 1}, [])
        until(lambda: any(said["kind"] == "price" for said, _ in told.said))
        says = {said["kind"]: said for said, _ in told.said}
        assert says["form"]["service"]["title"]
        assert "$" in says["price"]["amount"]
        result = form.run().result()
        assert (result.provider in {name, "sandbox"}, counts(services)[name]) == (True, 1)
        form.close()


@pytest.mark.parametrize("name", SERVICES)
def test_variations_are_reserved_together_and_paid_once(services, name, tmp_path):
    """A series at each service; the second time it costs nothing."""
    with nb.Session(provider=name, store=tmp_path / "store") as session:
        first = session.edit("Make it dusk.", png(), seed=1)
        first.vary(seeds=[1, 2, 3])
        first.vary(seeds=[1, 2, 3])
        assert counts(services)[name] == 3
        assert session.store.verify().ok
