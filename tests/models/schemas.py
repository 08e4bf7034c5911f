"""Input schemas as the service hands them out, in its dialect: raw types, sample defaults, limits on media."""

from __future__ import annotations

from typing import Any

PROMPT = {
    "type": "string",
    "title": "Prompt",
    "description": "Describe the edit.",
    "default": "She is now holding an orange umbrella and smiling",
}
SAMPLE = "https://playgrounds-storage-public.runcomfy.net/tools/7063/media-files/usecase1-1-input.webp"
RATIOS = ["auto", "21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16"]

NANO_BANANA: dict[str, Any] = {
    "type": "object",
    "title": "Nano Banana 2 Edit",
    "required": ["prompt", "image_urls"],
    "properties": {
        "prompt": PROMPT,
        "image_urls": {"type": "array", "format": "image_uris", "maxItems": 14, "default": [SAMPLE]},
        "num_images": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
        "seed": {"type": "integer", "default": 81030369},
        "aspect_ratio": {"type": "string", "enum": RATIOS, "default": "auto"},
        "resolution": {"type": "string", "enum": ["0.5K", "1K", "2K", "4K"], "default": "1K"},
        "safety_tolerance": {"type": "string", "enum": ["1", "2", "3", "4", "5", "6"], "default": "4"},
        "output_format": {"type": "string", "enum": ["png", "jpeg", "webp"], "default": "png"},
    },
}
"""The shipped model as the service may describe it: the count renamed, the tolerance a text, two fields gone."""

NANO_BANANA_LITE: dict[str, Any] = {
    "type": "object",
    "required": ["prompt", "image_urls"],
    "properties": {
        "prompt": PROMPT,
        "image_urls": {
            "type": "array",
            "items": {"type": "string"},
            "format": "image_uris",
            "minItems": 1,
            "maxItems": 10,
        },
        "aspect_ratio": {"type": "string", "enum": [*RATIOS, "4:1", "1:4", "8:1", "1:8"], "default": "auto"},
    },
}

GPT_IMAGE: dict[str, Any] = {
    "type": "object",
    "title": "GPT Image 2 Edit",
    "required": ["prompt", "images"],
    "properties": {
        "prompt": PROMPT,
        "images": {"type": "array", "format": "image_uris", "minItems": 1, "maxItems": 10, "default": [SAMPLE]},
        "aspect_ratio": {
            "type": "string",
            "enum": ["1:1", "3:2", "2:3", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"],
            "default": "1:1",
            "description": "Auto-detected from input image if omitted",
        },
        "resolution": {"type": "string", "enum": ["1k", "2k", "4k"], "default": "1k"},
        "quality": {"type": "string", "enum": ["low", "medium", "high"], "default": "medium"},
        "output_format": {"type": "string", "enum": ["png", "jpeg", "webp"], "default": "png"},
    },
}

KONTEXT: dict[str, Any] = {
    "type": "object",
    "required": ["prompt", "image_url"],
    "properties": {
        "prompt": PROMPT,
        "image_url": {"type": "string", "format": "image_uri", "default": SAMPLE},
        "seed": {"type": "integer", "default": 81030369},
        "aspect_ratio": {"type": "string", "default": "16:9"},
        "guidance_scale": {"type": "float", "minimum": 1, "maximum": 20, "default": 3.5},
    },
}

INPAINTING: dict[str, Any] = {
    "type": "object",
    "required": ["mask_image_url", "image_url", "prompt"],
    "properties": {
        "mask_image_url": {
            "type": "string",
            "format": "image_uri",
            "description": "White is repainted.",
            "default": SAMPLE,
        },
        "image_url": {"type": "string", "format": "image_uri", "default": SAMPLE},
        "prompt": PROMPT,
        "strength": {"type": "float", "minimum": 0, "maximum": 1, "default": 0.6},
        "control_scale": {"type": "float", "minimum": 0.0, "maximum": 2.0},
        "steps": {"type": "int", "minimum": 4, "maximum": 40, "multipleOf": 4},
        "seed": {"type": "integer"},
        "loras": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
    },
}

SEEDREAM: dict[str, Any] = {
    "type": "object",
    "required": ["prompt", "image"],
    "properties": {
        "prompt": PROMPT,
        "image": {
            "type": "array",
            "format": "image_uris",
            "minItems": 1,
            "maxItems": 10,
            "validations": [
                {"validation_rule": "file_size_mb<", "validation_value": 30, "validation_error": "too large"},
                {"validation_rule": "width/height>", "validation_value": 0.0625, "validation_error": "too narrow"},
            ],
        },
        "aspect_ratio": {"type": "string", "enum": ["auto", "1:1", "4:3"], "default": "1:1"},
        "resolution": {"type": "string", "enum": ["1K", "2K"], "default": "2K"},
        "output_format": {"type": "string", "enum": ["png", "jpeg"], "default": "png"},
    },
}
