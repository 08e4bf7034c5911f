"""What changed is measured once pictures are paid for and kept, goes into the record, and never fails an edit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.gemini_service import GeminiService
from support.stores import asked, output, picture
from support.waiting import until

import nbbanana as nb
from nbbanana import measure, samples
from nbbanana.engine import outputs as engine_outputs
from nbbanana.errors import JobCancelledError, StoreError
from nbbanana.settings import settings
from nbbanana.store import Store
from nbbanana.store.drifts import OutputDrift

SNOW = "Keep the subject unchanged. Make it snow."
SMALL = {"resolution": "0.5K"}


@pytest.fixture
def measuring() -> None:
    """Sessions that are opened from now on measure."""
    settings().measure = True


@pytest.fixture
def photograph() -> Any:
    """The picture that is edited."""
    return samples.still_life((320, 240))


@pytest.fixture
def held(measuring: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Measuring that says when it began, and waits until it may go on."""
    began, may_end = threading.Event(), threading.Event()
    real = engine_outputs.measure_output

    def waits(*args: Any) -> Any:
        began.set()
        may_end.wait(60)
        return real(*args)

    monkeypatch.setattr("nbbanana.engine.outputs.measure_output", waits)
    yield began, may_end
    may_end.set()


@pytest.mark.painted
def test_figures_go_into_the_record_with_the_edits_own_region(
    measuring: None, session: nb.Session, photograph: Any
) -> None:
    """Each output is measured against the first input; the record says it, so does the heat map."""
    result = session.edit(SNOW, photograph, region=(0, 0, 1, 0.5), n=2, seed=7, **SMALL)
    kept = session.store.get(result.id)
    assert result.record.drifts == kept.drifts
    assert [drift.index for drift in kept.drifts] == [0, 1]
    for drift, picture_of in zip(kept.drifts, kept.outputs, strict=True):
        files = [session.store.blob_path(name) for name in (kept.inputs[0].sha256 or "", picture_of.sha256)]
        found = measure.drift(*files, region=(0, 0, 1, 0.5))
        assert drift == OutputDrift(
            picture_of.index, kept.inputs[0].sha256 or "", found.sentence, None, found.as_json()
        )
        assert session.store.heat_map(result.id, picture_of.index) == found.heat_file()
    assert session.edit(SNOW, photograph, n=2, seed=7, **SMALL).record.drifts == kept.drifts, "so has a replay"


@pytest.mark.painted
def test_a_mask_is_a_region_and_a_region_of_another_picture_is_none(
    measuring: None, session: nb.Session, photograph: Any
) -> None:
    """What a mask has in white was to change; a region on the second picture says nothing about the first."""
    part = nb.region(photograph, boxes=[(0.5, 0, 1, 1)])
    masked = session.edit("Paint a bird.", photograph, mask=part.mask(), model="qwen", seed=1)
    [drift] = masked.record.drifts
    assert drift.figures is not None
    assert drift.figures["is_region_given"]
    assert drift.figures["region"] == [pytest.approx([0.5, 0, 1, 1], abs=0.02)]
    other = samples.still_life((300, 200))
    second = session.edit(SNOW, [photograph, other], region=nb.region(other, boxes=[(0, 0, 1, 0.5)]), seed=1, **SMALL)
    assert second.record.region.input == 1
    assert [drift.figures["is_region_given"] for drift in second.record.drifts] == [False]


def test_nothing_is_measured_where_it_is_switched_off(session: nb.Session, photograph: Any) -> None:
    """`%config NBBanana.measure = False`, or its variable, which these tests have set."""
    assert not settings().measure
    assert session.edit(SNOW, photograph, seed=7, **SMALL).record.drifts == ()


@pytest.mark.painted
def test_the_setting_holds_from_the_next_edit_on(measuring: None, session: nb.Session, photograph: Any) -> None:
    """Also where this session has sent requests before."""
    assert session.edit(SNOW, photograph, seed=1, **SMALL).record.drifts
    settings().measure = False
    assert not session.edit(SNOW, photograph, seed=2, **SMALL).record.drifts
    settings().measure = True
    assert session.edit(SNOW, photograph, seed=3, **SMALL).record.drifts


def test_nothing_is_measured_without_numpy(
    measuring: None, session: nb.Session, photograph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an extra; without it an edit is what it was."""
    real = measure.find_spec
    monkeypatch.setattr(measure, "find_spec", lambda name: None if name == "numpy" else real(name))
    result = session.edit(SNOW, photograph, seed=7, **SMALL)
    assert (len(result), result.record.drifts) == (1, ())


def test_what_cannot_be_told_is_recorded_with_its_reason(
    measuring: None, session: nb.Session, monkeypatch: pytest.MonkeyPatch, photograph: Any
) -> None:
    """A picture in one colour has nothing to register by."""
    from PIL import Image

    plain = session.edit(SNOW, Image.new("RGB", (320, 240), "teal"), seed=7, **SMALL)
    assert [(drift.reason, drift.figures) for drift in plain.record.drifts] == [("plain", None)]
    assert plain.record.drifts[0].sentence
    assert session.store.heat_map(plain.id, 0) is None


TROUBLES = {
    "memory that is not there": MemoryError(),
    "a disk that fails": OSError(5, "Input/output error"),
    "a picture that is damaged": nb.errors.ImageError("It is damaged."),
    "something that nobody foresaw": ZeroDivisionError("division by zero"),
}


@pytest.mark.parametrize("what", TROUBLES)
def test_no_trouble_with_measuring_fails_an_edit(
    what: str,
    measuring: None,
    session: nb.Session,
    photograph: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The picture is here, the record is complete, and the log says that it was not measured."""

    def fails(*_: Any, **__: Any) -> Any:
        raise TROUBLES[what]

    monkeypatch.setattr("nbbanana.measure.drift", fails)
    result = session.edit(SNOW, photograph, seed=7, **SMALL)
    assert (result[0].size, result.record.state, result.record.drifts) == (result[0].pil.size, "completed", ())
    assert "measured" in caplog.text


def test_a_store_that_cannot_be_written_any_more_keeps_the_picture(
    measuring: None, session: nb.Session, photograph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edit was recorded before; only its figures are missing, and can be measured later."""

    def full(*_: Any) -> Any:
        raise StoreError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "measured", full)
        result = session.edit(SNOW, photograph, seed=7, **SMALL)
    assert (len(result), result.record.drifts) == (1, ())
    assert session.store.unmeasured() == [result.id]


def test_a_stop_while_it_is_measured_gives_the_pictures(
    held: tuple[threading.Event, threading.Event], session: nb.Session, photograph: Any
) -> None:
    """They are paid for: ■ ends the measuring, and the result is there at once."""
    job = session.submit(SNOW, photograph, seed=7, **SMALL)
    assert held[0].wait(60)
    assert session.store.get(job.edit_id).state == "completed"
    assert not job.cancel()
    result = job.result()
    assert (len(result), result.record.drifts) == (1, ())
    assert session.edit(SNOW, photograph, seed=7, **SMALL).id == result.id


def test_a_session_that_closes_while_it_is_measured_keeps_the_edit(
    held: tuple[threading.Event, threading.Event], tmp_path: Path, paint: str, photograph: Any
) -> None:
    """Closing does not wait for figures."""
    session = nb.Session(provider="sandbox", store=tmp_path)
    job = session.submit(SNOW, photograph, seed=7, **SMALL)
    assert held[0].wait(60)
    session.close()
    with suppress(JobCancelledError):
        assert len(job.result()) == 1
    held[1].set()
    with Store.open(tmp_path) as store:
        [edit] = store.filter()
        assert (edit.state, len(edit.outputs), edit.drifts) == ("completed", 1, ())
        assert store.verify().ok


def test_one_picture_is_measured_at_a_time(
    measuring: None, session: nb.Session, photograph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever arrives together: measuring takes memory in proportion to a picture."""
    at_once: list[int] = []
    busy: set[int] = set()
    real = engine_outputs.measure_output

    def counted(*args: Any) -> Any:
        busy.add(threading.get_ident())
        at_once.append(len(busy))
        try:
            return real(*args)
        finally:
            busy.discard(threading.get_ident())

    monkeypatch.setattr("nbbanana.engine.outputs.measure_output", counted)
    first = session.edit(SNOW, photograph, n=2, seed=1, **SMALL)
    first.vary(seeds=range(2, 6))
    assert (len(at_once), max(at_once)) == (10, 1)


def test_a_synchronous_service_is_measured_too(
    measuring: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, photograph: Any
) -> None:
    """What a POST answers with is measured as what a queue gives."""
    with GeminiService() as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        with nb.Session(provider="gemini", store=tmp_path / "gemini") as session:
            result = session.edit(SNOW, photograph)
    assert [drift.index for drift in result.record.drifts] == [0]


def test_a_job_that_is_collected_later_is_measured_then(
    measuring: None, served: Callable[..., Any], photograph: Any
) -> None:
    """Its pictures arrive then."""
    session, _ = served(duration=1.0, time_scale=1)
    job = session.submit(SNOW, photograph, seed=1, **SMALL)
    until(lambda: job.status == "running")
    job.cancel()
    [result] = session.history.resume()
    assert (result.id, len(result.record.drifts)) == (job.edit_id, 1)


def test_an_input_that_is_known_by_its_address_alone_is_not_measured(tmp_path: Path) -> None:
    """Nothing is fetched for it."""
    edit = replace(asked("Make it snow.", picture()), state="completed")
    by_address = replace(edit, inputs=(replace(picture(), sha256=None, url="https://example.com/a.png"),))
    assert engine_outputs.first_input(edit) == picture()
    assert engine_outputs.first_input(by_address) is engine_outputs.first_input(replace(edit, inputs=())) is None
    with Store.open(tmp_path) as store:
        assert engine_outputs.measure_output(store.blob_path, by_address, output("one")) is None
