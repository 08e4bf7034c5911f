"""An error says its three lines, and whatever a service or a file's name put into them does nothing."""

from __future__ import annotations

import pickle
import traceback

import pytest

from nbbanana.errors import Cause, NBBananaError, RateLimitError, bare_cause, translated


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


SECRET = "sekrit-0123456789"


def raw(secret: str) -> None:
    """Fail as a library does: a frame, an argument and a message that hold a secret."""
    try:
        raise OSError(2, "No such file or directory", f"/home/{secret}/a.png")  # noqa: TRY301
    except OSError as error:
        raise ValueError(f"https://x.example/{secret}?sig={secret} and Bearer {secret}") from error


def caught(secret: str) -> NBBananaError:
    """Our error in the place of theirs."""
    try:
        with translated(ValueError, lambda error: NBBananaError("It broke.", type(error).__name__)):
            raw(secret)
    except NBBananaError as error:
        return error
    raise AssertionError("nothing was raised")


def test_the_cause_of_an_error_is_kept_as_a_copy_that_holds_no_secret():
    """Kinds, messages and the line are kept; frames, arguments, addresses, tokens and folders are not."""
    error = caught(SECRET)
    assert error.why == "ValueError"
    assert error.__context__ is None
    cause = error.__cause__
    assert isinstance(cause, Cause)
    assert str(cause) == "ValueError: ⟨address⟩ and Bearer ⟨token⟩"
    assert str(cause.__cause__) == "FileNotFoundError: No such file or directory"
    assert "test_errors" in cause.__notes__[0]
    assert cause.__traceback__ is None
    shown = "".join(traceback.format_exception(error))
    assert "direct cause" in shown
    # The frame that was given the secret by this test holds it; nothing above it does.
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code.co_name != "caught"]
    assert SECRET not in shown + repr([frame.f_locals for frame in frames])


def test_a_block_that_translates_lets_everything_else_through():
    """No error, other errors and interrupts are as they were."""
    with translated(ValueError, lambda _: NBBananaError("x")):
        pass
    with pytest.raises(KeyError) as other, translated(ValueError, lambda _: NBBananaError("x")):
        raise KeyError("k")
    assert other.value.__cause__ is None


def test_causes_end_somewhere():
    """A cause that is its own ancestor, and a chain of thousands, are copied to a bounded depth."""
    first = ValueError("first")
    first.__context__ = KeyError("k")
    first.__context__.__context__ = first
    depth, cause = 0, bare_cause(first)
    while cause.__cause__ is not None:
        depth, cause = depth + 1, cause.__cause__
    assert depth < 10


def test_an_error_that_travels_between_processes_keeps_all_it_says():
    """Pickled and back: its lines, its ids and how long to wait."""
    error = RateLimitError("Too fast.", "It said so.", request_id="r-1", edit_id=7)
    error.retry_after = 12.5
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is RateLimitError
    assert (back.lines, back.request_id, back.edit_id, back.retry_after) == (error.lines, "r-1", 7, 12.5)


def test_tracebacks_mode_shows_the_cause_and_three_lines_do_not():
    """`%config NBBanana.tracebacks = True` hands the error to the shell's own tracebacks, which follow the cause."""
    error = caught(SECRET)
    assert error._render_traceback_() == ["NBBananaError: It broke.", "ValueError"]
