"""Rules are data: each carries what it finds and what it leaves alone, and both are run."""

from __future__ import annotations

import pytest

from nbbanana.prompts.lint import Asked, Rule, all_rules, findings

RULES = {rule.id: rule for rule in all_rules()}
FOUND = [(rule.id, prompt) for rule in all_rules() for prompt in rule.found]
CLEAN = [(rule.id, prompt) for rule in all_rules() for prompt in rule.clean]


def asked(rule: Rule, prompt: str) -> Asked:
    """An example as its rule says that it is asked."""
    pictures = rule.given.get("pictures")
    size = tuple(rule.given.get("size", ())) or None
    return Asked(prompt, None if pictures is None else (size,) * pictures, None, rule.given.get("parameters", {}))


@pytest.mark.parametrize(("rule", "prompt"), FOUND)
def test_a_rule_finds_its_examples(rule: str, prompt: str) -> None:
    """What a rule's data says that it finds, it finds, in a passage of the prompt."""
    hits = [one for one in findings(asked(RULES[rule], prompt)) if one.rule == rule]
    assert len(hits) == 1
    start, end = hits[0].span
    assert 0 <= start <= end <= len(prompt)
    assert hits[0].passage == prompt[start:end]


@pytest.mark.parametrize(("rule", "prompt"), CLEAN)
def test_a_rule_leaves_its_counter_examples_alone(rule: str, prompt: str) -> None:
    """What a rule's data says that it leaves alone, it leaves alone."""
    assert rule not in {one.rule for one in findings(asked(RULES[rule], prompt))}


@pytest.mark.parametrize("rule", [rule for rule in all_rules() if rule.fixed], ids=lambda rule: rule.id)
def test_a_fix_reads_as_the_rule_says(rule: Rule) -> None:
    """The first example of a rule that can mend reads, mended, as its data says, and the rule is content."""
    hit = next(one for one in findings(asked(rule, rule.found[0])) if one.rule == rule.id)
    assert hit.fix == rule.fixed
    assert rule.id not in {one.rule for one in findings(asked(rule, rule.fixed))}
