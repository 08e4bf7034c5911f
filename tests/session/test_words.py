"""What is said when a service refuses, fails or cannot be reached: the reason first, what to do, what was charged."""

from __future__ import annotations

import pytest

from nbbanana import errors
from nbbanana.sandbox import Fault

SNOW = "Keep the cup. Make it snow."
SAID = {
    "token": (Fault("submit", status=401, error_code=400004), "The service did not accept your token.", ""),
    "balance": (Fault("submit", status=402, error_code=400002), "There is not enough balance.", "Nothing was made."),
    "blocked": (
        Fault("job", error="content_policy_violation: blocked by the safety filter"),
        "The content filter blocked this.",
        "Charged:",
    ),
    "failed": (
        Fault("job", error="The painter fell asleep."),
        "The model failed.",
        "Run it again, or change the prompt.",
    ),
}


@pytest.mark.parametrize("kind", SAID)
def test_the_first_line_says_what_happened(served, photo, kind):
    """In words that need no second reading; the last says what to do."""
    fault, what, mend = SAID[kind]
    session, _ = served(faults=[fault])
    with pytest.raises(errors.NBBananaError) as error:
        session.edit(SNOW, photo("coffee"), seed=1)
    assert error.value.lines[0].startswith(what)
    assert mend in " ".join(error.value.lines)


def test_a_status_that_the_service_refuses_to_tell_is_said(served, photo):
    """What could not be had stands in the first line."""
    session, _ = served(faults=[Fault("status", status=403, error_code=403001, times=None)])
    with pytest.raises(errors.NBBananaError) as error:
        session.edit(SNOW, photo("coffee"), seed=1)
    assert error.value.lines[0] == "Could not get the status: the service refused."


def test_what_broke_while_it_was_sent_says_where_to_look(served, photo):
    """It may be running and charged, which the service's own list says."""
    session, _ = served(faults=[Fault.named("drop after accept", "submit")])
    with pytest.raises(errors.UncertainError) as error:
        session.edit(SNOW, photo("coffee"), seed=1)
    assert "It may be running and charged: look at the service's list of generations" in error.value.lines[-1]


def test_what_was_a_raw_error_of_python_works(session, photo, tmp_path):
    """Folders are made on the way, a result saves all of its pictures, and an output is starred by itself."""
    result = session.edit(SNOW, photo("coffee"), seed=1, n=2, resolution="0.5K")
    assert result[0].save(tmp_path / "out" / "neon.png").read_bytes() == result[0].bytes
    assert [file.parent.name for file in result.save(tmp_path / "all")] == ["all", "all"]
    assert result[1].star().starred
    assert session.history.filter(starred=True)[0].id == result.id
