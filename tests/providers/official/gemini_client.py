"""Asks with google-genai and prints what came, as JSON: KEY and BASE come in the environment."""

from __future__ import annotations

import json
import os
import sys

from google import genai
from google.genai import errors, types

PNG = b"\x89PNG\r\n\x1a\n"


def ask(client: genai.Client, model: str, size: str) -> dict[str, object]:
    """What an edit gives: its pictures and tokens, or how it was refused."""
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        seed=7,
        image_config=types.ImageConfig(aspect_ratio="16:9", image_size=size),
    )
    try:
        answer = client.models.generate_content(
            model=model,
            contents=[types.Part.from_bytes(data=PNG, mime_type="image/png"), "Make it dusk."],
            config=config,
        )
    except errors.APIError as error:
        return {"error": error.code, "status": error.status}
    candidate = (answer.candidates or [None])[0]
    parts = (candidate.content.parts if candidate and candidate.content else None) or []
    return {
        "pictures": sum(bool(part.inline_data and not part.thought) for part in parts),
        "finish": candidate.finish_reason.value if candidate and candidate.finish_reason else None,
        "thoughts": answer.usage_metadata.thoughts_token_count if answer.usage_metadata else None,
        "model": answer.model_version,
        "blocked": answer.prompt_feedback.block_reason.value if answer.prompt_feedback else None,
    }


def main() -> None:
    """Ask once as it should be, and once as the arguments say."""
    options = types.HttpOptions(base_url=os.environ["BASE"], api_version="v1beta")
    client = genai.Client(api_key=os.environ["KEY"], http_options=options)
    json.dump(ask(client, sys.argv[1], sys.argv[2]), sys.stdout)


if __name__ == "__main__":
    main()
