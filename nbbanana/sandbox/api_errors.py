"""
Refusals: the service's documented error codes.

The codes and their meanings are those of the Model API's error-codes page. Which HTTP status goes with a code is not on
that page; here it is the code's first three digits. `Fault(status=…, error_code=…)` makes the other forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import JSONResponse

__all__ = ["ApiError", "error_response"]

WRONG_MODEL, NO_BALANCE, BAD_TOKEN, NOT_YOURS, NOT_FOUND = 400001, 400002, 400004, 403001, 404001
BAD_INPUT = 422001
"""The Model API's page has no code for a schema mismatch; this one, with its `detail`, is the Serverless API's."""
TOO_LARGE, TOO_FAST = 413, 429
"""HTTP statuses, for what has no code."""


class ApiError(Exception):
    """
    An answer that says no.

    Args:
        code: an error code, or an HTTP status where none is documented.
        message: the sentence for the client.
        detail: a validation report, one `{"loc": [...], "msg": ..., "type": ...}` for each finding.
        retry_after: whole seconds for the `Retry-After` header.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        detail: Sequence[dict[str, Any]] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = list(detail)
        self.retry_after = retry_after


def error_response(error: ApiError) -> JSONResponse:
    """Return the answer for `error`."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    status = error.code
    body: dict[str, Any] = {"message": error.message}
    if error.code not in {TOO_LARGE, TOO_FAST}:
        status, body = error.code // 1000, {"error_code": error.code, "error_message": error.message}
    return JSONResponse(body | ({"detail": error.detail} if error.detail else {}), status, headers=headers)
