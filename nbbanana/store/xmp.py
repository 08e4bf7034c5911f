"""
XMP packets that hold a record (ISO 16684-1): written as text, read by expat without entities or external access.

A packet with a DOCTYPE is not read at all, so that there are no entities to expand, and nothing outside the packet is
ever fetched.
"""

from __future__ import annotations

from html import escape
from importlib import resources
from xml.parsers import expat

__all__ = ["MOST_PACKET", "NAMESPACE", "empty_packet", "record_in", "with_record", "without_record"]

NAMESPACE = "urn:nbbanana:provenance:1#"
MOST_PACKET = 8 << 20
"""Bytes of a packet that are looked at."""
_END = b"</rdf:RDF>"
_BEFORE = (
    '<rdf:Description rdf:about="" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    f' xmlns:nbbanana="{NAMESPACE}"><nbbanana:record>'
).encode("ascii")
_AFTER = b"</nbbanana:record></rdf:Description>"


class _ForbiddenError(Exception):
    """A packet that declares a document type."""


def empty_packet() -> bytes:
    """Return a packet with nothing in it."""
    return resources.files(__package__).joinpath("packet.xmp").read_bytes().strip()


def with_record(existing: bytes, record: str) -> bytes:
    """
    Return a packet with a record beside what it holds.

    Raises:
        ValueError: not a packet in UTF-8 that a description could be put into.
    """
    head, end, tail = existing.rpartition(_END)
    if not end:
        raise ValueError("no RDF")
    return head + _BEFORE + escape(record, quote=False).encode("ascii") + _AFTER + end + tail


def without_record(existing: bytes) -> bytes:
    """Return the packet as it was before `with_record`; unchanged where no record stands as that wrote it."""
    head, before, rest = existing.partition(_BEFORE)
    _, after, tail = rest.partition(_AFTER)
    return head + tail if before and after else existing


def record_in(data: bytes) -> str | None:
    """Return the record of a packet of unknown origin, also if another program rewrote it; None without one."""
    if len(data) > MOST_PACKET:
        return None
    reader = _Reader()
    try:
        reader.parser.Parse(data.rstrip(b"\0"), True)  # noqa: FBT003 - expat takes it by its place
    except (expat.ExpatError, _ForbiddenError, ValueError, LookupError):
        return None
    return "".join(reader.found) or None


class _Reader:
    """Collects the text of `record`, written as an element or as an attribute."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._name = f"{NAMESPACE} record"
        self._inside = False
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _refuse(self, *_: object) -> None:
        raise _ForbiddenError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._inside = name == self._name
        self.found += [text for key, text in attributes.items() if key == self._name]

    def _end(self, _name: str) -> None:
        self._inside = False

    def _text(self, text: str) -> None:
        if self._inside:
            self.found.append(text)
