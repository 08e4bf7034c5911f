"""
The Gemini API as a provider: `generateContent` over plain httpx, which gives the pictures with its answer.

Sources: the types of Google's Python client 3.6.1, tests of other clients with real payloads, and Google's billing
page, read on 29 November 2026; not tried against the service. The picture models draw one picture a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from nbbanana.errors import (
    NBBananaError,
    NotYoursError,
    ProtocolError,
    QuotaError,
    RateLimitError,
    RejectedError,
    TokenRejectedError,
    UnknownModelError,
)
from nbbanana.models.offer_files import told
from nbbanana.models.offers import Offer, TokenPrices, offer
from nbbanana.models.schemas import member
from nbbanana.providers.answers import data_of, members, named_model, picture_of, reason_of
from nbbanana.providers.base import Description, Outputs, Price, Wire
from nbbanana.providers.http import Answer
from nbbanana.providers.registry import Endpoints, ProviderSpec, base
from nbbanana.providers.service import ANSWER_CAP, Refusal, SynchronousService
from nbbanana.text import one_line

__all__ = ["SPEC", "Gemini", "GeminiEndpoints"]

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


@dataclass(frozen=True, slots=True)
class GeminiEndpoints(Endpoints):
    """
    Where the Gemini API is.

    Args:
        api: its base, with the version.
    """

    api: str = base("https://generativelanguage.googleapis.com/v1beta", "NBBANANA_GEMINI_BASE")


def _part(uri: str) -> dict[str, Any]:
    found = data_of(uri)
    if found is None:
        raise ProtocolError("A picture cannot be sent.", f"{SENTENCE} takes the bytes of pictures, no addresses.")
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
    """A `Provider` over the Gemini API; see `Client` for its arguments."""

    name = "gemini"
    title = "the Gemini API"
    endpoints: GeminiEndpoints = GeminiEndpoints()
    takes_urls = False
    connections: ClassVar[Mapping[str, Any]] = {"header": KEY_HEADER, "scheme": "", "cap": ANSWER_CAP}
    after_failure = "By Google's billing page this is not charged. Run it again in a few minutes."
    refusals: ClassVar[Mapping[int, Refusal]] = {
        401: (
            TokenRejectedError,
            f"{SENTENCE} did not accept your key.",
            "Check GEMINI_API_KEY, or make a new key in Google AI Studio. Nothing was made.",
        ),
        403: (NotYoursError, "Your key may not do this.", "Look at its project in Google AI Studio."),
        404: (UnknownModelError, f"{SENTENCE} has this model no more.", "Choose another: %nbmodels."),
    }

    @classmethod
    def wire(cls, endpoints: GeminiEndpoints, model: str, payload: Mapping[str, Any]) -> Wire:
        """Return the POST of a request for one picture."""
        url = f"{endpoints.api}/models/{cls._offer(model).id}:generateContent"
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

    def outputs(self, model: str, answer: bytes) -> Outputs:
        """
        Read an answer: its pictures without the interim ones, what it cost by its tokens, or why there is no picture.

        Raises:
            ProtocolError: it is no answer of the Gemini API.
        """
        found = self._document(answer, "candidates", "promptFeedback", "usageMetadata")
        told = [member(part, "inlineData", "data") or member(part, "inline_data", "data") for part in _parts(found)]
        pictures = tuple(picture_of(data) for data in told if data is not None)
        error, is_blocked = (None, False) if pictures else _refusal(found)
        return Outputs(
            pictures,
            cost=_cost(found, self._offer(model).tokens),
            model=named_model(member(found, "modelVersion")),
            error=error,
            is_blocked=is_blocked,
        )

    async def describe(self, model: str) -> Description:
        """Return what the catalogue has of the model here: its fields and its price list, with their date."""
        found = self._offer(model)
        return Description(Price.by_picture(found.prices), found.schema)

    async def catalogue_entry(self, model: str) -> Offer:
        """
        Return what is known of a model that Google's own list has now; it tells neither fields nor prices.

        Of a model that this package does not know, the fields of the newest one that it knows are taken.

        Raises:
            UnknownModelError: it has none.
        """
        known = offer(self.name, model)
        name = known.id if known else model
        if not MODEL_NAME.fullmatch(name):
            raise UnknownModelError(f"{self.title} has no {one_line(model, 80)}.", "Its models are called gemini-….")
        with self._knowing(model):
            await self._ask("GET", f"{self.endpoints.api}/models/{name}", "models", "look it up")
        like = known or self._offer(SPEC.default_model)
        fields = "" if known else f"; its fields are taken to be those of {like.model}"
        source = f"Google's own list, read by nbbanana models refresh{fields}"
        return told(self.name, model, name, like.schema, None, source)

    def _is_refused(self, answer: Answer) -> bool:
        """
        Return whether nothing was made or charged: what was refused, and what failed by Google's own word.

        Requests that fail with 400 or 500 are not charged (billing page of the Gemini API).
        """
        own = isinstance(member(answer.json, "error", "code"), int)
        return super()._is_refused(answer) or (own and answer.status in {500, 503})

    def _error_of(self, answer: Answer, *, doing: str, request_id: str | None) -> NBBananaError | None:
        if answer.status == 429:
            return _too_many(reason_of(429, answer.json), _details(answer.json))
        return super()._error_of(answer, doing=doing, request_id=request_id)

    def _refusal(self, answer: Answer, request_id: str | None) -> Refusal:
        """Return the error of a refusal; a bad key is an HTTP 400 here, told by its reason."""
        if any(one.get("reason") in {"API_KEY_INVALID", "API_KEY_EXPIRED"} for one in _details(answer.json)):
            return self.refusals[401]
        refused = RejectedError, f"{SENTENCE} refused the request.", "Nothing was made or charged. Change the request."
        return self.refusals.get(answer.status, refused)


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _parts(answer: Any) -> Iterator[Mapping[str, Any]]:
    """Give the parts of an answer that are final: thoughts and interim pictures are left out."""
    for candidate in members(answer, "candidates"):
        for part in members(candidate, "content", "parts"):
            if part.get("thought") is not True:
                yield part


def _refusal(answer: Any) -> tuple[str, bool]:
    """Return why there is no picture, and whether the content was refused."""
    reason = member(answer, "promptFeedback", "blockReason")
    words = member(answer, "promptFeedback", "blockReasonMessage")
    for candidate in members(answer, "candidates"):
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
        for one in members(answer, "candidates")
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


def _details(answer: Any) -> list[Mapping[str, Any]]:
    return members(answer, "error", "details")[:50]


def _too_many(why: str, details: list[Mapping[str, Any]]) -> NBBananaError:
    """Return whether to wait a moment or till tomorrow: the names of the quotas that were used up say it."""
    quotas = [str(one.get("quotaId")) for detail in details for one in members(detail, "violations")[:50]]
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


SPEC = ProviderSpec(
    name=Gemini.name,
    title=Gemini.title,
    connect=Gemini,
    wire=Gemini.wire,
    key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    key_page="aistudio.google.com/apikey",
    endpoints=GeminiEndpoints,
    catalogue=Gemini.catalogue_entry,
    default_model="google/nano-banana-2.1/edit",
    can_resume=False,
    can_cancel=False,
    counts=False,
)
