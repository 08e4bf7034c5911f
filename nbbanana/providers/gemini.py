"""
The Gemini API as a provider: `generateContent` over plain httpx, which gives the pictures with its answer.

Sources: the types of Google's Python client 3.6.1, tests of other clients with real payloads, and Google's billing
page, read on 29 November 2026; not tried against the service. The picture models draw one picture a request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from nbbanana.errors import (
    NBBananaError,
    NotYoursError,
    ProtocolError,
    QuotaError,
    RateLimitError,
    RejectedError,
    TokenRejectedError,
    UnknownModelError,
    UpstreamError,
    translated,
)
from nbbanana.models.offer_files import today
from nbbanana.models.offers import Offer, TokenPrices, offer, offered
from nbbanana.models.retiring import retired
from nbbanana.providers.answering import (
    ANSWER_CAP,
    PATIENT,
    SynchronousService,
    data_of,
    member,
    named_model,
    picture_of,
)
from nbbanana.providers.answers import PASSING, server_message
from nbbanana.providers.base import Description, Outputs, Price, Wire
from nbbanana.providers.credentials import Credential
from nbbanana.providers.endpoints import Endpoints, base
from nbbanana.providers.http import Answer, Connections, Timeouts
from nbbanana.providers.spec import ProviderSpec
from nbbanana.text import one_line

__all__ = ["SPEC", "Gemini", "GeminiEndpoints"]

NAME, TITLE = "gemini", "the Gemini API"
KEY_HEADER = "x-goog-api-key"
HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
THRESHOLDS = {
    "1": "BLOCK_LOW_AND_ABOVE",
    "2": "BLOCK_LOW_AND_ABOVE",
    "3": "BLOCK_MEDIUM_AND_ABOVE",
    "4": "BLOCK_ONLY_HIGH",
    "5": "BLOCK_NONE",
    "6": "OFF",
}
"""What a safety tolerance is sent as."""
MODEL_NAME = re.compile(r"gemini-[a-z0-9.-]{1,80}")
SIZES = {"0.5K": "512"}
SAID_NO = re.compile(r"SAFETY|PROHIBITED|BLOCKLIST|SPII|RECITATION|IMAGE_OTHER|OTHER|ESCALATION|LIMITED")
"""Reasons that say that the content was refused; a second filter among them has no setting."""
DELAY = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,9})?)s\Z")
MOST_TOKENS = 10**9
SENTENCE = "The Gemini API"
REFUSED = RejectedError, f"{SENTENCE} refused the request.", "Nothing was made or charged. Change the request."
REFUSALS: Mapping[int, tuple[type[NBBananaError], str, str]] = {
    403: (NotYoursError, "Your key may not do this.", "Look at its project in Google AI Studio."),
    404: (UnknownModelError, f"{SENTENCE} has this model no more.", "Choose another: %nbmodels."),
}
"""By HTTP status, the error, what happened and what to do."""


@dataclass(frozen=True, slots=True)
class GeminiEndpoints(Endpoints):
    """
    Where the Gemini API is.

    Args:
        api: its base, with the version.
    """

    api: str = base("https://generativelanguage.googleapis.com/v1beta", "NBBANANA_GEMINI_BASE")


def wire_of(endpoints: GeminiEndpoints, model: str, payload: Mapping[str, Any]) -> Wire:
    """Return the POST of a request for one picture."""
    url = f"{endpoints.api}/models/{_offer(model).id}:generateContent"
    parts = [*map(_part, payload.get("image_urls", ())), {"text": payload["prompt"]}]
    body: dict[str, Any] = {
        "contents": [{"role": "user", "parts": parts}],
        "generationConfig": _configuration(payload),
    }
    if payload.get("enable_web_search"):
        body["tools"] = [{"googleSearch": {}}]
    if (level := payload.get("safety_tolerance")) is not None:
        threshold = THRESHOLDS[str(level)]
        body["safetySettings"] = [{"category": f"HARM_CATEGORY_{harm}", "threshold": threshold} for harm in HARMS]
    return Wire(url, f"{KEY_HEADER}: $GEMINI_API_KEY", body)


def _part(uri: str) -> dict[str, Any]:
    found = data_of(uri)
    if found is None:
        raise ProtocolError("A picture cannot be sent.", f"{TITLE} takes the bytes of pictures, no addresses.")
    return {"inlineData": {"mimeType": found[0], "data": found[1]}}


def _configuration(payload: Mapping[str, Any]) -> dict[str, Any]:
    picture: dict[str, Any] = {}
    if payload.get("aspect_ratio") not in {None, "auto"}:
        picture["aspectRatio"] = payload["aspect_ratio"]
    if size := payload.get("resolution"):
        picture["imageSize"] = SIZES.get(size, size)
    more = {"imageConfig": picture or None, "seed": payload.get("seed")}
    if level := payload.get("thinking_level"):
        more["thinkingConfig"] = {"thinkingLevel": level}
    return {"responseModalities": ["IMAGE"], **{name: value for name, value in more.items() if value is not None}}


class Gemini(SynchronousService):
    """
    A `Provider` over the Gemini API.

    Args:
        credential: the key.
        endpoints: the base.
        transport: makes an httpx transport; None is the network.
        timeouts: how long anything may take.
    """

    name = NAME
    title = TITLE
    takes_urls = False

    def __init__(
        self,
        credential: Credential,
        endpoints: GeminiEndpoints | None = None,
        *,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.endpoints = endpoints or GeminiEndpoints()
        http = Connections(timeouts or PATIENT, transport, header=KEY_HEADER, scheme="", cap=ANSWER_CAP)
        super().__init__(http, credential.token, _error_of)

    def _wire(self, model: str, payload: Mapping[str, Any]) -> Wire:
        return wire_of(self.endpoints, model, payload)

    def outputs(self, model: str, answer: bytes) -> Outputs:
        """
        Read an answer: its pictures without the interim ones, what it cost by its tokens, or why there is no picture.

        Raises:
            ProtocolError: it is no answer of the Gemini API.
        """
        found = self._document(answer, "candidates", "promptFeedback", "usageMetadata")
        pictures = tuple(picture_of(data) for data in _pictures(found))
        error, is_blocked = (None, False) if pictures else _refusal(found)
        return Outputs(
            pictures,
            cost=_cost(found, _offer(model).tokens),
            model=named_model(member(found, "modelVersion")),
            error=error,
            is_blocked=is_blocked,
        )

    async def describe(self, model: str) -> Description:
        """Return what the catalogue has of the model here: its fields and its price list, with their date."""
        found = _offer(model)
        price = Price(found.prices.base if found.prices else None, "image", prices=found.prices)
        return Description(price, found.schema)

    async def catalogue_entry(self, model: str) -> Offer:
        """
        Return what is known of a model that Google's own list has now; it tells neither fields nor prices.

        Of a model that this package does not know, the fields of the newest one that it knows are taken.

        Raises:
            UnknownModelError: it has none.
        """
        known = offer(NAME, model)
        name = known.id if known else model
        if not MODEL_NAME.fullmatch(name):
            raise UnknownModelError(f"{TITLE} has no {one_line(model, 80)}.", "Its models are called gemini-….")
        with translated(UnknownModelError, lambda error: retired(NAME, TITLE, model, error.why) or error):
            await self._questions.ask("GET", f"{self.endpoints.api}/models/{name}", "models", "look it up")
        day, like = today(), known or offered(NAME, TITLE, SPEC.default_model)
        fields = "" if known else f"; its fields are taken to be those of {like.model}"
        source = f"Google's own list, read by nbbanana models refresh{fields}"
        return Offer(NAME, model, name, like.schema, None, day, source, alive=day)

    def _is_refused(self, answer: Answer) -> bool:
        """
        Return whether nothing was made or charged: what was refused, and what failed by Google's own word.

        Requests that fail with 400 or 500 are not charged (billing page of the Gemini API).
        """
        own = isinstance(member(answer.json, "error", "code"), int)
        return super()._is_refused(answer) or (own and answer.status in {500, 503})


def _offer(model: str) -> Offer:
    return offered(NAME, TITLE, model)


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _candidates(answer: Any) -> list[Any]:
    found = member(answer, "candidates")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _parts(answer: Any) -> Iterator[Mapping[str, Any]]:
    """Give the parts of an answer that are final: thoughts and interim pictures are left out."""
    for candidate in _candidates(answer):
        parts = member(candidate, "content", "parts")
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and part.get("thought") is not True:
                yield part


def _pictures(answer: Any) -> Iterator[Any]:
    for part in _parts(answer):
        data = member(part, "inlineData", "data") or member(part, "inline_data", "data")
        if data is not None:
            yield data


def _refusal(answer: Any) -> tuple[str, bool]:
    """Return why there is no picture, and whether the content was refused."""
    reason = member(answer, "promptFeedback", "blockReason")
    words = member(answer, "promptFeedback", "blockReasonMessage")
    for candidate in _candidates(answer):
        reason = reason or member(candidate, "finishReason")
        words = words or member(candidate, "finishMessage")
    said = " ".join(str(part["text"]) for part in _parts(answer) if isinstance(part.get("text"), str))
    reason = one_line(reason, 60) if isinstance(reason, str) else ""
    if reason and SAID_NO.search(reason):
        return " ".join(filter(None, (f"Reason: {reason}.", one_line(words or said, 300)))), True
    if said:
        return f"It answered with words: {one_line(said, 300)}", True
    return f"It gave no picture and no words{f', reason {reason}' if reason else ''}.", False


def _cost(answer: Any, tokens: TokenPrices | None) -> float | None:
    """
    Return US dollars by the tokens of an answer, thinking included; None where it counts none.

    Output tokens whose kind is not told count as those of a picture: never less than it costs.
    """
    usage = member(answer, "usageMetadata")
    prompt, output = _count(usage, "promptTokenCount"), _count(usage, "candidatesTokenCount")
    if tokens is None or prompt is None:
        return None
    output, thoughts = output or 0, _count(usage, "thoughtsTokenCount") or 0
    details = member(usage, "candidatesTokensDetails")
    images = output
    if isinstance(details, list) and details:
        kinds = [(member(one, "modality"), _count(one, "tokenCount") or 0) for one in details]
        images = min(output, output - sum(count for kind, count in kinds if kind != "IMAGE"))
    searches = sum(
        len(found) if isinstance(found := member(one, "groundingMetadata", "webSearchQueries"), list) else 0
        for one in _candidates(answer)
    )
    million = (
        prompt * tokens.input
        + max(0, images) * tokens.image_output
        + (output - max(0, images) + thoughts) * tokens.text_output
    )
    return round(million / 1e6 + searches * (tokens.search or 0.0), 9)


def _count(usage: Any, name: str) -> int | None:
    value = member(usage, name)
    return value if type(value) is int and 0 <= value < MOST_TOKENS else None


# ── errors ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _error_of(answer: Answer, *, doing: str, request_id: str | None) -> NBBananaError | None:
    """Return the error that an answer means; a bad key is an HTTP 400 here, told by its reason."""
    status = answer.status
    if 200 <= status < 300:
        return None
    words = server_message(answer.json)
    why = f"It said: {words} (HTTP {status})" if words else f"It answered HTTP {status} without a reason."
    details = _details(answer.json)
    if status == 401 or any(one.get("reason") in {"API_KEY_INVALID", "API_KEY_EXPIRED"} for one in details):
        mend = "Check GEMINI_API_KEY, or make a new key in Google AI Studio. Nothing was made."
        return TokenRejectedError(f"{SENTENCE} did not accept your key.", why, mend)
    if status == 429:
        return _too_many(why, details)
    if status >= 500 or status in PASSING or answer.is_page:
        mend = "By Google's billing page this is not charged. Run it again in a few minutes."
        return UpstreamError(f"Could not {doing}: {TITLE} failed.", why, mend)
    kind, what, mend = REFUSALS.get(status, REFUSED)
    return kind(what, why, mend)


def _details(answer: Any) -> list[Mapping[str, Any]]:
    found = member(answer, "error", "details")
    return [one for one in found[:50] if isinstance(one, dict)] if isinstance(found, list) else []


def _too_many(why: str, details: list[Mapping[str, Any]]) -> NBBananaError:
    """Return whether to wait a moment or till tomorrow: the names of the quotas that were used up say it."""
    quotas = [str(member(one, "quotaId")) for detail in details for one in _violations(detail)]
    if any("FreeTier" in quota for quota in quotas) and re.search(r"limit:\s*0\b", why):
        mend = "Switch billing on for your key's project. Nothing was made."
        return QuotaError("This model cannot be used without paying Google.", why, mend)
    if any("PerDay" in quota for quota in quotas):
        mend = "It is filled up at midnight, Pacific time. Nothing was made or charged."
        return QuotaError("Your quota of this day is used up.", why, mend)
    error = RateLimitError(f"{SENTENCE} takes no more for a moment.", why)
    delays = [DELAY.match(str(detail.get("retryDelay", ""))) for detail in details]
    error.retry_after = next((float(found[1]) for found in delays if found), None)
    return error


def _violations(detail: Mapping[str, Any]) -> list[Any]:
    found = detail.get("violations")
    return found[:50] if isinstance(found, list) else []


SPEC = ProviderSpec(
    name=NAME,
    title=TITLE,
    connect=lambda credential, endpoints, _pace: Gemini(credential, endpoints),
    wire=wire_of,
    key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    key_page="aistudio.google.com/apikey",
    endpoints=GeminiEndpoints,
    catalogue=Gemini.catalogue_entry,
    default_model="google/nano-banana-2.1/edit",
    can_resume=False,
    can_cancel=False,
    counts=False,
)
