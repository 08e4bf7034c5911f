"""
The models: what each takes, what it is for, and everything that follows from its schema.

`get`, `ids`, `search` and `compare` know the catalogue that is shipped, `choose` ranks its models for a request, and
`from_schema` makes a model of a schema that a service handed out.
"""

from __future__ import annotations

from nbbanana.models.catalogue import ModelComparison, ModelList, canonical, compare, get, ids, search
from nbbanana.models.choosing import AUTO, Ranked, Ranking, auto_model, choose
from nbbanana.models.model import Model, from_schema
from nbbanana.models.schemas import Field, Grammar
from nbbanana.models.tables import list_bundle, model_bundle

__all__ = [
    "AUTO",
    "Field",
    "Grammar",
    "Model",
    "ModelComparison",
    "ModelList",
    "Ranked",
    "Ranking",
    "auto_model",
    "canonical",
    "choose",
    "compare",
    "from_schema",
    "get",
    "ids",
    "list_bundle",
    "model_bundle",
    "search",
]


def __dir__() -> list[str]:
    """Return what is meant for users, for completion; the modules inside are not."""
    return list(__all__)
