"""Voting on the pictures of a sweep: two beside each other, nothing said about them, one key a vote."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from nbbanana.display.picture_tables import ranking_bundle
from nbbanana.store.records import Preferred, Vote
from nbbanana.sweeps.ranking import Candidate, Ranking
from nbbanana.sweeps.voting import Ballot
from nbbanana.widgets.base import Answers, Form, Message, ui_thread
from nbbanana.widgets.pictures import seen

__all__ = ["Voting"]

SIDE, SMALL_SIDE = 1024, 160
"""Pixels of the longer side at which pictures are compared, and of those in the ranking."""
SHOWN = 12
"""Places that are shown in the form."""
Pair = tuple[Candidate, Candidate]
PREFERRED: dict[str, Preferred] = {"left": "first", "right": "second"}
"""What a side that was chosen says of a pair; any other is a tie."""


class Voting(Form, title="Vote", script="voting/main.js", styles=("voting.css",)):
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
        self._drawn = _still(self._ranking)
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
        return self._drawn

    # ── voting ──────────────────────────────────────────────────────────────────────────────────────────────

    def _vote(self, message: Message) -> None:
        """Cast a vote; one on a pair that is gone is passed over."""
        if int(message["round"]) != self._round:
            return
        vote = self.ballot.cast(*self.pair, PREFERRED.get(str(message["side"]), "tie"))
        self._cast.append((vote, self.pair))
        self.pair = self._next or self.ballot.any_pair(self.pair)
        self._turn()

    def _undo(self, _: Message) -> None:
        """Take back the last vote that was cast here, and ask about its two again, at the same sides."""
        if not self._cast:
            self.emit("said", text="No vote of this form is left to take back.")
            return
        vote, self.pair = self._cast.pop()
        self.ballot.library.store.take_back_vote(vote.uid)
        self._turn()
        self.emit("said", text="The last vote was taken back.")

    def _turn(self) -> None:
        """Show the next two, and look in a background thread for those after them and at how the ranking stands."""
        self._round += 1
        self._next = None
        self._show_pair()
        now, pair = self._round, self.pair

        def work() -> None:
            ranking = self.ballot.ranking()
            ui_thread.post(self._known, now, ranking, self.ballot.next_pair(ranking, pair))

        self.in_background(work, "vote")

    def _known(self, now: int, ranking: Ranking, following: Pair) -> None:
        """Take over what was found out for a pair, unless another vote came meanwhile; its own work follows."""
        if now != self._round or not self.is_open:
            return
        self._ranking, self._next = ranking, following
        self._show_pair()
        self.in_background(lambda: ui_thread.post(self._keep_still, ranking, _still(ranking)), "vote")

    def _keep_still(self, ranking: Ranking, drawn: tuple[str, str]) -> None:
        if ranking is self._ranking:
            self._drawn = drawn
            self.refresh_still()

    # ── telling the front end ───────────────────────────────────────────────────────────────────────────────

    def _hello(self, _: Message) -> None:
        self._sent.clear()
        self._show_pair()

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
            self._send_picture(one, self._names[one.output], SIDE)

    def _send_picture(self, candidate: Candidate, key: str, side: int) -> None:
        if key not in self._sent:
            self._sent.add(key)
            path = self.ballot.library.store.blob_path(candidate.sha256)
            self.emit_made("picture", lambda: seen(path.read_bytes(), side), key=key)

    def _send_small(self, message: Message) -> None:
        name = str(message["name"])
        self._send_picture(self._by_name[name], f"{name} small", SMALL_SIDE)

    def _dropped(self, message: Message) -> None:
        self._sent.difference_update(message["keys"])

    def _tell_ranking(self, _: Message) -> None:
        view = self._ranking.view()
        rows = [
            {
                "name": self._names[ranked.candidate.output],
                "place": row.place,
                "title": row.title,
                "strength": row.strength,
                "tally": " · ".join(map(str, row.tally)),
            }
            for row, ranked in zip(view.rows[:SHOWN], self._ranking, strict=False)
        ]
        self.emit(
            "ranking",
            sentence=view.sentence,
            rows=rows,
            axes=[[name, [list(value) for value in values]] for name, values in view.axes],
            more=max(0, len(view.rows) - SHOWN),
        )

    answers: ClassVar[Answers] = {
        "hello": _hello,
        "vote": _vote,
        "undo": _undo,
        "ranking": _tell_ranking,
        "small": _send_small,
        "dropped": _dropped,
    }


def _still(ranking: Ranking) -> tuple[str, str]:
    bundle = ranking_bundle(ranking.view())
    return bundle["text/html"], bundle["text/plain"]
