"""
Other forms inside the Studio: the region tool on an input picture, and the history browser in the place of the strip.

They are the forms that `nb.region` and `nb.history.browse` open, without a comm of their own: they speak over the
Studio's line, so that they work wherever the Studio does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from nbbanana.errors import ImageError
from nbbanana.widgets.browser import Browser
from nbbanana.widgets.region import Region

if TYPE_CHECKING:
    from nbbanana.widgets.base import Form, Message
    from nbbanana.widgets.studio import Studio

__all__ = ["Guests"]


class Guests:
    """
    The forms inside a Studio, one of a kind at a time. Called at the desk.

    Args:
        form: the Studio.
    """

    def __init__(self, form: Studio) -> None:
        self._form: Studio = form
        self._pointed = ""
        self._open: dict[str, Form] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._open

    def point(self, key: str) -> None:
        """
        Open the region tool on an input picture.

        Raises:
            ImageError: the picture is a URL, and its pixels are not here.
        """
        slot = next(slot for slot in self._form.bench.draft.slots if slot.key == key)
        if slot.image.source is None:
            raise ImageError(
                f"{slot.image.name} is a URL, and its picture is not here.",
                "The region tool fetches nothing.",
                "Download it and give the file.",
            )
        self._pointed = key
        tool = Region(slot.image, post=self._line("region"))
        tool.shapes = self._form.bench.shapes_on(key)
        tool.changed = lambda: self._form.change(lambda: self._form.bench.point(key, tool.shapes))
        self._show("region", tool)

    def browse(self) -> None:
        """Open the history browser, from which pictures come into the form."""
        acts: dict[str, Callable[[Message], object]] = {
            name: partial(self._form.heard, name, buffers=()) for name in ("open", "take", "compare")
        }
        browser = Browser(self._form.session, post=self._line("browser"), acts=acts)
        browser.changed = self._form.show_marks
        self._show("browser", browser)

    def hear(self, name: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Hand a message of a guest's front end to it; one that was closed meanwhile hears nothing."""
        if name in self._open:
            self._open[name].receive(message, buffers)

    def refresh(self) -> None:
        """The form has changed: show the region as it is now, or close the tool where its picture is gone."""
        tool = self._open.get("region")
        if not isinstance(tool, Region):
            return
        if all(slot.key != self._pointed for slot in self._form.bench.draft.slots):
            self.leave("region")
        else:
            tool.put(self._form.bench.shapes_on(self._pointed))

    def notice(self) -> None:
        """Edits were made: an open browser says so."""
        browser = self._open.get("browser")
        if isinstance(browser, Browser):
            browser.notice()

    def leave(self, name: str) -> None:
        """Close one."""
        guest = self._open.pop(name, None)
        if guest is not None:
            self._form.tell("left", name=name)
            guest.close()

    def close(self) -> None:
        """Close all; must not wait."""
        for guest in self._open.values():
            guest.close()
        self._open.clear()

    def _show(self, name: str, guest: Form) -> None:
        self.leave(name)
        self._open[name] = guest
        self._form.tell("opened", name=name)

    def _line(self, name: str) -> Callable[[dict[str, Any], list[Any]], None]:
        return lambda content, buffers: self._form.tell("guest", buffers=buffers, name=name, content=content)
