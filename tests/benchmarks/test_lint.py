"""What advice on one prompt costs, once the rules are loaded."""

from __future__ import annotations

import statistics
import time

import pytest
from support.prompt_faults import cases

from nbbanana import models
from nbbanana.prompts.lint import Asked, findings

GOAL = 0.005
"""Seconds for one prompt; a shared machine may take ten times as long."""


@pytest.mark.nightly
def test_lint_of_one_prompt() -> None:
    """The median and the slowest of all constructed prompts, printed; goal 5 ms."""
    model = models.get("google/nano-banana-2/edit")
    prompts = [case.prompt for case in cases()]
    findings(Asked(prompts[0]))
    took = []
    for prompt in prompts:
        begun = time.perf_counter()
        findings(Asked(prompt, ((1200, 800),), model, {"aspect_ratio": "1:1"}))
        took.append(time.perf_counter() - begun)
    print(f"lint: median {1000 * statistics.median(took):.2f} ms, slowest {1000 * max(took):.2f} ms of {len(took)}")
    assert statistics.median(took) < 10 * GOAL
