"""OpenRouter over a socket: what goes out, what comes back, its live catalogue, and what is never sent twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.openrouter_service import COST, OpenRouterService

import nbbanana as nb
from nbbanana import errors
from nbbanana.providers.openrouter import SPEC
from nbbanana.sandbox import Fault

At = Callable[..., tuple[nb.Session, OpenRouterService]]


@pytest.fixture
def at_openrouter(serve: Callable[..., Any]) -> At:
    """Makes a session at an OpenRouter with the switches it is given."""
    return partial(serve, OpenRouterService, "openrouter", SPEC.default_model)


def test_what_is_set_arrives_and_the_upstream_is_pinned(at_openrouter: At, picture: Path) -> None:
    """A fallback would be a second attempt that is paid for."""
    session, service = at_openrouter()
    session.edit("Make it dusk.", picture, "https://example.org/b.png", seed=7, aspect_ratio="16:9", resolution="2K")
    sent = dict(service.posts[0].payload)
    references = [one["image_url"]["url"] for one in sent.pop("input_references")]
    assert references[0].startswith("data:image/png;base64,")
    assert references[1] == "https://example.org/b.png"
    assert sent == {
        "model": "google/gemini-nano-banana-2.1",
        "prompt": "Make it dusk.",
        "seed": 7,
        "aspect_ratio": "16:9",
        "resolution": "2K",
        "provider": {"allow_fallbacks": False, "only": ["google-ai-studio"]},
    }


def test_the_live_catalogue_says_the_price_and_what_is_taken(at_openrouter: At, picture: Path) -> None:
    """Of the upstream that is pinned; the cost comes with the answer."""
    session, _ = at_openrouter()
    quote = session.quote(session.request("Make it dusk.", [picture], n=2))
    assert (quote.low, quote.high) == (pytest.approx(2 * COST), pytest.approx(2 * COST))
    result = session.edit("Make it dusk.", picture, n=2)
    assert result.record.cost == pytest.approx(2 * COST)
    with pytest.raises(errors.ParameterError, match="aspect_ratio"):
        session.edit("Make it dusk.", picture, aspect_ratio="8:1")


@pytest.mark.parametrize("tells", ["tokens", ""])
def test_a_price_by_tokens_or_none_leaves_the_most_unknown(at_openrouter: At, picture: Path, tells: str) -> None:
    """So a budget asks what to count; it is reserved in full, and the cost takes its place."""
    session, service = at_openrouter(tells=tells, budget=1.0)
    assert session.quote(session.request("Make it dusk.", [picture])).high is None
    with pytest.raises(errors.BudgetError, match="assume_price="):
        session.edit("Make it dusk.", picture)
    result = session.edit("Make it dusk.", picture, assume_price=0.6)
    assert (result.record.cost, len(service.posts)) == (COST, 1)
    assert session.store.spending("openrouter").total == pytest.approx(COST)


def test_a_catalogue_that_is_away_does_not_refuse_a_request(at_openrouter: At, picture: Path) -> None:
    """What this package has stands in for it."""
    session, _ = at_openrouter(faults=[Fault("catalog", status=503, times=None)])
    assert len(session.edit("Make it dusk.", picture)) == 1


@pytest.mark.parametrize("status", [500, 502, 524, 529])
def test_what_fails_after_the_post_is_lost_and_said(at_openrouter: At, picture: Path, status: int) -> None:
    """524 is a wait that was too long for the network before it: the picture may have been made."""
    session, service = at_openrouter(faults=[Fault("submit", after_accept=True, status=status, message="Failed.")])
    with pytest.raises(errors.UncertainError, match=str(status)):
        session.edit("Make it dusk.", picture)
    assert (session.history[1].record.state, service.submits) == ("lost", 1)


def test_no_credits_refused_content_and_an_empty_answer_are_told_apart(at_openrouter: At, picture: Path) -> None:
    """Each in its own words."""
    for number, (switches, kind) in enumerate(
        [
            ({"has_credits": False}, errors.BalanceError),
            ({"end": "blocked"}, errors.RejectedError),
            ({"end": "failed"}, errors.JobFailedError),
        ]
    ):
        session, _ = at_openrouter(store=str(number), **switches)
        with pytest.raises(kind):
            session.edit("Make it dusk.", picture)


def test_a_model_that_is_served_no_more_is_named(at_openrouter: At, picture: Path) -> None:
    """Before anything is paid: its live catalogue does not have it."""
    session, service = at_openrouter(retired=["google/gemini-nano-banana-2.1"])
    with pytest.raises(errors.ModelRetiredError):
        session.edit("Make it dusk.", picture)
    assert service.posts == []
