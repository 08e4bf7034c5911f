"""Passes: each edits what the one before gave; all are priced and reserved first, and none is paid twice."""

from __future__ import annotations

import asyncio
import threading

import pytest
from support.waiting import until

import nbbanana as nb
from nbbanana import errors
from nbbanana.engine import steps
from nbbanana.sandbox import Fault

BLOCKED = "The painter fell asleep."
NIGHT, BOAT, SNOW = "Keep the objects. Make it night.", "Keep the night. Add a boat.", "Keep the boat. Make it snow."


def left(session):
    """What the budget leaves."""
    return round(session.store.budget(session.choice().name).left, 6)


def states(session):
    """The state of each edit, by its number."""
    return {edit.id: edit.state for edit in session.store.between(1, session.store.last_id())}


def test_each_pass_edits_what_the_one_before_gave(served, photo):
    """Row 15: one record a pass, one lineage, one seed; what belongs to the last pass is sent with it alone."""
    session, box = served()
    made = session.chain(
        [NIGHT, BOAT, SNOW], photo("portrait"), n=2, resolution="2K", output_format="webp", aspect_ratio="1:1"
    )
    passes = made.passes
    assert [one.prompt for one in passes] == [NIGHT, BOAT, SNOW]
    assert [len(one) for one in passes] == [1, 1, 2]
    assert len({one.seed for one in passes}) == 1
    assert [one.inputs[0].identity for one in passes[1:]] == [f"sha256:{one[0].sha256}" for one in passes[:-1]]
    assert [one.record.parents for one in passes] == [(), (1,), (2,)]
    sent = [submission.payload for submission in box.submissions]
    assert [one.get("resolution") for one in sent] == [None, None, "2K"]
    assert [one.get("number_of_images") for one in sent] == [None, None, 2]
    assert {one["aspect_ratio"] for one in sent} == {"1:1"}


def test_reference_images_go_to_each_pass(served, photo):
    """The main picture is replaced, so that "image 2" means the same in each pass."""
    session, _ = served()
    made = session.chain([NIGHT, BOAT], photo("portrait"), photo("rocket"), seed=7)
    first, second = made.passes
    assert first.inputs[1].identity == second.inputs[1].identity


def test_all_passes_are_reserved_before_the_first_is_sent(served, photo):
    """Where two of three would fit, none is sent, and the money is free again."""
    session, box = served()
    session.store.set_budget(session.choice().name, 0.20)
    with pytest.raises(errors.BudgetError, match=r"All 3 edits together, 3 pictures, cost \$0.21"):
        session.chain([NIGHT, BOAT, SNOW], photo("portrait"))
    assert not box.submissions
    assert states(session) == {1: "rejected", 2: "rejected", 3: "rejected"}
    assert left(session) == 0.20
    session.chain([NIGHT, BOAT], photo("portrait"))
    assert left(session) == 0.06


def test_a_chain_has_one_maximum(served, photo):
    """`max_price` is for all passes together."""
    session, box = served()
    with pytest.raises(errors.BudgetError, match=r"It costs \$0.14"):
        session.chain([NIGHT, BOAT], photo("portrait"), max_price=0.10)
    assert not box.submissions


def test_money_is_kept_back_for_passes_that_wait(served, photo):
    """While the first pass runs, another kernel finds the price of all of them gone from the budget."""
    session, _ = served(time_scale=0.2)
    session.store.set_budget(session.choice().name, 1.00)
    job = session.start_chain(session.requests([NIGHT, BOAT, SNOW], [photo("portrait")]))
    until(lambda: job.jobs[0].request_id)
    assert not job.done()
    assert left(session) == 0.79
    job.cancel()


def test_it_stops_at_the_first_pass_that_fails_and_goes_on_from_there(served, photo):
    """The error says which pass it was; the same call pays what is missing alone, seeded or not."""
    for seed in ({}, {"seed": 7}):
        session, box = served(store=f"store{seed}", faults=[Fault("job", nth=2, error=BLOCKED)])
        with pytest.raises(errors.JobFailedError, match="Pass 2 of 3: ") as failure:
            session.chain([NIGHT, BOAT, SNOW], photo("portrait"), **seed)
        assert "Pass 1 is kept as edit 1: run it again and it goes on from there." in str(failure.value)
        assert states(session) == {1: "completed", 2: "failed", 3: "cancelled"}
        made = session.chain([NIGHT, BOAT, SNOW], photo("portrait"), **seed)
        assert [one.id for one in made.passes] == [1, 4, 5]
        assert len(box.submissions) == 4


def test_a_chain_that_is_whole_is_replayed_whole(served, photo):
    """A seeded chain is answered from the store; in `replay` an unseeded one too, and nothing is sent."""
    session, box = served()
    first = session.chain([NIGHT, BOAT], photo("portrait"), seed=7)
    assert session.chain([NIGHT, BOAT], photo("portrait"), seed=7).id == first.id
    unseeded = session.chain([NIGHT, SNOW], photo("portrait"))
    assert len(box.submissions) == 4
    with nb.Session(store=session.folder, mode="replay") as again:
        assert again.chain([NIGHT, BOAT], photo("portrait"), seed=7).id == first.id
        assert again.chain([NIGHT, SNOW], photo("portrait")).id == unseeded.id
    assert len(box.submissions) == 4


def test_a_changed_last_pass_pays_for_that_pass_alone(served, photo):
    """With a seed, the first passes are the same questions as before."""
    session, box = served()
    session.chain([NIGHT, BOAT], photo("portrait"), seed=7)
    changed = session.chain([NIGHT, SNOW], photo("portrait"), seed=7)
    assert len(box.submissions) == 3
    assert [one.id for one in changed.passes] == [1, 3]


def test_an_unfinished_chain_of_another_kernel_is_gone_on_with(served, photo, tmp_path):
    """A kernel that ended between two passes: the next one pays for what is missing, without a seed too."""
    session, box = served(faults=[Fault("job", nth=2, error=BLOCKED)])
    with pytest.raises(errors.JobFailedError):
        session.chain([NIGHT, BOAT], photo("portrait"))
    with nb.Session(store=session.folder) as other:
        made = other.chain([NIGHT, BOAT], photo("portrait"))
    assert [one.id for one in made.passes] == [1, 3]
    assert len(box.submissions) == 3


def test_two_kernels_that_ask_the_same_seeded_chain_pay_once(served, photo, tmp_path):
    """Each pass is sent by one of them and followed by the other, whichever is first at each."""
    session, box = served(time_scale=0.02)
    sessions = [session, *(nb.Session(store=session.folder) for _ in range(3))]
    picture, found = photo("portrait"), []

    def ask(one):
        found.append([edit.id for edit in one.chain([NIGHT, BOAT, SNOW], picture, seed=7).passes])

    threads = [threading.Thread(target=ask, args=(one,)) for one in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for one in sessions[1:]:
        one.close()
    assert len(found) == 4
    assert len({tuple(ids) for ids in found}) == 1
    assert len(box.submissions) == 3


def test_a_stop_ends_all_passes_and_says_what_became_of_the_one_under_way(served, photo):
    """Those that wait are cancelled first, so that none begins; nothing of them is charged."""
    session, box = served(time_scale=0.2)
    job = session.start_chain(session.requests([NIGHT, BOAT, SNOW], [photo("portrait")], parameters={"seed": 7}))
    until(lambda: job.jobs[0].request_id)
    assert not job.done()
    job.cancel()
    assert job.message
    assert job.view().prompt == NIGHT
    with pytest.raises(errors.JobCancelledError, match="Pass 1 of 3: "):
        job.result(10)
    until(lambda: states(session)[2] != "prepared")  # the result is that of pass 1; the one after it ends on its own
    found = states(session)
    assert [found[2], found[3]] == ["cancelled", "cancelled"]
    assert len(box.submissions) == 1


def test_an_uncertain_pass_is_settled_before_the_chain_goes_on(served, photo):
    """It is never sent again by itself; once it is settled, the chain goes on from what is there."""
    session, box = served(faults=[Fault.named("drop after accept", "submit", nth=2)])
    with pytest.raises(errors.UncertainError, match="Pass 2 of 2: "):
        session.chain([NIGHT, BOAT], photo("portrait"), seed=7)
    with pytest.raises(errors.UncertainError):
        session.chain([NIGHT, BOAT], photo("portrait"), seed=7)
    assert len(box.submissions) == 2
    session.history.settle(2, cost=0.07)
    made = session.chain([NIGHT, BOAT], photo("portrait"), seed=7)
    assert [one.id for one in made.passes] == [1, 3]


def test_a_later_pass_is_no_answer_to_its_words_about_the_first_picture(served, photo):
    """While it waits it asks nothing that another could ask: the same words about the original are another question."""
    session, _ = served(time_scale=0.1)
    job = session.start_chain(session.requests([NIGHT, BOAT], [photo("portrait")], parameters={"seed": 7}))
    other = session.edit(BOAT, photo("portrait"), seed=7)
    made = job.result(60)
    assert [one.id for one in made.passes] == [1, 2]
    assert other.id == 3


def test_passes_at_models_with_and_without_a_seed_are_true_records(session, photo, tmp_path):
    """A model that takes none gets none, and the one after it gets its own; the digests hold, here and in a bundle."""
    rewrite = "Keep everything. Rewrite the headline in Japanese."
    first = session.chain([NIGHT, rewrite], photo("portrait"), model="auto")
    second = session.chain([rewrite, NIGHT], photo("portrait"), model="auto")
    assert len({one.model for one in first.passes}) == 2
    assert first.passes[0].seed is not None
    assert first.seed is None
    assert second.seed is not None
    assert session.store.verify().ok
    with nb.Session(store=tmp_path / "other") as other:
        other.history.merge(session.history.export(tmp_path / "all.zip", [1, 2, 3, 4]))
        assert len(other.history) == 4


def test_a_bundle_of_what_was_used_has_every_pass_and_is_replayed(session, photo, tmp_path):
    """The passes before the last one were asked for here too."""
    made = session.chain([NIGHT, BOAT], photo("portrait"))
    bundle = session.history.export(tmp_path / "study.zip")
    with nb.Session(store=bundle) as reader:
        again = reader.chain([NIGHT, BOAT], photo("portrait"))
        assert [one.record.uid for one in again.passes] == [one.record.uid for one in made.passes]
    with nb.Session(store=bundle) as reader, pytest.raises(errors.NotInStoreError, match="Pass 2 of 2: "):
        reader.chain([NIGHT, SNOW], photo("portrait"))


@pytest.mark.parametrize(
    ("passes", "error", "words"),
    [
        ([], errors.PromptError, "There is no pass."),
        ("one text", errors.PromptError, "The passes are one text."),
        ([NIGHT, " "], errors.PromptError, "Pass 2 of 2: There is no prompt."),
        ([NIGHT, "a\n---\nb"], errors.PromptError, "nb.chain"),
    ],
)
def test_what_is_no_chain_is_refused_before_anything_is_sent(session, photo, passes, error, words):
    """With the call that would do."""
    with pytest.raises(error, match=words):
        session.chain(passes, photo("portrait"))
    assert not len(session.history)


def test_words_alone_can_begin_no_chain(session):
    """A model that takes no pictures cannot edit what it made."""
    with pytest.raises(errors.UsageError, match="takes no pictures"):
        session.chain(["A boat.", "Make it red."], model="google/nano-banana-2/text-to-image")


def test_from_the_fourth_pass_on_the_caption_says_how_deep_it_is(session, photo):
    """Each pass redraws all of the picture, which shows with time."""
    made = session.chain([NIGHT, BOAT, SNOW], photo("portrait"), seed=7)
    assert "Pass 3" not in str(made._repr_mimebundle_())
    deeper = made.edit("Add a dog.")
    data, _ = deeper._repr_mimebundle_()
    for text in (data["text/plain"], data["text/html"]):
        assert "Pass 4 since edit 1" in text


def test_of_two_kernels_that_fill_in_the_same_pass_the_first_to_send_sends_it_alone(served, photo, monkeypatch):
    """The one whose edit has the later number looked before the other knew what it asks, and was held up after that."""
    session, box = served()
    other = nb.Session(store=session.folder)
    fill, payload_of = steps.fill, steps.payload_of
    other_is_ready, first_has_sent = threading.Event(), threading.Event()

    async def late(run, context, prepared):
        if context.rows.store is session.store:
            await asyncio.to_thread(other_is_ready.wait, 30)
        return await fill(run, context, prepared)

    def held_up(run, prepared, store):
        if store is other.store:
            other_is_ready.set()
            first_has_sent.wait(30)
        return payload_of(run, prepared, store)

    monkeypatch.setattr(steps, "fill", late)
    monkeypatch.setattr(steps, "payload_of", held_up)
    asked = {"images": [photo("portrait")], "parameters": {"seed": 7}}
    first = session.start_chain(session.requests([NIGHT, BOAT], **asked))
    until(lambda: first.edit_id)  # its later pass has the earlier number
    second = other.start_chain(other.requests([NIGHT, BOAT], **asked))
    assert first.wait(60)
    first_has_sent.set()
    assert second.result(60).id == first.result().id
    other.close()
    assert len(box.submissions) == 2
