"""A key that a login kept: in the system's keyring where one works, else in a file of mode 0600, and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import keyring
import pytest
from support.fal_service import KEY, FalService
from support.keyring_backends import FileKeyring, ForgetfulKeyring, LockedKeyring
from support.sandboxes import png

import nbbanana as nb
from nbbanana import errors
from nbbanana.providers import registry
from nbbanana.providers.credentials import find_credential, forget_token, kept_in_words, key_place, save_token
from nbbanana.providers.fal import SPEC
from nbbanana.providers.runcomfy import SPEC as SHARED

ENDPOINTS = SPEC.endpoints()


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileKeyring]:
    """A keyring that works."""
    monkeypatch.setenv("FILE_KEYRING", str(tmp_path / "the system's own.json"))
    backend, before = FileKeyring(), keyring.get_keyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def files_with(key: str, *folders: Path) -> list[str]:
    """The names of the files that hold a key."""
    found = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return sorted(path.name for path in found if key.encode() in path.read_bytes())


def test_a_login_keeps_the_key_in_the_keyring_alone(ring: FileKeyring, isolated: Path, tmp_path: Path) -> None:
    """No other file has it; the file of the login says where it is."""
    save_token(SPEC, KEY, ENDPOINTS)
    assert files_with(KEY, isolated, tmp_path) == [ring.path.name]
    found = find_credential(SPEC, ENDPOINTS)
    assert found is not None
    assert (found.token, found.source, KEY in repr(found)) == (KEY, "keyring", False)
    assert kept_in_words(SPEC) == "The key is in the system's keyring."


def test_the_list_names_the_keyring_without_opening_it(ring: FileKeyring) -> None:
    """Nobody is asked to unlock it for a look."""
    save_token(SPEC, KEY, ENDPOINTS)
    ring.asked = 0
    (line,) = [line for line in nb.list_providers() if line.name == "fal"]
    assert (line.key, ring.asked) == ("keyring", 0)


def test_it_is_opened_once_and_for_its_own_service_alone(ring: FileKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for each request, and for no service that has no login there."""
    save_token(SPEC, KEY, ENDPOINTS)
    ring.asked = 0
    assert find_credential(SHARED, SHARED.endpoints()) is None
    assert ring.asked == 0
    for _ in range(3):
        find_credential(SPEC, ENDPOINTS)
    assert ring.asked == 1


def test_a_variable_comes_first(ring: FileKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keyring is not opened then."""
    save_token(SPEC, KEY, ENDPOINTS)
    ring.asked = 0
    monkeypatch.setenv("FAL_KEY", "another")
    found = find_credential(SPEC, ENDPOINTS)
    assert found is not None
    assert (found.token, found.source, ring.asked, key_place(SPEC)) == ("another", "FAL_KEY", 0, "FAL_KEY")
    assert kept_in_words(SPEC).endswith("FAL_KEY is set and comes before it.")


@pytest.mark.parametrize("backend", [LockedKeyring, ForgetfulKeyring])
def test_without_a_keyring_that_works_it_is_a_file_of_mode_0600(
    ring: FileKeyring, backend: type[FileKeyring], isolated: Path, tmp_path: Path
) -> None:
    """What a backend says of its failure goes nowhere."""
    keyring.set_keyring(backend())
    path = save_token(SPEC, KEY, ENDPOINTS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert files_with(KEY, isolated, tmp_path) == ["fal.json"]
    found = find_credential(SPEC, ENDPOINTS)
    assert found is not None
    assert (found.token, found.source) == (KEY, "fal.json")
    assert kept_in_words(SPEC) == "The key is in fal.json, for you alone to read."


def test_without_the_package_it_is_a_file(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is not needed."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    save_token(SPEC, KEY, ENDPOINTS)
    assert files_with(KEY, isolated) == ["fal.json"]


def test_a_file_that_another_tool_reads_stays_a_file(ring: FileKeyring, isolated: Path) -> None:
    """The RunComfy CLI finds the token where it looks for it."""
    save_token(SHARED, KEY, SHARED.endpoints())
    assert files_with(KEY, isolated) == ["token.json"]
    assert not ring.path.exists()


def test_a_new_login_leaves_no_key_behind(ring: FileKeyring, isolated: Path, tmp_path: Path) -> None:
    """From a file to the keyring and back, there is one key."""
    keyring.set_keyring(LockedKeyring())
    save_token(SPEC, "the-first", ENDPOINTS)
    keyring.set_keyring(ring)
    save_token(SPEC, KEY, ENDPOINTS)
    assert files_with("the-first", isolated, tmp_path) == []
    found = find_credential(SPEC, ENDPOINTS)
    assert found is not None
    assert found.token == KEY


def test_a_logout_removes_it(ring: FileKeyring) -> None:
    """From the keyring and from the list."""
    save_token(SPEC, KEY, ENDPOINTS)
    assert forget_token(SPEC)
    assert json.loads(ring.path.read_text()) == {}
    assert (find_credential(SPEC, ENDPOINTS), key_place(SPEC), forget_token(SPEC)) == (None, None, False)


def test_a_keyring_that_is_locked_now_is_an_error_with_what_to_do(ring: FileKeyring) -> None:
    """Not a fallback to another service; a logout that cannot be done says so."""
    save_token(SPEC, KEY, ENDPOINTS)
    keyring.set_keyring(LockedKeyring())
    with pytest.raises(errors.CredentialError, match=r"(?s)keyring.*Set FAL_KEY, or log in: %nblogin fal"):
        find_credential(SPEC, ENDPOINTS)


def test_a_logout_that_the_keyring_refuses_is_not_called_one(
    ring: FileKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is still there, and that is said."""
    save_token(SPEC, KEY, ENDPOINTS)
    monkeypatch.setattr(FileKeyring, "delete_password", LockedKeyring.delete_password)
    with pytest.raises(errors.CredentialError, match="still in the system's keyring"):
        forget_token(SPEC)
    assert key_place(SPEC) == "keyring"


def test_a_key_of_the_keyring_goes_only_where_it_was_given_for(
    ring: FileKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one in a file."""
    save_token(SPEC, KEY, ENDPOINTS)
    monkeypatch.setenv("NBBANANA_FAL_QUEUE", "https://elsewhere.example")
    with pytest.raises(errors.CredentialError, match="another service"):
        find_credential(SPEC, SPEC.endpoints.from_environment())


def test_the_key_of_the_keyring_pays_and_shows_nowhere(
    ring: FileKeyring, isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In no record, file, log or error of an edit and of a refusal."""
    caplog.set_level("DEBUG")
    with FalService() as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("FAL_KEY")
        save_token(SPEC, KEY, SPEC.endpoints.from_environment())
        with nb.Session(provider="fal", store=tmp_path / "store") as session:
            assert len(session.edit("Make it dusk.", png())) == 1
            service.locked = "Exhausted balance"
            with pytest.raises(errors.BalanceError) as refusal:
                session.edit("Make it dawn.", png())
    assert service.keys
    assert files_with(KEY, isolated, tmp_path) == [ring.path.name]
    assert KEY not in caplog.text + str(refusal.value) + repr(refusal.value.__cause__)


@pytest.mark.parametrize("name", [name for name, entry in registry.OWN.items() if entry.load().key_variables])
def test_a_login_at_each_service_is_found_again_and_forgotten(ring: FileKeyring, name: str) -> None:
    """In the keyring, or in the file that it shares with another tool."""
    spec = registry.find(name)
    save_token(spec, KEY, spec.endpoints())
    found = find_credential(spec, spec.endpoints())
    assert found is not None
    assert (found.token, found.source) == (KEY, "token.json" if spec.token_file else "keyring")
    assert forget_token(spec)
    assert find_credential(spec, spec.endpoints()) is None


@pytest.mark.skipif(os.name != "posix", reason="this machine has no terminals of the kind")
def test_a_key_that_is_typed_is_not_echoed(tmp_path: Path) -> None:
    """In a real terminal, with a real keyring behind `nbbanana login fal`."""
    import pty

    ours, theirs = pty.openpty()
    path = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(nb.__file__).parents[1])])
    env = os.environ | {
        "PYTHONPATH": path,
        "PYTHON_KEYRING_BACKEND": "support.keyring_backends.FileKeyring",
        "FILE_KEYRING": str(tmp_path / "ring.json"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "nbbanana", "login", "fal"],
        stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=tmp_path, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    while b"fal key" not in said:
        said += os.read(ours, 1000)
    os.write(ours, KEY.encode() + b"\n")
    with suppress(OSError):  # a terminal whose other side is closed is an error on Linux
        while more := os.read(ours, 1000):
            said += more
    os.close(ours)
    assert process.wait(60) == 0
    assert KEY.encode() not in said
    assert b"The key is in the system's keyring." in said
    assert json.loads((tmp_path / "ring.json").read_text()) == {"nbbanana/fal": KEY}
