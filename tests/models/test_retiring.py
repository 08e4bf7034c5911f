"""A model that a service does not have any more: the error names what follows it and the setting that changes it."""

from __future__ import annotations

import pytest

from nbbanana import errors
from nbbanana.models.catalogue import get, ids, successor
from nbbanana.models.offers import ending, retired, who_has

EDIT, MAKE, NEWER = "google/nano-banana-2/edit", "google/nano-banana-2/text-to-image", "google/nano-banana-2.1/edit"


def test_it_names_the_successor_and_the_one_setting_that_changes_it() -> None:
    """And the dates that the catalogue knows, and that nothing was charged."""
    error = retired("gemini", "Gemini", EDIT, "It said: NOT_FOUND (HTTP 404).")
    assert isinstance(error, errors.ModelRetiredError)
    assert isinstance(error, errors.UnknownModelError)
    assert "It said: NOT_FOUND (HTTP 404)." in error.why
    assert "2026-10-29" in error.why
    assert "2026-10-18" in error.why
    assert f"--model {NEWER}" in error.how
    assert f'%config NBBanana.model = "{NEWER}"' in error.how
    assert "Nothing was made or charged" in error.how
    assert len(error.lines) == 3


def test_a_service_without_the_successor_is_told_who_has_it() -> None:
    """RunComfy is not known to have the newer model."""
    error = retired("runcomfy", "RunComfy", EDIT)
    assert error is not None
    assert "runcomfy" not in who_has(NEWER)
    assert f"at fal, gemini, openrouter: --provider fal --model {NEWER}" in error.how
    assert f'%config NBBanana.model = "{NEWER}" and %config NBBanana.provider = "fal"' in error.how


def test_a_model_that_no_model_follows_says_that_and_who_had_it() -> None:
    """Nothing is invented."""
    error = retired("runcomfy", "RunComfy", MAKE)
    assert error is not None
    assert "No model is known to follow it" in error.how
    assert "--provider fal" in error.how


@pytest.mark.parametrize(("provider", "model"), [("runcomfy", "acme/paint"), ("sandbox", EDIT), ("gemini", MAKE)])
def test_what_a_service_never_had_by_the_catalogue_did_not_end(provider: str, model: str) -> None:
    """Then it is only not known."""
    assert retired(provider, provider, model) is None


def test_an_end_that_was_announced_is_said_before_it_comes() -> None:
    """With its date; of other models there is nothing to say."""
    said = ending("gemini", EDIT)
    assert said is not None
    assert NEWER in said
    assert ending("fal", EDIT) is ending("gemini", NEWER) is ending("gemini", "acme/paint") is None


def test_what_follows_a_model_is_in_the_catalogue() -> None:
    """A successor is one that can be asked for, and not the model itself."""
    followed = {model: new for model in ids() if (new := successor(model))}
    assert followed == {EDIT: NEWER}
    assert all(get(new).is_shipped and new != model for model, new in followed.items())
