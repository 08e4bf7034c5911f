"""Asks with OpenRouter's client and prints what came, as JSON: KEY and BASE come in the environment."""

from __future__ import annotations

import json
import os
import sys

from openrouter import OpenRouter, errors
from openrouter.utils import BackoffStrategy, RetryConfig

ONCE = RetryConfig("none", BackoffStrategy(0, 0, 0, 0), retry_connection_errors=False)


def main() -> None:
    """Ask for the picture, the endpoints and the list of models."""
    model, size = sys.argv[1:3]
    author, _, slug = model.partition("/")
    reference = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    with OpenRouter(api_key=os.environ["KEY"], server_url=os.environ["BASE"], retry_config=ONCE) as client:
        try:
            answer = client.images.generate(
                model=model, prompt="Make it dusk.", seed=7, resolution=size, input_references=[reference]
            )
            endpoints = client.images.list_model_endpoints(author=author, slug=slug)
        except errors.OpenRouterError as error:
            json.dump({"error": error.status_code}, sys.stdout)
            return
    found = {"pictures": len(answer.data), "cost": answer.usage.cost if answer.usage else None}
    json.dump({**found, "endpoints": "output_image" in str(endpoints)}, sys.stdout)


if __name__ == "__main__":
    main()
