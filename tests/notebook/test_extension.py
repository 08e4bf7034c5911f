"""Loading, reloading and unloading: one of each, and nothing is left."""

from __future__ import annotations

from typing import Any

import pytest

from nbbanana.notebook import load_ipython_extension, unload_ipython_extension
from nbbanana.settings import settings

NAMES = {"nbedit", "nbhistory", "nbmodels"}


def state(shell: Any) -> dict[str, Any]:
    """Everything of a shell that an extension can change."""
    return {
        "line": set(shell.magics_manager.magics["line"]),
        "cell": set(shell.magics_manager.magics["cell"]),
        "registry": set(shell.magics_manager.registry),
        "configurables": [id(one) for one in shell.configurables],
        "cleanup": list(shell.input_transformers_cleanup),
        "post": list(shell.input_transformers_post),
        "events": {name: list(found) for name, found in shell.events.callbacks.items()},
        "matchers": list(shell.Completer.custom_matchers),
        "names": set(shell.user_ns),
    }


def counts(shell: Any) -> dict[str, int]:
    """How many of everything there are."""
    found = state(shell)
    events = {name: len(callbacks) for name, callbacks in found.pop("events").items()}
    return {name: len(values) for name, values in found.items()} | events


def test_loading_brings_the_magics(bare: Any) -> None:
    """The cell magic, the line magics, and settings that `%config` knows."""
    bare.run_cell("%load_ext nbbanana")
    assert state(bare)["line"] >= NAMES
    assert "nbedit" in state(bare)["cell"]
    assert settings() in bare.configurables


def test_unloading_leaves_nothing(bare: Any) -> None:
    """The shell is as it was."""
    before = state(bare)
    load_ipython_extension(bare)
    assert all(state(bare)[part] != before[part] for part in set(before) - {"names", "matchers"})
    unload_ipython_extension(bare)
    assert state(bare) == before


def test_reloading_leaves_one_of_each(bare: Any) -> None:
    """However often."""
    bare.run_cell("%load_ext nbbanana")
    once = counts(bare)
    for _ in range(3):
        bare.run_cell("%reload_ext nbbanana")
        assert counts(bare) == once


def test_loading_twice_is_loading_once(bare: Any) -> None:
    """Also by hand, past IPython's own memory of what is loaded."""
    load_ipython_extension(bare)
    once = counts(bare)
    load_ipython_extension(bare)
    assert counts(bare) == once
    unload_ipython_extension(bare)
    unload_ipython_extension(bare)


def test_the_shells_configuration_counts(bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`c.NBBanana.mode` in a configuration file wins over the environment."""
    monkeypatch.setenv("NBBANANA_MODE", "replay")
    bare.config.NBBanana.mode = "fresh"
    bare.run_cell("%load_ext nbbanana")
    assert settings().mode == "fresh"
    bare.run_cell("%unload_ext nbbanana")
    del bare.config["NBBanana"]
