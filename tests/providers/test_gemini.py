"""The Gemini API over a socket: what goes out, what comes back, what it costs, and what is never sent twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.gemini_service import INFO, KEY, GeminiService
from support.waiting import until

import nbbanana as nb
from nbbanana import errors
from nbbanana.engine import kept, submit
from nbbanana.engine.retry import RATE_LIMIT_ATTEMPTS
from nbbanana.providers.base import Provider
from nbbanana.providers.gemini import SPEC, Gemini, GeminiEndpoints
from nbbanana.sandbox import Fault

At = Callable[..., tuple[nb.Session, GeminiService]]

ALL = {
    "seed": 7,
    "aspect_ratio": "16:9",
    "resolution": "2K",
    "safety_tolerance": 5,
    "enable_web_search": True,
}
EACH = 0.0336 + (1130 * 1.5 + 668 * 7.5) / 1e6
"""US dollars of a picture by its tokens: 1,120 of a picture at $30 a million, the request, and the thinking."""


@pytest.fixture
def at_gemini(serve: Callable[..., Any]) -> At:
    """Makes a session at a Gemini API with the switches it is given."""
    return partial(serve, GeminiService, "gemini", SPEC.default_model)


def test_what_is_set_arrives_in_google_s_words(at_gemini: At, picture: Path) -> None:
    """Pictures first, then the words; the size, the ratio, the seed, the search and the thresholds; nothing else."""
    session, gemini = at_gemini()
    result = session.edit("Make it dusk.", picture, **ALL)
    (post,) = gemini.posts
    (content,) = post.payload["contents"]
    assert [next(iter(part)) for part in content["parts"]] == ["inlineData", "text"]
    assert content["parts"][1] == {"text": "Make it dusk."}
    assert post.payload["generationConfig"] == {
        "responseModalities": ["IMAGE"],
        "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
        "seed": 7,
    }
    assert post.payload["tools"] == [{"googleSearch": {}}]
    assert {one["threshold"] for one in post.payload["safetySettings"]} == {"BLOCK_NONE"}
    assert result.record.provider == "gemini"
    assert result.record.answered_model == "gemini-nano-banana-2.1"


def test_the_final_picture_is_taken_and_the_interim_one_dropped(at_gemini: At, picture: Path) -> None:
    """In either spelling of an answer, and whatever kind of file it is."""
    for store, switches in (("a", {}), ("b", {"shape": "snake", "media": "jpeg"})):
        session, gemini = at_gemini(store=store, **switches)
        result = session.edit("Make it dusk.", picture)
        assert (len(result), len(gemini.posts)) == (1, 1)
        assert result[0].mime == f"image/{switches.get('media', 'png')}"
        assert not list((session.folder / "answers").glob("*"))


def test_the_cost_comes_from_the_tokens_with_thinking_and_the_quote_is_a_floor(at_gemini: At, picture: Path) -> None:
    """The ledger has the cost of each POST."""
    session, _ = at_gemini()
    quote = session.quote(session.request("Make it dusk.", [picture]))
    assert (quote.low, quote.high) == (pytest.approx(0.0336 + 0.00168), None)
    result = session.edit("Make it dusk.", picture)
    assert result.record.cost == pytest.approx(EACH)
    (post,) = session.store.posts(result.record.id)
    assert post.cost == pytest.approx(EACH)
    assert (post.outcome, post.seed) == ("accepted", result.record.seed)


def test_several_pictures_are_one_edit_with_a_post_each(at_gemini: At, picture: Path) -> None:
    """The seed counts up; all are in the ledger before the first is answered, and the edit costs their sum."""
    session, gemini = at_gemini(holds=True)
    job = session.submit("Make it dusk.", picture, n=3, seed=7)
    until(lambda: len(gemini.posts) == 3)
    assert [post.outcome for post in session.store.posts(job.edit_id)] == [None] * 3
    gemini.release()
    result = job.result()
    assert len(result) == 3
    assert sorted(post.payload["generationConfig"]["seed"] for post in gemini.posts) == [7, 8, 9]
    assert [post.seed for post in reversed(session.store.posts(job.edit_id))] == [7, 8, 9]
    assert result.record.cost == pytest.approx(3 * EACH)
    assert len({output.sha256 for output in result.record.outputs}) == 3


def test_of_several_pictures_a_refused_one_is_named_and_the_others_are_kept(at_gemini: At, picture: Path) -> None:
    """It is completed, says why one is missing, and costs what all of them cost."""
    session, _ = at_gemini(ends=["blocked"])
    result = session.edit("Make it dusk.", picture, n=3)
    assert len(result) == 2
    assert any("1 of the 3 pictures was refused: Reason: IMAGE_SAFETY." in note for note in result.notes)
    assert result.record.cost is not None


@pytest.mark.parametrize(
    ("end", "error", "words"),
    [
        ("blocked", errors.BlockedError, "IMAGE_SAFETY"),
        ("prompt", errors.BlockedError, "PROHIBITED_CONTENT"),
        ("words", errors.BlockedError, "I cannot edit this picture"),
        ("nothing", errors.JobFailedError, "NO_IMAGE"),
    ],
)
def test_a_refusal_has_its_reason_and_its_cost(
    at_gemini: At, picture: Path, end: str, error: type[Exception], words: str
) -> None:
    """A refused picture is not free by assumption: its tokens are counted."""
    session, _ = at_gemini(end=end)
    with pytest.raises(error, match=words):
        session.edit("Make it dusk.", picture)
    record = session.history[1].record
    assert record.state == "failed"
    assert record.cost == pytest.approx((1130 * 1.5 + 668 * 7.5) / 1e6)


def test_a_bad_key_is_told_from_a_bad_request(at_gemini: At, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are HTTP 400 at Google."""
    session, gemini = at_gemini(faults=[Fault("submit", status=400, message="Bad ratio.")])
    with pytest.raises(errors.RejectedError, match="Bad ratio"):
        session.edit("Make it dusk.", picture)
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-another")
    with pytest.raises(errors.TokenRejectedError, match="GEMINI_API_KEY"):
        session.edit("Make it dusk.", picture)
    assert [result.record.state for result in session.history] == ["rejected", "rejected"]
    assert gemini.posts == []


def test_a_minute_s_limit_is_waited_for_and_a_day_s_is_not(at_gemini: At, picture: Path) -> None:
    """Each POST that took nothing is a line of the ledger."""
    session, gemini = at_gemini(quota="GenerateRequestsPerMinutePerProjectPerModel")
    result = session.edit("Make it dusk.", picture)
    assert [post.outcome for post in session.store.posts(result.record.id)] == ["accepted", "refused"]
    gemini.quota = "GenerateRequestsPerDayPerProjectPerModel"
    with pytest.raises(errors.QuotaError, match="day"):
        session.edit("Make it dawn.", picture)
    gemini.quota = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    with pytest.raises(errors.QuotaError, match="without paying"):
        session.edit("Make it dawn.", picture)
    assert len(gemini.posts) == 1


def test_the_pause_that_google_asks_for_in_its_answer_is_followed(at_gemini: At, picture: Path) -> None:
    """A 429 of Google has `retryDelay` and no `Retry-After`: while it says when, it is asked again, also after many."""
    details = [{"@type": f"{INFO}.RetryInfo", "retryDelay": "0.01s"}]
    busy = json.dumps({"error": {"code": 429, "message": "Too many.", "details": details}})
    times = RATE_LIMIT_ATTEMPTS + 1
    session, gemini = at_gemini(faults=[Fault("submit", times=times, status=429, body=busy)])
    result = session.edit("Make it dusk.", picture)
    assert [post.outcome for post in session.store.posts(result.record.id)].count("refused") == times
    assert (result.record.state, len(gemini.posts)) == ("completed", 1)


def test_an_answer_that_is_lost_is_an_edit_that_is_lost_and_can_be_settled(at_gemini: At, picture: Path) -> None:
    """It may have been charged, is not sent again by itself, and holds its price back until somebody says more."""
    session, gemini = at_gemini(faults=[Fault.named("drop after accept", "submit")])
    with pytest.raises(errors.UncertainError, match="cannot be collected"):
        session.edit("Make it dusk.", picture, seed=7)
    assert session.history[1].record.state == "lost"
    (post,) = session.store.posts(1)
    assert (post.outcome, post.handle) == ("uncertain", f"{session.history[1].record.uid}-0")
    with pytest.raises(errors.UncertainError, match="Edit 1"):
        session.edit("Make it dusk.", picture, seed=7)
    assert len(gemini.posts) == 1
    session.history.settle(1, cost=0)
    with pytest.raises(errors.StoreError):
        session.history.settle(1, request_id="r-1")


def test_one_lost_answer_of_several_leaves_the_others_and_the_cost_open(at_gemini: At, picture: Path) -> None:
    """The budget counts the whole price until the cost is settled."""
    session, _ = at_gemini(faults=[Fault.named("drop after accept", "submit")])
    result = session.edit("Make it dusk.", picture, n=2)
    assert (len(result), result.record.cost) == (1, None)
    assert any("may have been charged" in note for note in result.notes)
    assert session.store.spending("gemini").total == pytest.approx(result.record.price_quoted)
    session.history.settle(1, cost=0.05)
    assert session.store.spending("gemini").total == pytest.approx(0.05)


def test_what_google_says_failed_is_not_sent_again_and_not_charged(at_gemini: At, picture: Path) -> None:
    """A 503 in Google's own words took nothing, by its billing page; one from a proxy says nothing."""
    answer = '{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}'
    session, gemini = at_gemini(faults=[Fault("submit", status=503, body=answer)])
    with pytest.raises(errors.UpstreamError, match="overloaded"):
        session.edit("Make it dusk.", picture)
    assert session.history[1].record.state == "rejected"
    session, gemini = at_gemini(store="other", faults=[Fault.named("502 html", "submit")])
    with pytest.raises(errors.UncertainError):
        session.edit("Make it dusk.", picture)
    assert (session.history[1].record.state, gemini.submits) == ("lost", 1)


def test_a_stop_frees_the_cell_and_the_picture_is_recorded_all_the_same(at_gemini: At, picture: Path) -> None:
    """The POST goes on, and nothing is sent again for it."""
    session, gemini = at_gemini(holds=True)
    job = session.submit("Make it dusk.", picture, seed=7)
    until(lambda: gemini.posts)
    assert job.cancel() is False
    assert "cannot be stopped" in job.message
    with pytest.raises(errors.JobCancelledError):
        job.result()
    gemini.release()
    until(lambda: session.history[1].record.state == "completed")
    assert len(session.edit("Make it dusk.", picture, seed=7)) == 1
    assert len(gemini.posts) == 1


def test_closing_waits_for_the_picture(at_gemini: At, picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says so."""
    import threading

    session, gemini = at_gemini(holds=True)
    job = session.submit("Make it dusk.", picture)
    until(lambda: gemini.posts)
    threading.Timer(0.3, gemini.release).start()
    session.close()
    assert "60 seconds" in capsys.readouterr().err
    with nb.Session(provider="sandbox", store=session.folder) as later:
        assert later.history[job.edit_id].record.state == "completed"


def test_an_address_of_a_picture_is_refused_with_the_way(at_gemini: At) -> None:
    """Google takes bytes; nothing is sent."""
    session, gemini = at_gemini()
    with pytest.raises(errors.ImageError, match="Download it"):
        session.edit("Make it dusk.", "https://example.org/a.png")
    assert gemini.asked == []


def test_a_model_that_is_served_no_more_is_named_with_its_successor(at_gemini: At, picture: Path) -> None:
    """A 404 is the end of a model, not of a request."""
    session, _ = at_gemini(retired=["gemini-3.1-flash-image"])
    with pytest.raises(errors.ModelRetiredError, match=r"nano-banana-2\.1/edit"):
        session.edit("Make it dusk.", picture, model="google/nano-banana-2/edit")
    assert session.history[1].record.state == "rejected"


def test_the_key_goes_to_one_origin_in_its_header(at_gemini: At, picture: Path) -> None:
    """Never in an address; no repr, and the two names of the key are known."""
    session, gemini = at_gemini()
    session.edit("Make it dusk.", picture)
    assert gemini.keys == {"/v1beta/models/gemini-nano-banana-2.1:generateContent"}
    assert KEY not in str(gemini.asked)
    assert KEY not in repr(session.engine_at().provider)
    assert SPEC.key_variables == ("GEMINI_API_KEY", "GOOGLE_API_KEY")


def test_it_is_a_provider() -> None:
    """By the protocol."""
    from nbbanana.providers.credentials import Credential

    assert isinstance(Gemini(Credential("k", "a test"), GeminiEndpoints()), Provider)


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
def test_the_curl_command_sends_the_same_posts(at_gemini: At, picture: Path) -> None:
    """One command a picture, the bytes read from the store and the key from the environment."""
    session, gemini = at_gemini()
    command = session.edit("Make it $dusk.", picture, n=2, seed=7, safety_tolerance=5).curl()
    assert "2 POSTs" in command
    environment = {"PATH": os.environ["PATH"], "GEMINI_API_KEY": KEY}
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    by_seed = sorted((post.payload["generationConfig"]["seed"], str(post.payload)) for post in gemini.posts)
    assert by_seed[0::2] == by_seed[1::2]
    assert len(by_seed) == 4


def test_answers_that_came_before_a_kernel_ended_are_collected_by_the_next(
    at_gemini: At, picture: Path, tmp_path: Path
) -> None:
    """The answer is on the disk before it is read: a kernel that ends in between loses no picture."""
    session, gemini = at_gemini()
    made = session.edit("Make it dusk.", picture, seed=7)
    answer = answer_of(gemini, session)
    with nb.Session(provider="gemini", store=tmp_path / "later", model=SPEC.default_model) as later:
        request = later.request("Make it dusk.", [picture], parameters={"seed": 7})
        asked = {"id": 0, "outputs": (), "inputs": (), "ask": request.ask, "cost": None}
        row = replace(made.record, **asked, request_id=None, handle=None, accepted_at=None, done_at=None)
        row = later.store.begin(row)
        _, _, posts = later.store.begin_posts(row.id, [7, 8])
        kept.keep_answer(later.store, str(posts[0].handle), answer)
        (waiting,) = later.history.waiting()
        assert waiting.record.id == row.id
        (collected,) = later.history.resume()
        assert [output.sha256 for output in collected.record.outputs] == [made.record.outputs[0].sha256]
        assert any("1 of the 2 pictures has no answer" in note for note in collected.notes)
        assert collected.record.cost is None
    assert len(gemini.posts) == 1


def answer_of(gemini: GeminiService, session: nb.Session) -> bytes:
    """The bytes that the service answers its last request with."""
    import httpx

    url = f"{gemini.url}/v1beta/models/gemini-nano-banana-2.1:generateContent"
    before, payload = len(gemini.posts), gemini.posts[-1].payload
    answer = httpx.post(url, json=payload, headers={"x-goog-api-key": KEY}).content
    del gemini.posts[before:]
    return answer


def test_a_disk_that_is_full_holds_the_picture_in_memory_till_there_is_room(
    at_gemini: At, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says so while it waits; nothing is sent again."""
    full = [OSError(28, "No space left on device")] * 2
    keep = kept.keep_answer

    def keep_if_there_is_room(*args: Any) -> None:
        if full:
            raise full.pop()
        keep(*args)

    monkeypatch.setattr(kept, "keep_answer", keep_if_there_is_room)
    monkeypatch.setattr(submit, "DISK_PAUSE", 0.05)
    session, gemini = at_gemini()
    assert len(session.edit("Make it dusk.", picture)) == 1
    assert (full, len(gemini.posts)) == ([], 1)


def test_an_answer_that_cannot_be_read_is_kept_aside_and_stays_lost(at_gemini: At, picture: Path) -> None:
    """It is not collected again and again, and a settled one stays settled."""
    session, gemini = at_gemini(faults=[Fault.named("garbage", "submit", after_accept=True)])
    with pytest.raises(errors.UncertainError, match=r"damaged/.*settle\(1"):
        session.edit("Make it dusk.", picture, seed=7)
    assert [path.parent.name for path in session.folder.rglob("*.answer")] == ["damaged"]
    session.history.settle(1, cost=0.04)
    session.edit("Make it dawn.", picture)
    assert len(session.history.waiting()) == 0
    assert (session.history[1].record.state, session.history[1].record.cost) == ("lost", 0.04)
    assert len(gemini.posts) == 2


def test_a_half_lost_edit_is_settled_as_a_whole_and_never_below_what_is_known(at_gemini: At, picture: Path) -> None:
    """The POST that was answered keeps its cost, the one that was not gets the rest."""
    session, _ = at_gemini(faults=[Fault.named("drop after accept", "submit")])
    session.edit("Make it dusk.", picture, n=2)
    with pytest.raises(errors.StoreError, match="all its pictures together"):
        session.history.settle(1, cost=0)
    session.history.settle(1, cost=0.1)
    costs = {post.outcome: post.cost for post in session.store.posts(1)}
    assert costs == {"accepted": pytest.approx(EACH), "uncertain": pytest.approx(0.1 - EACH)}


def test_an_assumed_price_below_the_least_opens_no_limit(at_gemini: At, picture: Path) -> None:
    """What is surely paid counts, whatever the user says to count."""
    session, gemini = at_gemini(budget=0.01)
    with pytest.raises(errors.BudgetError):
        session.edit("Make it dusk.", picture, assume_price=0)
    session.store.set_budget("gemini", None)
    with pytest.raises(errors.BudgetError, match="allows"):
        session.edit("Make it dusk.", picture, n=3, max_price=0.06, assume_price=0.05)
    with pytest.raises(errors.BudgetError, match="at least"):
        session.edit("Make it dusk.", picture, n=3, max_price=0.06)
    assert gemini.posts == []


def test_variations_of_several_pictures_share_no_seed(at_gemini: At, picture: Path) -> None:
    """Each picture has its own seed, so that nothing is paid twice."""
    session, gemini = at_gemini()
    session.edit("Make it dusk.", picture, n=2, seed=10).vary(n=2)
    seeds = [post.payload["generationConfig"]["seed"] for post in gemini.posts]
    assert sorted(seeds) == list(range(10, 16))


def test_a_shell_takes_the_default_model_of_the_service_that_it_names(
    at_gemini: At, picture: Path, capsys: Any
) -> None:
    """As a cell does."""
    from nbbanana.cli import main

    session, _ = at_gemini()
    line = ["edit", str(picture), "-p", "Make it dusk.", "--provider", "gemini", "--dry-run"]
    main([*line, "--store", str(session.folder)])
    assert "google/nano-banana-2.1/edit" in capsys.readouterr().out
