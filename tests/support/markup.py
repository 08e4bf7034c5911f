"""Reading HTML output as a strict reader does: its tags, attributes, styles and text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

__all__ = ["Element", "Page", "read"]

VOID = frozenset({"br", "img"})


@dataclass
class Element:
    """One element: its tag, its attributes in their order, and the text inside it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """HTML that was read; an element that is not closed where it must be fails the test."""

    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element; attributes without a value are ones that JupyterLab drops."""
        assert all(value is not None for _, value in attrs), f"<{tag}> has an attribute without a value"
        assert len(dict(attrs)) == len(attrs), f"<{tag}> has an attribute twice"
        element = Element(tag, {name: str(value) for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Elements close in the order in which they opened."""
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        """Text belongs to every element around it."""
        for element in self.open:
            element.text += data

    def handle_comment(self, data: str) -> None:
        """No output has comments."""
        self.odd.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment

    def all(self, tag: str) -> list[Element]:
        """The elements of a tag, in their order."""
        return [element for element in self.elements if element.tag == tag]

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Tags and the names of their attributes: what no text may change."""
        return [(element.tag, tuple(element.attributes)) for element in self.elements]

    @property
    def text(self) -> str:
        """All text, as it reads on one line."""
        return re.sub(r"\s+", " ", self.elements[0].text).strip()

    @property
    def styles(self) -> list[tuple[str, str]]:
        """Every style declaration."""
        found = [element.attributes.get("style", "") for element in self.elements]
        declarations = [one.split(":", 1) for style in found for one in style.split(";") if one.strip()]
        return [(name.strip(), value.strip()) for name, value in declarations]


def read(html: Any) -> Page:
    """The HTML of an output, read to its end."""
    page = Page()
    page.feed(str(html))
    page.close()
    assert not page.open, f"<{page.open[-1].tag}> is never closed"
    assert not page.odd
    return page
