"""Completion on the magics' lines, through IPython's own completer."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from IPython.core import completer

import nbbanana as nb
from nbbanana import models
from nbbanana.notebook import completion

pytestmark = pytest.mark.skipif(
    not hasattr(completer, "context_matcher"), reason="this IPython has no second matcher API"
)

EDIT = models.get("google/nano-banana-2/edit")


def completed(shell: Any, text: str, at: int | None = None) -> dict[str, str]:
    """The lines that pressing Tab offers for a text, by the kind of what was completed."""
    at = len(text) if at is None else at
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = list(shell.Completer.completions(text, at))
    return {text[: one.start] + one.text + text[one.end :]: one.type for one in found}


def test_options_come_from_the_schema(shell: Any) -> None:
    """Every option of the model and nbbanana's own, and nothing of Python's."""
    found = completed(shell, "%%nbedit a.jpg --")
    assert {f"%%nbedit a.jpg {field.option}" for field in EDIT.options} <= set(found)
    assert {"%%nbedit a.jpg --dry-run", "%%nbedit a.jpg --no-limit-generations"} <= set(found)
    assert "%%nbedit a.jpg --prompt" not in found, "a cell's body is its prompt"
    assert set(found.values()) == {"option"}
    assert "%nbedit a.jpg --prompt" in completed(shell, "%nbedit a.jpg --p")


def test_what_is_given_is_not_offered_again(shell: Any) -> None:
    """Neither under its long name nor after its short one."""
    found = completed(shell, "%%nbedit a.jpg -n 2 --seed=3 --")
    assert not {line for line in found if line.endswith(("--number-of-images", "--seed"))}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("%%nbedit --aspect-ratio 1", {"%%nbedit --aspect-ratio 16:9", "%%nbedit --aspect-ratio 1:1"}),
        ("%%nbedit --aspect-ratio 16:", {"%%nbedit --aspect-ratio 16:9"}),
        ("%%nbedit --aspect_ratio=16:", {"%%nbedit --aspect_ratio=16:9"}),
        ("%%nbedit --resolution ", {f"%%nbedit --resolution {size}" for size in ("0.5K", "1K", "2K", "4K")}),
        ("%%nbedit --enable-web-search=t", {"%%nbedit --enable-web-search=true"}),
        ("%%nbedit --mode re", {"%%nbedit --mode replay"}),
        ("x = %nbedit --output-format w", {"x = %nbedit --output-format webp"}),
        ("%%nbedit -m google/nano-banana-2/e", {"%%nbedit -m google/nano-banana-2/edit"}),
        ("%nbhistory --state=can", {"%nbhistory --state=cancelled"}),
        ("%nbhistory snow --state ", {"%nbhistory snow --state completed", "%nbhistory snow --state failed"}),
        ("%nbhistory --model google/nano-banana-2/e", {"%nbhistory --model google/nano-banana-2/edit"}),
    ],
)
def test_values_that_are_counted_are_offered(shell: Any, text: str, lines: set[str]) -> None:
    """Where the cursor is, whatever characters a value has."""
    assert lines <= set(completed(shell, text))
    assert set(completed(shell, text).values()) == {"value"}


def test_the_history_has_options_too(shell: Any) -> None:
    """They begin with a hyphen; words are searched for and nothing is offered for them."""
    assert {"%nbhistory snow --diff", "%nbhistory snow --starred"} <= set(completed(shell, "%nbhistory snow --"))
    assert completed(shell, "%nbhistory --li") == {
        "%nbhistory --lineage": "option",
        "%nbhistory --limit": "option",
    }
    assert "option" not in completed(shell, "%nbhistory sno").values()


def test_the_named_model_decides(shell: Any) -> None:
    """The options of the model on the line, or of the one that is set where nobody knows that one."""
    text = "%%nbedit --model google/nano-banana-2/text-to-image --"
    assert text + "aspect-ratio" in completed(shell, text)
    assert "%%nbedit -m no/such --seed" in completed(shell, "%%nbedit -m no/such --se")


def test_pictures_are_offered_and_files_beside_them(shell: Any) -> None:
    """Variables that hold pictures, not all variables, and pictures among the files."""
    Path("tower.png").touch()
    shell.user_ns.update(tea="tea.png", ten=10, tens=[1], teas=["a.jpg"], tail=Path("x.txt"))
    found = completed(shell, "%%nbedit t")
    assert {line: kind for line, kind in found.items() if kind == "picture"} == {
        "%%nbedit table": "picture",
        "%%nbedit tea": "picture",
        "%%nbedit teas": "picture",
    }
    assert "%%nbedit tower.png" in found
    assert "%%nbedit ten" not in found


def test_a_file_that_is_offered_is_one_that_the_line_takes(shell: Any) -> None:
    """A name with blanks, quotes or brackets comes in quotes, also where one is open, and goes on in folders."""
    folder = Path("many dir")
    folder.mkdir()
    for name in ("IMG 1 (2).png", 'the "A".jpg', "it's.webp", "b[1].png", "notes.txt", ".hidden.png"):
        shell.user_ns["table"].save(folder / name, "PNG")
    assert completed(shell, "%%nbedit ma") == {'%%nbedit "many dir/': "path"}
    found = completed(shell, '%%nbedit "many dir/')
    assert len(found) == 4
    for line in found:
        shell.run_cell(f"{line} --dry-run\nMake it night.")
    assert completed(shell, '%%nbedit -n 2 "many dir/IMG 1') == {'%%nbedit -n 2 "many dir/IMG 1 (2).png"': "path"}


@pytest.mark.parametrize(
    "text", ["%%nbedit c << c", "%%nbedit none/", "%%nbedit night[", "%%nbedit table\nba", "%%nbedit table\nMake pr",
             "%nbhistory pr", "x = %nbedit pri"],
)  # fmt: skip
def test_nothing_of_python_is_offered_where_pictures_and_words_stand(shell: Any, text: str) -> None:
    """Neither builtins nor magics: on the line, in a folder that is not there, in the prompt."""
    assert set(completed(shell, text)) <= {text}


def test_outputs_of_a_result_are_offered(shell: Any) -> None:
    """As they are written."""
    shell.run_cell("%nbedit night << table -n 2 -p night")
    assert {"%%nbedit night[0]", "%%nbedit night[1]", "%%nbedit night[*]"} == set(completed(shell, "%%nbedit night["))
    assert "%%nbedit night" in completed(shell, "%%nbedit ni")


def test_edits_are_offered(shell: Any) -> None:
    """The newest of the store, by their numbers."""
    shell.run_cell("%nbedit table -p night\n%nbedit table -p day")
    assert set(completed(shell, "%%nbedit edit:")) == {"%%nbedit edit:1", "%%nbedit edit:2"}
    assert len(nb.history) == 2


def test_placeholders_are_offered(shell: Any) -> None:
    """Variables whose value is text, in the body and on the line."""
    shell.user_ns.update(city="Oslo", cities=["Oslo"])
    body = "%%nbedit table\nMake it {{ci"
    assert set(completed(shell, body)) == {"%%nbedit table\nMake it {{city"}
    assert "%%nbedit --seed {{city" in completed(shell, "%%nbedit --seed {{ci")


@pytest.mark.parametrize("text", ["--", "x = 1\n--", "%time --", "%%nbedit table\n--seed --", "%nbedits --", ""])
def test_other_lines_are_not_touched(shell: Any, text: str) -> None:
    """Code, other magics, and the words of a prompt."""
    assert "option" not in completed(shell, text).values()


def test_an_older_ipython_has_no_such_completion(bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the second matcher API there is no matcher, and the rest loads."""
    monkeypatch.delattr("IPython.core.completer.context_matcher")
    assert completion.matcher_for(bare) is None
    bare.run_cell("%load_ext nbbanana")
    bare.run_cell("%unload_ext nbbanana")
