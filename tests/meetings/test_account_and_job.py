"""Another account is logged in while a job runs: the job stays where it was sent, and later ones go elsewhere."""

from __future__ import annotations

from pathlib import Path

from meetings.conftest import Enter
from PIL import Image

import nbbanana as nb
from nbbanana.sandbox import Sandbox


def test_a_job_ends_where_it_was_sent_and_the_next_goes_to_the_new_account(
    services: tuple[Sandbox, Sandbox], log_in: Enter, picture: Image.Image, tmp_path: Path
) -> None:
    """Each service saw one submission and gave its picture; both edits are in one history."""
    old, new = services
    log_in(old)
    with nb.Session(store=tmp_path / "store") as session:
        begun = session.submit("Make it snow.", picture, seed=1)
        old.wait_for(1, "in_progress")
        log_in(new)
        later = session.submit("Make it rain.", picture, seed=2)
        new.wait_for(1, "in_progress")
        old.finish()
        new.finish()
        results = [begun.result(), later.result()]
        assert [len(result) for result in results] == [1, 1]
        assert [result.id for result in results] == [1, 2]
    assert [job.payload["seed"] for job in old.submissions] == [1]
    assert [job.payload["seed"] for job in new.submissions] == [2]


def test_what_is_asked_again_meanwhile_is_not_paid_a_second_time(
    services: tuple[Sandbox, Sandbox], log_in: Enter, picture: Image.Image, tmp_path: Path
) -> None:
    """A finished edit answers the same seeded question although another account is logged in by then."""
    old, new = services
    log_in(old)
    with nb.Session(store=tmp_path / "store") as session:
        begun = session.submit("Make it snow.", picture, seed=1)
        old.wait_for(1, "in_progress")
        old.finish()
        first = begun.result()
        log_in(new)
        again = session.edit("Make it snow.", picture, seed=1)
        assert again.id == first.id
        assert again[0].sha256 == first[0].sha256
    assert new.submissions == []
