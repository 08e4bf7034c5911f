"""
Refusals: the service's documented error codes, in each HTTP form that clients meet.

The codes and their meanings are those of the Model API's error-codes page. Which HTTP status goes with a code
is not on that page, and clients disagree: they handle 401 and 402 although a bad token is documented as 400004
and an empty wallet as 400002, and some answers of the platform carry an error under HTTP 200. So the form is a
switch of the sandbox:

    coded   HTTP 400  {"error_code": 400004, "error_message": "…"}     the code's first three digits (the default)
    http    HTTP 401  {"message": "…"}                                 the usual status, and no code
    ok200   HTTP 200  {"error_code": 400004, "error_message": "…"}     as some of the platform's APIs do
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from starlette.responses import JSONResponse

__all__ = ["ApiError", "ErrorForm", "Refusal", "error_response"]

ErrorForm = Literal["coded", "http", "ok200"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A kind of error: its `error_code` (None where none is documented) and the HTTP status of the `http` form."""

    code: int | None
    status: int


WRONG_MODEL = Refusal(400001, 404)
NO_BALANCE = Refusal(400002, 402)
BAD_TOKEN = Refusal(400004, 401)
NOT_YOURS = Refusal(403001, 403)
NOT_FOUND = Refusal(404001, 404)
BAD_INPUT = Refusal(422001, 400)
"""The Model API's page has no code for a schema mismatch; this one, with its `detail`, is the Serverless API's."""
TOO_LARGE = Refusal(None, 413)
TOO_FAST = Refusal(None, 429)


class ApiError(Exception):
    """
    An answer that says no.

    Args:
        refusal: which kind.
        message: the sentence for the client.
        detail: a validation report, one `{"loc": [...], "msg": ..., "type": ...}` for each finding.
        retry_after: whole seconds for the `Retry-After` header.
    """

    def __init__(
        self,
        refusal: Refusal,
        message: str,
        *,
        detail: Sequence[dict[str, Any]] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.message = message
        self.detail = list(detail)
        self.retry_after = retry_after


def error_response(error: ApiError, form: ErrorForm) -> JSONResponse:
    """Return the answer for `error` in the given form."""
    refusal = error.refusal
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    body: dict[str, Any] = {}
    if form == "http" or refusal.code is None:
        status = refusal.status
        body["message"] = error.message
    else:
        status = 200 if form == "ok200" else refusal.code // 1000
        body |= {"error_code": refusal.code, "error_message": error.message}
    if error.detail:
        body["detail"] = error.detail
    return JSONResponse(body, status_code=status, headers=headers)
