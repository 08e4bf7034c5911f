"""Votes as JSON, as they travel in bundles: in the record of the first of their two edits, without raters' names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from nbbanana.store.serialization import checker
from nbbanana.store.vote_records import Vote

__all__ = ["pack_votes", "unpack_votes", "votes_that_hold"]


def pack_votes(votes: Iterable[Vote], uids: Collection[str]) -> list[dict[str, Any]]:
    """Return the votes of which both edits are among `uids`, as JSON objects."""
    return [
        {
            "uid": vote.uid,
            "output": vote.first[1],
            "other": vote.second[0],
            "other_output": vote.second[1],
            "preferred": vote.preferred,
            "sweep": vote.sweep,
            "rater": vote.rater_id,
            "at": vote.at,
        }
        for vote in votes
        if vote.second[0] in uids
    ]


def unpack_votes(packed: Any, uid: str) -> list[Vote]:
    """Return the votes of a record of unknown origin; nothing where one is not as it should be."""
    import fastjsonschema

    try:
        checker("votes")(packed)
    except fastjsonschema.JsonSchemaException:
        return []
    return [
        Vote(
            one["uid"],
            (uid, int(one["output"])),
            (one["other"], int(one["other_output"])),
            one["preferred"],
            one["sweep"],
            float(one["at"]),
            rater_id=one["rater"],
        )
        for one in packed
    ]


def votes_that_hold(votes: Iterable[Vote], outputs: Mapping[str, Collection[int]]) -> list[Vote]:
    """
    Return the votes on two outputs that are there, each once.

    Args:
        votes: as they were unpacked.
        outputs: the indices of the outputs of each edit, by uid.
    """
    found: dict[str, Vote] = {}
    for vote in votes:
        is_whole = all(position in outputs.get(uid, ()) for uid, position in (vote.first, vote.second))
        if is_whole and vote.first != vote.second:
            found.setdefault(vote.uid, vote)
    return list(found.values())
