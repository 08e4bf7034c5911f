"""Settings, folders and the log: what the surroundings of a process may look like."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbbanana import errors
from nbbanana.providers.credentials import find_credential, save_token
from nbbanana.providers.runcomfy import SPEC, RunComfyEndpoints, token_file
from nbbanana.settings import FROM_ENVIRONMENT, NBBanana, cache_dir, config_dir, data_dir, settings

BASE_VARIABLES = RunComfyEndpoints.variables()

HOMELESS = """
import os
import platformdirs.unix
from nbbanana import settings
from nbbanana.errors import ConfigError
os.setuid(54321)
for folder in (settings.data_dir, settings.cache_dir, settings.config_dir):
    try:
        print(folder())
    except ConfigError as error:
        print("ConfigError", "HOME" in str(error))
"""


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root becomes a user without an entry")
def test_a_user_without_a_home_gets_an_error_with_a_way_out(tmp_path):
    """A user id that the system does not know, as in containers: each folder names HOME and its own variable."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HOME", "XDG_", "RUNCOMFY_"))}
    command = [sys.executable, "-c", HOMELESS]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert ran.stdout.split("\n")[:3] == ["ConfigError True"] * 3, ran.stderr


@pytest.mark.parametrize(
    ("folder", "variable"),
    [
        (data_dir, "XDG_DATA_HOME"),
        (cache_dir, "XDG_CACHE_HOME"),
        (config_dir, "NBBANANA_CONFIG_DIR"),
        (token_file, "RUNCOMFY_CONFIG_DIR"),
    ],
)
def test_a_home_that_cannot_be_found_matters_only_where_it_is_used(monkeypatch, folder, variable):
    """No relative folder called `~` is made; a variable that names the folder is enough."""
    for name in (
        "HOME",
        "XDG_DATA_HOME",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "NBBANANA_CONFIG_DIR",
        "RUNCOMFY_CONFIG_DIR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(errors.ConfigError, match="HOME"):
        folder()
    monkeypatch.setenv(variable, "/somewhere")
    assert folder().is_relative_to("/somewhere")


@pytest.mark.parametrize("field", BASE_VARIABLES)
def test_a_stored_token_and_one_other_base_is_an_error_that_names_the_variable(monkeypatch, field):
    """A login that does not fit is never passed over in silence, or the sandbox would answer in its place."""
    save_token(SPEC, "a-token", RunComfyEndpoints())
    assert find_credential(SPEC, RunComfyEndpoints.from_environment()) is not None
    monkeypatch.setenv(BASE_VARIABLES[field], "https://service.example/v1")
    with pytest.raises(errors.CredentialError) as caught:
        find_credential(SPEC, RunComfyEndpoints.from_environment())
    assert BASE_VARIABLES[field] in caught.value.why
    assert [name for name in BASE_VARIABLES.values() if name in str(caught.value)] == [BASE_VARIABLES[field]]
    monkeypatch.setenv("RUNCOMFY_TOKEN", "another")
    assert find_credential(SPEC, RunComfyEndpoints.from_environment()).source == "RUNCOMFY_TOKEN"


@pytest.mark.parametrize("content", ["[" * 2000, "{", "[]", '{"endpoints": 7, "access_token": "x"}', "\ud800"])
def test_a_damaged_token_file_is_a_credential_error(content):
    """Nested, cut off, of another shape, no text."""
    path = save_token(SPEC, "a-token", RunComfyEndpoints())
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(errors.CredentialError):
        find_credential(SPEC, RunComfyEndpoints())


def test_nothing_is_written_to_stderr_unless_it_is_asked_for(monkeypatch, capsys):
    """The setting, and the environment variable; switched off again, it is silent."""
    log = logging.getLogger("nbbanana.providers.http")
    log.debug("one")
    settings().debug = True
    log.debug("two")
    settings().debug = False
    log.debug("three")
    NBBanana.clear_instance()
    monkeypatch.setenv("NBBANANA_DEBUG", "1")
    assert settings().debug
    log.debug("four")
    settings().debug = False
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == ["two", "four"]
    assert all("nbbanana.providers.http" in line for line in lines)


def test_every_setting_says_what_it_does_and_names_its_variable():
    """`%config NBBanana` shows it."""
    traits = NBBanana.class_own_traits(config=True)
    assert set(FROM_ENVIRONMENT) <= set(traits)
    for name in FROM_ENVIRONMENT:
        assert f"NBBANANA_{name.upper()}" in traits[name].help
    assert Path(data_dir()).is_absolute()
