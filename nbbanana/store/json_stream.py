"""JSON text of unknown origin, read piece by piece: only one element of a long list is held at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from nbbanana.errors import BundleError

__all__ = ["JSONText"]

_SPACE = re.compile(r"[ \t\n\r]*")


class JSONText:
    """
    The text of a JSON object whose members are read one by one.

    Args:
        text: the whole text.
        most: characters of one value that is held at a time.
    """

    def __init__(self, text: str, most: int) -> None:
        self._text = text
        self._most = most
        self._decoder = json.JSONDecoder(parse_constant=_no_constant)
        self._lists: dict[str, int] = {}

    def members(self, name: str | None = None) -> Iterator[tuple[str, Any]]:
        """
        The members of the object, or of the object that its member `name` is, in their order.

        A list or an object with a list or an object as its member is not held as a whole at the top: its value is None
        then, and `elements` and `members` read it.

        Raises:
            BundleError: it is not a JSON object, or a value in it is too large.
        """
        if name is not None and name not in self._lists:
            return
        at = self._expect(0 if name is None else self._lists[name], "{")
        while (found := self._peek(at)) != "}":
            key, at = self._value(self._expect(at, ",") if found == "," else at)
            if not isinstance(key, str):
                raise _no_json()
            at = self._expect(at, ":")
            if name is None and self._peek(at) in {"[", "{"}:
                self._lists[key] = at
                yield key, None
                at = self._skip(at)
            else:
                value, at = self._value(at)
                yield key, value
        if name is None and _SPACE.match(self._text, self._expect(at, "}")).end() != len(self._text):  # type: ignore[union-attr]
            raise _no_json()

    def elements(self, name: str) -> Iterator[Any]:
        """The elements of the list that the member `name` is; `members` found it before."""
        if name not in self._lists:
            raise _no_json()
        at = self._expect(self._lists[name], "[")
        while (found := self._peek(at)) != "]":
            value, at = self._value(self._expect(at, ",") if found == "," else at)
            yield value

    def _skip(self, at: int) -> int:
        """The place behind the list or object that begins at `at`; each of its parts is read and dropped."""
        opening = self._peek(at)
        closing = "]" if opening == "[" else "}"
        at = self._expect(at, opening)
        while (found := self._peek(at)) != closing:
            at = self._expect(at, ",") if found == "," else at
            if opening == "{":
                _, at = self._value(at)
                at = self._expect(at, ":")
            _, at = self._value(at)
        return self._expect(at, closing)

    def _value(self, at: int) -> tuple[Any, int]:
        """The value that begins at `at` and the place behind it, looked for in larger and larger pieces of the text."""
        start = self._space(at)
        for size in (1 << 14, 1 << 18, self._most):
            piece = self._text[start : start + size]
            is_all = start + len(piece) >= len(self._text)
            try:
                value, end = self._decoder.raw_decode(piece)
            except RecursionError:
                raise _no_json() from None
            except ValueError:
                if is_all:
                    raise _no_json() from None
            else:
                if end < len(piece) or is_all:  # a number may go on behind the piece
                    return value, start + end
        raise BundleError(
            "A value in the bundle's records does not end.",
            f"It has more than {self._most >> 20} MiB, or is not JSON.",
            "Nothing of it was taken. Ask for another one.",
        )

    def _peek(self, at: int) -> str:
        at = self._space(at)
        return self._text[at : at + 1]

    def _expect(self, at: int, sign: str) -> int:
        at = self._space(at)
        if not sign or self._text[at : at + 1] != sign:
            raise _no_json()
        return at + 1

    def _space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        assert found is not None
        return found.end()


def _no_json() -> BundleError:
    return BundleError(
        "The bundle's records cannot be read.", "They are not JSON.", "Nothing of it was taken. Ask for another one."
    )


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and the infinities are no JSON
