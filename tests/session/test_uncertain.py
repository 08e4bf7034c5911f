"""When nobody can tell: said in plain words, recorded, never sent again by itself, never free."""

from __future__ import annotations

import io
import math

import pytest
from PIL import Image

import nbbanana as nb
from nbbanana import errors
from nbbanana.sandbox import Fault
from nbbanana.sandbox.faults import FaultScript

SNOW = "Keep the subject unchanged. Make it snow."


@pytest.mark.parametrize(
    "kind",
    [
        "reset after accept",
        "drop after accept",
        "truncated",
        "503",
        "500",
        "502 html",
        "408",
        "409",
        "garbage",
        "empty",
    ],
)
def test_an_uncertain_submit_is_recorded_as_unknown_and_never_repeated(served, photo, kind):
    """Whatever leaves the POST in doubt ends as `unknown`, after one POST."""
    session, box = served(faults=[Fault.named(kind, "submit")])
    with pytest.raises(errors.UncertainError) as caught:
        session.edit(SNOW, photo("portrait"), seed=1)
    assert "may be running and charged" in str(caught.value)
    assert session.store.get(caught.value.edit_id).state == "unknown"
    assert [seen.path.rpartition("/models/")[1] for seen in box.requests if seen.method == "POST"] == ["/models/"]


def test_a_429_is_asked_again(served, photo):
    """A 429 surely took nothing, so the same request goes out again after the pause it asks for."""
    session, box = served(faults=[Fault("submit", status=429, retry_after=0.1)])
    assert len(session.edit(SNOW, photo("portrait"), seed=1)) == 1
    assert len(box.submissions) == 1


def test_a_connection_never_made_took_nothing(served, photo):
    """Where nobody listens nothing was sent: said so, and recorded as rejected."""
    session, box = served()
    with box.refusing(), pytest.raises(errors.NetworkError, match="nothing is charged") as caught:
        session.edit(SNOW, photo("portrait"), seed=1)
    assert session.store.get(caught.value.edit_id).state == "rejected"
    assert not box.submissions


@pytest.mark.parametrize(
    ("fault", "kind", "exit_code"),
    [
        (Fault("submit", status=400, error_code=400004), errors.TokenRejectedError, 77),
        (Fault("submit", status=401), errors.TokenRejectedError, 77),
        (Fault("submit", status=400, error_code=400002), errors.BalanceError, 65),
        (Fault("submit", status=402), errors.BalanceError, 65),
        (Fault("submit", error_code=400002), errors.BalanceError, 65),
        (Fault("submit", status=403, error_code=403001), errors.NotYoursError, 77),
        (Fault("submit", status=400, error_code=400001), errors.UnknownModelError, 65),
        (
            Fault("submit", status=422, body='{"detail":[{"loc":["body","seed"],"msg":"too large"}]}'),
            errors.RejectedError,
            65,
        ),
    ],
)
def test_a_refusal_is_typed_by_its_code_first(served, photo, fault, kind, exit_code):
    """`error_code` decides before the HTTP status, also in an answer with HTTP 200; nothing was bought."""
    session, box = served(faults=[fault])
    with pytest.raises(kind) as caught:
        session.edit(SNOW, photo("portrait"), seed=1)
    assert caught.value.exit_code == exit_code
    assert session.store.get(caught.value.edit_id).state == "rejected"
    assert not box.submissions


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        *(("status", kind) for kind in ("reset before", "drop before", "500", "503", "429", "408", "empty", "garbage")),
        *((target, kind) for target in ("result", "download") for kind in ("502 html", "truncated")),
    ],
)
def test_a_question_that_fails_is_asked_again(served, photo, target, kind):
    """Polls, results and downloads cost nothing, so a bad answer is asked for again, and the edit completes."""
    session, box = served(faults=[Fault.named(kind, target)])
    assert len(session.edit(SNOW, photo("portrait"), seed=1)) == 1
    assert len(box.submissions) == 1


def test_a_failed_job_says_its_reason(served, photo):
    """The reason of a failure is in the error and in the record."""
    session, _ = served(faults=[Fault("job", error="The muse was asleep.")])
    with pytest.raises(errors.JobFailedError, match="muse was asleep") as caught:
        session.edit(SNOW, photo("portrait"), seed=1)
    edit = session.store.get(caught.value.edit_id)
    assert edit.state == "failed"
    assert "muse" in edit.error


def test_refused_content_is_its_own_error(served, photo):
    """Content that the service refuses is told apart from a failure."""
    session, _ = served(faults=[Fault("job", error="Blocked by the safety filter.")])
    with pytest.raises(errors.BlockedError):
        session.edit(SNOW, photo("portrait"), seed=1)


def test_completed_without_a_picture_is_no_success(served, photo):
    """No picture is an error that says that it may have been charged."""
    session, _ = served(faults=[Fault("job", outputs=0)])
    with pytest.raises(errors.NoImagesError, match=r"[Cc]harged"):
        session.edit(SNOW, photo("portrait"), seed=1)


def test_fewer_pictures_than_asked_is_said(served, photo):
    """Three of four is a result with a note."""
    session, _ = served(faults=[Fault("job", outputs=3)])
    result = session.edit(SNOW, photo("portrait"), seed=1, number_of_images=4)
    assert len(result) == 3
    assert any("3 of the 4" in note for note in result.notes)


def test_a_page_in_the_place_of_a_picture_passes_or_leaves_the_edit_collectable(served, photo, monkeypatch):
    """What arrives must be a picture by its bytes. A page may give way to it, so a paid job is not given up."""
    monkeypatch.setattr("nbbanana.engine.fetch.PATIENCE", 1.0)
    page = Fault("download", body="<html>hello</html>", content_type="image/png", times=None)
    session, box = served(faults=[page])
    with pytest.raises(errors.DownloadError, match="not a picture") as caught:
        session.edit(SNOW, photo("portrait"), seed=1)
    assert session.store.get(caught.value.edit_id).state == "downloading"
    monkeypatch.setattr(box, "script", FaultScript())
    assert [result.id for result in session.history.resume()] == [caught.value.edit_id]


def test_bytes_that_are_no_picture_at_all_are_refused(served, photo):
    """What is neither a picture nor a page is not waited for."""
    session, _ = served(faults=[Fault("download", body="\x00\x01\x02" * 50, content_type="image/png", times=None)])
    with pytest.raises(errors.UnsafeDownloadError, match="not a picture"):
        session.edit(SNOW, photo("portrait"), seed=1)


def test_the_token_is_nowhere(served, photo, capfd):
    """Errors, reprs and the store never hold the token."""
    session, box = served(faults=[Fault("submit", status=401)])
    with pytest.raises(errors.TokenRejectedError) as caught:
        session.edit(SNOW, photo("portrait"), seed=1)
    provider = session.engine_at().provider
    texts = [str(caught.value), repr(caught.value), repr(session), repr(provider), *capfd.readouterr()]
    texts += [file.read_bytes().decode("latin-1") for file in session.folder.rglob("*") if file.is_file()]
    assert not [text for text in texts if box.token in text]


def test_a_picture_whose_pixels_are_damaged_is_not_delivered_as_if_it_were_fine(served, photo, tmp_path):
    """A wrong checksum in a PNG is found before the output is recorded; its bytes are kept beside the store."""
    stream = io.BytesIO()
    Image.linear_gradient("L").save(stream, "PNG")
    damaged = bytearray(stream.getvalue())
    damaged[len(damaged) // 2] ^= 0xFF
    session, _ = served(faults=[Fault("download", body=bytes(damaged), content_type="image/png", times=None)])
    with pytest.raises(errors.UnsafeDownloadError, match="not a picture") as caught:
        session.edit(SNOW, photo("portrait"), seed=1)
    edit = session.store.get(caught.value.edit_id)
    assert not edit.outputs
    assert (session.folder / "damaged" / f"{edit.uid}-0").read_bytes() == bytes(damaged)
    assert f"damaged/{edit.uid}-0" in caught.value.lines[-1]


def test_no_more_outputs_are_fetched_than_can_have_been_asked_for(served, photo):
    """An answer that names many more is cut to what the model can make at once, and that is said."""
    session, box = served(faults=[Fault("job", outputs=12)])
    result = session.edit(SNOW, photo("portrait"), seed=1)
    assert len(result) == 4
    assert len([seen for seen in box.requests if seen.target == "download"]) == 4
    assert "The service named 12 outputs; the first 4 were fetched." in result.notes


def test_a_job_that_cannot_be_collected_keeps_no_other_from_it(served, photo):
    """The first failed at the service, the second is good: its picture is in the store when the error is raised."""
    session, box = served(duration=math.inf, time_scale=1, faults=[Fault("job", error="It broke.")])
    for seed in (1, 2):  # the first that is accepted is the one that fails
        job = session.submit(SNOW, photo("portrait"), seed=seed)
        while job.request_id is None:
            job.wait(0.02)
    session.close()
    box.finish()
    with nb.Session(store=session.folder) as later:
        with pytest.raises(errors.JobFailedError, match="failed"):
            later.history.resume()
        assert [result.record.state for result in later.history] == ["failed", "completed"]
