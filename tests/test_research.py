"""A notebook of forty cells runs again anywhere: from its bundle alone, without a key, without a network."""

from __future__ import annotations

import pytest
from support.research import pictures_of, read, write

pytestmark = [pytest.mark.kernel, pytest.mark.nightly, pytest.mark.timeout(400)]


def test_a_reader_gets_every_byte_and_asks_nobody(sandbox, photo, tmp_path):
    """Made once on a served sandbox, replayed with an empty home: equal bytes, no request, no connection tried."""
    writing = write(tmp_path, sandbox, photo("portrait"), photo("coffee"))
    assert (writing.cells, writing.failures) == (40, 5)
    asked = len(sandbox.requests)
    addresses = {name: value for name, value in sandbox.addresses["environment"].items() if "TOKEN" not in name}
    reading = read(writing, tmp_path / "reader", **addresses)
    assert reading.code == 0, reading.said
    assert reading.attempts == ""
    assert len(sandbox.requests) == asked
    import nbformat

    made = pictures_of(nbformat.read(writing.notebook, as_version=4))
    assert pictures_of(reading.notebook) == made
    assert sum(map(bool, made)) > 25
