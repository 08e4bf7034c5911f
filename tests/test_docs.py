"""The examples of the README and of the pages under docs/ run as they stand there, in the sandbox."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nbbanana as nb
from nbbanana.models import get
from nbbanana.providers.registry import find
from nbbanana.session.services import carried_by

ROOT = Path(__file__).parents[1]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
FORMS = re.compile(r"(?:^    .*\n)+", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: Callable[[str], Path], paint: str) -> Iterator[Path]:
    """A folder with the pictures that examples name, and a session over a store with a dozen edits."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(photo("portrait"), tmp_path / "portrait.jpg")
    nb.samples.still_life().save(tmp_path / "still-life.jpg")
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        session.edit("A rainy neon street.", "portrait.jpg", seed=0).vary(range(1, 12))
        yield tmp_path


def run(code: str) -> dict[str, object]:
    """Run an example; gives its variables."""
    names: dict[str, object] = {}
    exec(compile(code, "example", "exec"), names)
    return names


def test_the_example_of_the_readme_runs(folder: Path) -> None:
    """Each line of it, among them the one that saves all outputs into a folder."""
    [example] = PYTHON.findall((ROOT / "README.md").read_text("utf-8"))
    names = run(example)
    result = names["result"]
    assert isinstance(result, nb.EditResult)
    assert len(result) == 2
    assert result[0].starred
    assert sorted(path.suffix for path in (folder / "out").iterdir()) == [".png", ".png"]


def test_the_examples_of_the_page_on_prompts_run(folder: Path) -> None:
    """In their order, with the variables of those before; the cell asks what the call asks."""
    page = (ROOT / "docs/how-to/write-a-prompt.md").read_text("utf-8")
    names = run("\n".join(PYTHON.findall(page)))
    neon, shots = names["neon"], names["shots"]
    assert isinstance(neon, nb.EditResult)
    cell = next(block for block in FORMS.findall(page) if "%%nbedit neon" in block)
    body = re.sub(r"^    ", "", cell, flags=re.MULTILINE).partition("\n")[2]
    assert nb.edit(body, "portrait.jpg", seed=7).id == neon.id
    assert f"*{neon.prompt}*" in re.sub(r"\s+", " ", page)
    assert len(shots) == 2  # type: ignore[arg-type]


def test_the_examples_of_the_page_on_forms_run(folder: Path) -> None:
    """The Studio by calls, and a region that goes with a request."""
    page = (ROOT / "docs/explanation/forms.md").read_text("utf-8")
    studio, region = FORMS.findall(page)[:2]
    run("import nbbanana as nb\n" + re.sub(r"^    ", "", studio, flags=re.MULTILINE))
    drawn = region.replace('nb.region("portrait.jpg")', 'nb.region("portrait.jpg", boxes=[(0.7, 0, 1, 0.3)])')
    names = run("import nbbanana as nb\n" + re.sub(r"^    ", "", drawn, flags=re.MULTILINE))
    assert names["result"].region.words == "the upper-right corner"  # type: ignore[attr-defined]


@pytest.mark.nightly
@pytest.mark.painted
def test_the_examples_of_the_page_on_what_changed_run(folder: Path) -> None:
    """An output against its input with its own region, two pictures with another, and two that are the same."""
    [example] = PYTHON.findall((ROOT / "docs/how-to/see-what-changed.md").read_text("utf-8"))
    *lines, own, other, same = example.splitlines()
    names = run(
        "\n".join([*lines, f"reports = [{own.partition('#')[0]}, {other.partition('#')[0]}]", f"same = {same}"])
    )
    words = [report.area.words for report in names["reports"]]  # type: ignore[attr-defined]
    assert words == ["the right third", "the right third"]
    assert names["same"] == "Nothing changed that can be seen."


def table_of(page: str) -> str:
    """The lines of a page that are rows of tables."""
    return "\n".join(line for line in (ROOT / page).read_text("utf-8").splitlines() if line.startswith("|"))


@pytest.mark.parametrize("page", ["README.md", "docs/explanation/models-and-services.md"])
def test_the_tables_of_services_say_what_the_catalogue_says(page: str) -> None:
    """Each key, each price by a list with its day, and each parameter that is dropped or carried with loss."""
    table, text = table_of(page), (ROOT / page).read_text("utf-8")
    asked = [line for line in nb.list_providers() if line.key_page]
    assert {line.name for line in asked} == {"runcomfy", "fal", "gemini", "openrouter"}
    for line in asked:
        spec = find(line.name)
        assert all(f"`{variable}`" in table for variable in spec.key_variables)
        model = get(spec.default_model)
        there = spec.offer(model.id)
        assert there is not None
        carried = carried_by(spec, model, [field.name for field in model.fields])
        assert carried is not None
        assert all(f"`{name}`" in table for name in (*carried.dropped, *carried.lossy))
        if there.prices is not None:
            assert f"${there.prices.base:.4g}" in table
            assert (there.prices.read, "29 November 2026" in text) == ("2026-11-29", True)
