"""The ledger: what someone sends to a service's support desk."""

from __future__ import annotations

import csv
import io

import pytest
from support.gemini_service import GeminiService
from support.sandboxes import png

import nbbanana as nb
from nbbanana import errors
from nbbanana.sandbox import Fault
from nbbanana.session.exporting import COLUMNS, Ledger
from nbbanana.store.records import Post


@pytest.fixture
def session(monkeypatch, tmp_path):
    """Two pictures, one of whose POSTs got no answer, at a service."""
    with GeminiService(faults=[Fault.named("drop after accept", "submit")]) as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        with nb.Session(provider="gemini", store=tmp_path / "store") as session:
            session.edit("Make it dusk.", png(), n=2, seed=7)
            yield session


def test_each_post_is_a_row_with_its_quote_its_cost_and_the_difference(session):
    """One that has no answer has no cost, and says so."""
    ledger = session.history.ledger()
    by_outcome = {row["outcome"]: row for row in ledger.rows}
    made, lost = by_outcome["accepted"], by_outcome["uncertain"]
    assert made["difference"] == pytest.approx(made["cost"] - made["quote"])
    assert (lost["cost"], lost["difference"]) == (None, None)
    assert {made["seed"], lost["seed"]} == {7, 8}
    assert {row["provider"] for row in ledger.rows} == {"gemini"}
    uid = session.history[1].record.uid
    assert {row["id"] for row in ledger.rows} == {f"{uid}-0", f"{uid}-1"}


def test_it_shows_itself_and_so_does_a_slice(session):
    """As a table with the names of its columns."""
    for shown in (session.history.ledger(), session.history.ledger()[:1]):
        bundle = shown._repr_mimebundle_()
        assert "difference" in bundle["text/plain"]
        assert "<table" in bundle["text/html"]
    assert len(session.history.ledger(limit=1)) == 1
    with pytest.raises(errors.UsageError):
        session.history.ledger(limit=-1)


def test_it_is_csv_that_a_spreadsheet_reads_and_runs_nothing_of(session):
    """A text that looks like a formula is a text."""
    rows = list(csv.DictReader(io.StringIO(session.history.ledger().csv())))
    assert (len(rows), tuple(rows[0])) == (2, COLUMNS)
    hostile = Ledger([Post(1, 0, 0.0, "=cmd|' /C calc'!A0", None, '@SUM(A1)\n"x",y')])
    (row,) = csv.DictReader(io.StringIO(hostile.csv()))
    assert row["provider"].startswith("'=")
    assert row["id"].startswith("'@")
    assert row["outcome"] == "under way"
