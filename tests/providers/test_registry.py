"""Providers of this package and of others: found by name, listed, and never in each other's way."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import nbbanana as nb
from nbbanana import errors
from nbbanana.providers import registry
from nbbanana.providers.registry import Broken, ProviderSpec, find, listed

PLUGIN = """
from nbbanana.providers.registry import ProviderSpec

def connect(credential, endpoints, pace):
    raise NotImplementedError

def wire(endpoints, model, payload):
    raise NotImplementedError

SPEC = ProviderSpec("{name}", "{name}", connect, wire, key_variables=("{variable}",), key_page="example.org")
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a package that offers a provider, as pip would leave it."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name: str, code: str) -> None:
        module = f"plugin_of_{name.replace('-', '_')}"
        (tmp_path / f"{module}.py").write_text(code)
        about = tmp_path / f"{module}-1.0.dist-info"
        about.mkdir()
        about.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        about.joinpath("entry_points.txt").write_text(f"[{registry.GROUP}]\n{name} = {module}:SPEC\n")
        registry._others.cache_clear()
        monkeypatch.delitem(sys.modules, module, raising=False)

    yield make
    registry._others.cache_clear()


def test_another_package_s_provider_is_found_by_its_entry_point(install: Install) -> None:
    """By name and in the list, behind this package's own."""
    install("elsewhere", PLUGIN.format(name="elsewhere", variable="ELSEWHERE_KEY"))
    assert find("elsewhere").key_variables == ("ELSEWHERE_KEY",)
    assert [spec.name for spec in listed()] == [*registry.OWN, "elsewhere"]


@pytest.mark.parametrize("code", ["import nothing_that_is_there", "SPEC = 7", "raise SystemError('broken')"])
def test_one_that_is_broken_is_a_line_in_the_list_and_hurts_no_other(install: Install, code: str) -> None:
    """Its error is shown; choosing it is an error that says why."""
    install("broken", code)
    (last,) = [line for line in listed() if isinstance(line, Broken)]
    assert last.name == "broken"
    assert "cannot be used" in nb.list_providers()._repr_mimebundle_()["text/plain"]
    with pytest.raises(errors.ConfigError, match="broken cannot be used"):
        find("broken")
    assert find("fal").name == "fal"


def test_no_package_takes_the_name_of_another_provider(install: Install) -> None:
    """A key is not led elsewhere by a package that calls itself fal."""
    install("fal", PLUGIN.format(name="fal", variable="ELSEWHERE_KEY"))
    assert find("fal").key_variables == ("FAL_KEY",)
    assert [spec.name for spec in listed()].count("fal") == 1


def test_an_unknown_one_names_the_nearest() -> None:
    """A slip of the finger is answered with what was meant."""
    with pytest.raises(errors.ConfigError, match="Did you mean runcomfy"):
        find("runconfy")


def test_every_spec_of_this_package_says_what_a_list_and_an_error_need() -> None:
    """A key has a variable and a page; the sandbox has neither, and plays."""
    specs = [spec for spec in listed() if isinstance(spec, ProviderSpec)]
    for spec in specs:
        assert bool(spec.key_variables) == bool(spec.key_page) != spec.is_play, spec.name
        assert spec.endpoints().is_official
