"""What changed, in a real kernel: under a result as it was recorded, and as a report of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.kernels import errors_of, html_of, run_cells, text_of
from support.markup import read

pytestmark = [pytest.mark.kernel, pytest.mark.nightly]

CELLS = {
    "load": "%load_ext nbbanana\nimport sys\nimport nbbanana as nb\npicture = nb.samples.still_life((480, 360))",
    "light": "'nbbanana.measure' in sys.modules",
    "edit": "%%nbedit night << picture --seed 7 --region 0,0,1,0.5\nMake the upper half a night sky.",
    "report": "night[0].drift()",
    "printed": "print(nb.drift(picture, picture))",
    "refused": "nb.drift(picture, picture.resize((20, 15)))",
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the cells show, by their names."""
    home: Path = tmp_path_factory.mktemp("changed")
    found = run_cells(CELLS.values(), home=home, allow_errors=True, env={"NBBANANA_MEASURE": "1"})
    return dict(zip(CELLS, found, strict=True))


def test_a_result_says_what_was_recorded(outputs: dict[str, Any]) -> None:
    """In a closed line and in plain text; what loads the extension measures nothing."""
    assert text_of(outputs["light"]) == "False"
    [line] = [one.text for one in read(html_of(outputs["edit"])).all("summary") if "hanged" in one.text]
    assert line.startswith("What changed: ")
    assert line.removeprefix("What c") in text_of(outputs["edit"])


def test_a_report_shows_itself(outputs: dict[str, Any]) -> None:
    """The same sentence as under the result, the region in words, and figures beside their noise."""
    page = read(html_of(outputs["report"]))
    said = page.all("strong")[0].text
    assert f"Changed: {said}" in text_of(outputs["edit"])
    assert "region: the upper half" in page.text
    assert "noise up to" in page.text
    assert "DriftReport" in text_of(outputs["printed"])


def test_what_cannot_be_measured_is_three_lines(outputs: dict[str, Any]) -> None:
    """A real error output: what, why, and what to do."""
    [error] = errors_of(outputs["refused"])
    assert error["ename"] == "MeasureError"
    assert error["traceback"] == [
        "MeasureError: The pictures are too small to compare.",
        "480×360 and 20×15 pixels: a side has less than 32 pixels.",
        "Compare larger ones.",
    ]
