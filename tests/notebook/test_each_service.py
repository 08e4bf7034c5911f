"""One cell at every service: what moves it is a word, and what follows from its result stays where that was made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from support.fal_service import FalService
from support.gemini_service import GeminiService
from support.openrouter_service import OpenRouterService
from support.runcomfy_service import RunComfyService

import nbbanana as nb
from nbbanana import errors
from nbbanana.session import current
from nbbanana.settings import settings

EDIT, NEWER = "google/nano-banana-2/edit", "google/nano-banana-2.1/edit"
DEFAULTS = {"runcomfy": EDIT, "fal": EDIT, "gemini": NEWER, "openrouter": NEWER}
SERVICES = {
    "runcomfy": RunComfyService,
    "fal": FalService,
    "gemini": GeminiService,
    "openrouter": OpenRouterService,
}


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """All four, with their keys in the environment."""
    with ExitStack() as stack:
        found: dict[str, Any] = {}
        for name, kind in SERVICES.items():
            found[name] = service = stack.enter_context(kind())
            for variable, value in service.environment.items():
                monkeypatch.setenv(variable, value)
        yield found


def posts(services: dict[str, Any]) -> dict[str, int]:
    """How many requests each took."""
    return {name: len(service.posts) for name, service in services.items()}


def test_a_cell_that_names_no_model_moves_by_one_word(services, shell):
    """Each runs its own default, and the same cell run again is answered by what it made there."""
    for name, model in DEFAULTS.items():
        cell = f"%%nbedit dusk << table --seed 7 --resolution 1K --provider {name}\nMake it dusk."
        shell.run_cell(cell)
        record = shell.user_ns["dusk"].record
        assert (record.provider, record.model, record.model_named, record.is_play) == (name, model, False, False)
        shell.run_cell(cell)
        assert shell.user_ns["dusk"].record.id == record.id
    assert posts(services) == dict.fromkeys(SERVICES, 1)


def test_a_cell_that_names_a_model_is_that_model_everywhere(services, shell):
    """By its short name; a service that lacks it says who has it, and no other model is sent."""
    for name in SERVICES:
        shell.run_cell(f"%%nbedit dusk << table --model nano-banana-2 --provider {name}\nMake it dusk.")
        assert shell.user_ns["dusk"].record.model == EDIT
    for name in ("gemini", "openrouter"):
        with pytest.raises(errors.UnknownModelError, match="has no google/nano-banana-2/text-to-image") as caught:
            current().edit("A table at dusk.", model="google/nano-banana-2/text-to-image", provider=name)
        assert "fal, runcomfy" in caught.value.why
    assert posts(services) == dict.fromkeys(SERVICES, 1)


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "runcomfy"])
def test_what_follows_from_a_result_stays_at_the_service_that_made_it(services, shell, name):
    """`vary` and `rerun`, in a session that would ask another; a word moves them too."""
    shell.run_cell(f"%%nbedit dusk << table --seed 7 --provider {name}\nMake it dusk.")
    dusk = shell.user_ns["dusk"]
    assert {one.record.provider for one in dusk.vary([8, 9])} == {name}
    assert dusk.rerun().record.provider == name
    assert posts(services) == {**dict.fromkeys(SERVICES, 0), name: 4}
    if name == "fal":
        assert dusk.vary([10], provider="runcomfy")[0].record.provider == "runcomfy"
        assert dusk.rerun(provider="runcomfy").record.provider == "runcomfy"
        assert posts(services) == {**dict.fromkeys(SERVICES, 0), "fal": 4, "runcomfy": 2}


@pytest.mark.parametrize("name", SERVICES)
def test_a_copy_of_a_result_s_cell_or_code_asks_the_same_service(services, shell, name):
    """It is answered by the record, wherever a request would go else; the default service goes without saying."""
    shell.run_cell(f"%%nbedit dusk << table --seed 7 --provider {name}\nMake it dusk.")
    dusk = shell.user_ns["dusk"]
    assert f"--provider {name}" in dusk.cell().splitlines()[0]
    assert f"provider='{name}'" in dusk.code()
    shell.run_cell(dusk.cell("again"))
    assert shell.user_ns["again"].id == eval(dusk.code(), {"nb": nb}).id == dusk.id
    assert posts(services) == {**dict.fromkeys(SERVICES, 0), name: 1}
    settings().provider = ""
    assert ("--provider" in dusk.cell(), "provider=" in dusk.code()) == (name != "runcomfy",) * 2


def test_another_person_s_record_chooses_no_service(services, shell, tmp_path):
    """Its copies name none, and asking again asks the one that is chosen here, whatever other key is here."""
    shell.run_cell("%%nbedit dusk << table --seed 7 --provider fal\nMake it dusk.")
    nb.history.export(tmp_path / "theirs.zip")
    settings().provider = ""
    with nb.Session(store=tmp_path / "mine") as mine:
        mine.history.merge(tmp_path / "theirs.zip")
        theirs = mine.history[1]
        assert theirs.record.is_foreign
        assert "--provider" not in theirs.cell()
        assert "provider=" not in theirs.code()
        assert theirs.rerun().record.provider == "runcomfy"
    assert posts(services) == {**dict.fromkeys(SERVICES, 0), "fal": 1, "runcomfy": 1}


def test_what_follows_needs_the_key_of_the_service_that_made_it(services, shell, monkeypatch):
    """Another key moves nothing: the error names the service, and nothing is sent elsewhere."""
    shell.run_cell("%%nbedit dusk << table --seed 7 --provider fal\nMake it dusk.")
    monkeypatch.delenv("FAL_KEY")
    with pytest.raises(errors.NoCredentialError, match="fal"):
        shell.user_ns["dusk"].rerun()
    with pytest.raises(errors.NoCredentialError, match="fal"):
        shell.user_ns["dusk"].vary([8])
    assert posts(services) == {**dict.fromkeys(SERVICES, 0), "fal": 1}


def test_a_chain_of_edits_crosses_services(services, shell):
    """Each output is the next one's input, by its bytes, and the lineage holds them all."""
    shell.run_cell("%%nbedit one << table --provider fal\nMake it dusk.")
    shell.run_cell("%%nbedit two << one[0] --provider gemini\nLet it rain.")
    shell.run_cell("%%nbedit three << two[0] --provider openrouter\nLet it snow.")
    shell.run_cell("%%nbedit four << three[0] --provider runcomfy\nMake it dawn.")
    four = shell.user_ns["four"]
    assert [four.record.provider, shell.user_ns["one"].record.provider] == ["runcomfy", "fal"]
    lineage = nb.history.lineage(four.id)
    assert {nb.history[number].provider for number in lineage} == set(SERVICES)
    assert "inlineData" in str(services["gemini"].posts[0].payload)
    (reference,) = services["openrouter"].posts[0].payload["input_references"]
    assert reference["image_url"]["url"].startswith("data:image/")
    assert posts(services) == dict.fromkeys(SERVICES, 1)


def test_a_budget_is_each_service_s_own(services, shell):
    """What one may not spend, another may."""
    store = current().store
    for name in SERVICES:
        store.set_budget(name, 0.0)
    for name in ("fal", "gemini", "openrouter"):
        with pytest.raises(errors.BudgetError):
            current().edit("Make it dusk.", shell.user_ns["table"], provider=name)
    assert posts(services) == dict.fromkeys(SERVICES, 0)
    store.set_budget("fal", 1.0)
    assert current().edit("Make it dusk.", shell.user_ns["table"], provider="fal").record.provider == "fal"
