"""
How an answer of the Model API reads: its JSON, its states, and which error it means.

The order is: `error_code` before the HTTP status, because a bad token is documented as 400004 and an empty
wallet as 400002, and because an answer with HTTP 200 can still be an error. Source of the vocabulary: the Model
API's documentation (async queue endpoints, error codes) and what RunComfy's own clients understand.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from types import MappingProxyType
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
from nbbanana.text import one_line, without_addresses

__all__ = [
    "STATES",
    "effective_status",
    "error_from",
    "job_status",
    "money_from",
    "output_urls",
    "price_from",
    "read_json",
    "request_id_from",
    "request_id_in",
    "seconds_to_wait",
    "server_message",
]

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")
_ID_IN_BYTES = re.compile(rb'"request_id"\s{0,9}:\s{0,9}"([A-Za-z0-9_-]{1,128})"')
MESSAGE_KEYS = ("error_message", "message", "error", "detail")
LONGEST_MESSAGE = 300
"""Characters of a server's message that are shown; a CDN's HTML page is much longer."""
MOST_READ = 4_000
"""Characters of a server's message that are looked at."""
DEEPEST = 100
"""Levels of nesting that an answer may have; those of the API have five, and its schemas ten."""
DEEPEST_MESSAGE = 4
DEEPEST_OUTPUT = 6
UNREADABLE = -1
"""An `error_code` that says there is an error, and is no number."""
MOST_DOLLARS = 1e6
"""US dollars above which a price or a cost is no sum but a mistake."""

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
    429: RateLimitError,
}

PASSING = frozenset({408, 409, 425})
"""Statuses below 500 that speak of the moment and not of the question."""

PAGES_THAT_PASS = frozenset({400, 403, 404, 405})
"""Statuses below 500 that a firewall or a proxy gives with a web page of its own."""

BLOCKED_WORDS = re.compile(r"safety|blocked|prohibited|moderat|nsfw|content polic|sensitive", re.IGNORECASE)


def read_json(body: bytes) -> Any:
    """
    Read the JSON value of a body; None where it is none: empty, HTML, truncated, garbage, nested too deep.

    >>> read_json(b'{"status": "completed"}'), read_json(b"<html>")
    ({'status': 'completed'}, None)
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    brackets = body.count(b"[") + body.count(b"{")
    return None if brackets > DEEPEST and _is_deeper(value, DEEPEST) else value


def _is_deeper(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _members(one)]
    return bool(level)


def _members(container: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def server_message(answer: Any) -> str:
    """
    Return the server's own message on one line, under any of the keys it uses; empty where there is none.

    Addresses are taken out: a service that echoes one echoes its signature.

    >>> server_message({"error_code": 400002, "error_message": "No balance."})
    'No balance.'
    """
    return _shown(_message(answer, DEEPEST_MESSAGE))


def _shown(text: str, width: int = LONGEST_MESSAGE) -> str:
    return one_line(without_addresses(text[:MOST_READ]), width)


def _message(answer: Any, depth: int) -> str:
    found = (_as_text(answer.get(key), depth) for key in MESSAGE_KEYS) if isinstance(answer, dict) else iter(())
    return next(filter(None, found), "")


def _as_text(value: Any, depth: int = DEEPEST_MESSAGE) -> str:
    if depth == 0:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict):
        return _message(value, depth - 1) or _written(value)
    if isinstance(value, list) and value:
        return "; ".join(filter(None, (_detail(item, depth - 1) for item in value[:5])))
    return ""


def _written(value: Mapping[str, Any]) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)[:MOST_READ] if value else ""
    except (ValueError, RecursionError):
        return ""


def _detail(item: Any, depth: int) -> str:
    """Read one entry of a validation report, as FastAPI and others write them: where, then what."""
    if not isinstance(item, dict):
        return _as_text(item, depth)
    place = item.get("loc")
    where = ".".join(str(part) for part in place[:9] if part != "body") if isinstance(place, list) else ""
    what = _as_text(item.get("msg"), depth) or _message(item, depth)
    return f"{where}: {what}" if where else what


def error_code(answer: Any) -> int | None:
    """
    Return the numeric `error_code` at the top of an answer; None where there is none, `UNREADABLE` where it is no code.

    0 says that there is no error, as it does in many APIs.

    >>> error_code({"error_code": "400002"}), error_code({"error_code": 0}), error_code({"error_code": "\u00b2"})
    (400002, None, -1)
    """
    code = answer.get("error_code") if isinstance(answer, dict) else None
    if isinstance(code, str) and re.fullmatch(r"[0-9]{1,9}", code.strip()):
        code = int(code)
    if code is None or code in (0, "", False):
        return None
    return code if isinstance(code, int) and code is not True and 0 < code < 10**9 else UNREADABLE


def error_from(
    status: int,
    answer: Any,
    *,
    doing: str,
    request_id: str | None = None,
    is_page: bool = False,
    mends: Mapping[type[NBBananaError], str] = MappingProxyType({}),
) -> NBBananaError | None:
    """
    Return the error that an answer means, or None where it is none.

    Args:
        status: the HTTP status.
        answer: the body's JSON value, or None.
        doing: what was tried, for the first line, such as "get the result".
        request_id: the id it was about. The API documents its "not found" as 404001: a 404 about an id without that
            code comes from something in between, or from an id that is too fresh, and passes.
        is_page: whether the body is something else than JSON, such as a web page of a proxy: 400, 403, 404 and 405
            then say nothing about the request, and pass.
        mends: what to do about an error of a class, where the service has words for that.
    """
    code = error_code(answer)
    if code is None and 200 <= status < 300:
        return None
    passes = code is None and ((is_page and status in PAGES_THAT_PASS) or (request_id is not None and status == 404))
    kind = UpstreamError if passes else _kind(code, status)
    words = server_message(answer)
    number = f"error {code}" if code not in {None, UNREADABLE} else f"HTTP {status}"
    why = f"It said: {words} ({number})" if words else f"It answered {number} without a reason."
    return kind(_what(kind, doing, status), why, _mend(kind, request_id, mends), request_id=request_id)


def _what(kind: type[NBBananaError], doing: str, status: int) -> str:
    if kind is TokenRejectedError:
        return "The service did not accept your token."
    if kind is BalanceError:
        return "There is not enough balance."
    return f"Could not {doing}: the service {'refused' if status < 500 else 'failed'}."


def _mend(kind: type[NBBananaError], request_id: str | None, mends: Mapping[type[NBBananaError], str]) -> str:
    """Return what to do about it; empty is the default of the error's class."""
    if kind is UpstreamError and request_id:
        return "The job may still run: %nbresume collects it."
    return mends.get(kind, "")


def effective_status(code: int | None, status: int) -> int:
    """Return the HTTP status that an answer means: the platform's codes begin with it."""
    return code // 1000 if code is not None and code >= 100_000 else status


def _kind(code: int | None, status: int) -> type[NBBananaError]:
    if code is not None and code in BY_CODE:
        return BY_CODE[code]
    effective = effective_status(code, status)
    if effective in BY_STATUS:
        return BY_STATUS[effective]
    if effective >= 500 or effective in PASSING:
        return UpstreamError
    return RejectedError if effective >= 400 else ProtocolError


def request_id_from(answer: Any) -> str | None:
    """Return the request id of a submit's answer, if it is one that can stand in a path."""
    value = answer.get("request_id") if isinstance(answer, dict) else None
    return value if isinstance(value, str) and REQUEST_ID.match(value) else None


def request_id_in(body: bytes) -> str | None:
    """
    Return the request id in the bytes of an answer, also where they were cut off or are too many to be JSON.

    >>> request_id_in(b'{"request_id": "r-1", "status_url": "https://')
    'r-1'
    """
    if known := request_id_from(read_json(body)):
        return known
    found = _ID_IN_BYTES.search(body)
    return found[1].decode() if found else None


def job_status(answer: Any, retry_after: float | None = None) -> JobStatus:
    """
    Return what a status or a result says.

    Raises:
        ProtocolError: an answer without a status.
    """
    word = answer.get("status") if isinstance(answer, dict) else None
    if not isinstance(word, str) or not word.strip():
        raise ProtocolError("The service's answer has no status.", "It is not what the Model API documents.")
    state = STATES.get(word.strip().lower(), "other")
    error = _shown(_as_text(answer.get("error"))) or server_message(answer) if state == "failed" else None
    position = answer.get("queue_position")
    return JobStatus(
        state=state,
        word=_shown(word, 40),
        queue_position=position if type(position) is int and 0 <= position < 10**9 else None,
        urls=tuple(output_urls(answer.get("output"))) if state == "completed" else (),
        error=error,
        is_blocked=bool(error and BLOCKED_WORDS.search(error)),
        cost=money_from(answer.get("cost")),
        retry_after=retry_after,
    )


def output_urls(output: Any) -> list[str]:
    """
    Return the images under `output`, in their order, without doubles.

    Models differ: `images` or `image`, strings or `{"url": …}`, or a bare string (async queue endpoints page;
    RunComfy's partner nodes).

    >>> output_urls({"images": ["https://a/1.png", {"url": "https://a/2.png"}]})
    ['https://a/1.png', 'https://a/2.png']
    """
    return list(dict.fromkeys(_urls(output, DEEPEST_OUTPUT)))


def _urls(value: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif isinstance(value, list):
        for item in value:
            yield from _urls(item, depth - 1)
    elif isinstance(value, dict):
        for key in ("images", "image", "image_url", "url", "urls"):
            if key in value:
                yield from _urls(value[key], depth - 1)
                return


def money_from(value: Any) -> float | None:
    """Return US dollars, or None for whatever is not a sum that can be owed."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MOST_DOLLARS else None


def price_from(answer: Any) -> Price:
    """Return what a catalogue entry says of its price; an absent figure is None, never zero."""
    entry = answer if isinstance(answer, dict) else {}
    unit, note = entry.get("price_unit"), entry.get("pricing_note")
    return Price(
        base=money_from(entry.get("base_price_usd")),
        unit=_shown(unit, 40) if isinstance(unit, str) else None,
        note=_shown(note) if isinstance(note, str) and note.strip() else None,
    )


def seconds_to_wait(header: str | None, *, now: float | None = None) -> float | None:
    """
    Parse `Retry-After` as seconds: a number or a date (RFC 9110, 10.2.3); None where it is neither.

    >>> seconds_to_wait("7"), seconds_to_wait("soon")
    (7.0, None)
    """
    if header is None:
        return None
    text = header.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    return _until_date(text, now)


def _until_date(text: str, now: float | None) -> float | None:
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))
