"""One day with the forms, the same in every host: what a reader does, and what must be seen after it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, expect

from nbbanana.sandbox import Sandbox
from support.lab import LabPage

__all__ = ["StudioDay", "browse", "compare", "draw", "see_large"]

WORDS = "Keep the cup unchanged. Convert the table into a washed linen cloth."


@dataclass
class StudioDay:
    """
    The Studio in a page, over a served sandbox in which no job ends before it is told to.

    So nothing here depends on how fast the machine is: what waits in line waits until it was seen.
    """

    page: LabPage
    box: Sandbox

    @property
    def form(self) -> Locator:
        """The Studio."""
        return self.page.page.locator(".nbb-studio")

    def upload_and_take_back(self, picture: Path) -> None:
        """Upload a picture as heavy as any that travels, see it, and take that back."""
        self.form.locator("input[type=file]").set_input_files(picture)
        expect(self.form.locator(".st-input img[src]")).to_be_visible()
        self.form.get_by_role("button", name="Undo").first.click()
        expect(self.form.locator(".st-input")).to_have_count(0)

    def compose(self, picture: Path) -> None:
        """Upload a picture and write the words."""
        self.form.locator("input[type=file]").set_input_files(picture)
        expect(self.form.locator(".st-input img")).to_be_visible()
        self.form.get_by_label("Prompt").fill(WORDS)
        expect(self.form.locator(".st-amount")).to_have_text(re.compile(r"\$0\.07"))

    def run_and_cancel(self) -> None:
        """Run three times by keyboard; two run, one waits in line and is cancelled there."""
        for _ in range(3):
            self.form.get_by_label("Prompt").press("Control+Enter")
        expect(self.form.locator(".st-task[data-phase=running]")).to_have_count(2)
        waiting = self.form.locator(".st-task[data-phase=queued]")  # whichever came last at the service
        expect(waiting).to_contain_text("in line")
        expect(waiting).to_contain_text("nothing is charged")
        self.page.screenshot(f"{self.page.lab.name}-studio-waiting")
        waiting.get_by_role("button", name="Cancel").click()
        expect(self.form.locator(".st-task[data-phase=cancelled]")).to_contain_text("Cancelled in the queue")
        self.finish()
        self.see_results(2)
        self.form.get_by_role("button", name="Dismiss").click()
        expect(self.form.locator(".st-task")).to_have_count(0)

    def work_with_results(self) -> None:
        """Use a result as an input, take that back, and vary it."""
        self.form.locator(".st-tile").first.click()
        self.form.get_by_role("button", name="Use as input").click()
        expect(self.form.locator(".st-input")).to_have_count(2)
        self.form.get_by_role("button", name="Undo").first.click()
        expect(self.form.locator(".st-input")).to_have_count(1)
        self.form.get_by_role("button", name="Vary").click()
        expect(self.form.locator(".st-task[data-phase=running]")).to_have_count(1)
        self.finish()
        self.see_results(3)

    def look_closely(self) -> tuple[str, bytes]:
        """See the newest large, with its true pixels and its words, and against its input; its file as downloaded."""
        self.form.locator(".st-tile").first.dblclick()
        viewer = self.page.page.get_by_role("dialog", name=re.compile(r"history\[\d+\]\[0\]"))
        got = see_large(viewer, self.page)
        expect(viewer.locator(".vw-words")).to_have_text(WORDS)
        viewer.get_by_role("button", name="Compare").click()
        expect(viewer).not_to_be_visible()
        compare(self.form.locator(".nbb-compare"), self.page)
        self.form.get_by_role("button", name="Close the comparison").click()
        self.form.locator(".st-tile").first.press("Enter")
        expect(viewer).to_be_visible()
        self.page.page.keyboard.press("Escape")
        expect(viewer).not_to_be_visible()
        return got

    def mark_and_compare(self) -> None:
        """Star one and mark it with another by keys that mean something else to notebooks, and compare the two."""
        tiles = self.form.locator(".st-tile")
        tiles.first.click()
        for key in ("x", "x", "s", "c"):
            self.page.page.keyboard.press(key)
        expect(tiles.first).to_have_attribute("aria-label", re.compile(r"compare A, starred$"))
        tiles.nth(1).click()
        self.page.page.keyboard.press("c")
        self.form.get_by_role("button", name="Compare A and B").click()
        compare(self.form.locator(".nbb-compare"), self.page)
        self.page.screenshot(f"{self.page.lab.name}-studio")
        self.form.get_by_role("button", name="Close the comparison").click()
        expect(self.form.locator(".nbb-compare")).to_have_count(0)
        tiles.first.click()

    def copy(self) -> tuple[int, str]:
        """Copy the cell of the picture that is current: the number of its edit, and what is in the clipboard."""
        group = self.form.locator(".st-group").first
        group.get_by_role("button", name="Copy as a cell").click()
        expect(self.form.locator(".st-toast")).to_contain_text("in the clipboard")
        number = group.locator("h3").inner_text().removeprefix("Edit ")
        return int(number), self.page.page.evaluate("navigator.clipboard.readText()")

    def finish(self) -> None:
        """Let all jobs end."""
        for job in self.box.submissions:
            self.box.finish(job.request_id)

    def see_results(self, many: int) -> None:
        """See so many edits, each with its picture."""
        expect(self.form.locator(".st-group")).to_have_count(many)
        expect(self.form.locator(".st-frame img[src]")).to_have_count(many)


def see_large(viewer: Locator, page: LabPage) -> tuple[str, bytes]:
    """See a picture whole, then with its true pixels, and download it: the name and the bytes of the file."""
    picture = viewer.locator(".vw-picture").first
    expect(picture).to_have_attribute("src", re.compile("^blob:"))
    expect(viewer.locator(".vw-facts")).to_contain_text("×")
    scale = viewer.locator(".vw-scale")
    stage = viewer.locator(".vw-stage")
    stage.focus()
    page.page.keyboard.press("1")
    expect(scale).to_have_text("100 %")
    box, natural = picture.bounding_box(), picture.evaluate("one => [one.naturalWidth, one.naturalHeight]")
    assert box is not None
    assert [round(box["width"]), round(box["height"])] == natural, "a pixel of the picture is one of the screen"
    page.screenshot(f"{page.lab.name}-viewer")
    page.page.keyboard.press("0")
    with page.page.expect_download() as waiting:
        viewer.get_by_role("button", name="Download").click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def compare(form: Locator, page: LabPage) -> None:
    """Drag the divider between two pictures that have come."""
    expect(form.locator(".cp-picture[src]")).to_have_count(2)
    divider = form.get_by_role("slider")
    expect(divider).to_have_attribute("aria-valuenow", "50")
    divider.scroll_into_view_if_needed()
    pane, knob = form.locator(".cp-pane").bounding_box(), form.locator(".cp-knob").bounding_box()
    assert pane is not None
    assert knob is not None
    pull(page, (knob["x"] + 4, knob["y"] + 4), (pane["x"] + pane["width"] * 0.25, knob["y"] + 4))
    expect(divider).to_have_attribute("aria-valuenow", "25")


def draw(form: Locator, page: LabPage) -> None:
    """Draw a box on a picture that has come, and read its words."""
    expect(form.locator(".rg-picture[src]")).to_be_visible()
    surface = form.locator(".rg-surface")
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    assert box is not None
    start = (box["x"] + box["width"] * 0.7, box["y"] + 2)
    pull(page, start, (box["x"] + box["width"] - 2, box["y"] + box["height"] * 0.3))
    expect(form.locator(".rg-words")).to_have_text("the upper-right corner")


def browse(form: Locator, page: LabPage, many: int) -> None:
    """Scroll to the oldest of `many` edits, which only then is there, and star it."""
    tiles = form.locator(".br-tiles")
    expect(form.locator(".br-tile img[src]").first).to_be_visible()
    oldest = form.locator(f"[aria-posinset='{many}']")
    expect(oldest).to_have_count(0)
    tiles.hover()
    page.page.mouse.wheel(0, 100_000)
    expect(oldest.locator("img[src]")).to_be_visible()
    oldest.click()
    expect(form.locator(".br-detail h3")).to_have_text("session.history[1]")
    page.page.keyboard.press("s")
    expect(oldest).to_have_attribute("aria-label", re.compile("starred"))


def pull(page: LabPage, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press the pointer at a point of the page, move it to another and let go."""
    mouse = page.page.mouse
    mouse.move(*start)
    mouse.down()
    mouse.move(*end, steps=4)
    mouse.up()
