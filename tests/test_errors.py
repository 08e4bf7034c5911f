"""An error says its three lines, and whatever a service or a file's name put into them does nothing."""

from __future__ import annotations

import pytest

from nbbanana.errors import NBBananaError


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("gone\x1b[2J", "gone⟨U+001B⟩[2J"),
        ("photo\u202egpj.exe", "photo⟨U+202E⟩gpj.exe"),
        ("half \ud800 a letter", "half ⟨U+D800⟩ a letter"),
        ("see JavaScript://x.example/%0aalert(1)", "see JavaScript⟨U+003A⟩//x.example/%0aalert(1)"),
        ("می\u200cخواهم, 霓虹, https://x.example", "می\u200cخواهم, 霓虹, https://x.example"),
    ],
)
def test_words_of_others_command_no_terminal_and_are_no_link_to_a_script(words: str, shown: str) -> None:
    """Control, bidi and unpaired characters are code points; letters of all scripts and addresses stay."""
    error = NBBananaError(words, words, words)
    assert error.lines == [shown] * 3
    assert error._render_traceback_() == [f"NBBananaError: {shown}", shown, shown]
    assert str(error).encode()
