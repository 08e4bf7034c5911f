"""fal over a socket: what goes out, what comes back, what it costs, and what is never sent twice."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.fal_service import KEY, FalService
from support.waiting import until

import nbbanana as nb
from nbbanana import errors
from nbbanana.providers.base import Provider
from nbbanana.providers.fal import SPEC, Fal, FalEndpoints
from nbbanana.sandbox import Fault
from nbbanana.settings import settings

ALL = {
    "n": 2,
    "seed": 7,
    "aspect_ratio": "16:9",
    "resolution": "2K",
    "output_format": "png",
    "safety_tolerance": 5,
    "limit_generations": False,
    "enable_web_search": True,
}

At = Callable[..., tuple[nb.Session, FalService]]


@pytest.fixture
def at_fal(serve: Callable[..., Any]) -> At:
    """Makes a session at a fal with the switches it is given."""
    return partial(serve, FalService, "fal")


def test_all_ten_fields_arrive_under_the_names_that_fal_has(at_fal: At, picture: Path) -> None:
    """The count is renamed, the safety level is a string, the seed is the user's, and nothing unset goes out."""
    session, fal = at_fal()
    result = session.edit("Make it dusk.", picture, **ALL)
    sent = dict(fal.posts[0].payload)
    (uri,) = sent.pop("image_urls")
    assert uri.startswith("data:image/png;base64,")
    assert sent == {
        "prompt": "Make it dusk.",
        "num_images": 2,
        "seed": 7,
        "aspect_ratio": "16:9",
        "resolution": "2K",
        "output_format": "png",
        "safety_tolerance": "5",
        "limit_generations": False,
        "enable_web_search": True,
    }
    assert fal.posts[0].headers["x-fal-no-retry"] == "1"
    assert len(result) == 2
    record = result.record
    assert (record.provider, record.is_play, record.model) == ("fal", False, "google/nano-banana-2/edit")
    assert record.provider_model == "fal-ai/nano-banana-2/edit"
    session.edit("Make it dawn.", picture)
    assert set(fal.posts[1].payload) == {"prompt", "image_urls", "seed"}


def test_the_price_is_that_of_the_dated_list(at_fal: At, picture: Path) -> None:
    """2K is one and a half times the base, 4K twice, half a K three quarters; a budget counts it."""
    session, fal = at_fal(budget=0.30)
    fal.prices.clear()
    for resolution, dollars in {None: 0.08, "0.5K": 0.06, "1K": 0.08, "2K": 0.12, "4K": 0.16}.items():
        quote = session.quote(session.request("Make it dusk.", [picture], parameters={"resolution": resolution}))
        assert (quote.low, quote.high) == (dollars, dollars)
        assert "price list of 2026-11-29" in quote.how
    session.edit("Make it dusk.", picture, n=2)
    with pytest.raises(errors.BudgetError, match=r"\$0.14 of \$0.30 is left"):
        session.edit("Make it dusk.", picture, resolution="4K")


def test_the_key_goes_to_fal_s_queue_and_to_no_output(at_fal: At, picture: Path) -> None:
    """Outputs are fetched without it, and it is in no repr."""
    session, fal = at_fal()
    result = session.edit("Make it dusk.", picture)
    assert not any(path.startswith("/outputs/") for path in fal.keys)
    assert [method for method, path in fal.asked if path.startswith("/outputs/")] == ["GET"]
    engine = session.engine_at()
    shown = [session, engine, engine.provider, session._engines.choice(), result, result.record]
    assert not any("a-secret-of-fal" in repr(thing) for thing in shown)
    assert KEY not in result.curl()
    assert "$FAL_KEY" in result.curl()


def test_its_curl_sends_what_was_sent(at_fal: At, picture: Path) -> None:
    """Under fal's names and with its header."""
    session, fal = at_fal()
    curl = session.edit("Make it dusk.", picture, n=2, safety_tolerance=5).curl()
    assert all(f'"{name}"' in curl for name in fal.posts[0].payload)
    assert '"number_of_images"' not in curl
    assert '--header "x-fal-no-retry: 1"' in curl


@pytest.mark.parametrize("kind", ["drop after accept", "502 html", "500"])
def test_an_answer_that_is_lost_after_the_post_is_uncertain_and_nothing_is_sent_again(
    at_fal: At, picture: Path, kind: str
) -> None:
    """The record says `unknown`; asking the same again is refused and named."""
    session, fal = at_fal(faults=[Fault.named(kind, "submit", after_accept=True)])
    with pytest.raises(errors.UncertainError):
        session.edit("Make it dusk.", picture, seed=1)
    assert session.history[-1].record.state == "unknown"
    with pytest.raises(errors.UncertainError):
        session.edit("Make it dusk.", picture, seed=1)
    assert len(fal.posts) == 1


def test_a_busy_fal_took_nothing_and_is_asked_again(at_fal: At, picture: Path) -> None:
    """A 429 is no acceptance."""
    session, fal = at_fal(faults=[Fault.named("429", "submit", retry_after=0)])
    assert len(session.edit("Make it dusk.", picture)) == 1
    assert len(fal.posts) == 1


def test_an_unknown_one_is_settled_by_the_id_that_fal_shows(at_fal: At, picture: Path) -> None:
    """The user finds it on fal's page; its pictures are collected."""
    session, fal = at_fal(faults=[Fault.named("drop after accept", "submit")])
    with pytest.raises(errors.UncertainError):
        session.edit("Make it dusk.", picture)
    session.history.settle(1, request_id=fal.posts[0].id)
    (job,) = session.collect([session.history[1].record])
    assert len(job.result()) == 1
    assert len(fal.posts) == 1


@pytest.mark.parametrize(
    ("switches", "error", "says"),
    [
        ({"locked": "Exhausted balance"}, errors.BalanceError, "Exhausted balance"),
        ({"end": "blocked"}, errors.BlockedError, "flagged"),
        ({"end": "failed"}, errors.JobFailedError, "runner failed"),
    ],
)
def test_what_fal_refuses_is_typed_and_says_why(
    at_fal: At, picture: Path, switches: dict[str, Any], error: type[errors.NBBananaError], says: str
) -> None:
    """An empty wallet is a 403, and a job that failed is called completed."""
    session, _ = at_fal(**switches)
    with pytest.raises(error, match=says):
        session.edit("Make it dusk.", picture)


def test_a_key_that_fal_does_not_take_is_named(at_fal: At, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable."""
    session, fal = at_fal()
    monkeypatch.setenv("FAL_KEY", "another")
    with pytest.raises(errors.TokenRejectedError, match="FAL_KEY"):
        session.edit("Make it dusk.", picture)
    assert fal.posts == []


@pytest.mark.parametrize("word", ["OK", "removed"])
def test_a_request_that_waits_is_cancelled(at_fal: At, picture: Path, word: str) -> None:
    """fal removes it from its queue."""
    session, _ = at_fal(duration=math.inf, cancel_word=word)
    job = session.submit("Make it dusk.", picture)
    until(lambda: job.progress.phase == "queued")
    assert job.cancel()
    assert session.history[1].record.state == "cancelled"


def test_another_session_collects_what_a_closed_one_left(at_fal: At, picture: Path, tmp_path: Path) -> None:
    """The handle is in the record."""
    session, fal = at_fal(duration=math.inf)
    job = session.submit("Make it dusk.", picture)
    until(lambda: job.progress.phase == "queued")
    session.close()
    fal.finish()
    with nb.Session(provider="fal", store=tmp_path / "store") as later:
        (again,) = later.collect([later.history[1].record])
        assert len(again.result()) == 1
    assert len(fal.posts) == 1


@pytest.mark.nightly
def test_a_photograph_that_no_png_holds_travels_whole_as_jpeg(at_fal: At, tmp_path: Path) -> None:
    """fal takes JPEG; elsewhere it is scaled down, unless the setting says otherwise, and its note says which."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(7).integers(0, 256, (1600, 2000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.jpg", quality=95)
    session, fal = at_fal()
    here = session.edit("Make it dusk.", tmp_path / "noise.jpg")
    assert fal.posts[0].payload["image_urls"][0].startswith("data:image/jpeg;base64,")
    assert (here.record.inputs[0].width, here.record.inputs[0].height) == (2000, 1600)
    assert "JPEG" in str(here.record.inputs[0].note)
    for wanted, sent in (("png", (2000, 1600)), ("jpeg", (2000, 1600))):
        settings().upload_format = wanted
        with nb.Session(provider="sandbox", store=tmp_path / wanted) as elsewhere:
            (record,) = elsewhere.edit("Make it dusk.", tmp_path / "noise.jpg").record.inputs
            assert ((record.width, record.height) == sent) is (wanted == "jpeg")


def test_a_model_that_fal_has_not_is_an_error_that_says_so(at_fal: At, picture: Path) -> None:
    """Nothing is sent to it, and to no other service."""
    session, fal = at_fal()
    with pytest.raises(errors.UnknownModelError):
        session.edit("Make it dusk.", picture, model="someone/else")
    assert fal.posts == []


def test_it_is_a_provider_and_its_handles_are_checked() -> None:
    """A stranger's handle makes no address."""
    import asyncio

    from nbbanana.providers.credentials import Credential

    fal = Fal(Credential(KEY, "FAL_KEY"), FalEndpoints())
    assert isinstance(fal, Provider)
    for handle in ("../../etc", "a/b/requests/..", "a/b/c/requests/x", "//evil.example/requests/x", "x"):
        with pytest.raises(errors.RequestNotFoundError):
            asyncio.run(fal.status(handle))
    assert SPEC.key_variables == ("FAL_KEY",)


def test_the_price_is_what_fal_says_now_and_its_dated_list_where_it_says_none(at_fal: At, picture: Path) -> None:
    """What the list knows of sizes and extras stays, by the price that is told."""
    session, fal = at_fal()
    request = session.request("Make it dusk.", [picture], parameters={"resolution": "2K"})
    fal.prices["fal-ai/nano-banana-2/edit"] = 0.1
    assert session.quote(request).low == pytest.approx(0.15)
    other, fal = at_fal(store="other")
    fal.prices.clear()
    assert other.quote(request).low == pytest.approx(0.12)
