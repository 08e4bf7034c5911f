"""
The models: what each takes, what it is for, and everything that follows from its schema.

`get` and `ids` know the catalogue that is shipped, `from_schema` makes a model of a schema that a service handed out.
"""

from __future__ import annotations

from nbbanana.models.catalogue import canonical, get, ids
from nbbanana.models.fields import Field
from nbbanana.models.model import Model, from_schema
from nbbanana.models.wording import Grammar

__all__ = ["Field", "Grammar", "Model", "canonical", "from_schema", "get", "ids"]
