"""`nb.recover`: from a picture file back to the edit that made it, and how sure that is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nbbanana.engine.run import Outcome
from nbbanana.errors import NotInStoreError
from nbbanana.images import fingerprint
from nbbanana.images.reading import read_file
from nbbanana.images.thumbnails import ALIKE, BITS, distance
from nbbanana.session.reproduce import as_cell, as_code
from nbbanana.session.results import EditResult
from nbbanana.session.session import Session, current
from nbbanana.settings import cache_dir

if TYPE_CHECKING:
    from nbbanana.store.provenance import Record
    from nbbanana.store.records import Edit

__all__ = ["Recovered", "recover"]

How = Literal["content", "embedded", "sidecar", "guess"]

_SAID: Mapping[str, str] = {
    "content": "The file is, by its content, an output of",
    "embedded": "The record inside the file says that it is of",
    "sidecar": "The record beside the file says that it is of",
    "guess": "A guess, not a fact: the file looks like an output of",
}


@dataclass(frozen=True)
class Recovered:
    """
    What is known of a picture file.

    Args:
        how: `content`: it is an output of this store, byte for byte, but for a record that was put into it.
            `embedded`, `sidecar`: a record says so that came with the file. `guess`: it looks like an output.
        record: the record. Its id is 0 where it is not in this store.
        output: which output it is, from 0; None where it is not known.
        distance: of a guess, how many of 64 bits of the two fingerprints differ: 0 looks the same, unrelated
            photographs differ in about 32.
        doubts: sentences about what does not fit.
        others: of a guess, other edits whose outputs look as much alike.
    """

    how: How
    record: Edit
    output: int | None
    distance: int | None = None
    doubts: tuple[str, ...] = ()
    others: tuple[int, ...] = ()
    session: Session = field(kw_only=True, repr=False, compare=False)

    @property
    def is_certain(self) -> bool:
        """Whether this store itself holds the bytes; a record that came with a file is only a claim."""
        return self.how == "content"

    @property
    def prompt(self) -> str:
        """The prompt."""
        return self.record.prompt

    @property
    def model(self) -> str:
        """The endpoint."""
        return self.record.model

    @property
    def seed(self) -> int | None:
        """The seed that was sent."""
        return self.record.seed

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What was set, the prompt among them."""
        return self.record.parameters

    @property
    def result(self) -> EditResult | None:
        """The result in this store; None where it is not here."""
        return (
            EditResult(self.session.library, self.session, Outcome(self.record, "replayed")) if self.record.id else None
        )

    def cell(self, name: str | None = None) -> str:
        """
        Return the `%%nbedit` cell that asks the same; read it before you run it if the record is a stranger's.

        Raises:
            PromptError, UsageError: a record that no cell can say.
        """
        return as_cell(self.record, self.session.store, name)

    def code(self) -> str:
        """
        Return the Python that asks the same.

        Raises:
            UsageError: a record that no call can say.
        """
        return as_code(self.record, self.session.store)

    @property
    def lines(self) -> tuple[str, ...]:
        """What is known and how sure it is, in sentences."""
        what = f"edit {self.record.id}" if self.record.id else "an edit that is not in this store"
        which = "" if self.output is None else f", output {self.output}"
        off = "" if self.distance is None else f"; {self.distance} of {BITS} bits differ"
        more = f"Edits {', '.join(map(str, self.others))} look as much alike." if self.others else ""
        said = f"{_SAID[self.how]} {what}{which}{off}."
        return tuple(filter(None, (said, *self.doubts, more)))

    def __repr__(self) -> str:
        from nbbanana.text import one_line

        facts = [f"seed {self.seed}" if self.seed is not None else "", one_line(self.model, 80)]
        return f"<Recovered: {' '.join(self.lines)} {one_line(self.prompt, 80)!r} {' '.join(filter(None, facts))}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        from nbbanana.display import bundle, note_bundle

        if (result := self.result) is not None:
            view = result.view()
            return bundle(replace(view, notes=(*self.lines, *view.notes)))
        said = f"{' '.join(self.lines)} {self.model}, seed {self.seed}: {self.prompt}"
        return note_bundle(said) | {"text/plain": repr(self)}, {}


def recover(path: str | os.PathLike[str], session: Session | None = None) -> Recovered:
    """
    Find out how a picture file was made.

    Asked in this order: is it an output of the store by its content; is a record inside the file; does one lie
    beside it, as `<name>.json`; does it look like an output of the store. Nothing is sent, nothing is evaluated.

    Args:
        path: the file; whatever it is called now.
        session: whose store is asked; None is the current session.

    Raises:
        NotInStoreError: nothing is known of it.
        ImageNotFoundError: no such file.
        ImageError: not a picture.

    >>> import nbbanana as nb
    >>> folder = getfixture("tmp_path")
    >>> with nb.Session(provider="sandbox", store=folder / "store"):
    ...     result = nb.edit("Make it snow.", nb.samples.still_life(), seed=7)
    ...     file = result[0].save(folder / "snow.png", embed=True)
    >>> with nb.Session(provider="sandbox", store=folder / "another"):
    ...     found = nb.recover(file)
    ...     found.how, found.prompt, found.seed
    ('embedded', 'Make it snow.', 7)
    """
    session = session or current()
    place = Path(path).expanduser()
    data = read_file(place, shown=repr(place.name))
    found = _by_content(data, session) or _by_record(data, place, session) or _by_likeness(data, session)
    if found is None:
        raise NotInStoreError(
            f"Nothing is known of {place.name!r}.",
            "It is not an output of this store, no record came with it, and no output looks like it.",
            "Ask another store: nb.recover(…, session=nb.Session(store=…)).",
        )
    return found


def _by_content(data: bytes, session: Session) -> Recovered | None:
    from nbbanana.store.provenance import names_of

    for name in names_of(data):
        for edit in session.store.by_output(name, limit=1):
            return Recovered("content", edit, _index(edit, name), session=session)
    return None


def _by_record(data: bytes, place: Path, session: Session) -> Recovered | None:
    from nbbanana.store.provenance import names_of, read_embedded, read_sidecar

    how: How = "embedded"
    record = read_embedded(data)
    if record is None:
        how, record = "sidecar", read_sidecar(place)
    if record is None:
        return None
    known = session.store.find(record.edit.uid)
    edit = known if known is not None and known.digest == record.edit.digest and record.holds else record.edit
    return Recovered(how, edit, record.output, doubts=tuple(_doubts(record, set(names_of(data)))), session=session)


def _doubts(record: Record, names: set[str]) -> list[str]:
    doubts = []
    if not record.holds:
        doubts.append("The record was changed: its digests do not follow from what it says.")
    if record.sha256 not in names:
        doubts.append("The picture is not, byte for byte, the one that the record was written for.")
    return doubts


def _by_likeness(data: bytes, session: Session) -> Recovered | None:
    from nbbanana.store.fingerprints import Fingerprints

    mine = fingerprint(data)
    if mine is None:
        return None
    known = Fingerprints(cache_dir() / "fingerprints.sqlite").of(session.store)
    near = sorted((off, name) for name, bits in known.items() if (off := distance(mine, bits)) <= ALIKE)
    alike = [(off, edit, name) for off, name in near if off == near[0][0] for edit in session.store.by_output(name)]
    if not alike:
        return None
    off, edit, name = max(alike, key=lambda found: found[1].id)
    others = sorted({other.id for _, other, _ in alike} - {edit.id})
    return Recovered("guess", edit, _index(edit, name), distance=off, others=tuple(others), session=session)


def _index(edit: Edit, sha256: str) -> int | None:
    return next((output.index for output in edit.outputs if output.sha256 == sha256), None)
