"""The main job: words and a picture in, pictures out, everything on record."""

from __future__ import annotations

import asyncio
import hashlib

import numpy as np
import pytest
from PIL import Image

import nbbanana as nb
from nbbanana import errors

SNOW = "Keep the subject unchanged. Make it snow."


def test_an_edit_of_a_photograph_gives_pictures_and_a_record(session, photo):
    """A photograph and words give as many pictures as were asked for, and a row that says how."""
    result = session.edit(SNOW, photo("portrait"), number_of_images=2, seed=7)
    assert len(result) == 2
    assert result.seed == 7
    assert result.provider == "sandbox"
    assert result.record.state == "completed"
    assert [t.state for t in result.record.transitions][:3] == ["prepared", "submitting", "queued"]
    assert result.record.inputs[0].name == "grace_hopper.jpg"
    assert result[0].pil.size == (result[0].width, result[0].height)
    assert hashlib.sha256(result[0].bytes).hexdigest() == result[0].sha256


def test_every_kind_of_picture_is_taken(session, photo):
    """Paths, PIL images, arrays and bytes are all pictures."""
    array = np.asarray(Image.open(photo("coffee")).convert("RGB"))
    result = session.edit(SNOW, [photo("chelsea"), Image.fromarray(array), array, photo("rocket").read_bytes()])
    assert len(result.inputs) == 4
    assert result.inputs[1].identity == result.inputs[2].identity


def test_only_what_was_set_is_sent(served, photo):
    """Besides the seed, no default goes over the wire."""
    session, box = served()
    session.edit(SNOW, photo("portrait"), resolution="0.5K")
    sent = box.submissions[0].payload
    assert set(sent) == {"prompt", "image_urls", "resolution", "seed"}
    assert sent["image_urls"][0].startswith("data:image/png;base64,")


def test_every_request_has_a_seed(session, photo):
    """A request without a seed gets one, and the record says that nobody gave it."""
    result = session.edit(SNOW, photo("portrait"))
    assert isinstance(result.seed, int)
    assert not result.record.seed_given


def test_an_output_is_an_input(served, photo):
    """An output fed back in is linked to its parent, and travels as its own address while that lives."""
    session, box = served()
    first = session.edit(SNOW, photo("portrait"), seed=1)
    second = first[0].edit("Turn day into night.", seed=2)
    assert second.record.parents == (first.id,)
    assert box.submissions[1].payload["image_urls"][0].startswith(box.url)


def test_a_seeded_ask_is_answered_from_the_store(session, photo):
    """The same question with the same seed is not asked twice."""
    first = session.edit(SNOW, photo("portrait"), seed=7)
    again = session.edit(SNOW, photo("portrait"), seed=7)
    assert again.id == first.id
    assert again.origin == "replayed"
    assert "from the store" in (again.view().origin or "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("photo.jpg", "Make it snow."), "nb.edit('Make it snow.', 'photo.jpg')"),
        (("my photo.jpg", "Make it snow."), "nb.edit('Make it snow.', 'my photo.jpg')"),
        (("https://a.example/photo", "other.jpg"), "nb.edit('Make it night.', 'https://a.example/photo')"),
        ((Image.new("RGB", (8, 8)), "Make it snow."), "nb.edit('Make it snow.', picture)"),
    ],
)
def test_swapped_arguments_are_put_right(session, tmp_path, monkeypatch, arguments, said):
    """A prompt that is a picture is refused before anything is sent, in every call, with the call that is meant."""
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("my photo.jpg")
    calls = [session.edit, session.submit, lambda *given: asyncio.run(session.aedit(*given))]
    for call in calls:
        with pytest.raises(errors.PromptError, match="The prompt comes first, then the pictures") as caught:
            call(*arguments)
        assert caught.value.lines[-1] == said
    assert len(session.history) == 0


def test_a_prompt_may_name_a_picture(session, photo):
    """Only a prompt that is nothing but a picture is one."""
    assert session.edit("Make it look like other.jpg", photo("portrait"), n=2).prompt == "Make it look like other.jpg"


def test_n_is_the_number_of_pictures_in_every_call(session, photo):
    """In a call, in a further edit, in a job and in async code; a wrong name is answered with the right one."""
    first = session.edit(SNOW, photo("portrait"), n=2)
    further = first[1].edit("Turn day into night.", n=3)
    job = session.submit(SNOW, photo("portrait"), n=2, mode="fresh").result()
    later = asyncio.run(session.aedit("Make it rain.", photo("portrait"), n=2))
    assert [len(one) for one in (first, further, job, later)] == [2, 3, 2, 2]
    for name in ("num", "num_images", "number"):
        with pytest.raises(errors.ParameterError, match="Did you mean number_of_images"):
            session.edit(SNOW, photo("portrait"), **{name: 2})
    with pytest.raises(errors.ParameterError, match="Pictures are given beside the parameters"):
        session.edit(SNOW, images=photo("portrait"))


def test_fresh_never_reuses(session, photo):
    """`fresh` asks again."""
    first = session.edit(SNOW, photo("portrait"), seed=7)
    assert session.edit(SNOW, photo("portrait"), seed=7, mode="fresh").id != first.id


def test_an_unseeded_ask_is_answered_once_a_kernel(tmp_path, photo):
    """Restart and Run All does not pay; asking again in the same kernel is a wish for a new sample."""
    with nb.Session(provider="sandbox", store=tmp_path) as session:
        first = session.edit(SNOW, photo("portrait"))
        second = session.edit(SNOW, photo("portrait"))
        assert second.id != first.id
    with nb.Session(provider="sandbox", store=tmp_path) as restarted:
        assert restarted.edit(SNOW, photo("portrait")).id == first.id
        assert restarted.edit(SNOW, photo("portrait")).id == second.id
        assert restarted.edit(SNOW, photo("portrait")).id not in {first.id, second.id}


def test_replay_never_asks(tmp_path, photo):
    """`replay` gives back what the store has, in the order it was made, and is an error otherwise."""
    with nb.Session(provider="sandbox", store=tmp_path) as session:
        made = [session.edit(SNOW, photo("portrait")).id for _ in range(2)]
    with nb.Session(store=tmp_path, mode="replay") as session:
        assert [session.edit(SNOW, photo("portrait")).id for _ in range(2)] == made
        with pytest.raises(errors.NotInStoreError):
            session.edit(SNOW, photo("portrait"))
        with pytest.raises(errors.NotInStoreError):
            session.edit("Something else.", photo("portrait"))


def test_nothing_crosses_from_the_sandbox_to_the_service(tmp_path, photo, monkeypatch):
    """What the sandbox painted answers no request to the service, and is no input to one."""
    with nb.Session(provider="sandbox", store=tmp_path) as session:
        play = session.edit(SNOW, photo("portrait"), seed=7)
        picture = play[0].pil
    monkeypatch.setenv("RUNCOMFY_TOKEN", "a-real-looking-token")
    with nb.Session(store=tmp_path) as session:
        assert session.choice().name == "runcomfy"
        for input_ in (session.history[play.id][0], picture):
            with pytest.raises(errors.ImageError, match="test picture"):
                session.edit("Go on.", input_)


def test_without_a_credential_a_script_is_told_so(tmp_path, photo):
    """Outside a notebook nobody falls back to the sandbox."""
    with nb.Session(store=tmp_path) as session, pytest.raises(errors.NoCredentialError) as caught:
        session.edit(SNOW, photo("portrait"))
    assert caught.value.exit_code == 77


def test_async_code_awaits(session, photo):
    """`aedit` and `await job` work in any loop."""

    async def work():
        one, two = await asyncio.gather(
            session.aedit(SNOW, photo("portrait"), seed=1), session.aedit(SNOW, photo("portrait"), seed=2)
        )
        three = await session.submit(SNOW, photo("portrait"), seed=3)
        return one, two, three

    assert [result.seed for result in asyncio.run(work())] == [1, 2, 3]


def test_a_picture_that_comes_later_is_waited_for(session, photo):
    """An awaitable is a picture too, in async and in synchronous code."""

    async def fetch():
        await asyncio.sleep(0)
        return photo("portrait")

    assert len(session.edit(SNOW, fetch(), seed=1)) == 1
    assert asyncio.run(session.aedit(SNOW, fetch(), seed=1)).origin == "replayed"


def test_identical_requests_in_flight_share_one_job(served, photo):
    """Two cells that ask the same seeded question at once pay once."""
    session, box = served(duration=0.5, time_scale=1)
    jobs = [session.submit(SNOW, photo("portrait"), seed=7) for _ in range(3)]
    assert len({job.result().id for job in jobs}) == 1
    assert len(box.submissions) == 1


def test_vary_asks_with_other_seeds(session, photo):
    """`vary` asks the same with each seed and shows all as one grid."""
    results = session.edit(SNOW, photo("portrait"), seed=0).vary(range(1, 4))
    assert [result.seed for result in results] == [1, 2, 3]
    data, _ = results._repr_mimebundle_()
    assert data["text/html"].count("<td") == 3


def test_a_record_can_be_asked_again_without_its_file(session, photo, tmp_path):
    """The store holds what is needed to ask again; the picture's own file may be gone."""
    copy = tmp_path / "gone.png"
    copy.write_bytes(photo("chelsea").read_bytes())
    result = session.edit(SNOW, copy, seed=1)
    copy.unlink()
    again = session.history[result.id].rerun()
    assert again.id != result.id
    assert again.record.ask == result.record.ask


def test_save_writes_the_bytes_as_they_came(session, photo, tmp_path):
    """`save` copies, adds a missing suffix, and refuses one that lies."""
    output = session.edit(SNOW, photo("portrait"))[0]
    assert output.save(tmp_path / "snow").read_bytes() == output.bytes
    with pytest.raises(errors.UsageError, match="image/png"):
        output.save(tmp_path / "snow.jpg")


@pytest.mark.parametrize(
    ("images", "parameters", "kind", "words"),
    [
        (21, {}, errors.ParameterError, "20"),
        (0, {}, errors.ParameterError, "picture"),
        (1, {"resolution": "8K"}, errors.ParameterError, "4K"),
        (1, {"resolutoin": "1K"}, errors.ParameterError, "resolution"),
        (1, {"number_of_images": 5}, errors.ParameterError, "4"),
        (1, {"model": "google/nano-banana-3"}, errors.UnknownModelError, "nano-banana-2"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_sent(session, photo, images, parameters, kind, words):
    """A request that the schema does not allow names the field and what is allowed, and leaves no row."""
    with pytest.raises(kind) as caught:
        session.edit(SNOW, [photo("portrait")] * images, **parameters)
    assert words in str(caught.value)
    assert len(caught.value.lines) == 3
    assert len(session.history) == 0


def test_history_remembers(session, photo):
    """Edits are found by id, from the end, by slice and by word."""
    made = [session.edit(f"Make it {thing}.", photo("portrait"), seed=1) for thing in ("rain", "snow", "neon")]
    assert session.history[made[0].id].prompt == "Make it rain."
    assert session.history[-1].id == made[-1].id
    assert session.history[-3].id == made[0].id
    assert [r.id for r in session.history[made[0].id : made[2].id]] == [made[0].id, made[1].id]
    assert [r.id for r in session.history] == [r.id for r in made]
    assert [r.id for r in session.history.search("neon")] == [made[2].id]
    with pytest.raises(errors.NotInStoreError):
        session.history[999]


def test_a_quote_says_what_it_costs_and_sends_nothing(served, photo):
    """The price comes from the API, and a parameter that costs extra makes it a floor."""
    session, box = served()
    plain = session.quote(session.request(SNOW, [photo("portrait")], parameters={"number_of_images": 4}))
    assert plain.low == pytest.approx(0.28)
    assert plain.is_exact
    dear = session.quote(session.request(SNOW, [photo("portrait")], parameters={"resolution": "4K"}))
    assert not dear.is_exact
    assert not box.submissions


def test_what_it_cost_is_on_record(served, photo):
    """After the edit the record holds what was quoted and what the service charged."""
    session, box = served()
    result = session.edit(SNOW, photo("portrait"), number_of_images=2)
    assert result.cost == pytest.approx(0.14)
    assert result.record.price_quoted == pytest.approx(0.14)
    assert box.balance == pytest.approx(20 - 0.14)


def test_a_field_that_the_live_schema_renames_is_sent_under_its_name_there(served, photo):
    """The shipped schema says `number_of_images`; where the service says `num_images`, that is what it gets."""
    from nbbanana import models

    shipped = models.get("google/nano-banana-2/edit").schema
    properties = dict(shipped["properties"])
    properties["num_images"] = {**properties.pop("number_of_images"), "x-nbbanana": {}}
    live = {**shipped, "properties": properties}
    entry = {"input_schema": live, "base_price_usd": 0.07, "price_unit": "output"}
    session, box = served(models={"google/nano-banana-2/edit": entry})
    result = session.edit(SNOW, photo("portrait"), number_of_images=2, resolution="0.5K")
    assert len(result) == 2
    sent = box.submissions[0].payload
    assert sent["num_images"] == 2
    assert "number_of_images" not in sent
    assert result.parameters["number_of_images"] == 2


def test_a_result_is_received_once(session, photo):
    """Asking a job for its result again gives the same result, and is no newer edit."""
    job = session.submit(SNOW, photo("portrait"), seed=1, resolution="0.5K")
    first = job.result()
    later = session.edit("Make it rain.", photo("portrait"), seed=1, resolution="0.5K")
    assert job.result() is first
    assert session.last is later


@pytest.mark.parametrize("words", ["keep: the hat", "change: a\nchange: b", "Make it snow.\n---\nMake it night.", " "])
def test_words_that_make_no_prompt_are_refused_in_calls_too(session, photo, words):
    """What a cell refuses, a call refuses."""
    with pytest.raises(errors.PromptError):
        session.edit(words, photo("portrait"))
    assert len(session.history) == 0


def test_a_set_says_where_its_pictures_came_from(session, photo):
    """All made now, all from the store, or a part of them: each is said, with the numbers."""
    first = session.edit(SNOW, photo("portrait"), seed=0, resolution="0.5K")
    made = first.vary([1, 2])._repr_mimebundle_()[0]["text/plain"]
    assert "edits 2 to 3" in made
    assert "eplayed" not in made
    assert "From the store: edits 2 to 3, made" in first.vary([1, 2])._repr_mimebundle_()[0]["text/plain"]
    mixed = first.vary([1, 2, 3])._repr_mimebundle_()[0]["text/plain"]
    assert "Partly from the store: edits 2 to 3, made" in mixed
    assert "$0.00 now" not in mixed


def test_numbers_follow_the_order_of_asking(session, photo):
    """Jobs that run at once are written down in the order in which they were asked, also after one that is refused."""
    large, small = Image.effect_noise((1800, 1400), 80).convert("RGB"), Image.new("RGB", (16, 16))
    pictures = [large, small, photo("portrait"), b"no picture", small, large, small]
    jobs = []
    for seed, picture in enumerate(pictures):
        try:
            jobs.append(session.submit("Make it snow.", picture, seed=seed, resolution="0.5K"))
        except errors.ImageError:
            assert picture == b"no picture"
    results = [job.result() for job in jobs]
    assert [result.id for result in results] == [1, 2, 3, 4, 5, 6]
    assert [edit.seed for edit in map(session.store.get, range(1, 7))] == [0, 1, 2, 4, 5, 6]


def test_a_queue_is_not_taken_for_slow_work(served, photo):
    """A job that waited behind another is remembered by how long it was at work."""
    session, _ = served(slots=1, duration=1.5, time_scale=1)
    first, second = (session.submit("Make it snow.", photo("portrait"), seed=seed) for seed in (1, 2))
    edits = [first.result().record, second.result().record]
    waited = max(edit.started_at - edit.accepted_at for edit in edits)
    assert waited >= 1.0, "one of them was seen in the queue after a second"
    took = session.store.durations(edits[0].model, None, "sandbox")
    assert sorted(took) == sorted(edit.done_at - edit.started_at for edit in edits)
