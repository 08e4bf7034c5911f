"""
Other forms inside a Studio: the region tool on an input picture, and the history browser in the place of the strip.

They are the forms that `nb.region` and `nb.history.browse` open, without a comm of their own: their messages travel
over the Studio's line, so that they work wherever the Studio does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbbanana.errors import ImageError
from nbbanana.widgets.browser import Browser
from nbbanana.widgets.region import Region

if TYPE_CHECKING:
    from nbbanana.session import Session
    from nbbanana.widgets.base import Form, Message
    from nbbanana.widgets.form_state import FormState
    from nbbanana.widgets.inputs import Slot

__all__ = ["EmbeddedForms"]


class EmbeddedForms:
    """
    The forms inside a Studio, one of a kind at a time. Used in the UI thread.

    Args:
        emit: sends a message to the Studio's front end.
    """

    def __init__(self, emit: Callable[..., None]) -> None:
        self._emit = emit
        self._key = ""
        self._open: dict[str, Form] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._open

    def draw_region(self, slot: Slot, form: FormState, drawn: Callable[[Region], object]) -> None:
        """
        Open the region tool on an input picture; `drawn` is called with it after each change.

        Raises:
            ImageError: the picture is a URL, and its pixels are not here.
        """
        if slot.image.source is None:
            raise ImageError(
                f"{slot.image.name} is a URL, and its picture is not here.",
                "The region tool does not download.",
                "Download it and give the file.",
            )
        tool = Region(slot.image, post=self._line("region"))
        tool.shapes = form.shapes_on(slot.key)
        tool.changed = lambda: drawn(tool)
        self._key = slot.key
        self._show("region", tool)

    def browse(
        self, session: Session, acts: Mapping[str, Callable[[Message], object]], changed: Callable[[], object]
    ) -> None:
        """Open the history browser; `acts` is what can be done with its pictures, `changed` follows a star."""
        browser = Browser(session, post=self._line("browser"), acts=acts)
        browser.changed = changed
        self._show("browser", browser)

    def receive(self, name: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Hand a message of an embedded front end to its form; one that was closed meanwhile is passed over."""
        if name in self._open:
            self._open[name].receive(message, buffers)

    def refresh_region(self, form: FormState) -> None:
        """The Studio's form has changed: show the region as it is now, or close the tool if its picture is gone."""
        tool = self._open.get("region")
        if not isinstance(tool, Region):
            return
        if all(slot.key != self._key for slot in form.draft.slots):
            self.leave("region")
        else:
            tool.put(form.shapes_on(self._key))

    def notice(self) -> None:
        """Edits were made: an open browser says so."""
        browser = self._open.get("browser")
        if isinstance(browser, Browser):
            browser.notice()

    def leave(self, name: str) -> None:
        """Close one."""
        form = self._open.pop(name, None)
        if form is not None:
            self._emit("left", name=name)
            form.close()

    def close(self) -> None:
        """Close all; must not wait."""
        for form in self._open.values():
            form.close()
        self._open.clear()

    def _show(self, name: str, form: Form) -> None:
        self.leave(name)
        self._open[name] = form
        self._emit("opened", name=name)

    def _line(self, name: str) -> Callable[[dict[str, Any], list[Any]], None]:
        return lambda content, buffers: self._emit("embedded", buffers=buffers, name=name, content=content)
