"""`nb.diff`, `nb.drift` and `nb.recover`: what is unlike between two pictures, and which edit made one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

from nbbanana.display import bundle, note_bundle
from nbbanana.display.views import edits
from nbbanana.errors import NotInStoreError, UsageError
from nbbanana.images import ImageInput, fingerprint, load
from nbbanana.images.reading import read_file
from nbbanana.images.thumbnails import ALIKE, BITS, distance
from nbbanana.regions import Area
from nbbanana.session.call_args import file
from nbbanana.session.changes import Compared, Diff, recorded, side_of
from nbbanana.session.drift_reports import DriftReport, measured, part_of_picture
from nbbanana.session.jobs import Job
from nbbanana.session.library import Recorded
from nbbanana.session.reproduce import as_cell, as_code
from nbbanana.session.results import EditResult, Output
from nbbanana.session.session import Session, current
from nbbanana.settings import cache_dir
from nbbanana.store.provenance import names_of, read_embedded, read_sidecar
from nbbanana.store.records import Edit
from nbbanana.text import one_line

__all__ = ["Recovered", "diff", "drift", "recover", "result_behind"]


def result_behind(value: Any) -> Any:
    """Return the result that a value stands for, by its `__nbbanana_result__()`; any other value as it is."""
    return value.__nbbanana_result__() if hasattr(type(value), "__nbbanana_result__") else value


def diff(left: Any, right: Any) -> Diff:
    """
    Return what is unlike between two edits, or two pictures: words, parameters, inputs and pixels, in one view.

    Args:
        left: the one before: a result, an output, the number of an edit in the history, a job that is over, or any
            other picture that `nb.edit` takes but a URL. Of a picture that is no edit's, only pixels are compared.
        right: the one after, likewise.

    Raises:
        NotInStoreError: no such edit.
        VariableError: a job that is under way.
        ImageError: no picture, damaged, too large, or a URL.

    >>> import nbbanana as nb
    >>> before = nb.samples.still_life((320, 240))
    >>> after = before.copy()
    >>> after.paste("crimson", (200, 20, 290, 90))
    >>> found = nb.diff(before, after)
    >>> found.pixels[0].sentence
    'The upper right redrawn.'
    """
    return Diff(_compared(left), _compared(right))


def _compared(value: Any) -> Compared:
    if isinstance(value, bool) or not isinstance(value, EditResult | Output | Job | Integral):
        return side_of(value, "nb.diff()")
    return recorded(value, lambda number: current().history[number])


def drift(before: Any, after: Any = None, region: Any = None) -> DriftReport:
    """
    Measure what changed between two pictures: what moved, what was recoloured, what was redrawn, and where.

    The sizes and formats of the two may differ: they are registered first. It needs NumPy (`nbbanana[measure]`), and
    sends nothing anywhere.

    Args:
        before: a path, bytes, a PIL image, an array, an output, or whatever else `nb.edit` takes, but no address. An
            output alone is measured against the picture that it was made from, as `output.drift()` does.
        after: the same.
        region: what was meant to change, as for `nb.edit`: a box, boxes, a region that was drawn, or a mask (a picture
            in mode L, or an array H×W). Without one, it is the region that `after` was asked with, where it was made
            from `before`; else what changed most is taken for it.

    Raises:
        MeasureError: nothing can be said; its `reason` says why.
        ImageError: not a picture, damaged or too large.
        UsageError: an address, no region, one picture alone that was made from none, or no NumPy.

    >>> from nbbanana import samples
    >>> picture = samples.still_life((320, 240))
    >>> print(drift(picture, picture, region=(0.5, 0, 1, 1)).sentence)
    Outside the region: nothing changed that can be seen.
    """
    before, after = result_behind(before), result_behind(after)
    if after is None:
        if not isinstance(before, EditResult | Output):
            raise UsageError(
                "There is one picture.",
                "What changed is measured between two.",
                "Write nb.drift(before, after); an output alone is measured against its input.",
            )
        return before.drift(region)
    first, second = load(before), load(after)
    if region is None:
        return measured(first, second, _own_region(first, after))
    return measured(first, second, part_of_picture(region, first, lambda: current().library.store))


def _own_region(before: ImageInput, after: Any) -> Area | None:
    """Return the region that a picture was asked with, where it is one of the first picture."""
    if isinstance(after, EditResult):
        after = after.only_output("drift()")
    if not isinstance(after, Output):
        return None
    area, inputs = after.result.region, after.result.inputs
    is_of_it = area is not None and area.input < len(inputs) and inputs[area.input].identity == before.identity
    return area if is_of_it else None


How = Literal["content", "embedded", "sidecar", "guess"]

_SAID: Mapping[str, str] = {
    "content": "The file is, by its content, an output of",
    "embedded": "The record inside the file says that it is of",
    "sidecar": "The record beside the file says that it is of",
    "guess": "A guess, not a fact: the file looks like an output of",
}


@dataclass(frozen=True)
class Recovered(Recorded):
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
    def result(self) -> EditResult | None:
        """The result in this store; None where it is not here."""
        return self.session.history[self.record.id] if self.record.id else None

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
        facts = [f"seed {self.seed}" if self.seed is not None else "", one_line(self.model, 80)]
        return f"<Recovered: {' '.join(self.lines)} {one_line(self.prompt, 80)!r} {' '.join(filter(None, facts))}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        if (result := self.result) is not None:
            view = result.view()
            return bundle(replace(view, notes=(*self.lines, *view.notes)))
        said = f"{' '.join(self.lines)} {self.model}, seed {self.seed}: {self.prompt}"
        return note_bundle(said) | {"text/plain": repr(self)}, {}


def recover(path: str | os.PathLike[str], session: Session | None = None) -> Recovered:
    """
    Find out how a picture file was made.

    Asked in this order: is it an output of the store by its content; is a record inside the file; does one lie
    beside it, as `<name>.json`; does it look like an output of the store, made before the file was an input here.
    Nothing is sent, nothing is evaluated.

    Args:
        path: the file; whatever it is called now.
        session: whose store is asked; None is the current session.

    Raises:
        NotInStoreError: nothing is known of it, or only that it is an input; it says of which edits.
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
    place = file(path)
    data = read_file(place, shown=repr(place.name))
    uses = sorted({number for name in names_of(data) for number in session.store.by_input(name)})
    found = _by_content(data, session) or _by_record(data, place, session) or _by_likeness(data, session, uses)
    if found is None and uses:
        raise NotInStoreError(
            f"{place.name!r} is an input, of {edits(uses)}.",
            "No output of this store is it, or looks like it and was made before.",
            f"nb.history[{uses[-1]}] shows what was made of it.",
        )
    if found is None:
        raise NotInStoreError(
            f"Nothing is known of {place.name!r}.",
            "It is not an output of this store, no record came with it, and no output looks like it.",
            "Ask another store: nb.recover(…, session=nb.Session(store=…)).",
        )
    return found


def _by_content(data: bytes, session: Session) -> Recovered | None:
    for name in names_of(data):
        for edit in session.store.by_output(name, limit=1):
            return Recovered("content", edit, _index(edit, name), session=session)
    return None


def _by_record(data: bytes, place: Path, session: Session) -> Recovered | None:
    how: How = "embedded"
    record = read_embedded(data)
    if record is None:
        how, record = "sidecar", read_sidecar(place)
    if record is None:
        return None
    known = session.store.find(record.edit.uid)
    edit = known if known is not None and known.digest == record.edit.digest and record.holds else record.edit
    doubts = []
    if not record.holds:
        doubts.append("The record was changed: its digests do not follow from what it says.")
    if record.sha256 not in set(names_of(data)):
        doubts.append("The picture is not, byte for byte, the one that the record was written for.")
    return Recovered(how, edit, record.output, doubts=tuple(doubts), session=session)


def _by_likeness(data: bytes, session: Session, uses: Sequence[int]) -> Recovered | None:
    """Return the output that a file looks most like; what was made since the file was first an input is made of it."""
    from nbbanana.store.provenance import fingerprints

    mine = fingerprint(data)
    if mine is None:
        return None
    known = fingerprints(session.store, cache_dir() / "fingerprints.sqlite")
    near = sorted((off, name) for name, bits in known.items() if (off := distance(mine, bits)) <= ALIKE)
    every = [(off, edit, name) for off, name in near for edit in session.store.by_output(name)]
    possible = [one for one in every if not uses or one[1].id < uses[0]]
    alike = [one for one in possible if one[0] == possible[0][0]]
    if not alike:
        return None
    off, edit, name = max(alike, key=lambda found: found[1].id)
    others = tuple(sorted({other.id for _, other, _ in alike} - {edit.id}))
    doubts = (f"By its content it is an input, of {edits(uses)}.",) if uses else ()
    return Recovered("guess", edit, _index(edit, name), distance=off, doubts=doubts, others=others, session=session)


def _index(edit: Edit, sha256: str) -> int | None:
    return next((output.index for output in edit.outputs if output.sha256 == sha256), None)
