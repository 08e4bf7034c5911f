"""`nb.stability`: how alike the pictures of a request are, of one seed again and again or of several seeds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.display.picture_tables import LikenessView, likeness_bundle
from nbbanana.display.views import at, pictures
from nbbanana.errors import UsageError
from nbbanana.images import load
from nbbanana.measure import Likeness, check_installed, likeness
from nbbanana.session.exporting import load_pandas
from nbbanana.store.records import Edit
from nbbanana.text import one_line

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Pair", "Sample", "Spread", "Stability", "stability"]


@dataclass(frozen=True, slots=True)
class Sample:
    """
    A picture, and what asked for it. What holds pictures of requests gives theirs by `__nbbanana_samples__()`.

    Args:
        label: what one types to get it, such as `neon[0]`; of a picture that no edit made, its name.
        source: its bytes, or the file that holds them.
        edit: the record of what made it; None where that is not known.
        index: its place in that edit's result, from 0.
        sha256: SHA-256 of its bytes; empty where that is not known.
    """

    label: str
    source: bytes | Path = field(repr=False)
    edit: Edit | None = field(default=None, repr=False)
    index: int = 0
    sha256: str = field(default="", repr=False)

    @property
    def seed(self) -> int | None:
        """The seed that was sent; None where there was none, or where it is not known."""
        return None if self.edit is None else self.edit.seed


MOST = 100
"""Pictures that are compared at most: each is laid on each other."""
FINE = 0.01
"""A deviation below this is said to three places."""
DEEPEST = 4
"""Lists within lists are followed so far."""


@dataclass(frozen=True, slots=True)
class Pair:
    """
    Two pictures of several.

    Args:
        first, second: their places.
        ssim: structural similarity once registered: 1 the same, near 0 unrelated.
        bits: how many of 64 bits of their fingerprints differ; None where one is too plain for a fingerprint.
        is_registered: whether one could be laid on the other; else `ssim` is of the pictures as they lie.
        is_again: whether both are the same place of the same request with the same seed, asked twice.
    """

    first: int
    second: int
    ssim: float
    bits: int | None
    is_registered: bool
    is_again: bool


@dataclass(frozen=True, slots=True)
class Spread:
    """
    A mean over pairs.

    Args:
        mean: of their SSIM.
        deviation: its standard deviation over the pairs; None with one pair.
        pairs: how many there are.
    """

    mean: float
    deviation: float | None
    pairs: int

    def __str__(self) -> str:
        places = 3 if self.deviation is not None and self.deviation < FINE else 2
        return f"{self.mean:.{places}f}" + ("" if self.deviation is None else f" ± {self.deviation:.{places}f}")


@dataclass(frozen=True, kw_only=True)
class Stability(Likeness):
    """
    How alike some pictures are; `nb.stability` makes it, and it shows itself as a matrix.

    Args:
        samples: the pictures, with the seeds that were sent for them.
        unlike: what differs between the requests besides the seed, such as `model`; none where they asked the same.
        given_twice: the labels of outputs that were given again, and are counted once.
    """

    samples: tuple[Sample, ...]
    unlike: tuple[str, ...] = ()
    given_twice: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        return one_line(f"<Stability {self.sentence}>")

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Every pair of them."""
        return tuple(
            Pair(
                one,
                other,
                self.ssim[one][other],
                self.bits[one][other],
                self.registered[one][other],
                _is_again(self.samples[one], self.samples[other]) and not self.unlike,
            )
            for one, other in combinations(range(len(self.samples)), 2)
        )

    @property
    def again(self) -> Spread | None:
        """The pairs of one seed: what it gave when it was asked twice. None where none was."""
        return _spread(pair.ssim for pair in self.pairs if pair.is_again)

    @property
    def apart(self) -> Spread | None:
        """All other pairs: of two seeds, or of two places of one result. None where there are none."""
        return _spread(pair.ssim for pair in self.pairs if not pair.is_again)

    @property
    def seeds(self) -> tuple[int | None, ...]:
        """The seeds, each once, in the order of the pictures."""
        return tuple(dict.fromkeys(sample.seed for sample in self.samples))

    @property
    def sentence(self) -> str:
        """
        It in words, for a caption or a paper: `4 pictures of seed 7: SSIM 0.93 ± 0.02 over 6 pairs.`

        ± is the standard deviation over the pairs.
        """
        again, apart = self.again, self.apart
        if again is not None and apart is not None:
            said = f"SSIM {again} over {_pairs(again.pairs)} of one seed, {apart} over the other {apart.pairs:,}"
        else:
            whole = again or apart
            assert whole is not None  # there are two pictures at least
            said = f"SSIM {whole} over {_pairs(whole.pairs)}"
        return f"{pictures(len(self.samples))}{self._of}: {said}."

    @property
    def _of(self) -> str:
        """What the pictures are of, in words."""
        records = [sample.edit for sample in self.samples if sample.edit is not None]
        if len(records) < len(self.samples):
            return ""
        if self.unlike:
            return f" of different requests ({', '.join(self.unlike)})"
        if len({record.uid for record in records}) == 1:
            seed = records[0].seed
            return " of one request" + ("" if seed is None else f" with seed {seed}")
        if None in self.seeds:
            return " of one request without a seed" if len(self.seeds) == 1 else " of one request"
        return f" of seed {self.seeds[0]}" if len(self.seeds) == 1 else f" of {len(self.seeds)} seeds"

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what was compared."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        records = [sample.edit for sample in self.samples if sample.edit is not None]
        if self.given_twice:
            yield f"Given twice and counted once: {', '.join(self.given_twice)}. A new sample comes from rerun()."
        if self.unlike:
            yield f"The requests differ in {', '.join(self.unlike)}: this says nothing of what a seed holds."
        if same := sum("" != one.sha256 == other.sha256 for one, other in combinations(self.samples, 2)):
            yield f"{_pairs(same)} of {len(self.pairs)} {'is' if same == 1 else 'are'} equal to the byte."
        if loose := sum(not pair.is_registered for pair in self.pairs):
            yield f"{_pairs(loose)} could not be laid on each other: compared as they lie."
        if records and all(record.is_play for record in records):
            yield f"Test pictures{at(records[0].provider)}: no model made them."

    def to_frame(self) -> DataFrame:
        """
        Return a pandas table with a row for each pair: both pictures and seeds, SSIM, bits, and whether it is of one
        seed that was asked twice.

        Raises:
            UsageError: pandas is not installed.
        """
        pd = load_pandas()
        rows = [
            {
                "first": self.samples[pair.first].label,
                "second": self.samples[pair.second].label,
                "first_seed": self.samples[pair.first].seed,
                "second_seed": self.samples[pair.second].seed,
                "ssim": pair.ssim,
                "bits": pair.bits,
                "registered": pair.is_registered,
                "same_seed_again": pair.is_again,
            }
            for pair in self.pairs
        ]
        return pd.DataFrame(rows).astype(dict.fromkeys(("first_seed", "second_seed", "bits"), "Int64"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        view = LikenessView(
            labels=tuple(sample.label for sample in self.samples),
            seeds=tuple(sample.seed for sample in self.samples),
            sources=tuple(sample.source for sample in self.samples),
            ssim=self.ssim,
            bits=self.bits,
            registered=self.registered,
            sentence=self.sentence,
            error=None if self.again and self.apart else self.standard_error,
            notes=self.notes,
        )
        return likeness_bundle(view), {}


def stability(*results: Any) -> Stability:
    """
    Measure how alike pictures are, each with each: those of one seed that was asked several times, or of several seeds.

    Each pair is laid on each other (shift, scale, a small turn) before it is compared, at 512 pixels, so that a move by
    a pixel does not count as unlike. Nothing is sent.

    Args:
        results: results, outputs, several results such as `result.vary(…)` gives, a page of the history, or pictures;
            or lists of those.

    Raises:
        UsageError: fewer than two pictures, or more than 100; a URL; NumPy is not installed.
        ImageError: no picture.
        NotInStoreError: a picture is not in the store.

    >>> import nbbanana as nb
    >>> picture = nb.samples.still_life((320, 240))
    >>> nb.stability(picture, picture).sentence
    '2 pictures: SSIM 1.00 over 1 pair.'
    """
    check_installed()
    given = list(_samples(results, 0))
    samples, twice = _each_once(given)
    if not 2 <= len(samples) <= MOST:
        why = f"{', '.join(twice)} was given twice." if twice else f"How alike pictures are is said of 2 to {MOST}."
        raise UsageError(
            f"{pictures(len(samples)) if samples else 'No picture'} cannot be compared.",
            why,
            "Give several seeds, result.vary(range(4)), or one seed several times, result and result.rerun().",
        )
    found = likeness([sample.source for sample in samples])
    return Stability(**asdict(found), samples=samples, unlike=_unlike(samples), given_twice=twice)


def _samples(given: Any, depth: int) -> Iterator[Sample]:
    if hasattr(type(given), "__nbbanana_samples__"):
        yield from given.__nbbanana_samples__()
    elif isinstance(given, list | tuple | Iterator) and depth < DEEPEST:
        for one in given:
            yield from _samples(one, depth + 1)
    else:
        image = load(given)
        if image.source is None:
            raise UsageError(
                f"{image.name} is an address.", "Pictures are compared here, by their pixels.", "Give the file."
            )
        yield Sample(image.name, image.source)


def _each_once(given: Sequence[Sample]) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    """Return the samples without those that are the same output again, and the names of these."""
    found: dict[Any, Sample] = {}
    twice: dict[str, None] = {}
    for place, sample in enumerate(given):
        key = place if sample.edit is None else (sample.edit.uid, sample.index)
        if found.setdefault(key, sample) is not sample:
            twice.setdefault(sample.label)
    return tuple(found.values()), tuple(twice)


def _unlike(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Return the names of what differs between the requests, but the seed."""
    asked = [_asked(sample.edit) for sample in samples if sample.edit is not None]
    names = dict.fromkeys(name for facts in asked for name in facts)
    return tuple(name for name in names if any(facts.get(name) != asked[0].get(name) for facts in asked))


def _asked(edit: Edit) -> dict[str, Any]:
    options = {name: value for name, value in edit.options.items() if name not in {"seed", "number_of_images"}}
    inputs = tuple(record.identity for record in (*edit.inputs, *edit.masks))
    return {"words": edit.prompt, "input": inputs, "model": edit.model, "provider": edit.provider, **options}


def _is_again(one: Sample, other: Sample) -> bool:
    return one.seed is not None and (one.seed, one.index) == (other.seed, other.index)


def _spread(values: Iterable[float]) -> Spread | None:
    found = list(values)
    if not found:
        return None
    return Spread(statistics.fmean(found), statistics.stdev(found) if len(found) > 1 else None, len(found))


def _pairs(count: int) -> str:
    return f"{count:,} pair{'' if count == 1 else 's'}"
