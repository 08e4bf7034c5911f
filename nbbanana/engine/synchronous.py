"""
Sending to a service that answers a POST with the pictures, which it gives once and has no id for.

One edit may take several POSTs, one a picture: all are written down before the first is sent, and each is sent once.
The exchange goes on when no caller waits for it any more, and records what it got.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nbbanana.engine import answer_files
from nbbanana.engine.context import Context
from nbbanana.engine.endings import judge
from nbbanana.engine.intake import take_in
from nbbanana.engine.polling import PollSchedule
from nbbanana.engine.posting import observed, until_taken
from nbbanana.engine.prices import Quote
from nbbanana.engine.run import NotSentError, Outcome, Run
from nbbanana.errors import (
    NBBananaError,
    NetworkError,
    ProtocolError,
    ServiceError,
    StoreError,
    UncertainError,
)
from nbbanana.providers.base import Downloaded, Finished, JobStatus, Outputs
from nbbanana.store.ledger import handle_of_post
from nbbanana.store.records import Edit, OutputRecord, Post
from nbbanana.store.records import Outcome as PostOutcome

__all__ = ["collect", "send"]

DISK_PAUSE = 2.0
"""Seconds after which an answer that the disk did not take is written again."""

log = logging.getLogger("nbbanana.engine")


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
    if run.stop_requested:
        raise NotSentError
    seed = run.row.seed
    seeds = [None if seed is None else seed + k for k in range(len(payloads))]
    other, posts = await context.rows.begin_posts(run, seeds, alone=alone)
    if other is not None:
        return other
    durations = await context.rows.durations(run)
    usual = PollSchedule(durations).expected
    run.update(
        phase="running", note=None, expected=usual, outputs_total=len(posts), is_collectable=False, restart_clock=True
    )
    exchange = asyncio.create_task(_exchange(run, context, list(zip(posts, payloads, strict=True)), price))
    run.exchange = exchange
    exchange.add_done_callback(observed)
    return await asyncio.shield(exchange)


async def collect(run: Run, context: Context) -> Outcome:
    """
    Take the pictures out of answers that came before the kernel that asked for them ended.

    Raises:
        UncertainError: there is no answer; recorded as `unknown`.
        NBBananaError: the answer holds no picture.
    """
    found = await context.threads.check(answer_files.saved, context.rows.store, run.row)
    ends = []
    for post, answer in found:
        if answer is not None:
            ends.append(await _read(run, context, post, answer))
        elif post.outcome in {"accepted", "uncertain"}:
            ends.append(_End("uncertain", error=_without_answer()))
    if not ends:
        error = _without_answer()
        await context.rows.move(run, "unknown", error=str(error), error_kind=type(error).__name__)
        raise error
    return await _record(run, context, ends, run.row.accepted_at, None)


async def _exchange(
    run: Run, context: Context, posts: Sequence[tuple[Post, Mapping[str, Any]]], price: Quote
) -> Outcome:
    sendings = [_Sending(run, context, post, payload).end() for post, payload in posts]
    ends = []
    for end in await asyncio.gather(*sendings, return_exceptions=True):  # one that fails leaves none unwatched
        if isinstance(end, BaseException):
            raise end
        ends.append(end)
    context.limit.accepted()
    return await _record(run, context, ends, posts[0][0].sent_at, price)


class _Sending:
    """One POST of a run, and its repetitions where the service surely did not take it."""

    def __init__(self, run: Run, context: Context, post: Post, payload: Mapping[str, Any]) -> None:
        self._run, self._context, self._payload = run, context, payload
        self._post = post
        self._is_open = True

    async def end(self) -> _End:
        """Send it, keep its answer, and take the pictures out."""
        try:
            answer = await until_taken(self._run, self._context, self._send, self._pause)
        except NotSentError:
            if self._is_open:
                await self._ended("not sent")
            return _End("not sent")
        except UncertainError as error:
            await self._ended("uncertain")
            return _End("uncertain", error=error)
        except NBBananaError as error:
            outcome: PostOutcome = "not sent" if isinstance(error, NetworkError) else "refused"
            await self._ended(outcome)
            return _End(outcome, error=error)
        await _keep(self._run, self._context, self._post, answer)
        return await _read(self._run, self._context, self._post, answer)

    async def _send(self) -> bytes:
        self._run.update(phase="running", note=None, resumes_at=None)
        finished = await self._context.provider.submit(self._run.request.model, self._payload)
        assert isinstance(finished, Finished), "a synchronous provider gives its answer"
        return finished.answer

    async def _pause(self, outcome: PostOutcome, seconds: float) -> None:
        """Write down that a POST took nothing, wait, and write down the next one before it is sent."""
        await self._ended(outcome)
        await self._run.pause(seconds)
        row, last, rows = self._run.row, self._post, self._context.rows
        ordinal = await rows.call(rows.store.post_sent, row.id, seed=last.seed, quote=last.quote, is_minted=True)
        self._post = replace(last, ordinal=ordinal, handle=handle_of_post(row.uid, ordinal))
        self._is_open = True

    async def _ended(self, outcome: PostOutcome) -> None:
        self._is_open = False
        await _note_end(self._run, self._context, self._post, outcome)


async def _keep(run: Run, context: Context, post: Post, answer: bytes) -> None:
    """Write an answer to the disk; while there is no room for it, this goes on trying: no other place has it."""
    while True:
        try:
            await _write(context, str(post.handle), answer)
            return
        except OSError as error:
            log.warning("the answer of edit %s cannot be written: %s", run.row.id, error)
            run.update(
                note="The picture came and the disk does not take it. Make room; it is kept in memory till then."
            )
        await asyncio.sleep(DISK_PAUSE)


async def _write(context: Context, handle: str, answer: bytes) -> None:
    try:
        await context.threads.check(answer_files.keep, context.rows.store, handle, answer)
    except RuntimeError:  # the engine was closed, and its threads with it
        answer_files.keep(context.rows.store, handle, answer)


async def _read(run: Run, context: Context, post: Post, answer: bytes) -> _End:
    """Take the pictures out of an answer that is on the disk, into the store."""
    try:
        outputs = await context.threads.check(context.provider.outputs, run.row.model, answer)
    except ProtocolError as error:
        # What it holds may be a picture that was paid for: the file is kept, out of the way.
        await _note_end(run, context, post, "uncertain")
        place = await context.threads.check(answer_files.set_aside, context.rows.store, str(post.handle))
        return _End("uncertain", error=_unreadable(error, place))
    await _note_end(run, context, post, "accepted", outputs.cost)
    records, trouble = [], None
    for count, picture in enumerate(outputs.pictures):
        try:
            records.append(await _taken_in(run, context, f"{post.ordinal}-{count}", picture))
        except ServiceError as error:
            trouble = error
    done = run.progress.outputs_done + bool(records)
    run.update(outputs_done=min(done, run.progress.outputs_total), note=None)
    return _End("accepted", replace(outputs, pictures=()), tuple(records), trouble, post.handle)


async def _taken_in(run: Run, context: Context, name: str, picture: bytes) -> OutputRecord:
    path = context.rows.store.incoming / f"{run.row.uid}-{name}"
    await context.threads.check(path.write_bytes, picture)
    return await take_in(run, context, 0, Downloaded(path, "", len(picture)))


async def _note_end(run: Run, context: Context, post: Post, outcome: PostOutcome, cost: float | None = None) -> None:
    """Write down how a POST ended; what cannot be written now is settled by what the edit's row says."""
    try:
        await context.rows.call(
            context.rows.store.post_ended, run.row.id, post.ordinal, outcome, handle=post.handle, cost=cost
        )
    except StoreError as error:
        log.warning("how a POST of edit %s ended could not be written: %s", run.row.id, error.what)


async def _record(
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
        await context.rows.call(answer_files.forget, context.rows.store, run.row)
        return Outcome(run.row, "made", (*run.notes, *_shortfalls(ends)))
    error = next((end.error for end in [*uncertain, *ends] if end.error is not None), None)
    if error is None:
        await context.rows.move(run, "cancelled", note="stopped before the service took it")
        raise NotSentError
    facts: dict[str, Any] = {"error": str(error), "error_kind": type(error).__name__}
    if uncertain:
        error.how = f"{error.how} Then say what it cost: nb.history.settle({run.row.id}, cost=…)."
        facts["error"] = str(error)
        run.update(phase="unknown")
        await context.rows.move(run, "unknown" if run.row.state == "queued" else "lost", **facts)
    else:
        await context.rows.move(run, "rejected", **facts)
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
        await context.rows.move(run, "failed", error=str(damaged), error_kind=type(damaged).__name__)
        raise damaged
    await context.rows.call(answer_files.forget, context.rows.store, run.row)
    told = [end.outputs for end in answered if end.outputs is not None]
    reason = next((one for one in told if one.error), told[0])
    state = "failed" if reason.error else "completed"
    cost = run.row.cost
    await judge(run, context, JobStatus(state, state, error=reason.error, is_blocked=reason.is_blocked, cost=cost))  # type: ignore[arg-type]


def _cost(ends: Sequence[_End]) -> float | None:
    """Return what the POSTs cost together; None while one may have been charged without saying how much."""
    costs = [end.outputs.cost if end.outputs else None for end in ends if end.outcome in {"accepted", "uncertain"}]
    known = [cost for cost in costs if cost is not None]
    return round(sum(known), 9) if len(known) == len(costs) else None


def _shortfalls(ends: Sequence[_End]) -> list[str]:
    """Return a sentence for each reason for which pictures are missing."""
    reasons: dict[str, int] = {}
    for end in ends:
        if not end.records:
            reasons[_reason(end)] = reasons.get(_reason(end), 0) + 1
    total = len(ends)
    return [f"{count} of the {total} pictures {reason}" for reason, count in reasons.items()]


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


def _unreadable(error: ProtocolError, place: str) -> UncertainError:
    return UncertainError(
        "The service answered, and its answer cannot be read.",
        error.why or error.what,
        f"It may have been charged. The answer is kept in the store's folder as {place}.",
    )
