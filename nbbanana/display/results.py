"""Results as MIME bundles: finished, with grid, contact sheet, plain words and provenance; and on their way."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from nbbanana.display import result_parts, views
from nbbanana.display.drift_views import changed_in, changed_line, with_heat
from nbbanana.display.result_parts import MOST, Layout, count_of, expected_ratio, layout_of, lines_of
from nbbanana.display.thumbs import contact_sheet, data_uri, faint, fitted, load, small_uri
from nbbanana.display.views import Picture, ResultView
from nbbanana.text import joined, one_line, render
from nbbanana.watching import Stage

if TYPE_CHECKING:
    from nbbanana.engine.run import Progress

__all__ = [
    "PROVENANCE",
    "ProgressDisplay",
    "Standing",
    "bundle",
    "series_bundle",
    "standing",
    "stopping",
    "text",
]

PROVENANCE = "application/vnd.nbbanana.v1+json"

Data = dict[str, Any]


def bundle(view: ResultView, *, budget: int | None = None) -> tuple[Data, Data]:
    """
    Return a finished result for a notebook.

    Args:
        view: what to show; up to 80 of its pictures are.
        budget: bytes that the data may weigh as JSON; None is 250 kB for four pictures and 500 kB for eighty.

    Returns:
        The data by MIME type (`text/plain`, `text/html`, `image/jpeg` as base64, the provenance), and its metadata.
        Equal views give equal bundles. Originals are read, each once, and never changed.
    """
    shown = view.pictures[:MOST]
    grid, room = layout_of(view), budget or _automatic(len(shown))
    images = load(
        [picture.source for picture in shown], [(grid.width, grid.width / (picture.ratio or 1.0)) for picture in shown]
    )
    top, changed = result_parts.header(view), changed_in(view)
    frames = ["" if image is None else data_uri(b"") for image in images]
    left = room - _weight(_data(view, top, frames, grid, changed))
    if changed is not None:
        changed = with_heat(changed, view, images, left // 5)
        left = room - _weight(_data(view, top, frames, grid, changed))
    lines = [line for _, lines in lines_of(replace(view, expected=len(shown))) for line in lines]
    sheet = contact_sheet(images, _names(shown), lines, grid.width, left // (3 if len(shown) == 1 else 4))
    jpeg = {"image/jpeg": b64encode(sheet).decode("ascii")} if sheet else {}
    files = fitted(images, left - _weight(jpeg))
    if files is None:
        said = f"The pictures are left out here, to stay within {views.file_size(room)}; the store has them."
        view = replace(view, notes=(*view.notes, said))
        data = _data(view, top, [""] * len(shown), grid, changed_in(view))
    else:
        data = _data(view, top, [data_uri(file) if file else "" for file in files], grid, changed) | jpeg
    return data, _metadata(view, data)


def _result_html(template: str, view: ResultView, top: Data, tiles: Sequence[result_parts.Tile], **more: Any) -> str:
    """Return a result, or the place of one, by one of the templates that share its parts."""
    return render(
        __package__, template, header=top, rows=result_parts.rows(view, tiles), layout=layout_of(view), **more
    )


def text(view: ResultView) -> str:
    """
    Return a result for a terminal: what it is, its words, and a line for each of up to twelve pictures or rows.

    Whatever control or bidi characters the words and names hold are made visible.
    """
    came = views.origin(view)
    facts = ([" ".join(came)] if came else []) + views.facts(view)
    lines = [f"{one_line(view.label)}: {' · '.join(facts)}", one_line(view.prompt, 100)]
    of_each = _row_lines(view) if view.rows else _picture_lines(view)
    shown = of_each if len(of_each) <= 12 else of_each[:8]
    lines += ["  " + line for line in shown]
    if len(shown) < len(of_each):
        last = one_line(view.pictures[-1].label)
        lines.append(f"  … and {len(of_each) - len(shown)} more, the last is {last}")
    return "\n".join([*filter(None, [*lines, changed_line(view)]), *(one_line(note) for note in view.notes)])


def _picture_lines(view: ResultView) -> list[str]:
    return [
        "  ".join(filter(None, [one_line(picture.label), one_line(picture.caption), " · ".join([*details, file])]))
        for picture, details, file in zip(
            view.pictures, result_parts.details(view), map(result_parts.file_facts, view.pictures), strict=True
        )
    ]


def _row_lines(view: ResultView) -> list[str]:
    """Return a line for each row: its title, and the names of its pictures."""
    lines, start = [], 0
    for title, count in view.rows:
        names = [one_line(picture.label) for picture in view.pictures[start : start + count]]
        named = ", ".join(names) if len(names) <= 2 else f"{names[0]} … {names[-1]}"
        lines.append("  ".join(filter(None, [one_line(title, 80), named])))
        start += count
    return lines


def _automatic(count: int) -> int:
    """Return the default budget in bytes for `count` pictures: less for one than for four."""
    if count <= 4:
        return 150_000 + max(0, count - 1) * 33_000
    return 250_000 + (count - 4) * 250_000 // (MOST - 4)


def _names(pictures: Sequence[Picture]) -> list[str]:
    # The font that Pillow brings has no letters beyond Latin; the index alone says which picture it is.
    names = [one_line(picture.label) for picture in pictures]
    return [name if name.isascii() else f"[{number}]" for number, name in enumerate(names)]


def _data(view: ResultView, top: Data, uris: Sequence[str], grid: Layout, changed: Data | None) -> Data:
    shown, count = view.pictures[:MOST], len(view.pictures)
    beyond = [f"The first {MOST} of {count} pictures are shown."] if count > MOST else []
    tiles = [
        result_parts.tile(picture, uri, grid, alt=result_parts.alt(view, number, count), details=details)
        for number, (picture, uri, details) in enumerate(zip(shown, uris, result_parts.details(view), strict=False), 1)
    ]
    html = _result_html(
        "result",
        view,
        top,
        tiles,
        facts=views.facts(view),
        origin=views.origin(view),
        notes=[one_line(note) for note in (*view.notes, *beyond)],
        made=result_parts.made(view),
        changed=changed,
    )
    data: Data = {"text/plain": text(view), "text/html": html}
    if view.provenance:
        data[PROVENANCE] = dict(view.provenance)
    return data


def _weight(data: Data) -> int:
    return len(json.dumps(data))


def _metadata(view: ResultView, data: Data) -> Data:
    """Return a short form of the provenance for tools, and alternative text for those that learn to read it."""
    short = {"edit": view.edit_id, "model": view.model, "provider": view.provider, "pictures": len(view.pictures)}
    metadata: Data = {"nbbanana": short}
    if "image/jpeg" in data:
        said = one_line(view.prompt, 160)
        metadata["image/jpeg"] = {"alt": f"{views.pictures(len(view.pictures)).capitalize()}: {said}"}
    return metadata


# ── on its way ──────────────────────────────────────────────────────────────────────────────────────────


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
        self._header = result_parts.header(view)
        self._arrived: dict[str, str] = {}
        self._faint = ""
        if self._header["primary"] is not None and count_of(view) <= MOST_FAINT:
            self._faint = data_uri(faint(self._header["primary"], expected_ratio(view)))

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
        tiles, last = [*self._came(view), *self._to_come(view)], [on_stop] if on_stop else []
        html = self._html(view, tiles, state, facts=_facts_to_come(view, progress), last=last)
        plain = "\n".join([_sentence(view, state), *map(one_line, view.notes)])
        return {"text/plain": plain, "text/html": html}

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
        html = self._html(view, self._came(view), state, facts=[], last=[[(line, "")] for line in rest])
        return {"text/plain": "\n".join([_sentence(view, state), *rest]), "text/html": html}

    def _html(self, view: ResultView, tiles: Sequence[result_parts.Tile], state: Standing, **more: Any) -> str:
        return _result_html(
            "progress", view, self._header, tiles, state=state, notes=[one_line(note) for note in view.notes], **more
        )

    def _came(self, view: ResultView) -> list[result_parts.Tile]:
        """Return the tiles of the pictures that are here."""
        count, layout = count_of(view), layout_of(view)
        return [
            result_parts.tile(picture, self._small(picture, count), layout, alt=result_parts.alt(view, number, count))
            for number, picture in enumerate(view.pictures[:count], 1)
        ]

    def _to_come(self, view: ResultView) -> list[result_parts.Tile]:
        """Return the places of the pictures that are not here yet."""
        count, layout, height = count_of(view), layout_of(view), 100_000
        empty = Picture("", None, round(height * expected_ratio(view)), height)
        return [
            result_parts.tile(
                replace(empty, label=f"{view.label}[{number - 1}]"),
                self._faint,
                layout,
                alt=f"Picture {number} of {count}, not here yet",
            )
            | {"title": "", "is_here": False}
            for number in range(len(view.pictures) + 1, count + 1)
        ]

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
    elif progress.phase == "paused" and progress.resumes_at is not None:
        detail = f"again in {_round(max(0.0, progress.resumes_at - time.monotonic()))}"
    elif progress.phase == "running":
        detail, value, most = _clock(progress)
    elif progress.phase == "downloading":
        detail, value, most = _arriving(progress)
    return Standing(mark, word, joined(detail, one_line(play), one_line(progress.note or "")), value, most)


def stopping(progress: Progress) -> str:
    """
    Return what stopping the job would do now, as a sentence that begins with its verb; empty once it is over.

    >>> from nbbanana.engine.run import Progress
    >>> stopping(Progress("queued"))
    'ends it here: nothing is charged.'
    """
    said = _advice(progress, WHAT_STOPPING_DOES)
    return "".join(words + typed for words, typed in said).removeprefix("■ ")


def _advice(progress: Progress, advice: Advice) -> tuple[tuple[str, str], ...]:
    """Return what stopping does now; nothing where there is nothing to say."""
    if progress.phase == "running" and not progress.is_collectable and advice is WHAT_STOPPING_DOES:
        return ONLY_HERE
    return advice.get(progress.phase, ())


def _ending(progress: Progress, said: str) -> tuple[Standing, list[str]]:
    lines = [one_line(line) for line in said.splitlines() if line.strip()] or [""]
    mark, word = MARKS[progress.phase if progress.is_over else "cancelled"]
    # "Cancelled in the queue: …" has its first word in bold; it is not said twice.
    first, _, detail = lines[0].partition(" ")
    if first.rstrip(".:,") in {"Cancelled", "Stopped", "Failed", "Unknown"}:
        word, lines[0] = first.rstrip(".:,"), detail
    return Standing(mark, word, lines[0]), lines[1:]


def _queue(progress: Progress) -> str:
    place = views.place_in_line(progress.queue_position) if progress.queue_position is not None else ""
    return joined(place, f"about {_round(progress.expected)}" if progress.expected else "")


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
    came = f"{progress.outputs_done} of {views.pictures(total)}"
    size = f" · {views.file_size(progress.bytes_done)}" if progress.bytes_done else ""
    return came + size, progress.outputs_done, total


def _round(seconds: float) -> str:
    """Return a time in whole seconds, so that a display changes once a second at most."""
    return views.duration(round(seconds), 0)


def _facts_to_come(view: ResultView, progress: Progress) -> Sequence[str]:
    """Return the facts as they will stand there, for their length alone."""
    came = (Picture("", None, 1024, 1024, seed=view.parameters.get("seed", UNSEEN)),) * view.expected
    return views.facts(replace(view, pictures=came, seconds=progress.expected or 10.0, cost=0.0, origin=None))


def _sentence(view: ResultView, state: Standing) -> str:
    head = f"{state.mark} {state.word}" + (f"  {state.detail}" if state.detail else "")
    return f"{head}  {one_line(view.label)}: {one_line(view.prompt, 60)}"


ENDS_HERE = (("■ ends them here: nothing more is charged.", ""),)
RUNS_ON = (
    ("■ ends what is queued, at no cost; what runs goes on, may be charged, and ", "%nbresume"),
    (" collects it.", ""),
)
"""What an interrupt does, said before it is pressed, as pairs of words and what can be typed."""
WAITING = frozenset({"preparing", "queued", "paused"})
"""Phases in which a request can be ended without a charge."""


def series_bundle(series: Sequence[Stage], play: str = "") -> dict[str, str]:
    """
    Return how several requests stand: how many are done, and in which phase the others are.

    Args:
        series: where each stands.
        play: the provider that runs them, where its money is play money.

    >>> from nbbanana.engine.run import Progress
    >>> series_bundle([Progress("done"), Progress("running"), Progress("queued"), Progress("queued")])["text/plain"]
    '◐ 1 of 4 done  2 queued · 1 running'
    """
    phases = Counter(one.phase for one in series)
    done = phases.pop("done", 0)
    head = f"{done} of {len(series)} done"
    rest = [f"{phases[phase]} {word.lower()}" for phase, (_, word) in MARKS.items() if phases[phase]]
    detail = joined(*rest, one_line(play))
    under_way = [one.phase for one in series if not one.is_over]
    advice = ENDS_HERE if all(phase in WAITING for phase in under_way) else RUNS_ON
    html = render(
        __package__,
        "series",
        head=head,
        detail=detail,
        done=done,
        total=len(series),
        advice=advice if under_way else (),
    )
    return {"text/plain": f"◐ {head}  {detail}".rstrip(), "text/html": html}
