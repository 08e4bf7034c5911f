"""
What is asked: a model, its parameters and its pictures, and the two digests that name it.

The *ask* digest says "the same question", the *request* digest "the same submission": see `EditRequest`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from nbbanana.images import ImageInput
from nbbanana.regions import Area

__all__ = ["EditRequest", "canonical_json", "sha256_of"]

SEED_LIMIT = 2**31 - 1
"""Seeds stay below this: the largest that every known service and every JSON reader takes."""


def canonical_json(value: Any) -> str:
    """
    The one spelling of a JSON value: sorted keys, no spaces, no NaN, text as UTF-8.

    Raises:
        TypeError: something that is not JSON. A digest must never fall back to `str()`.
        ValueError: NaN or an infinity.

    >>> canonical_json({"b": 1, "a": ["ü", None]})
    '{"a":["ü",null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(value: Any) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    @property
    def prompt(self) -> str:
        """The words, as they are sent."""
        return str(self.parameters.get("prompt", ""))

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
    def sent_parameters(self) -> dict[str, Any]:
        """The parameters with the seed that goes out, still without the images."""
        parameters = dict(self.parameters)
        if self.seed_field and self.seed is not None:
            parameters[self.seed_field] = self.seed
        return parameters

    @property
    def ask(self) -> str:
        """The digest of the question: model, what the user set, the pictures by their content."""
        return sha256_of(
            {
                "model": self.model,
                "parameters": dict(self.parameters),
                "images": [image.identity for image in self.images],
            }
        )

    def digest(self, provider: str) -> str:
        """The digest of the submission: the ask, the seed that goes out, and who runs it."""
        return sha256_of({"ask": self.ask, "seed": self.seed, "provider": provider})

    def with_seed_for(self, seed_field: str | None) -> EditRequest:
        """The same with a seed to send: a minted one unless the user gave one or the model has none."""
        if seed_field is None:
            return replace(self, seed_field=None, minted_seed=None)
        minted = None if seed_field in self.parameters else secrets.randbelow(SEED_LIMIT)
        return replace(self, seed_field=seed_field, minted_seed=minted)
