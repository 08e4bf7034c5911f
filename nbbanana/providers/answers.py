"""
How an answer of the Model API reads: its JSON, its states, and which error it means.

The order is: `error_code` before the HTTP status, because a bad token is documented as 400004 and an empty
wallet as 400002, and because an answer with HTTP 200 can still be an error. Source of the vocabulary: the Model
API's documentation (async queue endpoints, error codes) and what RunComfy's own clients understand.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nbbanana.errors import (
    BalanceError,
    NBBananaError,
    NotYoursError,
    ProtocolError,
    RateLimitError,
    RejectedError,
    RequestNotFoundError,
    TokenRejectedError,
    UpstreamError,
)
from nbbanana.providers.base import JobStatus, Price, RemoteState

__all__ = [
    "STATES",
    "error_from",
    "job_status",
    "meaning",
    "output_urls",
    "price_from",
    "read_json",
    "request_id_from",
    "said",
    "seconds_to_wait",
]

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")
MESSAGE_KEYS = ("error_message", "message", "error", "detail")
LONGEST_MESSAGE = 300
"""Characters of a server's message that are shown; a CDN's HTML page is longer than anybody wants."""

STATES: Mapping[str, RemoteState] = {
    "in_queue": "queued",
    "queued": "queued",
    "pending": "queued",
    "waiting": "queued",
    "in_progress": "running",
    "starting": "running",
    "processing": "running",
    "running": "running",
    "completed": "completed",
    "succeeded": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}

BY_CODE: Mapping[int, type[NBBananaError]] = {
    400001: RejectedError,
    400002: BalanceError,
    400004: TokenRejectedError,
    403001: NotYoursError,
    404001: RequestNotFoundError,
}
"""The documented codes of the Model API (error codes page)."""

BY_STATUS: Mapping[int, type[NBBananaError]] = {
    401: TokenRejectedError,
    402: BalanceError,
    403: NotYoursError,
    404: RequestNotFoundError,
    429: RateLimitError,
}

PASSING = frozenset({408, 409, 425})
"""Statuses below 500 that speak of the moment and not of the question."""

BLOCKED_WORDS = re.compile(r"safety|blocked|prohibited|moderat|nsfw|content polic|sensitive", re.IGNORECASE)


def read_json(body: bytes) -> Any:
    """
    The JSON value of a body, or None where it is none: empty, HTML, truncated, garbage.

    >>> read_json(b'{"status": "completed"}'), read_json(b"<html>")
    ({'status': 'completed'}, None)
    """
    try:
        return json.loads(body)
    except (ValueError, UnicodeDecodeError, RecursionError):
        return None


def said(answer: Any) -> str:
    """
    The server's own message in one line, under any of the keys it uses; empty where there is none.

    >>> said({"error_code": 400002, "error_message": "No balance."})
    'No balance.'
    """
    if not isinstance(answer, dict):
        return ""
    for key in MESSAGE_KEYS:
        value = answer.get(key)
        text = _as_text(value)
        if text:
            return text[:LONGEST_MESSAGE]
    return ""


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, dict):
        return said(value) or " ".join(json.dumps(value, ensure_ascii=False).split())
    if isinstance(value, list) and value:
        return "; ".join(filter(None, (_detail(item) for item in value[:5])))
    return ""


def _detail(item: Any) -> str:
    """One entry of a validation report, as FastAPI and others write them: where, then what."""
    if not isinstance(item, dict):
        return _as_text(item)
    where = ".".join(str(part) for part in item.get("loc", []) if part != "body")
    what = str(item.get("msg") or said(item))
    return f"{where}: {what}" if where else what


def error_code(answer: Any) -> int | None:
    """The numeric `error_code` at the top of an answer, where there is one."""
    code = answer.get("error_code") if isinstance(answer, dict) else None
    if isinstance(code, str) and code.isdigit():
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def error_from(status: int, answer: Any, *, doing: str, request_id: str | None = None) -> NBBananaError | None:
    """
    The error that an answer means, or None where it is none.

    Args:
        status: the HTTP status.
        answer: the body's JSON value, or None.
        doing: what was tried, for the first line, such as "asking for the result".
        request_id: the id it was about.
    """
    code = error_code(answer)
    if code is None and 200 <= status < 300:
        return None
    kind = _kind(code, status)
    words = said(answer)
    number = f"error {code}" if code is not None else f"HTTP {status}"
    why = f"It said: {words} ({number})" if words else f"It answered {number} without a reason."
    return kind(
        f"The service refused {doing}." if status < 500 else f"The service failed {doing}.", why, request_id=request_id
    )


def meaning(code: int | None, status: int) -> int:
    """The HTTP status that an answer means: the platform's codes begin with it."""
    return code // 1000 if code is not None and code >= 100_000 else status


def _kind(code: int | None, status: int) -> type[NBBananaError]:
    if code is not None and code in BY_CODE:
        return BY_CODE[code]
    effective = meaning(code, status)
    if effective in BY_STATUS:
        return BY_STATUS[effective]
    if effective >= 500 or effective in PASSING:
        return UpstreamError
    return RejectedError if effective >= 400 else ProtocolError


def request_id_from(answer: Any) -> str | None:
    """The request id of a submit's answer, if it is one that can stand in a path."""
    value = answer.get("request_id") if isinstance(answer, dict) else None
    return value if isinstance(value, str) and REQUEST_ID.match(value) else None


def job_status(answer: Any, retry_after: float | None = None) -> JobStatus:
    """
    What a status or a result says.

    Raises:
        ProtocolError: an answer without a status.
    """
    word = answer.get("status") if isinstance(answer, dict) else None
    if not isinstance(word, str) or not word.strip():
        raise ProtocolError("The service's answer has no status.", "It is not what the Model API documents.")
    state = STATES.get(word.strip().lower(), "other")
    error = (_as_text(answer.get("error")) or said(answer))[:LONGEST_MESSAGE] if state == "failed" else None
    position = answer.get("queue_position")
    return JobStatus(
        state=state,
        word=word.strip()[:40],
        queue_position=position if isinstance(position, int) and position >= 0 else None,
        urls=tuple(output_urls(answer.get("output"))) if state == "completed" else (),
        error=error,
        is_blocked=bool(error and BLOCKED_WORDS.search(error)),
        cost=_money(answer.get("cost")),
        retry_after=retry_after,
    )


def output_urls(output: Any) -> list[str]:
    """
    The images under `output`, in their order, without doubles.

    Models differ: `images` or `image`, strings or `{"url": …}`, or a bare string (async queue endpoints page;
    RunComfy's partner nodes).

    >>> output_urls({"images": ["https://a/1.png", {"url": "https://a/2.png"}]})
    ['https://a/1.png', 'https://a/2.png']
    """
    return list(dict.fromkeys(_urls(output)))


def _urls(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif isinstance(value, list):
        for item in value:
            yield from _urls(item)
    elif isinstance(value, dict):
        for key in ("images", "image", "image_url", "url", "urls"):
            if key in value:
                yield from _urls(value[key])
                return


def _money(value: Any) -> float | None:
    """US dollars, or None for whatever is not a sum that can be owed."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def price_from(answer: Any) -> Price:
    """What a catalogue entry says of its price; an absent figure is None, never zero."""
    entry = answer if isinstance(answer, dict) else {}
    unit, note = entry.get("price_unit"), entry.get("pricing_note")
    return Price(
        base=_money(entry.get("base_price_usd")),
        unit=unit if isinstance(unit, str) else None,
        note=" ".join(note.split())[:LONGEST_MESSAGE] if isinstance(note, str) and note.strip() else None,
    )


def seconds_to_wait(header: str | None, *, now: float | None = None) -> float | None:
    """
    `Retry-After` in seconds: a number or a date (RFC 9110, 10.2.3); None where it is neither.

    >>> seconds_to_wait("7"), seconds_to_wait("soon")
    (7.0, None)
    """
    if header is None:
        return None
    text = header.strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    return _until_date(text, now)


def _until_date(text: str, now: float | None) -> float | None:
    import time
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))
