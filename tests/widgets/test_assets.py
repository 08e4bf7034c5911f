"""Plain ES modules that join into one without a bundler."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nbbanana.widgets.base import STATIC, join, style

SCRIPTS = sorted(STATIC.rglob("*.js"))


def test_modules_are_short_and_fetch_nothing() -> None:
    """Every module has fewer than 300 lines, begins with what it is for, and names no address to fetch from."""
    texts = {path.relative_to(STATIC).as_posix(): path.read_text("utf-8") for path in SCRIPTS}
    assert [name for name, text in texts.items() if len(text.splitlines()) >= 300] == []
    assert [name for name, text in texts.items() if not text.startswith("// ")] == []
    assert [name for name, text in texts.items() if re.search(r"https?://(?!www\.w3\.org/2000/svg)\w", text)] == []
    assert [name for name, text in texts.items() if "innerHTML" in text] == []


def test_a_name_stands_for_one_thing_in_the_whole_form() -> None:
    """Joined modules share a scope: nothing at their top is declared twice."""
    names = re.findall(
        r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", join("studio/main.js"), re.MULTILINE
    )
    assert sorted(names) == sorted(set(names))


def test_what_cannot_be_joined_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A default import would break in the browser; it is an error here."""
    monkeypatch.setattr("nbbanana.widgets.base.STATIC", tmp_path)
    (tmp_path / "odd.js").write_text('import all from "./other.js";\n')
    with pytest.raises(ValueError, match=r"odd\.js"):
        join("odd.js")


def test_the_theme_comes_first() -> None:
    """A form's own style can change what the theme says."""
    sheet = style("studio.css")
    assert sheet.index("--nbb-page:") < sheet.index(".st-bar")
