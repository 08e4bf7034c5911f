"""JSON text of unknown origin, read piece by piece: only one element of a long list is held at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from typing import Any

from nbbanana.errors import BundleError

__all__ = ["JSONText"]

PIECE = 1 << 18
"""Characters that are looked at first: many values at once, and few of them that are larger."""
_SPACE = re.compile(r"[ \t\n\r]*")


class JSONText:
    """
    The text of a JSON object whose members are read one by one.

    Args:
        text: the whole text.
        most: characters of one value that is held at a time.
        apart: names of members whose own parts are read one by one.
    """

    def __init__(self, text: str, most: int, apart: Container[str]) -> None:
        self._text = text
        self._most = most
        self._apart = apart
        self._decoder = json.JSONDecoder(parse_constant=_no_constant)
        self._places: dict[str, int] = {}  # of members that are read apart: where the rest of them begins
        self._piece, self._from = "", 0  # the part of the text that was looked at last

    def members(self) -> Iterator[tuple[str, Any]]:
        """
        The members in their order. One that is read apart comes as None: `elements` or `pairs` has to read it to its
        end before the next member is asked for.

        Raises:
            BundleError: it is not a JSON object, or a value in it is too large.
        """
        at = self._expect(0, "{")
        while (found := self._peek(at)) != "}":
            key, at = self._key(self._expect(at, ",") if found == "," else at)
            if key in self._apart:
                self._places[key] = at
                yield key, None
                at = self._places[key]
            else:
                value, at = self._value(at)
                yield key, value
        if self._space(self._expect(at, "}")) != len(self._text):
            raise _no_json()

    def elements(self, name: str) -> Iterator[Any]:
        """Yield the elements of the list that a member read apart is; BundleError where it is none."""
        at = self._expect(self._places[name], "[")
        while (found := self._peek(at)) != "]":
            value, at = self._value(self._expect(at, ",") if found == "," else at)
            yield value
        self._places[name] = self._expect(at, "]")

    def pairs(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield the members of the object that a member read apart is; BundleError where it is none."""
        at = self._expect(self._places[name], "{")
        while (found := self._peek(at)) != "}":
            key, at = self._key(self._expect(at, ",") if found == "," else at)
            value, at = self._value(at)
            yield key, value
        self._places[name] = self._expect(at, "}")

    def _key(self, at: int) -> tuple[str, int]:
        key, at = self._value(at)
        if not isinstance(key, str):
            raise _no_json()
        return key, self._expect(at, ":")

    def _value(self, at: int) -> tuple[Any, int]:
        """The value that begins at `at` and the place behind it; never more than `most` characters are looked at."""
        start = self._space(at)
        for size in (0, PIECE, self._most):
            if size:
                self._piece, self._from = self._text[start : start + size], start
            elif not self._from <= start < self._from + len(self._piece):
                continue
            is_all = self._from + len(self._piece) >= len(self._text)
            try:
                value, end = self._decoder.raw_decode(self._piece, start - self._from)
            except RecursionError:
                raise _no_json() from None
            except ValueError:
                if is_all:
                    raise _no_json() from None
            else:
                if end < len(self._piece) or is_all:  # a number may go on behind the piece
                    return value, self._from + end
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
