"""Whoever needs to know whose it is holds it: a change of account, provider, session or catalogue moves nothing."""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from meetings.conftest import Enter
from PIL import Image

import nbbanana as nb
from nbbanana import errors
from nbbanana.sandbox import Sandbox

WORDS = "Make it snow."
UNSHIPPED = "other/strange-model"
SCHEMA = {
    "type": "object",
    "required": ["text", "picture"],
    "properties": {
        "text": {"type": "string", "x-nbbanana": {"role": "prompt"}},
        "picture": {"type": "string", "format": "image_uri"},
        "seed": {"type": "integer"},
        "strength": {"type": "number"},
    },
}


@pytest.fixture
def strange(monkeypatch: pytest.MonkeyPatch):
    """A service with a model that is not shipped, whose prompt field is not called `prompt`."""
    entry = {UNSHIPPED: {"input_schema": SCHEMA, "base_price": 0.05, "price_unit": "output"}}
    with Sandbox(time_scale=0, paint="flat", models=entry) as box:
        monkeypatch.setenv("RUNCOMFY_MODEL_API_BASE", box.api_base)
        monkeypatch.setenv("RUNCOMFY_TOKEN", box.token)
        yield box


def test_a_model_that_is_not_shipped_works_as_the_first_call_of_a_kernel(
    strange: Sandbox, picture: Image.Image, tmp_path: Path
) -> None:
    """Its live schema is asked for, and its prompt travels under the name that it has there."""
    with nb.Session(store=tmp_path / "store") as session:
        result = session.edit(WORDS, picture, model=UNSHIPPED, strength=0.5)
    assert strange.submissions[0].payload["text"] == WORDS
    assert (result.prompt, result.record.options) == (WORDS, {"strength": 0.5})


def test_a_record_of_a_model_that_is_not_shipped_needs_no_service_and_no_catalogue(
    strange: Sandbox, picture: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown, compared, written as code and as curl, exported and replayed where nothing can be asked."""
    with nb.Session(store=tmp_path / "store") as session:
        made = session.edit(WORDS, picture, model=UNSHIPPED, seed=3)
        session.edit("Make it rain.", picture, model=UNSHIPPED, seed=3)
        bundle = session.history.export(tmp_path / "study.zip")
    strange.__exit__(None, None, None)
    monkeypatch.delenv("RUNCOMFY_TOKEN")
    for place in (tmp_path / "store", bundle):
        with nb.Session(store=place, mode="replay") as replayed:
            again = replayed.history[1]
            assert WORDS in again._repr_mimebundle_()[0]["text/html"]
            assert "text" in again.curl()
            assert UNSHIPPED in again.cell()
            assert repr(WORDS) in again.code()
            assert replayed.history.diff(1, 2)
            assert replayed.edit(WORDS, picture, model=UNSHIPPED, seed=3)[0].sha256 == made[0].sha256
            assert replayed.history.export(tmp_path / f"{place.stem}-again.zip").exists()
            assert len(replayed.history[1].rerun(mode="replay")) == 1


def test_a_job_is_cancelled_where_it_was_sent_whatever_account_is_there_by_then(
    services: tuple[Sandbox, Sandbox], log_in: Enter, picture: Image.Image, tmp_path: Path
) -> None:
    """The cancel goes to the first account; the second one hears nothing of it."""
    old, new = services
    log_in(old)
    with nb.Session(store=tmp_path / "store") as session:
        running = session.submit(WORDS, picture, seed=1)
        old.wait_for(1, "in_progress")
        provider = running.provider
        log_in(new)
        session.submit("Make it rain.", picture, seed=2)
        new.wait_for(1, "in_progress")
        assert not running.cancel()
        assert "already running" in running.message
        assert running.view().provider == provider
    assert [seen.target for seen in old.requests].count("cancel") == 1
    assert [seen.target for seen in new.requests].count("cancel") == 0


def test_a_replayed_call_replaces_no_engine_and_pays_nothing_twice(
    services: tuple[Sandbox, Sandbox], log_in: Enter, picture: Image.Image, tmp_path: Path
) -> None:
    """A seeded ask under way is followed although a replay came between."""
    old, _ = services
    log_in(old)
    with nb.Session(store=tmp_path / "store") as session:
        first = session.submit(WORDS, picture, seed=1)
        old.wait_for(1, "in_progress")
        engine = session.engine_at()
        with pytest.raises(errors.NotInStoreError):
            session.edit(WORDS, picture, seed=9, mode="replay")
        assert session.engine_at() is engine
        second = session.submit(WORDS, picture, seed=1)
        old.finish()
        assert first.result().id == second.result().id
    assert len(old.submissions) == 1


def test_a_budget_of_a_session_is_set_once(
    services: tuple[Sandbox, Sandbox], log_in: Enter, picture: Image.Image, tmp_path: Path
) -> None:
    """What is said of the budget later stays said, also when the account changes."""
    old, new = services
    log_in(old)
    with nb.Session(store=tmp_path / "store", budget=5.0) as session:
        name = session.engine_at().provider.name
        session.store.set_budget(name, 0.10)
        log_in(new)
        assert session.engine_at().provider.name == name
        assert session.store.budget(name).amount == 0.10


def test_a_budget_of_zero_is_a_budget(tmp_path: Path, picture: Image.Image) -> None:
    """Nothing may be spent: a request is refused before it is sent."""
    with nb.Session(provider="sandbox", store=tmp_path, budget=0) as session, pytest.raises(errors.BudgetError):
        session.edit(WORDS, picture)


def test_blocks_in_threads_and_tasks_are_their_own(tmp_path: Path, picture: Image.Image) -> None:
    """Two threads, and two tasks, each in a block: none of their edits goes to the other's store."""

    def in_thread(name: str) -> str:
        with nb.Session(provider="sandbox", store=tmp_path / name) as session:
            barrier.wait(20)
            result = nb.edit(WORDS, picture, seed=1)
            assert len(session.history) == 1
            return result.library.store.folder.name

    async def in_task(name: str, entered: asyncio.Event, other: asyncio.Event) -> str:
        with nb.Session(provider="sandbox", store=tmp_path / name):
            entered.set()
            await other.wait()
            return (await nb.aedit(WORDS, picture, seed=1)).library.store.folder.name

    async def tasks() -> list[str]:
        one, two = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(in_task("c", one, two), in_task("d", two, one))

    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(in_thread, "ab")) == ["a", "b"]
    assert asyncio.run(tasks()) == ["c", "d"]


def test_a_worker_thread_is_not_given_the_session_of_the_process_while_a_block_is_open(
    tmp_path: Path, picture: Image.Image
) -> None:
    """A pool inside a block does not inherit it: it is told to name the session, and nothing is sent."""
    with nb.Session(provider="sandbox", store=tmp_path) as session, ThreadPoolExecutor(1) as pool:
        with pytest.raises(errors.UsageError, match=r"s\.edit"):
            pool.submit(nb.edit, WORDS, picture).result()
        assert len(pool.submit(session.edit, WORDS, picture).result()) == 1


def test_a_closed_session_is_not_the_current_one(tmp_path: Path) -> None:
    """Neither the one of a block that was closed inside it, nor the one of the process."""
    from nbbanana.session import current, use

    before = use(nb.Session(provider="sandbox", store=tmp_path / "process"))
    try:
        process = current()
        with nb.Session(provider="sandbox", store=tmp_path / "block") as block:
            assert current() is block
            block.close()
            assert current() is process
        process.close()
        assert current() is not process
    finally:
        use(before)


def test_progress_asks_neither_the_token_file_nor_the_store_for_the_provider(
    services: tuple[Sandbox, Sandbox], log_in: Enter, picture: Image.Image, tmp_path: Path, monkeypatch
) -> None:
    """A look at a running job reads what the job holds."""
    old, _ = services
    log_in(old)
    with nb.Session(store=tmp_path / "store") as session:
        job = session.submit(WORDS, picture, seed=1)
        old.wait_for(1, "in_progress")
        looked = []
        for name in ("find_credential", "read_token_file"):
            monkeypatch.setattr(f"nbbanana.providers.credentials.{name}", lambda *_: looked.append(1), raising=False)
        monkeypatch.setattr(type(session.store), "has_paid_edits", lambda _: looked.append(1))
        assert [job.view().provider for _ in range(5)] == [job.provider] * 5
        assert not looked
        monkeypatch.undo()
        old.finish()
        job.result()


def test_a_result_travels_as_its_store_and_its_number(tmp_path: Path, picture: Image.Image) -> None:
    """A pickled or copied result can be read anywhere, and says how it can ask again."""
    import copy

    with nb.Session(provider="sandbox", store=tmp_path) as session:
        result = session.edit(WORDS, picture, n=2)
        data = pickle.dumps(result)
        assert len(data) < 1000
        for other in (pickle.loads(data), copy.deepcopy(result)):
            assert [output.sha256 for output in other] == [output.sha256 for output in result]
            with pytest.raises(errors.UsageError, match="was opened to be read"):
                other.rerun()


def _edit_in_child(session: nb.Session, picture: Image.Image, answers) -> None:
    answers.put(len(session.edit("Make it night.", picture, seed=2)))


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this machine has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_makes_an_engine_of_its_own(tmp_path: Path, picture: Image.Image) -> None:
    """An edit in the child ends, although the engine's thread stayed with the parent."""
    with nb.Session(provider="sandbox", store=tmp_path) as session:
        session.edit(WORDS, picture, seed=1)
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        child = context.Process(target=_edit_in_child, args=(session, picture, answers), daemon=True)
        child.start()
        assert answers.get(timeout=60) == 1
        child.join(20)
        assert len(session.history) == 2


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this machine has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_locks_of_its_own(tmp_path: Path, picture: Image.Image) -> None:
    """A thread of the parent holds every lock of a session as the process forks; the child edits all the same."""
    with nb.Session(provider="sandbox", store=tmp_path) as session, ExitStack() as stack:
        session.edit(WORDS, picture, seed=1)
        engines, database = session._engines, session.store._database
        guards = [session.library._guard, engines._guard, engines.reuse._guard, database._guard, database._writing]
        holder = stack.enter_context(ThreadPoolExecutor(1))
        holder.submit(lambda: [guard.acquire() for guard in guards]).result()
        stack.callback(lambda: holder.submit(lambda: [guard.release() for guard in guards]).result())
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        child = context.Process(target=_edit_in_child, args=(session, picture, answers), daemon=True)
        child.start()
        assert answers.get(timeout=60) == 1
        child.join(20)
