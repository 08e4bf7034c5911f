"""Outputs in a real JupyterLab: its sanitizer leaves them as they are, nothing is typeset, nothing jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4
from support.drifts import heat_map
from support.lab import Browser, Lab, LabPage
from support.outputs import FIGURES, edit_row

from nbbanana.display import (
    ComparisonView,
    DiffView,
    DryRun,
    LineageNode,
    PairView,
    Picture,
    ProgressDisplay,
    ResultView,
    bundle,
    comparison_bundle,
    diff_bundle,
    dry_run_bundle,
    history_bundle,
    lineage_bundle,
    note_bundle,
    word_diff,
)
from nbbanana.display.drift_views import drift_bundle
from nbbanana.display.sweep_grid import GridCell, GridFacet, SweepView, sweep_grid_bundle
from nbbanana.display.views import Change
from nbbanana.engine.run import Progress
from nbbanana.models import choose, compare, get, ids, model_bundle, search

pytestmark = [pytest.mark.browser, pytest.mark.nightly]

DESCRIBE = """
element => [...element.querySelectorAll('*')].map(one => [
    one.tagName,
    ...[...one.attributes].map(a => a.name + '=' + (a.name == 'style'
        ? a.value.replace(/\\s*([:;,])\\s*/g, '$1').replace(/;$/, '') : a.value)).sort(),
])
"""
"""Every element with its attributes; the sanitizer writes the same styles with other spaces."""


@pytest.fixture(scope="module")
def done(photo: Callable[[str], Path]) -> ResultView:
    """Four outputs of a photograph, with prices and formulas in the words."""
    source = photo("portrait")
    outputs = tuple(Picture(f"neon[{n}]", source, 512, 600, "image/jpeg", 61_306, 7) for n in range(4))
    return ResultView(
        prompt="Keep it; write $5 or $6 on the wall, and \\(x^2\\), \\begin{equation}y\\end{equation}.\nAnd snow.",
        inputs=(Picture("portrait.jpg", source, 512, 600), Picture("shop.example/cup.jpg", None)),
        pictures=outputs,
        expected=4,
        label="neon",
        model="google/nano-banana-2/edit",
        provider="sandbox",
        is_play=True,
        edit_id=47,
        seconds=11.8,
        cost=0.28,
        parameters={"number_of_images": 4, "seed": 7},
        defaults={"aspect_ratio": "auto"},
        provenance={"edit": 47},
    )


@pytest.fixture(scope="module")
def stages(done: ResultView) -> list[str]:
    """From queued to done, in the order in which they are seen."""
    waiting = replace(done, pictures=(), seconds=None, cost=None)
    display = ProgressDisplay(waiting)
    some = replace(waiting, pictures=done.pictures[:2])
    stages = [
        display.bundle(Progress("queued", 1, 30, 2)),
        display.bundle(Progress("running", 7, 12)),
        display.bundle(Progress("downloading", 9, 12, None, 2, 4, 2_300_000), some),
        bundle(done)[0],
    ]
    return [stage["text/html"] for stage in stages]


@pytest.fixture(scope="module")
def outputs(done: ResultView, stages: list[str]) -> list[str]:
    """The HTML of everything that the display room shows."""
    rows = [
        edit_row(48, 1_773_316_800.0, done.prompt, "sandbox", seed=7, outputs=4, cost=0.28),
        edit_row(47, 1_773_316_800.0, done.prompt, "runcomfy", "unknown"),
    ]
    others: list[Any] = [
        bundle(replace(done, origin="from the store: edit 41, made 11 March 2026", notes=("A note.",)))[0],
        bundle(replace(done, prompt="word " * 400, pictures=done.pictures * 20))[0],
        ProgressDisplay(replace(done, inputs=())).stopped(
            Progress("cancelled"), "Cancelled: nothing is charged.\nAgain."
        ),
        history_bundle(rows, [done.pictures[0].source, None], 1284),
        *(model_bundle(get(model_id)) for model_id in ids()),
        *catalogue(),
        dry_run_bundle(DryRun(done.model, "sandbox", {"prompt": done.prompt}, done.inputs, 4, 0.28)),
        note_bundle("The sandbox answers."),
        drift_bundle(done.pictures[0], done.pictures[1], Change("The left edge redrawn: $5 or $6.", FIGURES)),
        *(bundle(view)[0] for view in changed(done)),
        *against_each_other(done),
        *sweeps(done),
    ]
    return [*stages, *(other["text/html"] for other in others)]


def changed(done: ResultView) -> list[ResultView]:
    """Results of which it is recorded what changed: of one picture, of four, of many, and where nothing can be said."""
    change = Change("Moved 2.0 px; outside the region: the lower left redrawn.", FIGURES, heat_map())
    one = replace(done.pictures[0], change=change)
    refused = replace(done.pictures[0], change=Change("There is nothing to compare the pictures by."))
    return [
        replace(done, pictures=pictures) for pictures in ((one,), (one,) * 4, (one,) * 9, (one, refused), (refused,))
    ]


def catalogue() -> list[dict[str, str]]:
    """The catalogue as a list, two models beside each other, and those that suit a request."""
    shown = (search(), compare("nano-banana", "kontext"), choose("Write 営業中 on the sign for $7.", images=2))
    return [value._repr_mimebundle_() for value in shown]


def sweeps(done: ResultView) -> list[dict[str, str]]:
    """A grid with a place that has no picture, one whose cells have their own names, and two of strips."""
    source = done.pictures[0].source
    assert isinstance(source, Path)
    cells = [GridCell("seed 1", source), GridCell("seed 2 for $7", None, "refused", "×", "seed 2 for $7")]
    words, inputs = [("Paint it ", False), ("{{colour}}", True)], [(source, "a.jpg")]
    facets = [GridFacet("1K", [("$7", cells)])]
    corner, facts = "colour ↓ seed →", ["2 pictures", "$0.14"]
    view = SweepView(["A sentence."], corner, ["1", "2"], facets, ["Why."], words, facts, inputs)
    strips = replace(view, facets=[GridFacet("1K", [("$7", cells)] * 101)])
    named = replace(strips, columns=["the first", "the second"])
    return [sweep_grid_bundle(one) for one in (view, replace(view, columns=()), strips, named)]


def against_each_other(done: ResultView) -> list[dict[str, str]]:
    """Two edits with what changed, their pictures compared, and where one came from."""
    changes = word_diff(done.prompt, f"{done.prompt} And rain for $7.")
    values = (("seed", 7, 8), ("aspect_ratio", None, "1:1"))
    pairs = tuple(map(PairView, done.pictures, done.pictures[:1]))
    diff = DiffView("neon", "rain", changes, values, (("portrait.jpg", None),), pairs, done.pictures[1:])
    compared = ComparisonView(done.pictures[:3], changes, (("seed", ("7", "8", "$9")),), ("model",))
    child = LineageNode("rain", "And rain for $7.", 48, done.pictures[0].source, ("seed 8",), is_current=True)
    root = LineageNode("neon", done.prompt, 47, done.pictures[0].source, ("seed 7",), children=(child,))
    lineage = lineage_bundle([LineageNode("portrait.jpg", "", children=(root,))], more="3 edits more.")
    return [diff_bundle(diff), comparison_bundle(compared), lineage]


@pytest.fixture(scope="module")
def untrusted(browser: Browser, lab: Lab, outputs: list[str]) -> Iterator[LabPage]:
    """A notebook with those outputs that nobody has signed, as it is opened from a colleague."""
    notebook = v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    for html in [*outputs, "<p class='told' onclick='x()'>A formula: $x^2$</p><script>1</script>"]:
        shown = v4.new_output("display_data", data={"text/html": html, "text/plain": ""})
        notebook.cells.append(v4.new_code_cell("1", outputs=[shown]))
    nbformat.write(notebook, lab.root / "untrusted.ipynb")
    with browser.open(lab, "untrusted.ipynb") as page:
        yield page


def test_the_sanitizer_takes_nothing_away(untrusted: LabPage, outputs: list[str]) -> None:
    """Every tag, attribute and style of every output comes through; and it does sanitize, for a script does not."""
    for number, html in enumerate(outputs):
        output = untrusted.cell(number).locator(".jp-RenderedHTMLCommon").first
        wanted = untrusted.page.evaluate(
            f"html => {{ const box = document.createElement('div'); box.innerHTML = html; return ({DESCRIBE})(box) }}",
            html,
        )
        assert output.evaluate(DESCRIBE) == wanted
    hostile = untrusted.cell(len(outputs)).locator(".jp-RenderedHTMLCommon").first
    assert hostile.evaluate("element => element.querySelectorAll('script, [onclick]').length") == 0


def test_prices_and_backslashes_are_not_formulas(untrusted: LabPage, outputs: list[str]) -> None:
    """What JupyterLab typesets, it has typeset in a cell beside them; in no output is there anything of it."""
    untrusted.cell(len(outputs)).locator("mjx-container").first.wait_for()
    for number in range(len(outputs)):
        output = untrusted.cell(number).locator(".jp-RenderedHTMLCommon").first
        output.wait_for()
        assert output.locator("mjx-container, .MathJax").count() == 0
    words = untrusted.cell(3).locator(".jp-RenderedHTMLCommon").first.text_content() or ""
    assert "write $5 or $6 on the wall, and \\(x^2\\)" in words


def heights(browser: Browser, stages: list[str], width: int) -> list[float]:
    page = browser.page(width=width)
    measured = []
    for html in stages:
        page.set_content(f"<body style='margin:0;font:14px/1.6 sans-serif'><div id=box>{html}</div></body>")
        page.wait_for_function("[...document.images].every(one => one.complete)")
        measured.append(page.evaluate("document.getElementById('box').getBoundingClientRect().height"))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()
    return measured


@pytest.mark.parametrize("width", [560, 720, 1000, 1400])
def test_nothing_jumps_from_queued_to_done(browser: Browser, stages: list[str], width: int) -> None:
    """The output keeps its height to the pixel, at every width at which the last line is one line."""
    measured = heights(browser, stages, width)
    assert max(measured) - min(measured) < 1


def test_on_a_narrow_cell_only_the_last_line_may_wrap(browser: Browser, stages: list[str]) -> None:
    """What ■ would do takes two lines there; all above it stays in its place."""
    measured = heights(browser, stages, 300)
    assert max(measured) - min(measured) < 19


@pytest.mark.parametrize("width", [300, 700, 1200])
def test_every_output_fits_its_cell(browser: Browser, outputs: list[str], width: int) -> None:
    """No output makes its cell scroll sideways."""
    assert len(heights(browser, outputs, width)) == len(outputs)
