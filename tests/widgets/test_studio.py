"""The Studio by calls, over a real sandbox: what the front end is told, and what comes of what it asks."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ipywidgets.widgets.widget import _instances
from support.forms import Wire
from support.schemas import INPAINT

import nbbanana as nb
from nbbanana import models
from nbbanana.display.listings import STATES
from nbbanana.errors import BudgetError, NotInStoreError, PromptError, UsageError
from nbbanana.grammar import parse, split_cell
from nbbanana.images import load
from nbbanana.request import Origin, origin
from nbbanana.widgets.base import ui_thread
from nbbanana.widgets.rows import rated, state_word
from nbbanana.widgets.studio import Studio

SMALL = {"resolution": "0.5K"}


class Told(Wire):
    """A Studio and what it told."""

    form: Studio

    def ask(self, kind: str, *, data: bytes | None = None, **content: Any) -> None:
        """Say what the front end would, and wait until it was heard."""
        ui_thread.post(
            self.form._receive, {"kind": kind, "number": 1, **content}, [memoryview(data)] if data else []
        ).result()

    def last(self, kind: str) -> dict[str, Any]:
        """The last message of a kind."""
        return [content for content, _ in self.said if content["kind"] == kind][-1]

    def wait(
        self, kind: str, fits: Callable[[dict[str, Any]], Any] = lambda told: True, seconds: float = 60.0
    ) -> dict[str, Any]:
        """Wait until the last message of a kind is one that fits; it may be there already."""
        with self._news:
            came = self._news.wait_for(lambda: any(fits(one) for one, _ in self._of(kind)[-1:]), seconds)
        assert came, f"nothing of the kind was said about {kind}"
        return self.last(kind)

    def _of(self, kind: str) -> list[tuple[dict[str, Any], Any]]:
        return [one for one in self.said if one[0]["kind"] == kind]

    def settle(self) -> None:
        """Wait until every note in the UI thread was read."""
        ui_thread.call(lambda: None)


@pytest.fixture
def bench(session: nb.Session, photo: Callable[[str], Path]) -> Iterator[Told]:
    form = nb.studio(photo("coffee"), prompt="Make it snow.", **SMALL, session=session)
    yield Told(form)
    form.close()


def test_the_front_end_is_told_everything_when_it_says_hello(bench: Told) -> None:
    """The form, the price, the results and the history, and the pictures as bytes."""
    bench.ask("hello")
    bench.wait("price")
    form = bench.last("form")
    assert form["prompt"] == "Make it snow."
    assert form["values"] == SMALL
    assert [field["name"] for field in form["fields"]][:2] == ["number_of_images", "seed"]
    assert form["slots"][0]["name"] == "coffee.png"
    assert bench.last("price")["amount"] == "about $0.07"
    assert bench.last("past")["total"] == 0


def test_a_run_becomes_a_record_and_a_group(bench: Told) -> None:
    """What was run is in the store, shown as a group, and its job is no longer on its way."""
    result = bench.form.run().result()
    bench.wait("results", lambda told: [group["edit"] for group in told["groups"]] == [result.id])
    bench.wait("past", lambda told: told["nodes"] and told["nodes"][0]["id"] == result.id)
    assert bench.form.session.store.get(result.id).state == "completed"
    assert bench.form.jobs == []


def test_the_price_line_says_what_such_a_request_cost_before(bench: Told) -> None:
    """What the service leaves open is known once it was paid, with the edit that says so."""
    bench.form.run().result()
    price = bench.wait("price", lambda told: "as in edit" in told["how"])
    assert (price["amount"], price["how"]) == ("$0.0525", "0.5K: $0.0525 a picture, as in edit 1")
    assert not price["needs_max_price"]


def test_only_what_is_set_is_sent(bench: Told) -> None:
    """The record has the prompt and what was set, and nothing that the schema would fill in."""
    result = bench.form.run().result()
    assert dict(result.parameters) == {"prompt": "Make it snow.", **SMALL}


def test_an_upload_is_named_by_its_edit_once_it_was_run(bench: Told, photo: Callable[[str], Path]) -> None:
    """Before that there is no name, and that is said; after it the copied cell asks the same."""
    bench.form.inputs = []
    data = photo("chelsea").read_bytes()
    bench.ask("upload", data=data, name="cat.png", note="")
    with pytest.raises(UsageError, match=r"cat\.png"):
        bench.form.cell()
    result = bench.form.run().result()
    text = bench.form.cell()
    assert text.startswith(f"%%nbedit edit:{result.id}.inputs[0] ")
    assert bench.form.cell(result.id).splitlines()[0].split()[1] == f"edit:{result.id}.inputs[0]"
    cell = parse(*split_cell(text), default_model="google/nano-banana-2/edit")
    original = nb.Session(store=bench.form.session.folder).history[result.id].originals[0]
    asked = bench.form.session.request(cell.prompt, [original], model=cell.model, parameters=cell.parameters)
    assert asked.ask == result.record.ask
    assert original.identity == load(data).identity


def test_pictures_can_be_typed(bench: Told, photo: Callable[[str], Path], tmp_path: Path) -> None:
    """A path, a glob, an edit as Python calls it: each becomes an input that a cell can name."""
    for name in ("b 1.png", "c.png"):
        (tmp_path / name).write_bytes(photo("coffee").read_bytes())
    result = bench.form.run().result()
    bench.form.inputs = []
    bench.ask("type", text="b 1.png")
    bench.ask("type", text="*.png")
    bench.ask("type", text=f"history[{result.id}][0]")
    assert [slot.operand for slot in bench.form.state.form.draft.slots] == [
        '"b 1.png"',
        '"b 1.png"',
        "c.png",
        "edit:1[0]",
    ]


def test_trouble_is_shown_in_three_lines(bench: Told) -> None:
    """Whatever the front end asks that cannot be done comes back as what, why and what to do."""
    bench.ask("type", text="nowhere.jpg")
    assert "nowhere.jpg" in bench.last("error")["what"]
    bench.ask("run", text="", count=1)
    assert bench.last("error")["about"] == "run"
    bench.ask("set", name="number_of_images", value=9)
    assert "number_of_images" in bench.last("error")["what"]
    bench.ask("frobnicate")
    assert "frobnicate" in bench.last("error")["what"]
    bench.ask("move", key="slot1", to="nowhere")
    assert bench.last("error")["what"].startswith("The form broke: ValueError")


def test_what_a_call_gets_wrong_is_raised(bench: Told) -> None:
    """By calls, an error is an exception as everywhere."""
    bench.form.prompt = "  "
    with pytest.raises(PromptError):
        bench.form.run()
    with pytest.raises(NotInStoreError):
        bench.form.recall(99)


def test_a_job_that_cannot_be_afforded_says_so_and_can_be_run_again(bench: Told) -> None:
    """With a budget and a price that is only a floor, it is refused; told what it may cost, it runs."""
    session = bench.form.session
    session.store.set_budget("sandbox", 1.0)
    with pytest.raises(BudgetError):
        bench.form.run().result()
    bench.settle()
    row = bench.last("task")
    assert row["error"][0].startswith("The price is not known exactly")
    bench.ask("max price", amount=0.5)
    bench.ask("again", key=row["key"])
    bench.wait("results", lambda told: len(told["groups"]) >= 1)
    assert len(bench.form.results) >= 1


def test_marks_are_for_single_pictures(bench: Told) -> None:
    """A star on one picture of four stars the edit; only when all are rejected is the edit."""
    bench.form.set(number_of_images=4)
    result = bench.form.run().result()
    bench.ask("rate", edit=result.id, index=1, rating="starred")
    for index in (0, 2, 3):
        bench.ask("rate", edit=result.id, index=index, rating="rejected")
    edit = bench.form.session.store.get(result.id)
    assert (edit.starred, edit.rejected) == (True, False)
    assert (rated(edit, "starred"), rated(edit, "rejected")) == ({1}, {0, 2, 3})
    bench.ask("rate", edit=result.id, index=1, rating="rejected")
    edit = bench.form.session.store.get(result.id)
    assert edit.rejected
    assert "rejected[0]" not in edit.tags
    assert rated(edit, "starred") == set(), "a picture has one rating"
    bench.ask("rate", edit=result.id, index=2, rating=None)
    edit = bench.form.session.store.get(result.id)
    assert (edit.starred, edit.rejected, rated(edit, "rejected")) == (False, False, {0, 1, 3})


def test_a_recall_shows_what_was_unlike_and_undo_returns_the_words(bench: Told) -> None:
    """The detail says what differs, the recall takes it over, undo brings back what was being written."""
    result = bench.form.run().result()
    bench.form.prompt = "Something that is being written"
    bench.ask("look", edit=result.id)
    assert bench.last("detail")["against_form"] == ["other words"]
    bench.ask("recall", edit=result.id, what="all")
    assert bench.form.prompt == "Make it snow."
    assert bench.last("detail")["against_form"] == []
    assert bench.form.state.form.request(bench.form.session).ask == result.record.ask
    bench.ask("undo")
    assert bench.form.prompt == "Something that is being written"


def test_lineage_is_shown_by_what_changed(bench: Told) -> None:
    """An edit of an edit says what is new against its parent: words, parameters, nothing else."""
    first = bench.form.run().result()
    bench.ask("begin from", edit=first.id, index=0)
    bench.form.prompt = "Make it rain."
    bench.form.set(seed=5)
    second = bench.form.run().result()
    bench.ask("look", edit=second.id)
    detail = bench.last("detail")
    assert detail["parent"] == first.id
    assert ["gone", "snow"] in detail["words"]
    assert ["new", "rain"] in detail["words"]
    assert detail["against_parent"] == ["other words", "seed 5"]


def test_a_cue_is_no_parent(bench: Told, photo: Callable[[str], Path]) -> None:
    """In the strip an edit descends from what made its primary picture, not from what made a cue."""
    first = bench.form.run().result()
    bench.form.inputs = [photo("chelsea"), first[0]]
    second = bench.form.run().result()
    bench.form.inputs = [first[0], photo("chelsea")]
    third = bench.form.run().result()
    bench.ask("search", text="", starred=False)
    parents = {node["id"]: node["parents"] for node in bench.last("past")["nodes"]}
    assert parents == {first.id: [], second.id: [], third.id: [first.id]}


def test_varying_asks_the_same_with_a_new_seed(bench: Told) -> None:
    """The words and pictures stay, the seed is another."""
    first = bench.form.run().result()
    task = ui_thread.call(bench.form.state.vary, first.id)
    second = task.job.result()
    assert second.seed != first.seed
    assert (second.prompt, second.inputs[0].identity) == (first.prompt, first.inputs[0].identity)


def test_the_seed_is_locked_to_the_last_result(bench: Told) -> None:
    """Lock keeps the seed of what was just made; unlock leaves it to chance again; the dice roll one."""
    result = bench.form.run().result()
    bench.wait("results", lambda told: [group["edit"] for group in told["groups"]] == [result.id])
    bench.settle()
    bench.ask("lock")
    assert bench.form.parameters["seed"] == result.seed
    bench.ask("lock")
    assert "seed" not in bench.form.parameters
    bench.ask("new seed")
    assert 0 <= bench.form.parameters["seed"] < 2**31


def test_saving_never_overwrites(bench: Told, tmp_path: Path) -> None:
    """A picture goes into the working folder under a name that is free."""
    result = bench.form.run().result()
    bench.ask("save", edit=result.id, index=0)
    bench.ask("save", edit=result.id, index=0)
    names = sorted(path.name for path in tmp_path.glob("edit-*"))
    assert names == ["edit-1-0-2.png", "edit-1-0.png"]
    assert (tmp_path / names[0]).read_bytes() == result[0].bytes


def test_the_still_shows_the_results(bench: Told) -> None:
    """What a saved notebook keeps is the newest results as HTML, without the live form."""
    bundle = bench.form._still_bundle()
    assert "nothing was made" in bundle["text/plain"] or "Make it snow." in bundle["text/plain"]
    bench.form.run().result()
    bench.settle()
    bench.wait("results", lambda told: told["groups"])
    bundle = bench.form._still_bundle()
    assert "data:image/" in bundle["text/html"]
    assert "history[1]" in bundle["text/plain"]


def test_a_record_can_be_opened_in_a_new_studio(bench: Told) -> None:
    """`nb.studio(edit=…)` begins with everything of a record, and its pictures."""
    result = bench.form.run().result()
    other = nb.studio(edit=result, session=bench.form.session)
    assert other.prompt == result.prompt
    assert other.state.form.request(other.session).ask == result.record.ask
    assert [shown.id for shown in other.results] == [result.id]
    other.close()


@pytest.mark.nightly
def test_ten_studios_leave_nothing_behind(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """Opened, used and closed ten times: no comm, no thread, no listener of a job stays."""

    def use() -> None:
        form = nb.studio(photo("coffee"), prompt="Make it snow.", **SMALL, session=session)
        job = form.run()
        form.close()
        job.result()
        assert job.run._listeners == []

    use()
    ui_thread.call(lambda: None)
    gc.collect()
    comms, threads = len(_instances), threading.active_count()
    for _ in range(10):
        use()
    ui_thread.call(lambda: None)
    gc.collect()
    assert len(_instances) == comms
    assert threading.active_count() <= threads
    assert [one for one in gc.get_objects() if type(one) is Studio and one.is_open] == []


# ── what an afternoon of work found ─────────────────────────────────────────────────────────────────────────


def test_the_price_of_a_variation_is_told_before_it_is_made(bench: Told) -> None:
    """It is that of the edit that is varied, whatever the form says now; nothing runs for the question."""
    bench.form.set(number_of_images=4)
    result = bench.form.run().result()
    bench.form.set(number_of_images=1)
    bench.ask("price of vary", edit=result.id)
    told = bench.wait("price of vary")
    assert (told["edit"], told["amount"]) == (result.id, "$0.21")
    assert bench.form.jobs == []
    bench.ask("vary", edit=result.id)
    assert len(bench.form.jobs) == 1
    bench.form.jobs[0].result()


def test_editing_further_begins_with_an_empty_prompt(bench: Told) -> None:
    """The output is the only input, the words are gone and come back with Undo, and the caret goes to the prompt."""
    result = bench.form.run().result()
    bench.ask("begin from", edit=result.id, index=0)
    assert (bench.form.prompt, len(bench.form.inputs)) == ("", 1)
    assert bench.last("write")
    assert bench.form.undo() == "the pictures and the prompt"
    assert bench.form.prompt == "Make it snow."


def test_what_two_models_call_differently_is_carried_over(bench: Told) -> None:
    """The number of pictures survives the way to another model, which calls it otherwise, and back."""
    bench.form.set(number_of_images=4)
    first = bench.form.model
    bench.ask("model", id="google/nano-banana-2/text-to-image")
    assert bench.form.parameters == {"num_images": 4, **SMALL}
    bench.ask("model", id=first)
    assert bench.form.parameters == {"number_of_images": 4, **SMALL}


def test_running_jobs_say_their_words(bench: Told) -> None:
    """Two at once are told apart by what they ask."""
    bench.form.prompt = "Keep the cup.\nMake it rain."
    job = bench.form.run()
    bench.settle()
    assert bench.last("task")["prompt"] == "Make it rain."
    job.result()


def test_what_a_person_rejects_is_not_what_a_service_refuses(bench: Told) -> None:
    """One vocabulary of states, never the store's own names: refused is the service's word, rejected the reader's."""
    assert state_word("rejected") == "refused"
    assert all(state_word(state) and state_word(state) != "rejected" for state in STATES)
    result = bench.form.run().result()
    bench.ask("rate", edit=result.id, index=0, rating="rejected")
    node = bench.last("past")["nodes"][0]
    assert (node["rejected"], node["word"]) == (True, "")


def test_two_views_of_one_form_share_its_words(bench: Told) -> None:
    """What is written in one view is told to the other, and each knows what of its own was seen."""
    bench.ask("words", text="Make it rain.", count=1, view="a")
    bench.ask("words", text="Make it rain now.", count=2, view="a")
    told = bench.last("words")
    assert (told["prompt"], told["view"]) == ("Make it rain now.", "a")
    bench.ask("words", text="Make it rain here.", count=1, view="b")
    bench.form.set(seed=3)
    assert bench.last("form")["seen"] == {"a": 2, "b": 1}
    bench.ask("copy", view="a")
    assert "Make it rain here." in bench.last("cell")["text"]


def test_a_run_of_a_form_is_recorded_as_its_own(bench: Told) -> None:
    """Its requests say that a form made them, and not the cell that ran last."""
    token = origin.set(Origin(notebook="study.ipynb", cell="c1", kernel="k1", execution=3, source="notebook"))
    form = nb.studio(bench.form.inputs[0], prompt="Make it rain.", **SMALL, session=bench.form.session)
    origin.reset(token)
    asked = form.run()
    asked.result()
    assert (asked.request.origin.source, asked.request.origin.cell) == ("form", None)
    assert (asked.request.origin.notebook, asked.request.origin.kernel) == ("study.ipynb", "k1")
    form.close()


def made_here(session: nb.Session) -> Studio:
    """A Studio that was opened in a cell of a notebook."""
    token = origin.set(Origin(notebook="study.ipynb", cell="c1", kernel="k1", execution=3, source="notebook"))
    try:
        return nb.studio(session=session)
    finally:
        origin.reset(token)


def test_after_a_restart_a_fresh_studio_offers_to_go_on(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """With the newest edit of its notebook: its pictures and options come back, and words that are there stay."""
    session.edit("Of another notebook.", photo("chelsea"), seed=1)
    before = made_here(session)
    before.inputs, before.prompt = [photo("coffee")], "Make it snow."
    before.set(resolution="0.5K")
    edit = before.run().result().id
    before.close()
    after = Told(made_here(session))
    after.ask("hello")
    assert after.last("form")["newest"] == {"edit": edit, "prompt": "Make it snow."}
    after.ask("words", text="Make it rain.", count=1, view="a")
    after.form.set(seed=None)
    assert after.last("form")["newest"] is not None, "the words of before the restart come back by themselves"
    after.ask("go on", edit=edit)
    form = after.form
    assert (form.prompt, dict(form.parameters)) == ("Make it rain.", {"resolution": "0.5K"})
    assert [image.name for image in form.inputs] == ["coffee.png"]
    assert [result.id for result in form.results] == [edit]
    assert after.last("form")["newest"] is None
    assert form.undo() == "the recall"
    form.close()


def test_nothing_is_offered_where_there_is_nothing_to_go_on_with(
    session: nb.Session, photo: Callable[[str], Path]
) -> None:
    """A form outside of a notebook, one of a notebook without edits, and one with a picture in it."""
    session.edit("Make it snow.", photo("coffee"), seed=1)
    forms = [nb.studio(session=session), made_here(session), nb.studio(photo("coffee"), session=session)]
    for form in forms:
        told = Told(form)
        told.ask("hello")
        assert told.last("form")["newest"] is None
        form.close()


# ── a page for visitors ─────────────────────────────────────────────────────────────────────────────────────


def test_a_public_studio_takes_uploads_and_touches_no_file_of_its_server(
    session: nb.Session, photo: Callable[[str], Path], tmp_path: Path
) -> None:
    """Paths, Save and the browser are refused in the kernel; what is made stays out of the author's store."""
    (tmp_path / "secret.png").write_bytes(photo("coffee").read_bytes())
    form = nb.studio(prompt="Make it snow.", public=True, budget=1.0, session=session)
    visit = Told(form)
    before = sorted(tmp_path.iterdir())
    for ask in ({"kind": "type", "text": "secret.png"}, {"kind": "browse"}, {"kind": "save", "edit": 1, "index": 0}):
        visit.ask(**ask)
        assert visit.last("error")["what"] == "This page takes uploads only."
    assert form.inputs == []
    visit.ask("upload", data=photo("coffee").read_bytes(), name="cup.png")
    result = form.run().result()
    assert len(result) == 1
    assert sorted(tmp_path.iterdir()) == before
    assert session.store.count() == 0
    form.close()


def test_a_public_studio_reads_no_mask_from_its_server(
    session: nb.Session, photo: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mask is the region that was drawn; a path, an edit or anything else in its place is refused."""
    inpaint = models.from_schema("someone/inpaint", INPAINT)
    shipped = models.get
    monkeypatch.setattr(models, "get", lambda model: inpaint if model == inpaint.id else shipped(model))
    secret = str(photo("coffee"))
    form = nb.studio(model=inpaint.id, prompt="Paint.", public=True, budget=1.0, session=session)
    visit = Told(form)
    for value in (secret, f"file://{secret}", "edit:1.mask", [secret], {"path": secret}):
        visit.ask("set", name="mask_image_url", value=value)
        assert visit.last("error")["what"] == "This page takes uploads only."
    form.close()


def test_a_public_studio_spends_no_more_than_its_budget(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """A budget is required, and holds for its store alone."""
    with pytest.raises(UsageError, match="needs a budget"):
        nb.studio(public=True, session=session)
    with pytest.raises(UsageError, match="not public"):
        nb.studio(budget=1.0, session=session)
    form = nb.studio(photo("coffee"), prompt="Make it snow.", public=True, budget=0.1, session=session)
    form.run().result()
    form.prompt = "Make it rain."
    with pytest.raises(BudgetError):
        form.run().result()
    assert session.store.budget("sandbox") is None
    form.close()


def test_a_visitors_session_ends_with_the_form(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """It is closed, its folder is removed, and the author's session is left as it was."""
    form = nb.studio(photo("coffee"), prompt="Make it snow.", public=True, budget=1.0, session=session)
    visit = form.session
    form.run().result()
    assert visit.folder.exists()
    form.close()
    for thread in threading.enumerate():
        if thread.name == "nbbanana-visit-ends":
            thread.join()
    assert visit.is_closed
    assert not visit.folder.exists()
    assert not session.is_closed
