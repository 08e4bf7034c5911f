"""
What is asked: a model, its parameters and its pictures, and the two digests that name it.

The *ask* digest says "the same question", the *request* digest "the same submission": see `EditRequest`.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from nbbanana.images import ImageInput
    from nbbanana.regions import Area

__all__ = [
    "MOST_REQUESTS",
    "EditRequest",
    "Finding",
    "Origin",
    "Severity",
    "canonical_json",
    "origin",
    "quiet_line",
    "sha256_of",
    "with_plain_line_ends",
]

Severity = Literal["error", "warning", "hint"]
MOST_REQUESTS = 20_000
"""Requests of one call or sweep: more are a mistake, or work for several of them."""
SEED_LIMIT = 2**31 - 1
"""Seeds stay below this: the largest that every known service and every JSON reader takes."""


def canonical_json(value: Any) -> str:
    """
    Return the one spelling of a JSON value: sorted keys, no spaces, no NaN, text as UTF-8.

    Raises:
        TypeError: something that is not JSON. A digest must never fall back to `str()`.
        ValueError: NaN or an infinity.

    >>> canonical_json({"b": 1, "a": ["ü", None]})
    '{"a":["ü",null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(value: Any) -> str:
    """Return SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


_LINE_ENDS = re.compile(r"\r\n?")


def with_plain_line_ends(text: str) -> str:
    r"""
    Return the text with `\n` at the end of each line, whatever the editor or the file wrote.

    >>> with_plain_line_ends("Keep her.\r\nMake it night.\r")
    'Keep her.\nMake it night.\n'
    """
    return _LINE_ENDS.sub("\n", text)


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Where a request comes from.

    Args:
        notebook: the name of the notebook, if it is known.
        cell: the id of the cell; None outside of a cell and under front ends that send no id.
        kernel: the id of the kernel's process.
        execution: the number of the execution, as in `In [12]`.
        source: what made the request.
    """

    notebook: str | None = None
    cell: str | None = None
    kernel: str | None = None
    execution: int | None = None
    source: Literal["script", "notebook", "form", "shell"] = "script"


origin: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 (it is frozen)
"""Where requests that are made now come from: set by the notebook room as a cell begins, and by forms."""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One piece of advice on a request, as `nbbanana.prompts.lint` gives it.

    Args:
        rule: the id of the rule, such as `missing-preservation`.
        severity: `error`: the service will refuse it, or it contradicts itself. `warning`: measured to be right.
            `hint`: advice.
        span: the passage of the prompt, by first character and the one after the last.
        passage: the words there.
        why: what is wrong and what to do, in plain words.
        source: what the rule rests on.
        fix: the whole prompt with this mended; None where only its writer can.
        settings: parameters that mend it.
    """

    rule: str
    severity: Severity
    span: tuple[int, int]
    passage: str
    why: str
    source: str
    fix: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.severity} {self.rule}: {self.why}"


def quiet_line(advice: Sequence[Finding]) -> str | None:
    """
    Return the gravest advice as one line, with how much more there is; None where there are only hints.

    >>> quiet_line([Finding("text-unquoted", "warning", (12, 16), "OPEN", "Put it in quotation marks.", "its guide")])
    'Warning: Put it in quotation marks. (text-unquoted)'
    """
    grave = [one for one in advice if one.severity != "hint"]
    if not grave:
        return None
    more = f"; {len(grave) - 1} more, which a dry run shows" if len(grave) > 1 else ""
    return f"{grave[0].severity.capitalize()}: {grave[0].why} ({grave[0].rule}){more}"


@dataclass(frozen=True, slots=True)
class EditRequest:
    """
    What is asked, checked against the model's schema already.

    Args:
        model: the endpoint, such as `google/nano-banana-2/edit`.
        parameters: only what the user set, under the catalogue's names, the prompt among them, the images not.
            `seed` stands here only if the user gave it.
        images: the pictures in their order; the first is the primary one, the others are reference images.
        minted_seed: the random seed of a request whose user gave none; None where the model has no seed.
        mask: the picture that says where to repaint, for a model that takes one; its parameter holds its identity.
        region: the part of a picture that it is about. It is kept with the record and not sent, and it is no part of
            the question: the same words about another part are the same ask.
        prompt_field: the parameter that holds the prompt; None where the model takes none.
        parts: what the prompt is composed of, as JSON values; None where it is a person's own words. They are kept
            with the record and are no part of the question.
        model_named: whether the user named the model; else it is the provider's default. It is no part of the question.
        model_note: a sentence about the model: why it was chosen for the user, or which other one suits better; empty
            where there is nothing to say. It is no part of the question.
        origin: where the request comes from; it is kept with the record and is no part of the question.
        advice: what the lint says of it, for whoever shows it; it is neither kept nor a part of the question.

    >>> one = EditRequest("m", {"prompt": "Make it snow."}).with_seed_for("seed")
    >>> two = EditRequest("m", {"prompt": "Make it snow."}).with_seed_for("seed")
    >>> one.ask == two.ask, one.digest("sandbox") == two.digest("sandbox")
    (True, False)
    """

    model: str
    parameters: Mapping[str, Any]
    images: tuple[ImageInput, ...] = ()
    minted_seed: int | None = None
    seed_field: str | None = field(default="seed", repr=False)
    mask: ImageInput | None = None
    region: Area | None = None
    prompt_field: str | None = field(default="prompt", repr=False)
    parts: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    model_named: bool = field(default=True, repr=False, compare=False)
    model_note: str = field(default="", repr=False, compare=False)
    origin: Origin = field(default_factory=origin.get, repr=False, compare=False)
    advice: tuple[Finding, ...] = field(default=(), repr=False, compare=False)
    _ask: str | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parameters = dict(self.parameters)
        if self.prompt_field in parameters and isinstance(words := parameters[self.prompt_field], str):
            parameters[self.prompt_field] = with_plain_line_ends(words)
        object.__setattr__(self, "parameters", MappingProxyType(parameters))

    @property
    def prompt(self) -> str:
        """The words, as they are sent; empty where there are none."""
        return "" if self.prompt_field is None else str(self.parameters.get(self.prompt_field, ""))

    @property
    def seed(self) -> int | None:
        """The seed that is sent: the user's, else the minted one."""
        given = self.parameters.get(self.seed_field) if self.seed_field else None
        return self.minted_seed if given is None else int(given)

    @property
    def is_seeded(self) -> bool:
        """Whether the user gave the seed."""
        return self.seed_field is not None and self.seed_field in self.parameters

    @property
    def ask(self) -> str:
        """The digest of the question: model, what the user set, the pictures by their content."""
        if self._ask is None:
            object.__setattr__(self, "_ask", self.ask_at(self.model))  # nothing of it can change
        assert self._ask is not None
        return self._ask

    def ask_at(self, model: str) -> str:
        """Return the digest of the same question to another model."""
        images = [image.identity for image in self.images]
        return sha256_of({"model": model, "parameters": dict(self.parameters), "images": images})

    def digest(self, provider: str) -> str:
        """Return the digest of the submission: the ask, the seed that goes out, and who runs it."""
        return sha256_of({"ask": self.ask, "seed": self.seed, "provider": provider})

    def with_seed_for(self, seed_field: str | None) -> EditRequest:
        """
        Return the same with a seed to send: a minted one unless the user gave one or the model has none.

        One that is minted already stays, as in a pass that takes the seed of the pass before it.
        """
        if seed_field is None:
            return replace(self, seed_field=None, minted_seed=None)
        minted = None
        if seed_field not in self.parameters:
            minted = secrets.randbelow(SEED_LIMIT) if self.minted_seed is None else self.minted_seed
        return replace(self, seed_field=seed_field, minted_seed=minted)
