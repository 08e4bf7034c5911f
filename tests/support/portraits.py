"""
The pictures of the forms in `docs/images/`, made anew: each form in light and dark at three widths.

    python tests/support/portraits.py            # all of them
    python tests/support/portraits.py region     # those of one form

The edits in them are the sandbox's, of the photographs that the tests use.
"""

from __future__ import annotations

import io
import itertools
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from importlib import resources
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).parents[1]))

import nbbanana as nb
from nbbanana.regions import Area, Shape, box_shape
from nbbanana.sweeps import Sweep
from support import lab as labs
from support.form_pages import opened

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDTHS = (320, 860, 1280)
COLOURS = 256
KEEP = "Keep the subject identity, pose, and clothing unchanged.\n"
NEON = KEEP + "Convert the background into a rainy neon cyberpunk street."
NEWEST = 1_795_953_600.0
"""When the last edit was made: 29 November 2026."""
SCENES = ("a snowy pass", "a field at dusk", "an evening street with warm signs", "a quiet library", "a sea of clouds")


def photograph(name: str, package: str = "skimage", folder: str = "data") -> Path:
    """A photograph that comes with a package of the tests."""
    return Path(str(resources.files(package) / folder / name))


PORTRAIT = photograph("grace_hopper.jpg", "matplotlib", "mpl-data/sample_data")


def study(session: nb.Session, folder: Path) -> None:
    """Sixty edits: families of five photographs, with stars, rejections, and edits of edits."""
    grid(session).run()
    portrait = folder / "portrait.jpg"
    portrait.write_bytes(PORTRAIT.read_bytes())
    sources = [
        portrait,
        *(photograph(f"{name}.png") for name in ("coffee", "astronaut", "chelsea")),
        photograph("rocket.jpg"),
    ]
    for number in range(50):
        source, scene = sources[number % 5], SCENES[number // 5 % 5]
        words = f"{KEEP}Convert the background into {scene}."
        result = session.edit(words, source, seed=number, resolution="0.5K", number_of_images=1 + number % 3 // 2)
        if number % 7 == 3:
            result.star()
        if number % 11 == 8:
            result.reject()
        if number % 6 == 4:
            result[0].edit("Make it night, with a light in one window.", seed=number, resolution="0.5K")
    first = session.edit(NEON, portrait, seed=7, number_of_images=4, resolution="0.5K", aspect_ratio="4:5")
    first[1].edit("Make the rain lighter.", seed=7, resolution="0.5K", region=(0.0, 0.0, 1.0, 0.34)).star()
    first[1].edit("Turn the neon to amber.", seed=7, resolution="0.5K")


def grid(session: nb.Session) -> Sweep:
    """Six pictures of one question."""
    words = "Keep the subject unchanged. Convert the background into {{place}}."
    places = ["a snowy forest", "a harbour at dawn", "a rainy neon street"]
    return nb.sweep(
        words, PORTRAIT, place=places, seed=range(2), resolution="0.5K", aspect_ratio="4:5", session=session
    )


def spread(store: Path) -> None:
    """Date the edits of a store back over most of a year, more of them lately; each takes as long as at a service."""
    with closing(sqlite3.connect(store / "edits.sqlite")) as rows, rows:
        (many,) = rows.execute("SELECT count(*) FROM edits").fetchone()
        for number in range(1, many + 1):
            begun = NEWEST - 52_000 * (many - number) ** 1.5
            seconds = 8 + number * 37 % 90 / 10
            rows.execute(
                "UPDATE edits SET created_at = :at, accepted_at = :at, started_at = :at, done_at = :at + :seconds,"
                " finished_at = :at + :seconds WHERE id = :id",
                {"at": begun, "seconds": seconds, "id": number},
            )


# ── what is shown ───────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def studio(browser: labs.Browser, session: nb.Session, theme: str, width: int) -> Iterator[Page]:
    """With a region on the main picture, results, a job on its way, and an edit of the history looked at."""
    last = session.store.last_id()
    neon = last - 2
    form = nb.studio("portrait.jpg", PORTRAIT.parent / "Minduka_Present_Blue_Pack.png", prompt=NEON, session=session)
    form.inputs = [form.inputs[0], session.history[last][0]]
    form.set(number_of_images=4, seed=7, aspect_ratio="4:5")
    form.region = (0.66, 0.02, 0.98, 0.36)
    form.show_edit(last - 1)
    form.show_edit(neon)
    job = form.run()
    with opened(browser, form, theme=theme, width=width) as page:
        page.locator(".st-task").wait_for()
        page.locator(".st-tile").nth(1).click()
        page.keyboard.press("s")
        page.keyboard.press("c")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("c")
        page.locator(f".st-node[data-id='{last + 1}']").wait_for()  # the strip is drawn anew once the job is there
        page.locator(f".st-node[data-id='{last - 1}']").evaluate("node => node.click()")
        page.locator(".st-words").wait_for()
        page.evaluate("scrollTo(0, 0)")
        yield page
    job.cancel()
    form.close()


@contextmanager
def compare(browser: labs.Browser, session: nb.Session, theme: str, width: int) -> Iterator[Page]:
    """The picture before and after an edit of it."""
    last = session.store.last_id()
    form = nb.compare(session.history[last - 2][1], session.history[last][0])
    with opened(browser, form, theme=theme, width=width) as page:
        page.wait_for_function("[...document.querySelectorAll('img')].filter((one) => one.naturalWidth).length > 1")
        page.locator(".cp-figures table").wait_for()
        yield page
    form.close()


@contextmanager
def viewer(browser: labs.Browser, session: nb.Session, theme: str, width: int) -> Iterator[Page]:
    """The second picture of an edit with four."""
    form = nb.view(session.history[session.store.last_id() - 2])
    with opened(browser, form, theme=theme, width=width) as page:
        page.get_by_role("button", name="Next picture").click()
        page.wait_for_function("document.querySelector('.vw-picture').naturalWidth > 0")
        page.locator(".vw-facts dd").first.wait_for()
        yield page
    form.close()


@contextmanager
def region(browser: labs.Browser, session: nb.Session, theme: str, width: int) -> Iterator[Page]:
    """A box, a lasso and a stroke."""
    form = nb.region(PORTRAIT)
    lasso = Shape("lasso", ((0.06, 0.62), (0.2, 0.55), (0.34, 0.66), (0.3, 0.9), (0.1, 0.94)))
    form.shapes = Area((lasso, box_shape((0.68, 0.03, 0.97, 0.33))), form.size).shapes
    with opened(browser, form, theme=theme, width=width) as page:
        page.locator(".rg-picture[src]").wait_for()
        page.locator(".rg-list li").nth(1).wait_for()
        yield page
    form.close()


@contextmanager
def history(browser: labs.Browser, session: nb.Session, theme: str, width: int) -> Iterator[Page]:
    """With two chosen, and the descent of one."""
    form = session.history.browse()
    with opened(browser, form, theme=theme, width=width) as page:
        page.locator(".br-tile img[src]").nth(5).wait_for()
        page.locator(".br-tile").nth(4).click(modifiers=["Control"])
        page.locator(".br-tile").nth(1).click(modifiers=["Control"])
        page.locator(".br-tile").nth(2).click()
        page.locator(".br-lineage img[src]").nth(1).wait_for()
        page.wait_for_function("!document.querySelector('.br-pictures img:not([src]), .br-lineage img:not([src])')")
        page.locator(".br-choice").first.wait_for(state="attached")
        page.mouse.move(4, 4)
        page.wait_for_function(
            "[...document.querySelectorAll('.br-tile')].every((one) => one.querySelector('img[src]'))"
        )
        yield page
    form.close()


@contextmanager
def voting(browser: labs.Browser, session: nb.Session, theme: str, width: int) -> Iterator[Page]:
    """Two of six pictures, after some votes."""
    sweep = grid(session)
    for better, worse in [(0, 1), (2, 3), (4, 5), (2, 0), (2, 4), (3, 0), (2, 5), (2, 3), (2, 1)]:
        sweep.prefer(better, worse)
    form = sweep.vote()
    with opened(browser, form, theme=theme, width=width) as page:
        page.wait_for_function("[...document.querySelectorAll('.vt-picture')].every((one) => one.naturalWidth > 0)")
        page.locator(".vt-pair").focus()
        yield page
    form.close()


FORMS: dict[str, Callable[..., AbstractContextManager[Page]]] = {
    "studio": studio,
    "compare": compare,
    "region": region,
    "browser": history,
    "viewer": viewer,
    "voting": voting,
}


def quantised(data: bytes) -> bytes:
    """A PNG with few colours, for people to look at and for a repository to keep."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    palette = image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT)
    small = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)  # or skies and skin have steps
    file = io.BytesIO()
    small.save(file, "PNG", optimize=True)
    return file.getvalue()


def settled(page: Page) -> None:
    """Wait until every picture that is in the page is shown."""
    page.wait_for_function("[...document.querySelectorAll('img[src]')].every((one) => one.complete)")


def main(wanted: list[str]) -> None:
    """Make the pictures of the forms that are wanted, or of all."""
    executable = labs.chromium()
    assert executable, "Chromium is needed"
    with tempfile.TemporaryDirectory() as folder, labs.Browser(executable) as browser:
        os.chdir(folder)
        os.environ |= {"NBBANANA_SANDBOX_SCALE": "0", "XDG_CACHE_HOME": folder}
        with nb.Session(provider="sandbox", store=Path(folder) / "store") as session:
            study(session, Path(folder))
            session.store.set_budget("sandbox", 20.0)
            for number in range(2, session.store.last_id(), 9):
                session.store.annotate(number, add_tags=["poster" if number % 2 else "client review"])
        spread(Path(folder) / "store")
        os.environ["NBBANANA_SANDBOX_SCALE"] = "20"
        for name, theme, width in itertools.product(wanted or FORMS, ("light", "dark"), WIDTHS):
            shutil.rmtree("copy", ignore_errors=True)
            shutil.copytree("store", "copy")  # what one picture adds is not in the next
            with (
                nb.Session(provider="sandbox", store=Path(folder) / "copy") as session,
                FORMS[name](browser, session, theme, width) as page,
            ):
                # As high as the form: what keeps to an edge of the window stands where it belongs.
                height = page.evaluate("Math.ceil(document.querySelector('.nbb').getBoundingClientRect().bottom) + 12")
                page.set_viewport_size({"width": width, "height": height})
                settled(page)
                data = page.screenshot(full_page=True, animations="disabled")
            (IMAGES / f"{name}-{theme}-{width}.png").write_bytes(quantised(data))
            print(f"{name}-{theme}-{width}.png", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
