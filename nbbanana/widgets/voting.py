"""Voting on the pictures of a sweep: two beside each other, nothing said about them, one key a vote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, cast
from uuid import uuid4

from nbbanana.display.rankings import ranking_bundle
from nbbanana.store.vote_records import Preferred, Vote
from nbbanana.sweeps.candidates import Candidate
from nbbanana.sweeps.ranking import Ranking
from nbbanana.sweeps.voting import Ballot
from nbbanana.widgets import ui_thread
from nbbanana.widgets.base import Form, Message
from nbbanana.widgets.thumbnail_cache import seen

__all__ = ["Voting"]

SIDE = 1024
"""Pixels of the longer side at which pictures are compared."""
SHOWN = 12
"""Places that are shown in the form."""
Pair = tuple[Candidate, Candidate]


class Voting(Form, script="voting/main.js", styles=("voting.css",)):
    """
    Two pictures of a sweep, and which is better: `sweep.vote()` opens it.

    What is shown says nothing about the pictures: they have names made for this form, their order and sides are
    random, and the ranking stands in it only when it is asked for. While two are looked at, the next two are
    chosen and sent, so that a vote shows them at once.

    Args:
        ballot: the candidates and the votes on them.

    Raises:
        UsageError: NumPy is not installed.
    """

    title: ClassVar[str] = "Vote"

    def __init__(self, ballot: Ballot) -> None:
        super().__init__()
        self.ballot = ballot
        self._names = {one.output: uuid4().hex[:12] for one in ballot.candidates}
        """What a picture is called in the form; an edit's own number would say in which order they were made."""
        self._by_name = {self._names[one.output]: one for one in ballot.candidates}
        self._cast: list[tuple[Vote, Pair]] = []
        self._sent: set[str] = set()
        self._round = 0
        self._ranking = ballot.ranking()
        self._still_of: tuple[Ranking, tuple[str, str]] | None = None
        self.pair: Pair = ballot.next_pair(self._ranking)
        """The two that are asked about, the left one first."""
        self._next: Pair | None = ballot.next_pair(self._ranking, self.pair)
        """The two after them; None until they are chosen."""
        self.watch(ballot.library.store)

    def __repr__(self) -> str:
        return f"<Voting on {len(self.ballot.candidates)} pictures: {self._ranking.sentence}>"

    @property
    def ranking(self) -> Ranking:
        """The candidates by the votes up to now."""
        return self.ballot.ranking()

    def still(self) -> tuple[str, str]:
        """The ranking as it was last looked at."""
        if self._still_of is None or self._still_of[0] is not self._ranking:
            bundle = ranking_bundle(self._ranking.view())
            self._still_of = self._ranking, (bundle["text/html"], bundle["text/plain"])
        return self._still_of[1]

    def handle(self, kind: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Do what the front end asks."""
        if kind == "hello":
            self._sent.clear()
            self._show_pair()
        elif kind == "vote" and int(message["round"]) == self._round:  # one of a pair that is gone is passed over
            self._vote(_preferred(str(message["side"])))
        elif kind == "undo":
            self._undo()
        elif kind == "ranking":
            self._tell_ranking()
        elif kind == "small":
            self._send_small(str(message["name"]))
        elif kind == "dropped":
            self._sent.difference_update(message["keys"])

    # ── voting ──────────────────────────────────────────────────────────────────────────────────────────────

    def _vote(self, preferred: Preferred) -> None:
        vote = self.ballot.cast(*self.pair, preferred)
        self._cast.append((vote, self.pair))
        self.pair = self._next or self.ballot.any_pair(self.pair)
        self._turn()

    def _undo(self) -> None:
        """Take back the last vote that was cast here, and ask about its two again, at the same sides."""
        if not self._cast:
            self.emit("said", text="No vote of this form is left to take back.")
            return
        vote, self.pair = self._cast.pop()
        self.ballot.take_back(vote)
        self._turn()
        self.emit("said", text="The last vote was taken back.")

    def _turn(self) -> None:
        """Show the next two, and look in a background thread for those after them and at how the ranking stands."""
        self._round += 1
        self._next = None
        self._show_pair()
        now, pair = self._round, self.pair

        def work() -> None:
            """Fit strengths to the votes; leave the outcome, or the error, for the UI thread."""
            try:
                ranking = self.ballot.ranking()
                following = self.ballot.next_pair(ranking, pair)
            except Exception as error:  # noqa: BLE001 - shown in the form, since no caller could
                ui_thread.post(self.show_error, error, "vote")
                return
            ui_thread.post(self._known, now, ranking, following)

        ui_thread.background(work)

    def _known(self, now: int, ranking: Ranking, following: Pair) -> None:
        """Take over what was found out for a pair, unless another vote came meanwhile; its own work follows."""
        if now != self._round or not self.is_open:
            return
        self._ranking, self._next = ranking, following
        self._show_pair()
        ui_thread.background(self._draw_still, ranking)

    def _draw_still(self, ranking: Ranking) -> None:
        """Draw what is saved with the notebook; of several votes in a row the last one alone counts."""
        if ranking is not self._ranking:
            return
        bundle = ranking_bundle(ranking.view())
        ui_thread.post(self._keep_still, ranking, (bundle["text/html"], bundle["text/plain"]))

    def _keep_still(self, ranking: Ranking, drawn: tuple[str, str]) -> None:
        if ranking is self._ranking:
            self._still_of = ranking, drawn
            self.refresh_still()

    # ── telling the front end ───────────────────────────────────────────────────────────────────────────────

    def _show_pair(self) -> None:
        """Tell which two are asked about and which come next, and send their pictures."""
        self.emit(
            "pair",
            round=self._round,
            pair=[self._names[one.output] for one in self.pair],
            next=[self._names[one.output] for one in self._next or ()],
            progress=self._ranking.sentence,
            undo=len(self._cast),
        )
        for one in (*self.pair, *(self._next or ())):
            self._send_picture(one, self._names[one.output], lambda data: seen(data, SIDE))

    def _send_picture(self, candidate: Candidate, key: str, made: Callable[[bytes], bytes]) -> None:
        if key not in self._sent:
            self._sent.add(key)
            store = self.ballot.library.store
            self.emit_made("picture", lambda: made(store.blob_path(candidate.sha256).read_bytes()), key=key)

    def _tell_ranking(self) -> None:
        view = self._ranking.view()
        rows = [
            {
                "name": self._names[ranked.candidate.output],
                "place": row.place_words,
                "title": row.title,
                "strength": row.strength_words,
                "tally": " · ".join(map(str, row.tally)),
            }
            for row, ranked in zip(view.rows[:SHOWN], self._ranking, strict=False)
        ]
        axes = [[name, [[one.name, one.words] for one in values]] for name, values in view.axes]
        self.emit("ranking", sentence=view.sentence, rows=rows, axes=axes, more=max(0, len(view.rows) - SHOWN))

    def _send_small(self, name: str) -> None:
        self._send_picture(self._by_name[name], f"{name} small", lambda data: seen(data, 160))


def _preferred(side: str) -> Preferred:
    return cast("Preferred", {"left": "first", "right": "second"}.get(side, "tie"))
