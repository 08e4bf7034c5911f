"""Whatever a service, a file or a record of others says is safe to show, by one set of functions."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbbanana.text import clip, one_line, plain, storable, without_addresses, without_secrets

ESCAPES = "\x1b]0;owned\x07\x9b2J\u202e\u2066\ufeff\u200b\U000e0041\r\u2028\ud800"


@given(st.text(st.characters()) | st.text(ESCAPES))
def test_text_that_is_shown_commands_nothing_and_can_be_written(text):
    """Any string: no control, bidi or unpaired character is left, and a line is one line."""
    for shown in (plain(text), one_line(text), one_line(text, 20)):
        shown.encode()
        bad = {unicodedata.category(one) for one in shown if one not in "\n\t\u200c\u200d"} & {"Cc", "Cf", "Cs", "Zl"}
        assert not bad
    assert "\n" not in one_line(text)
    storable(text).encode()


@given(st.text(), st.integers(2, 40))
def test_clipped_text_is_never_longer_than_asked(text, width):
    """The ellipsis counts."""
    assert len(clip(text, width)) <= width


ADDRESSES = [
    "https://files.example/a/b.png?X-Amz-Signature=00ff&X-Amz-Date=1",
    "HTTPS://FILES.example/secret",
    "https:\\/\\/files.example\\/secret",
    "https%3A%2F%2Ffiles.example%2Fsecret",
    "s3://bucket/secret.png",
    "data:image/png;base64,secretsecret==",
    "files.example/a.png?sig=secret",
    "a.png?Expires=1&Key-Pair-Id=secret",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("around", ["{}", "Cannot read {} now.", '"{}"', "url={}", "({})", "<a href='{}'>x</a>"])
def test_an_address_in_a_message_is_taken_out_whatever_stands_around_it(address, around):
    """No part of its path, query or data is left."""
    shown = without_addresses(around.format(address))
    assert "⟨address⟩" in shown
    assert not any(part in shown for part in ("secret", "00ff", "Signature", "files.example"))


def test_words_that_are_no_address_stay():
    """Ratios, times, questions and options are read as they were written."""
    words = "At 12:30, is 16:9 (or n=4) fine? See a/b and c&d; key=value."
    assert without_addresses(words) == words


def test_tokens_and_folders_are_taken_out_of_what_other_libraries_say():
    """The name of a file stays, the way to it does not."""
    said = without_secrets("'/home/jane/photos/a.png' and C:\\Users\\jane\\a.png: Authorization: Bearer abc.def-0123")
    assert said == "'…/a.png' and …/a.png: Authorization: Bearer ⟨token⟩"


@pytest.mark.parametrize(
    "piece",
    [
        "?a",
        "https:",
        *(
            pytest.param(one, marks=pytest.mark.nightly)
            for one in ("\x1b", "a", "&", "a:", "&sig", "/", "data:,", "Bearer ")
        ),
    ],
)
def test_a_message_of_a_megabyte_takes_no_longer_than_its_length(piece):
    """No string makes an expression go back over what it has read."""
    short, long = (_seconds(piece * (size // len(piece))) for size in (50_000, 1_000_000))
    assert long < 20 * 20 * short, "twenty times the length takes twenty times as long, and not four hundred times"


def _seconds(text):
    """The least processor time of three tries."""

    def once():
        begun = time.process_time()
        one_line(without_secrets(text), 300)
        return time.process_time() - begun

    return min(once() for _ in range(3)) + 1e-4


def test_no_other_module_sorts_characters_for_showing():
    """One home: categories are asked for in `text.py`; `sentences.py` asks what is a letter, and of which script."""
    package = Path(plain.__code__.co_filename).parent
    asking = {path.name for path in package.rglob("*.py") if "unicodedata.category" in path.read_text(encoding="utf-8")}
    assert asking <= {"text.py", "sentences.py"}
