"""
Measure the rules of the lint anew: `NBBANANA_PROMPTS=dev.jsonl PYTHONPATH=.:tests python tests/prompts/measure.py`.

Writes what the rules find in the prompts of that file, the figures that severities rest on, and the documentation's
table. Without the variable the hits stay as they are.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from support import prompt_figures as figures

from nbbanana.prompts import lint


def main() -> None:
    """Write the three files."""
    if given := os.environ.get("NBBANANA_PROMPTS"):
        rows = figures.found_in(figures.read_prompts(Path(given)))
        figures.HITS.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    lines = (f"  {json.dumps(name)}: {json.dumps(counts)}" for name, counts in figures.all_figures().items())
    figures.FIGURES.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    lint.figures.cache_clear()
    before, _, rest = figures.PAGE.read_text("utf-8").partition(figures.START)
    _, _, after = rest.partition(figures.END)
    page = f"{before}{figures.START}\n{figures.table()}\n{figures.END}{after}"
    figures.PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
