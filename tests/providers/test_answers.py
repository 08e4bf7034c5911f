"""How answers of the Model API read."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbbanana import errors
from nbbanana.providers.answers import (
    job_status,
    output_urls,
    price_from,
    read_json,
    request_id_from,
    seconds_to_wait,
    server_message,
)
from nbbanana.providers.credentials import Credential
from nbbanana.providers.http import Answer
from nbbanana.providers.runcomfy import RunComfy

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON, st.integers(100, 599))
def test_any_answer_reads_as_an_error_or_none(answer, status):
    """Whatever JSON a server sends, reading it gives a typed error or none, never a crash."""
    service = RunComfy(Credential("nbsandbox_x", "sandbox"))
    error = service._error_of(Answer(status, json.dumps(answer).encode()), doing="ask", request_id=None)
    assert error is None or isinstance(error, errors.NBBananaError)


@given(st.dictionaries(st.sampled_from(["status", "output", "error", "queue_position", "cost"]), JSON))
def test_any_job_reads_as_a_status_or_a_protocol_error(answer):
    """A job's answer is a status, or typed as unreadable; a cost is never negative, infinite or a guess."""
    try:
        status = job_status(answer)
    except errors.ProtocolError:
        return
    assert status.cost is None or (math.isfinite(status.cost) and status.cost >= 0)


@given(st.binary())
def test_any_bytes_read_as_json_or_none(body):
    """Bytes that are no JSON are None."""
    read_json(body)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("in_queue", "queued"),
        ("pending", "queued"),
        ("waiting", "queued"),
        ("in_progress", "running"),
        ("processing", "running"),
        ("starting", "running"),
        ("completed", "completed"),
        ("SUCCEEDED", "completed"),
        ("failed", "failed"),
        ("cancelled", "cancelled"),
        ("canceled", "cancelled"),
        ("reticulating", "other"),
    ],
)
def test_every_known_spelling_of_a_state_is_understood(word, state):
    """Official spellings and those that official clients handle; others are named, not guessed."""
    assert job_status({"status": word}).state == state


@pytest.mark.parametrize(
    ("output", "urls"),
    [
        ({"images": ["a", "b"]}, ["a", "b"]),
        ({"image": "a"}, ["a"]),
        ({"images": [{"url": "a"}, {"url": "b"}]}, ["a", "b"]),
        ("a", ["a"]),
        ({"images": ["a", "a"]}, ["a"]),
        ({"images": []}, []),
        (None, []),
        ({"video": "v"}, []),
    ],
)
def test_outputs_are_found_in_every_shape(output, urls):
    """The shapes that official clients accept."""
    assert output_urls(output) == urls


@pytest.mark.parametrize("value", [None, "0.07", -1, float("nan"), float("inf"), True])
def test_a_price_that_is_none_is_unknown_and_never_zero(value):
    """A price that cannot be owed is unknown."""
    assert price_from({"base_price_usd": value, "price_unit": "output"}).base is None


def test_a_message_is_found_under_any_key_and_kept_short():
    """`error_message`, `message`, `error` and `detail`, one line, bounded."""
    assert server_message({"error_message": "No\nbalance."}) == "No balance."
    assert server_message({"detail": [{"loc": ["body", "seed"], "msg": "too large"}]}) == "seed: too large"
    assert server_message({"error": {"message": "inner"}}) == "inner"
    assert len(server_message({"message": "x" * 10_000})) == 300


@pytest.mark.parametrize("bad", ["", "../x", "a/b", "a b", "x" * 129, 7, None, "é"])
def test_only_an_id_that_can_stand_in_a_path_is_one(bad):
    """An id from outside never becomes a path."""
    assert request_id_from({"request_id": bad}) is None


def test_retry_after_is_seconds_or_a_date():
    """RFC 9110 allows both."""
    assert seconds_to_wait("3") == 3
    assert seconds_to_wait("Thu, 01 Jan 1970 00:01:00 GMT", now=30.0) == 30
    assert seconds_to_wait("nonsense") is None
