"""
How an answer reads: its JSON, messages, codes, ids, addresses and pictures; and the states of the Model API.

The order is: `error_code` before the HTTP status, because a bad token is documented as 400004 and an empty
wallet as 400002, and because an answer with HTTP 200 can still be an error. Source of the vocabulary: the Model
API's documentation (async queue endpoints, error codes) and what RunComfy's own clients understand.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any

from nbbanana.errors import ProtocolError
from nbbanana.models.schemas import member
from nbbanana.providers.base import JobStatus, Price, RemoteState
from nbbanana.text import one_line, without_addresses

__all__ = [
    "STATES",
    "data_of",
    "effective_status",
    "job_status",
    "members",
    "money_from",
    "named_model",
    "output_urls",
    "picture_of",
    "place_in_queue",
    "price_from",
    "read_json",
    "reason_of",
    "request_id_from",
    "request_id_in",
    "seconds_to_wait",
    "server_message",
    "word_of",
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
        lists = [[*one.values()] if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [*chain.from_iterable(lists)]
    return bool(level)


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
    return next(filter(None, (_as_text(member(answer, key), depth) for key in MESSAGE_KEYS)), "")


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
    code = member(answer, "error_code")
    if isinstance(code, str) and re.fullmatch(r"[0-9]{1,9}", code.strip()):
        code = int(code)
    if code is None or code in (0, "", False):
        return None
    return code if isinstance(code, int) and code is not True and 0 < code < 10**9 else UNREADABLE


def reason_of(status: int, answer: Any) -> str:
    """
    Return a sentence with the server's words and its number for an answer that says no.

    >>> reason_of(402, {"error_code": 400002, "error_message": "No balance."}), reason_of(500, None)
    ('It said: No balance. (error 400002)', 'It answered HTTP 500 without a reason.')
    """
    words, code = server_message(answer), error_code(answer)
    number = f"HTTP {status}" if code in {None, UNREADABLE} else f"error {code}"
    return f"It said: {words} ({number})" if words else f"It answered {number} without a reason."


def effective_status(code: int | None, status: int) -> int:
    """Return the HTTP status that an answer means: the platform's codes begin with it; others say nothing of it."""
    return code // 1000 if code is not None and code >= 100_000 else status


def request_id_from(answer: Any) -> str | None:
    """Return the request id of a submit's answer, if it is one that can stand in a path."""
    value = member(answer, "request_id")
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
    word = member(answer, "status")
    if not isinstance(word, str) or not word.strip():
        raise ProtocolError("The service's answer has no status.", "It is not what the Model API documents.")
    state = STATES.get(word.strip().lower(), "other")
    error = _shown(_as_text(answer.get("error"))) or server_message(answer) if state == "failed" else None
    return JobStatus(
        state=state,
        word=_shown(word, 40),
        queue_position=place_in_queue(answer),
        urls=tuple(output_urls(answer.get("output"))) if state == "completed" else (),
        error=error,
        is_blocked=bool(error and BLOCKED_WORDS.search(error)),
        cost=money_from(answer.get("cost")),
        retry_after=retry_after,
    )


def word_of(answer: Any, key: str = "status") -> str:
    """Return the service's word for a state or an outcome, in lower case; empty where there is none."""
    value = member(answer, key)
    return _shown(value.strip().lower(), 40) if isinstance(value, str) else ""


def place_in_queue(answer: Any) -> int | None:
    """Return how many are ahead, where an answer says so."""
    position = member(answer, "queue_position")
    return position if type(position) is int and 0 <= position < 10**9 else None


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
    unit, note = member(answer, "price_unit"), member(answer, "pricing_note")
    return Price(
        base=money_from(member(answer, "base_price_usd")),
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
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))


def data_of(uri: str) -> tuple[str, str] | None:
    """
    Return the media type and the base64 text of a data URI; None where it is an address.

    >>> data_of("data:image/png;base64,iVBO"), data_of("https://example.org/a.png")
    (('image/png', 'iVBO'), None)
    """
    head, comma, data = uri.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return head.removeprefix("data:").removesuffix(";base64"), data


def picture_of(text: object) -> bytes:
    """
    Return the bytes of a picture that stands in an answer in base64, also in a data URI.

    Raises:
        ProtocolError: it is no base64.
    """
    try:
        found = data_of(text) if isinstance(text, str) and text.startswith("data:") else None
        return base64.b64decode(found[1] if found else text, validate=True)  # type: ignore[arg-type]
    except (binascii.Error, ValueError, TypeError) as error:
        raise ProtocolError("A picture in the answer cannot be read.", "It is not base64.") from error


def named_model(value: Any) -> str | None:
    """Return the name of the model that answered, where it is one."""
    return one_line(value, 100) if isinstance(value, str) else None


def members(value: Any, *names: str) -> list[Mapping[str, Any]]:
    """
    Return the objects of a list that stands under names inside one another; none where there is no list.

    >>> members({"data": [{"a": 1}, 2]}, "data"), members(None, "data")
    ([{'a': 1}], [])
    """
    found = member(value, *names)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
