"""Something to read and to run later, such as a cell written for the user: its text, and what to know of it."""

from __future__ import annotations

from collections.abc import Sequence

from nbbanana.display.render import render
from nbbanana.text import one_line, plain

__all__ = ["proposal_bundle"]


def proposal_bundle(heading: str, texts: Sequence[str], notes: Sequence[str] = ()) -> dict[str, str]:
    """
    Return a proposal as a MIME bundle.

    Args:
        heading: what it is.
        texts: what is proposed, each as it is to be copied.
        notes: sentences about it.
    """
    heading, texts, notes = one_line(heading), [plain(text) for text in texts], [one_line(note) for note in notes]
    html = render("proposal", heading=heading, texts=texts, notes=notes)
    return {"text/plain": "\n".join([heading, *texts, *notes]), "text/html": html}
