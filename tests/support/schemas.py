"""Schemas of models that are not shipped."""

from __future__ import annotations

from typing import Any

__all__ = ["INPAINT"]

INPAINT: dict[str, Any] = {
    "type": "object",
    "required": ["mask_image_url", "image_url", "prompt"],
    "properties": {
        "prompt": {"type": "string"},
        "image_url": {"type": "string", "format": "image_uri"},
        "mask_image_url": {"type": "string", "format": "image_uri", "description": "White is repainted."},
        "seed": {"type": "integer"},
    },
}
"""A model that repaints where a mask is white."""
