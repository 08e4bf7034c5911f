"""
The POSTs of a request: each once, unless the service surely did not take it, and never after a stop.

`submit` sends one to a queue service, which gives an id. `send` sends them to a service that answers a POST with the
pictures, which it gives once and has no id for: one edit may take several, one a picture, and all are written down
before the first is sent. The exchange goes on when no caller waits for it any more, and records what it got.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from nbbanana.engine import kept
from nbbanana.engine.context import Context
from nbbanana.engine.outputs import judge, take_in
from nbbanana.engine.polling import PollSchedule
from nbbanana.engine.prices import Quote, total
from nbbanana.engine.retry import carried_on, outcome_of, post_until_taken
from nbbanana.engine.run import NotSentError, Outcome, Run, log
from nbbanana.errors import (
    NBBananaError,
    ProtocolError,
    ServiceError,
    StoreError,
    UncertainError,
)
from nbbanana.providers.base import Accepted, Downloaded, Finished, JobStatus, Outputs
from nbbanana.store.records import Edit, OutputRecord, Post, State
from nbbanana.store.records import Outcome as PostOutcome

__all__ = ["collect_answers", "send", "submit"]

RECORD_PATIENCE = 0.5
"""Seconds after which an id that the store did not take yet is kept in a file too."""
RECORD_ATTEMPTS, RECORD_PAUSE = 5, 2.0
"""How often the store is asked to take an id that a file has, and the seconds between; then the file alone has it."""
DISK_PAUSE = 2.0
"""Seconds after which an answer that the disk did not take is written again."""


async def submit(run: Run, context: Context, payload: Mapping[str, Any], *, alone: bool) -> Edit | None:
    """
    Send a request that is written down, and record what came of it.

    The exchange is shielded: when the run is cancelled in the middle of it, the POST still ends and its answer is
    still recorded, since it may have been taken.

    Returns:
        With `alone`, an edit of the same ask that another kernel sent meanwhile; then this one was not sent.

    Raises:
        NotSentError: a stop came before the service took it.
        UncertainError: it may have been taken; recorded as `unknown`.
        NBBananaError: it was refused.
    """
    other, _ = await context.rows.begin_posts(run, alone=alone)
    if other is not None:
        return other
    await carried_on(run, _exchange(run, context, payload))
    return None


async def _exchange(run: Run, context: Context, payload: Mapping[str, Any]) -> None:
    try:
        taken = await post_until_taken(
            run, context, partial(_send, run, context, payload), partial(_pause, run, context)
        )
    except NotSentError:
        await context.rows.move(run, "cancelled", note="stopped before the service took it")
        raise
    except UncertainError as error:
        run.update(phase="unknown")
        if error.request_id is None:
            await context.rows.fail(run, "unknown", error, outcome="uncertain")
        else:  # an id that came with an error is kept as carefully as any
            seen = Accepted(context.provider.handle_of(run.request.model, error.request_id), error.request_id)
            why = {"error": str(error), "error_kind": type(error).__name__}
            await _record_id(run, context, seen, "unknown", outcome="uncertain", **why)
        raise
    except NBBananaError as error:
        await context.rows.fail(run, "rejected", error, outcome=outcome_of(error))
        raise
    await _record_id(run, context, taken, "queued", outcome="accepted")
    context.limit.accepted()
    run.update(phase="queued", note=None, restart_clock=True)


async def _send(run: Run, context: Context, payload: Mapping[str, Any]) -> Accepted:
    run.update(phase="submitting", note=None, resumes_at=None)
    answer = await context.provider.submit(run.request.model, payload)
    assert isinstance(answer, Accepted), "a queue service gives an id"
    log.debug("edit %s was accepted as %s", run.row.id, answer.request_id)
    return answer


async def _pause(run: Run, context: Context, outcome: PostOutcome, seconds: float) -> None:
    """Record that a POST took nothing, wait, and record the next one before it is sent."""
    await context.rows.move(run, "submitting", note=run.progress.note, outcome=outcome)
    await run.pause(seconds)
    await context.rows.begin_posts(run)


async def _record_id(run: Run, context: Context, taken: Accepted, state: State, **facts: Any) -> None:
    """
    Keep the id, in a file beside the store too where the store does not take it at once.

    While neither takes it, as on a full disk, this goes on asking: then no other place has the id.
    """
    is_kept = False
    for attempt in itertools.count(1):
        moving = asyncio.ensure_future(
            context.rows.move(run, state, request_id=taken.request_id, handle=taken.handle, **facts)
        )
        if not is_kept and not (await asyncio.wait({moving}, timeout=RECORD_PATIENCE))[0]:
            is_kept = await _kept(run, context, taken)
        try:
            await moving
            break
        except StoreError as error:
            log.warning("edit %s was accepted as %s, and the store does not take it yet", run.row.id, taken.request_id)
            is_kept = is_kept or await _kept(run, context, taken)
            if is_kept and (error.edit_id is not None or attempt >= RECORD_ATTEMPTS):
                raise
            run.update(note=f"The store cannot be written. The request was accepted as {taken.request_id}.")
        await asyncio.sleep(RECORD_PAUSE)
    if is_kept:
        await context.rows.call(kept.forget_id, context.rows.store, run.row)


async def _kept(run: Run, context: Context, taken: Accepted) -> bool:
    try:
        # Not in the store's thread, which is the one that waits; and not in a pool, which may have ended.
        kept.keep_id(context.rows.store, run.row, taken)
    except OSError as error:
        log.warning("edit %s was accepted as %s, and no file can be written: %s", run.row.id, taken.request_id, error)
        return False
    return True


# ── answers that are pictures ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _End:
    """
    The end of one POST.

    Args:
        outputs: what its answer held, without the pictures; None where there was no answer.
        records: its pictures, in the store.
        error: why there is no picture.
        outcome: how the POST ended.
        handle: the id that the POST has here.
    """

    outcome: PostOutcome
    outputs: Outputs | None = None
    records: tuple[OutputRecord, ...] = ()
    error: NBBananaError | None = None
    handle: str | None = None


async def send(
    run: Run, context: Context, payloads: Sequence[Mapping[str, Any]], *, alone: bool, price: Quote
) -> Outcome | Edit:
    """
    Send a request that is written down, one POST a payload, and record what came of it.

    Returns:
        The outcome; with `alone`, an edit of the same ask that another kernel sent meanwhile: then nothing was sent.

    Raises:
        NotSentError: a stop came before the service took any of them.
        UncertainError: no picture came, and some may have been made; recorded as `lost`.
        NBBananaError: it was refused, or ended without a picture.
    """
    seed = run.row.seed
    seeds = [None if seed is None else seed + k for k in range(len(payloads))]
    other, posts = await context.rows.begin_posts(run, seeds, alone=alone)
    if other is not None:
        return other
    usual = PollSchedule(await context.rows.durations(run)).expected
    run.update(
        phase="running", note=None, expected=usual, outputs_total=len(posts), is_collectable=False, restart_clock=True
    )
    return await carried_on(run, _exchange_all(run, context, list(zip(posts, payloads, strict=True)), price))


async def collect_answers(run: Run, context: Context) -> Outcome:
    """
    Take the pictures out of answers that came before the kernel that asked for them ended.

    Raises:
        UncertainError: there is no answer; recorded as `unknown`.
        NBBananaError: the answer holds no picture.
    """
    found = await context.threads.check(kept.saved_answers, context.rows.store, run.row)
    ends = []
    for post, answer in found:
        if answer is not None:
            ends.append(await _read(run, context, post, answer))
        elif post.outcome in {"accepted", "uncertain"}:
            ends.append(_End("uncertain", error=_without_answer()))
    if not ends:
        error = _without_answer()
        await context.rows.fail(run, "unknown", error)
        raise error
    return await _record_answers(run, context, ends, run.row.accepted_at, None)


async def _exchange_all(
    run: Run, context: Context, posts: Sequence[tuple[Post, Mapping[str, Any]]], price: Quote
) -> Outcome:
    sendings = [_Sending(run, context, post, payload).end() for post, payload in posts]
    ends = []
    for end in await asyncio.gather(*sendings, return_exceptions=True):  # one that fails leaves none unwatched
        if isinstance(end, BaseException):
            raise end
        ends.append(end)
    context.limit.accepted()
    return await _record_answers(run, context, ends, posts[0][0].sent_at, price)


class _Sending:
    """One POST of a run, and its repetitions where the service surely did not take it."""

    def __init__(self, run: Run, context: Context, post: Post, payload: Mapping[str, Any]) -> None:
        self._run, self._context, self._payload = run, context, payload
        self._post = post
        self._is_open = True

    async def end(self) -> _End:
        """Send it, keep its answer, and take the pictures out."""
        try:
            answer = await post_until_taken(self._run, self._context, self._send, self._pause)
        except NotSentError:
            end = _End("not sent")
        except NBBananaError as error:
            end = _End(outcome_of(error), error=error)
        else:
            await _keep_answer(self._run, self._context, str(self._post.handle), answer)
            return await _read(self._run, self._context, self._post, answer)
        if self._is_open:
            await self._ended(end.outcome)
        return end

    async def _send(self) -> bytes:
        self._run.update(phase="running", note=None, resumes_at=None)
        finished = await self._context.provider.submit(self._run.request.model, self._payload)
        assert isinstance(finished, Finished), "a synchronous provider gives its answer"
        return finished.answer

    async def _pause(self, outcome: PostOutcome, seconds: float) -> None:
        """Write down that a POST took nothing, wait, and write down the next one before it is sent."""
        await self._ended(outcome)
        await self._run.pause(seconds)
        last, rows = self._post, self._context.rows
        self._post = await rows.call(
            rows.store.post_sent, last.edit_id, seed=last.seed, quote=last.quote, is_minted=True
        )
        self._is_open = True

    async def _ended(self, outcome: PostOutcome) -> None:
        self._is_open = False
        await _note_end(self._run, self._context, self._post, outcome)


async def _keep_answer(run: Run, context: Context, handle: str, answer: bytes) -> None:
    """Write an answer to the disk; while there is no room for it, this goes on trying: no other place has it."""
    while True:
        try:
            try:
                await context.threads.check(kept.keep_answer, context.rows.store, handle, answer)
            except RuntimeError:  # the engine was closed, and its threads with it
                kept.keep_answer(context.rows.store, handle, answer)
            return
        except OSError as error:
            log.warning("the answer of edit %s cannot be written: %s", run.row.id, error)
            run.update(
                note="The picture came and the disk does not take it. Make room; it is kept in memory till then."
            )
        await asyncio.sleep(DISK_PAUSE)


async def _read(run: Run, context: Context, post: Post, answer: bytes) -> _End:
    """Take the pictures out of an answer that is on the disk, into the store."""
    try:
        outputs = await context.threads.check(context.provider.outputs, run.row.model, answer)
    except ProtocolError as error:
        # What it holds may be a picture that was paid for: the file is kept, out of the way.
        await _note_end(run, context, post, "uncertain")
        path = kept.answer_file(context.rows.store, str(post.handle))
        place = await context.threads.check(kept.set_aside, context.rows.store, path, path.name)
        unreadable = UncertainError(
            "The service answered, and its answer cannot be read.",
            error.why or error.what,
            f"It may have been charged. The answer is kept in the store's folder as {place}.",
        )
        return _End("uncertain", error=unreadable)
    await _note_end(run, context, post, "accepted", outputs.cost)
    records, trouble = [], None
    for count, picture in enumerate(outputs.pictures):
        path = context.rows.store.incoming / f"{run.row.uid}-{post.ordinal}-{count}"
        try:
            await context.threads.check(path.write_bytes, picture)
            records.append(await take_in(run, context, 0, Downloaded(path, "", len(picture))))
        except ServiceError as error:
            trouble = error
    done = run.progress.outputs_done + bool(records)
    run.update(outputs_done=min(done, run.progress.outputs_total), note=None)
    return _End("accepted", replace(outputs, pictures=()), tuple(records), trouble, post.handle)


async def _note_end(run: Run, context: Context, post: Post, outcome: PostOutcome, cost: float | None = None) -> None:
    """Write down how a POST ended; what cannot be written now is settled by what the edit's row says."""
    try:
        await context.rows.call(
            context.rows.store.post_ended, run.row.id, post.ordinal, outcome, handle=post.handle, cost=cost
        )
    except StoreError as error:
        log.warning("how a POST of edit %s ended could not be written: %s", run.row.id, error.what)


async def _record_answers(
    run: Run, context: Context, ends: Sequence[_End], sent_at: float | None, price: Quote | None
) -> Outcome:
    """Bring the row to its end: whatever pictures came, it is completed."""
    answered = [end for end in ends if end.outputs is not None]
    uncertain = [end for end in ends if end.outcome == "uncertain"]
    pictures = [record for end in ends for record in end.records]
    if answered and (pictures or not uncertain):
        await _begin_end(run, context, answered, sent_at, _cost(ends))
        context.prices.check_cost(run.model.id, price, _cost(ends))
        if not pictures:
            await _without_pictures(run, context, answered)
        outputs = tuple(replace(record, index=index) for index, record in enumerate(pictures))
        await context.rows.move(run, "completed", outputs=outputs, note="; ".join(_shortfalls(ends)) or None)
        await context.rows.call(kept.forget_answers, context.rows.store, run.row)
        return Outcome(run.row, "made", (*run.notes, *_shortfalls(ends)))
    error = next((end.error for end in [*uncertain, *ends] if end.error is not None), None)
    if error is None:
        await context.rows.move(run, "cancelled", note="stopped before the service took it")
        raise NotSentError
    state: State = "rejected"
    if uncertain:
        error.how = f"{error.how} Then say what it cost: nb.history.settle({run.row.id}, cost=…)."
        run.update(phase="unknown")
        state = "unknown" if run.row.state == "queued" else "lost"
    await context.rows.fail(run, state, error)
    raise error


async def _begin_end(
    run: Run, context: Context, answered: Sequence[_End], sent_at: float | None, cost: float | None
) -> None:
    """Write down that the service made it, when, and what it cost."""
    if run.row.state == "downloading":
        return
    handle = run.row.handle or answered[0].handle
    model = next((end.outputs.model for end in answered if end.outputs and end.outputs.model), None)
    await context.rows.move(
        run,
        "downloading",
        request_id=run.row.request_id or handle,
        handle=handle,
        answered_model=model,
        cost=cost,
        accepted_at=sent_at,
    )


async def _without_pictures(run: Run, context: Context, answered: Sequence[_End]) -> None:
    """Record an edit that was answered without a picture as failed, and raise why."""
    damaged = next((end.error for end in answered if end.error is not None), None)
    if damaged is not None:
        await context.rows.fail(run, "failed", damaged)
        raise damaged
    await context.rows.call(kept.forget_answers, context.rows.store, run.row)
    told = [end.outputs for end in answered if end.outputs is not None]
    reason = next((one for one in told if one.error), told[0])
    state = "failed" if reason.error else "completed"
    cost = run.row.cost
    await judge(run, context, JobStatus(state, state, error=reason.error, is_blocked=reason.is_blocked, cost=cost))  # type: ignore[arg-type]


def _cost(ends: Sequence[_End]) -> float | None:
    """Return what the POSTs cost together; None while one may have been charged without saying how much."""
    return total(end.outputs.cost if end.outputs else None for end in ends if end.outcome in {"accepted", "uncertain"})


def _shortfalls(ends: Sequence[_End]) -> list[str]:
    """Return a sentence for each reason for which pictures are missing."""
    reasons = Counter(_reason(end) for end in ends if not end.records)
    return [f"{count} of the {len(ends)} pictures {reason}" for reason, count in reasons.items()]


def _reason(end: _End) -> str:
    if end.outcome == "not sent":
        return "was not sent: it was stopped before. It is not charged."
    if end.outcome == "uncertain":
        return "has no answer: it may have been charged, and it cannot be collected."
    words = end.outputs.error if end.outputs and end.outputs.error else end.error.why if end.error else ""
    charged = " It is not charged." if end.outcome == "refused" else ""
    return f"was refused: {words or 'the service gave no reason.'}{charged}"


def _without_answer() -> UncertainError:
    return UncertainError(
        "The answer of the service is not here.",
        "It gives the pictures once, with its answer, and that answer was lost.",
        "It may have been charged. Look at your account there.",
    )
