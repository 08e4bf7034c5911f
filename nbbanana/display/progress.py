"""The place of a result that is on its way: the finished grid's header, tiles and last line, until it comes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from nbbanana.display import parts, words
from nbbanana.display.grid import result_html
from nbbanana.display.layout import count_of, expected_ratio, layout_of
from nbbanana.display.thumbs import data_uri, faint, load, small_uri
from nbbanana.display.views import Picture, ResultView
from nbbanana.text import one_line

if TYPE_CHECKING:
    from nbbanana.engine.run import Progress

__all__ = ["ProgressDisplay", "Standing", "standing", "stopping"]

MOST_FAINT = 12
"""With more tiles than this they stay empty, so that an update weighs little."""

ARRIVED_WIDTH = 100
"""CSS pixels for which a finished picture is sharp until all are here; with more than four tiles less."""

MARKS = {
    "preparing": ("○", "Preparing"),
    "submitting": ("○", "Sending"),
    "paused": ("○", "Waiting"),
    "queued": ("○", "Queued"),
    "running": ("◐", "Running"),
    "downloading": ("◕", "Downloading"),
    "done": ("●", "Done"),
    "cancelled": ("■", "Stopped"),
    "failed": ("×", "Failed"),
    "unknown": ("?", "Unknown"),
}

WHAT_STOPPING_DOES = {
    "preparing": (("■ ends it here: nothing is sent.", ""),),
    "submitting": (("■ ends it if it can still be ended; it is on its way and may be charged.", ""),),
    "paused": (("■ ends it here: it was refused, nothing is charged.", ""),),
    "queued": (("■ ends it here: nothing is charged.", ""),),
    "running": (("■ stops waiting: it runs on, may be charged, and ", "%nbresume"), (" collects it.", "")),
    "downloading": (("■ stops waiting: the pictures are made, and ", "%nbresume"), (" fetches them.", "")),
}
"""Said before it is pressed, as pairs of words and what can be typed."""

ONLY_HERE = (
    ("■ stops waiting: it runs on and may be charged. Its pictures go to the history while this kernel runs.", ""),
)
"""The same of what runs at a service that gives its pictures once."""

WHAT_CANCELLING_DOES = {
    "preparing": (("Its .cancel() ends it here: nothing is sent.", ""),),
    "submitting": (("It is on its way and may be charged.", ""),),
    "paused": (("It was refused for now and is sent again; nothing is charged yet.", ""),),
    "queued": (("Its .cancel() ends it here: nothing is charged.", ""),),
    "running": (("It runs, and may be charged; the pictures come here by themselves.", ""),),
    "downloading": (("The pictures are made and come here by themselves.", ""),),
}
"""The same for a job that no cell waits for."""

Advice = Mapping[str, tuple[tuple[str, str], ...]]

UNSEEN = 2147483647
"""As wide as a seed gets: what the facts keep room for."""


class Standing(NamedTuple):
    """Where a job stands, in words; `most` is how far the bar goes, 0 where there is none."""

    mark: str
    word: str
    detail: str
    value: float = 0
    most: float = 0


class ProgressDisplay:
    """
    The display of one job; keeps the small copies, so that an update costs a template and a few kilobytes.

    Args:
        view: the job's view when it begins.
        is_waited: whether a cell waits for it, which ■ would stop.
    """

    def __init__(self, view: ResultView, *, is_waited: bool = True) -> None:
        self._view = view
        self._advice = WHAT_STOPPING_DOES if is_waited else WHAT_CANCELLING_DOES
        self._header = parts.header(view)
        self._arrived: dict[str, str] = {}
        self._faint = ""
        if self._header.primary is not None and count_of(view) <= MOST_FAINT:
            self._faint = data_uri(faint(self._header.primary, expected_ratio(view)))

    def bundle(self, progress: Progress, view: ResultView | None = None) -> dict[str, str]:
        """
        Return the display of the job as it is now.

        Args:
            progress: where the job stands.
            view: the job's view now, where pictures have come since.

        Returns:
            `text/html` and `text/plain`; equal arguments give equal bundles, so an unchanged one need not be sent.
        """
        view = view or self._view
        state, on_stop = standing(progress, view.provider if view.is_play else ""), _advice(progress, self._advice)
        last = [on_stop] if on_stop else []
        html = self._html(view, self._tiles(view), state, facts=_facts_to_come(view, progress), last=last)
        text = "\n".join([_sentence(view, state), *map(one_line, view.notes)])
        return {"text/plain": text, "text/html": html}

    def stopped(self, progress: Progress, said: str, view: ResultView | None = None) -> dict[str, str]:
        """
        Return the display of a job that ended without a result.

        Args:
            progress: how it ended: cancelled, failed, unknown.
            said: what happened and what to do, each line its own, such as the lines of an error.
            view: the job's view now; pictures that came all the same are shown.
        """
        view = view or self._view
        state, rest = _ending(progress, said)
        tiles = [tile for tile in self._tiles(view) if tile["is_here"]]
        html = self._html(view, tiles, state, facts=[], last=[[(line, "")] for line in rest])
        return {"text/plain": "\n".join([_sentence(view, state), *rest]), "text/html": html}

    def _html(self, view: ResultView, tiles: Sequence[parts.Tile], state: Standing, **more: Any) -> str:
        notes = [one_line(note) for note in view.notes]
        return result_html("progress", view, self._header, tiles, state=state, notes=notes, **more)

    def _tiles(self, view: ResultView) -> list[parts.Tile]:
        count, layout = count_of(view), layout_of(view)
        tiles = []
        for number in range(1, count + 1):
            if number <= len(view.pictures):
                picture = view.pictures[number - 1]
                uri = self._small(picture, count)
                tiles.append(parts.tile(picture, uri, layout, alt=parts.alt(view, number, count)))
            else:
                tiles.append(self._place(view, number, count))
        return tiles

    def _place(self, view: ResultView, number: int, count: int) -> parts.Tile:
        ratio = expected_ratio(view)
        empty = Picture(f"{view.label}[{number - 1}]", None, round(100_000 * ratio), 100_000)
        tile = parts.tile(empty, self._faint, layout_of(view), alt=f"Picture {number} of {count}, not here yet")
        return tile | {"title": "", "is_here": False}

    def _small(self, picture: Picture, count: int) -> str:
        """Return a picture that has come, decoded once, as small as it may be until all are here."""
        if picture.label not in self._arrived:
            side = ARRIVED_WIDTH * min(1.0, (4 / count) ** 0.5)
            image = load([picture.source], [(side, side)])[0]
            self._arrived[picture.label] = small_uri(image, 50)
        return self._arrived[picture.label]


def standing(progress: Progress, play: str = "") -> Standing:
    """
    Return where a job stands, for this display or one of another kind.

    Args:
        progress: the job's.
        play: the provider that runs it, where its money is play money: that is said on every line.

    >>> from nbbanana.engine.run import Progress
    >>> standing(Progress("queued", queue_position=2))
    Standing(mark='○', word='Queued', detail='third in line', value=0.0, most=0.0)
    """
    mark, word = MARKS[progress.phase]
    detail, value, most = "", 0.0, 0.0
    if progress.phase == "queued":
        detail = _queue(progress)
    elif progress.phase == "paused":
        detail = _countdown(progress)
    elif progress.phase == "running":
        detail, value, most = _clock(progress)
    elif progress.phase == "downloading":
        detail, value, most = _arriving(progress)
    detail = " · ".join(filter(None, [detail, one_line(play), one_line(progress.note or "")]))
    return Standing(mark, word, detail, value, most)


def stopping(progress: Progress) -> str:
    """
    Return what stopping the job would do now, as a sentence that begins with its verb; empty once it is over.

    >>> from nbbanana.engine.run import Progress
    >>> stopping(Progress("queued"))
    'ends it here: nothing is charged.'
    """
    said = _advice(progress, WHAT_STOPPING_DOES) or ()
    return "".join(words + typed for words, typed in said).removeprefix("■ ")


def _advice(progress: Progress, advice: Advice) -> tuple[tuple[str, str], ...] | None:
    """Return what stopping does now; None where there is nothing to say."""
    if progress.phase == "running" and not progress.is_collectable and advice is WHAT_STOPPING_DOES:
        return ONLY_HERE
    return advice.get(progress.phase)


def _ending(progress: Progress, said: str) -> tuple[Standing, list[str]]:
    lines = [one_line(line) for line in said.splitlines() if line.strip()] or [""]
    mark, word = MARKS[progress.phase if progress.is_over else "cancelled"]
    # "Cancelled in the queue: …" has its first word in bold; it is not said twice.
    first, _, detail = lines[0].partition(" ")
    if first.rstrip(".:,") in {"Cancelled", "Stopped", "Failed", "Unknown"}:
        word, lines[0] = first.rstrip(".:,"), detail
    return Standing(mark, word, lines[0]), lines[1:]


def _queue(progress: Progress) -> str:
    place = words.place_in_line(progress.queue_position) if progress.queue_position is not None else ""
    about = f"about {_round(progress.expected)}" if progress.expected else ""
    return " · ".join(filter(None, [place, about]))


def _countdown(progress: Progress) -> str:
    if progress.resumes_at is None:
        return ""
    return f"again in {_round(max(0.0, progress.resumes_at - time.monotonic()))}"


def _clock(progress: Progress) -> tuple[str, float, float]:
    elapsed = int(progress.elapsed)
    if not progress.expected:
        return _round(elapsed), 0, 0
    most = max(1, round(progress.expected))
    if elapsed > most:
        return f"{_round(elapsed)}, longer than usual (about {_round(most)})", most, most
    passed = str(elapsed) if most < 60 else _round(elapsed)
    return f"{passed} of about {_round(most)}", elapsed, most


def _arriving(progress: Progress) -> tuple[str, float, float]:
    total = progress.outputs_total
    if not total:
        return "", 0, 0
    came = f"{progress.outputs_done} of {words.pictures(total)}"
    size = f" · {words.file_size(progress.bytes_done)}" if progress.bytes_done else ""
    return came + size, progress.outputs_done, total


def _round(seconds: float) -> str:
    """Return a time in whole seconds, so that a display changes once a second at most."""
    return words.duration(round(seconds), 0)


def _facts_to_come(view: ResultView, progress: Progress) -> Sequence[str]:
    """Return the facts as they will stand there, for their length alone."""
    seed = view.parameters.get("seed", UNSEEN)
    came = (Picture("", None, 1024, 1024, seed=seed),) * view.expected
    return words.facts(replace(view, pictures=came, seconds=progress.expected or 10.0, cost=0.0, origin=None))


def _sentence(view: ResultView, state: Standing) -> str:
    head = f"{state.mark} {state.word}" + (f"  {state.detail}" if state.detail else "")
    return f"{head}  {one_line(view.label)}: {one_line(view.prompt, 60)}"
