"""What a form says to its front end and leaves in a notebook can always be sent, whatever a file is called."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from support.forms import Wire
from support.sandboxes import png

import nbbanana as nb


def test_a_name_with_half_of_a_character_in_it_can_be_sent(session: nb.Session, tmp_path: Path) -> None:
    """A file name may hold bytes that are no text; the form shows the picture, with a sign where they are."""
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd\xff.png"))
    odd.write_bytes(png())
    form = nb.studio(odd, session=session)
    wire = Wire(form)
    form.state.show_form()
    [slot] = wire.said[-1][0]["slots"]
    assert json.dumps(wire.said[-1][0], ensure_ascii=False).encode()
    assert slot["operand"].endswith("odd\N{REPLACEMENT CHARACTER}.png")
    form.close()


@pytest.mark.parametrize("words", ["costs $5 or $6", r"\(x^2\)", "half \ud800 a letter"])
def test_a_still_is_neither_typeset_nor_broken(session: nb.Session, words: str) -> None:
    """What is left of a form in a notebook holds no beginning of LaTeX, and nothing that a file cannot hold."""
    form = nb.studio(prompt=words, session=session)
    html = form._still_bundle()["text/html"]
    form.close()
    text = re.sub("<[^>]*>", "", re.sub(r"<span>[$\\]</span>|<style>.*?</style>", "", html))
    assert not re.search(r"[$\\]", text)
    assert html.encode()
