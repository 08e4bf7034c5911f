"""A record that someone else made is shown, and nothing in it commands the terminal."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from support.histories import fill, painted
from support.stores import generated

import nbbanana as nb
from nbbanana.store import OutputRecord, Store

ESCAPES = "\x1b]0;owned\x07\x9b2J\u202e\u2066\u200b"


def test_printing_a_record_of_a_stranger_writes_no_escape_sequence(tmp_path, capsys):
    """print(), repr() and what the repr of a container shows: results, outputs, pages, differences, lineage."""
    fill(tmp_path / "store", 2, [0, 1])
    with Store.open(tmp_path / "store") as store:
        edit = next(iter(generated(1)))
        output = OutputRecord(0, store.put(painted(3)), f"image/{ESCAPES}", 96, 72, 9)
        hostile = replace(
            edit,
            uid="f" * 32,
            model=f"a/{ESCAPES}",
            provider=f"run{ESCAPES}",
            parameters={"prompt": ESCAPES, f"seed{ESCAPES}": ESCAPES},
            outputs=(output,),
        )
        store.take_in([hostile])
    with nb.Session(store=tmp_path / "store", provider="sandbox") as session:
        page = session.history.filter()
        results = [result for result in page if ESCAPES in result.model]
        assert results, "the record of the stranger is there"
        (result,) = results
        things = [result, result[0], page, [result], (result[0],), session.history, session]
        things += [session.history.diff(page[0].id, result.id)] if page[0].id != result.id else []
        for thing in things:
            print(thing)
            print(repr(thing))
    shown = capsys.readouterr().out
    assert "⟨U+001B⟩" in shown
    assert not {unicodedata.category(one) for one in shown if one != "\n"} & {"Cc", "Cf", "Cs"}
