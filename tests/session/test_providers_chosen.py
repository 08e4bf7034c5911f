"""Who runs a request is what was chosen: a key in the environment, a failure or a chain moves none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.fal_service import KEY, FalService
from support.sandboxes import png
from support.waiting import until

import nbbanana as nb
from nbbanana import errors
from nbbanana.providers import registry
from nbbanana.providers.credentials import find_credential, save_token
from nbbanana.providers.fal import SPEC
from nbbanana.providers.gemini import SPEC as GEMINI
from nbbanana.providers.registry import ProviderSpec
from nbbanana.sandbox import Sandbox
from nbbanana.session import engines
from nbbanana.settings import DEFAULT_MODEL, settings


@pytest.fixture
def fal(monkeypatch: pytest.MonkeyPatch) -> Iterator[FalService]:
    """A fal whose key is in the environment."""
    with FalService() as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        yield service


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A served sandbox that stands for the default service."""
    with Sandbox(time_scale=0, paint="flat") as service:
        for name, value in service.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        yield service


@pytest.fixture
def both(fal: FalService, box: Sandbox, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A session where the keys of both are here and nobody chose."""
    with nb.Session(store=tmp_path / "store") as session:
        yield SimpleNamespace(session=session, fal=fal, box=box)


def test_the_key_of_another_service_decides_nothing_and_is_named(
    fal: FalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a kernel the sandbox stays, and its notice says how to choose; nothing is sent to fal."""
    monkeypatch.setattr(engines, "in_kernel", lambda: True)
    with nb.Session(store=tmp_path / "store") as session:
        result = session.edit("Make it dusk.", png())
        assert result.record.is_play
        (notice,) = [note for note in result.notes if "FAL_KEY" in note]
        assert "--provider fal" in notice
        assert "a picture costs about $0.08 there" in notice
        assert KEY not in notice
    assert fal.asked == []


def test_one_word_moves_a_request_and_only_that_one(both: SimpleNamespace) -> None:
    """The next request goes where requests go."""
    first = both.session.edit("Make it dusk.", png())
    moved = both.session.edit("Make it dusk.", png(), provider="fal")
    last = both.session.edit("Make it dawn.", png())
    assert [one.record.provider for one in (first, moved, last)] == ["sandbox", "fal", "sandbox"]
    assert (len(both.box.submissions), len(both.fal.posts)) == (2, 1)


def test_answers_budgets_and_jobs_are_kept_apart(both: SimpleNamespace) -> None:
    """The same seeded ask is asked anew at another service, and its budget is that service's."""
    both.session.edit("Make it dusk.", png(), seed=1)
    both.session.edit("Make it dusk.", png(), seed=1, provider="fal")
    again = both.session.edit("Make it dusk.", png(), seed=1, provider="fal")
    assert len(both.fal.posts) == 1
    assert again.record.id == 2
    both.session.store.set_budget("fal", 0.05)
    with pytest.raises(errors.BudgetError):
        both.session.edit("Make it dawn.", png(), provider="fal")
    assert len(both.session.edit("Make it dawn.", png())) == 1


def test_a_failure_at_one_service_goes_over_to_no_other(both: SimpleNamespace) -> None:
    """A locked account is an error, whatever other key is here."""
    both.fal.locked = "Exhausted balance"
    with pytest.raises(errors.BalanceError):
        both.session.edit("Make it dusk.", png(), provider="fal")
    assert both.box.submissions == []


def test_a_job_is_taken_up_again_at_the_service_that_has_it(both: SimpleNamespace) -> None:
    """Whatever the session would choose by then."""
    both.fal.duration = 3600.0
    job = both.session.submit("Make it dusk.", png(), provider="fal")
    until(lambda: job.progress.phase == "queued")
    both.session.close()
    both.fal.finish()
    with nb.Session(store=both.session.folder) as later:
        assert len(later.resume(later.history[1].record).result()) == 1
    assert len(both.fal.posts) == 1


def test_jobs_of_every_service_whose_key_is_here_are_collected(
    both: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`%nbresume` asks each where it is; one whose key is gone stays collectable."""
    both.fal.duration = 3600.0
    job = both.session.submit("Make it dusk.", png(), provider="fal")
    until(lambda: job.progress.phase == "queued")
    both.session.close()
    both.fal.finish()
    key = both.fal.environment["FAL_KEY"]
    monkeypatch.delenv("FAL_KEY")
    with nb.Session(store=both.session.folder) as later:
        assert (later.history.collect(), len(later.history.waiting())) == ([], 1)
        monkeypatch.setenv("FAL_KEY", key)
        (again,) = later.history.collect()
        assert again.result().provider == "fal"
        assert later.history.collect() == []
    assert len(both.fal.posts) == 1


def test_a_dry_run_shows_what_that_service_would_get(both: SimpleNamespace) -> None:
    """Its names, its price, and that it would be fal."""
    from nbbanana.session.dry_run import describe_requests

    request = both.session.request("Make it dusk.", [png()], parameters={"safety_tolerance": 5}, n=4)
    shown = describe_requests(both.session, [request], provider="fal")["text/plain"]
    assert "num_images" in shown
    assert "$0.32" in shown
    assert "fal" in shown
    assert both.fal.posts == []


def test_a_provider_without_its_key_says_how_to_get_one(tmp_path: Path) -> None:
    """It names the variable, the login and no other service."""
    names = pytest.raises(errors.NoCredentialError, match=r"FAL_KEY.*%nblogin fal")
    with nb.Session(provider="fal", store=tmp_path / "store") as session, names:
        session.edit("Make it dusk.", png())
    settings().provider = "fall"
    with nb.Session(store=tmp_path / "store") as session, pytest.raises(errors.ConfigError, match="Did you mean fal"):
        session.edit("Make it dusk.", png())


def test_a_login_of_nbbanana_s_own_decides_where_nobody_chose(
    fal: FalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a kernel and in a script; the result says so once, with no word of the sandbox."""
    monkeypatch.delenv("FAL_KEY")
    save_token(SPEC, KEY, SPEC.endpoints.from_environment())
    with nb.Session(store=tmp_path / "store") as session:
        first, second = (session.edit(words, png()) for words in ("Make it dusk.", "Make it dawn."))
    assert [first.provider, second.provider] == ["fal", "fal"]
    assert first.notes[0] == "fal runs this: you logged in there, and nothing else was chosen."
    assert first.notes[0] not in second.notes
    assert len(fal.posts) == 2


def test_the_default_service_s_key_comes_before_a_login_elsewhere(both: SimpleNamespace) -> None:
    """A second key moves no request."""
    save_token(SPEC, KEY, SPEC.endpoints.from_environment())
    assert both.session.edit("Make it dusk.", png()).provider == "sandbox"
    assert both.fal.posts == []


def test_a_login_brings_its_service_s_default_model() -> None:
    """Forms and help show that too."""
    save_token(GEMINI, KEY, GEMINI.endpoints())
    assert nb.Session().default_model_at() == GEMINI.default_model != DEFAULT_MODEL


def test_two_logins_are_an_error_that_names_both(tmp_path: Path) -> None:
    """Only one of them should pay; one word, or a logout, decides."""
    save_token(SPEC, KEY, SPEC.endpoints())
    save_token(GEMINI, KEY, GEMINI.endpoints())
    with nb.Session(store=tmp_path / "store") as session:
        with pytest.raises(errors.ConfigError, match=r"(?s)fal and Gemini API.*%config NBBanana\.provider") as caught:
            session.edit("Make it dusk.", png())
        assert KEY not in str(caught.value)
        assert session.default_model_at() == DEFAULT_MODEL


def test_replay_looks_for_no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would run a request there."""
    monkeypatch.setattr(registry, "logged_in", lambda: pytest.fail("it looked"))
    with nb.Session(store=tmp_path / "store", mode="replay") as session:
        assert (session.choice().name, session.default_model_at()) == ("", DEFAULT_MODEL)


def test_two_keys_for_one_service_are_an_error_that_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one of them should pay; the same key twice is fine."""
    spec = ProviderSpec("x", "X", SPEC.connect, SPEC.wire, key_variables=("X_KEY", "X_API_KEY"), key_page="x.example")
    monkeypatch.setenv("X_KEY", "one")
    monkeypatch.setenv("X_API_KEY", "one")
    assert find_credential(spec, spec.endpoints()) is not None
    monkeypatch.setenv("X_API_KEY", "two")
    with pytest.raises(errors.ConfigError, match="X_KEY and X_API_KEY"):
        find_credential(spec, spec.endpoints())


def test_a_key_that_was_kept_is_used_and_listed_by_its_file(isolated: Path) -> None:
    """Mode 0600, in nbbanana's own folder; the list names the file and never the key."""
    path = save_token(SPEC, KEY, SPEC.endpoints())
    assert path.stat().st_mode & 0o777 == 0o600
    found = find_credential(SPEC, SPEC.endpoints())
    assert found is not None
    assert (found.source, KEY in repr(found)) == ("fal.json", False)
    (line,) = [line for line in nb.list_providers() if line.name == "fal"]
    assert line.key == "fal.json"
    assert KEY not in str(nb.list_providers()._repr_mimebundle_())
