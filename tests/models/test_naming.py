"""What a user may write for a model: an id, an alias, a service's own name, or the address of its page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbbanana import models
from nbbanana.errors import UnknownModelError
from nbbanana.models.catalogue import canonical

EDIT, MAKE, NEWER = "google/nano-banana-2/edit", "google/nano-banana-2/text-to-image", "google/nano-banana-2.1/edit"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://www.runcomfy.com/models/google/nano-banana-2/edit", EDIT),
        ("https://www.runcomfy.com/models/google/nano-banana-2/edit/api?tab=python#input", EDIT),
        ("https://www.runcomfy.com/de/models/google/nano-banana-2/edit/playground/", EDIT),
        ("https://www.runcomfy.com/models/google/nano-banana-pro/edit", "google/nano-banana/pro/edit"),
        ("https://www.runcomfy.com/models/blackforestlabs/flux-2-dev/edit", "blackforestlabs/flux-2/dev/edit"),
        ("https://fal.ai/models/fal-ai/nano-banana-2/edit", EDIT),
        ("https://fal.ai/models/fal-ai/nano-banana-2/api", MAKE),
        ("https://fal.ai/models/google/nano-banana-2.1/edit/llms.txt", NEWER),
        ("https://openrouter.ai/google/gemini-nano-banana-2.1", NEWER),
        ("  https://FAL.AI/models/fal-ai/nano-banana-2/edit", EDIT),
        ("fal-ai/nano-banana-2/edit", EDIT),
        ("gemini-nano-banana-2.1", NEWER),
        ("google/gemini-3.1-flash-image", EDIT),
    ],
)
def test_a_page_and_a_service_s_own_name_are_understood(written: str, meant: str) -> None:
    """What is pasted from a browser, with whatever stands behind it."""
    assert canonical(written) == meant
    if meant in models.ids():
        assert models.get(written).id == models.get(meant).id


@pytest.mark.parametrize(
    "written",
    [
        EDIT,
        "acme/paint",
        "https://example.com/models/google/nano-banana-2/edit",
        "https://www.runcomfy.com/pricing",
        "https://www.runcomfy.com/models/",
        "https://fal.ai",
        "ftp://fal.ai/models/fal-ai/nano-banana-2/edit",
        "https://fal.ai.example/models/fal-ai/nano-banana-2/edit",
        "https://[fal.ai/models/x",
    ],
)
def test_what_is_no_other_name_of_a_model_stays_as_it_is(written: str) -> None:
    """Nothing is guessed from another site."""
    assert canonical(written) == written


def test_a_page_s_name_that_is_no_id_is_answered_with_the_id() -> None:
    """Ids are not the addresses of pages."""
    with pytest.raises(UnknownModelError) as caught:
        models.get("google/nano-banana-pro/edit")
    assert caught.value.how == "Did you mean google/nano-banana/pro/edit?"
    assert "Ids are not the addresses of pages." in caught.value.why


def test_what_follows_the_address_is_not_repeated() -> None:
    """A query can hold what nobody should read."""
    with pytest.raises(UnknownModelError) as caught:
        models.get("https://example.com/models/x?key=secret")
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_looked_up_without_an_error(text: str) -> None:
    """And what it gives means itself."""
    for written in (text, f"https://fal.ai/models/{text}", f"https://www.runcomfy.com/{text}"):
        once = canonical(written)
        assert canonical(once) == once or "://" in once
