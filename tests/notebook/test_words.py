"""What is said of a cell that is not quite right: what happened first, and a line that would do."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nbbanana.errors import NBBananaError

SAID = {
    "%%nbedit table": ("The cell has no prompt.", "Write it below the %%nbedit line."),
    "%%nbedit -n 1\nSnow.": ("No picture was given.", "In a cell: %%nbedit photo.jpg"),
    "%%nbedit table --resolution 9K\nSnow.": ("resolution must be 0.5K, 1K, 2K or 4K, not '9K'.", "Write 4K"),
    "%%nbedit table --num 4\nSnow.": ("There is no option --num.", "Did you mean -n (--number-of-images)?"),
    "%%nbedit table -s 4\nSnow.": ("There is no option -s.", "Did you mean --seed?"),
    "%%nbedit in summer.png\nSnow.": ("There is no variable and no file in.", 'needs quotes: "in summer.png"'),
    "%%nbedit winer.png\nSnow.": ("'winer.png' is not there.", "Did you mean 'winter.png'?"),
    "%%nbedit neon = winter.png\nSnow.": ("neon = … does not name the result.", "%%nbedit neon << winter.png"),
    "%%nbedit table --max-price 0.01\nSnow.": ("It costs $0.07, and --max-price allows $0.01.", "Nothing was sent."),
    "%%nbedit table --max-price 0.01 --resolution 4K\nSnow.": (
        "It costs at least $0.07",
        "or allow more: --max-price 0.07 or above",
    ),
}


@pytest.mark.parametrize("cell", SAID)
def test_a_cell_that_is_not_quite_right_is_answered_with_what_would_do(shell: Any, cell: str) -> None:
    """In three lines; nothing is sent."""
    for name in ("in summer.png", "winter.png"):
        Image.new("RGB", (60, 40)).save(name)
    what, mend = SAID[cell]
    with pytest.raises(NBBananaError) as error:
        shell.run_cell(cell)
    assert error.value.lines[0].startswith(what)
    assert mend in error.value.lines[-1]
    assert not shell.user_ns.get("_")


def test_a_value_written_another_way_is_taken(shell: Any) -> None:
    """`1k`, `16x9` and `jpg` are what they mean."""
    shell.run_cell("%%nbedit snow << table --resolution 1k --aspect-ratio 16x9 --output-format jpg\nMake it snow.")
    assert {"1K", "16:9", "jpeg"} <= set(shell.user_ns["snow"].parameters.values())


def test_a_grid_says_how_to_get_at_its_files_in_code_that_runs(shell: Any, tmp_path: Path) -> None:
    """In a saved notebook the pictures are small; the line beside them writes the originals into a folder."""
    shell.run_cell("import nbbanana as nb")
    shell.run_cell("%%nbedit snow << table -n 2 --resolution 0.5K\nMake it snow.")
    page = unescape(re.sub(r"<[^>]*>", "", shell.user_ns["snow"]._repr_html_()))
    [code] = set(re.findall(r'nb\.history\[1\]\.save\("out"\)', page))
    shell.run_cell(code)
    written = sorted((tmp_path / "out").iterdir())
    assert [file.read_bytes() for file in written] == [output.bytes for output in shell.user_ns["snow"]]
