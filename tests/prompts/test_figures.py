"""The severity of a rule rests on figures, and the figures on labels: both are counted again here."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support import prompt_figures
from support.prompt_faults import cases

from nbbanana.prompts.lint import Figures, all_rules, figures, interval

MEASURED = [rule for rule in all_rules() if rule.measured_on != "parameters"]
BY_CONSTRUCTION = sorted({case.rule for case in cases()})

PROMPTS = os.environ.get("NBBANANA_PROMPTS")
"""The file with the prompts, where somebody has it."""

QUIET_LINES = 15
"""In a hundred prompts of others so many may get a line before they are sent, at most."""


def test_the_figures_that_are_shipped_follow_from_the_labels() -> None:
    """What readers said, what rules found and what construction gives: counted again, nothing else comes out."""
    assert json.loads(prompt_figures.FIGURES.read_text("utf-8")) == prompt_figures.all_figures()


def test_labels_and_hits_are_about_the_same_prompts() -> None:
    """540 prompts, each once, by SHA-256; none of their words is here."""
    labelled = [one.sha256 for one in prompt_figures.labels()]
    assert len(set(labelled)) == 540
    assert labelled == list(prompt_figures.hits())
    assert all(len(name) == 64 for name in labelled)


@pytest.mark.parametrize("rule", MEASURED, ids=lambda rule: rule.id)
def test_a_rule_that_is_not_measured_well_is_a_hint(rule) -> None:
    """Under 0.8 precision, under 20 hits or with a lower bound under 0.6 it is a hint, whatever its data wishes."""
    one = figures().get(rule.id)
    is_good = (
        one is not None and one.hits >= 20 and one.right / one.hits >= 0.8 and interval(one.right, one.hits)[0] >= 0.6
    )
    assert rule.severity == (rule.most if is_good else "hint")


@pytest.mark.parametrize(
    ("one", "may_speak"),
    [
        (Figures(20, 17, 0, 100), True),
        (Figures(19, 19, 0, 100), False),
        (Figures(20, 16, 0, 100), False),  # its lower bound is 0.58
        (Figures(200, 159, 0, 999), False),
        (Figures(200, 160, 0, 999), True),
        (Figures(0, 0, 9, 100), False),
    ],
)
def test_the_border_is_where_it_is_said_to_be(one: Figures, may_speak: bool) -> None:
    """Twenty hits, four of five right, and a lower bound of 0.6: each of them is needed."""
    assert one.allow_more_than_a_hint is may_speak


def test_few_prompts_get_a_line_before_they_are_sent() -> None:
    """At most 15 in 100 prompts of others get an error or a warning."""
    loud = {rule.id for rule in all_rules() if rule.severity != "hint"}
    told = sum(bool(found & loud) for found in prompt_figures.hits().values())
    assert 100 * told <= QUIET_LINES * len(prompt_figures.hits())


if PROMPTS:  # they are other people's, and no part of this repository

    def test_the_rules_find_what_the_file_says_that_they_find() -> None:
        """Where the prompts are at hand, the hits that were written down are those of the rules as they are."""
        prompts = prompt_figures.read_prompts(Path(str(PROMPTS)))
        found = {row["sha256"]: frozenset(row["rules"]) for row in prompt_figures.found_in(prompts)}
        assert found == prompt_figures.hits()


@pytest.mark.parametrize("rule", BY_CONSTRUCTION)
def test_faults_made_by_construction_are_found(rule: str) -> None:
    """Row 17: quotes stripped, prompts joined, orders made passive, nouns made pronouns, the order swapped."""
    one = prompt_figures.made(rule)
    assert one.recall is not None
    assert one.precision is not None
    assert interval(one.right, one.right + one.missed)[0] > 0.6, f"{rule}: recall {one.recall:.2f}"
    assert one.precision >= 0.95


def test_the_documentation_has_these_figures() -> None:
    """The table of the page on advice is the one that the data gives."""
    page = prompt_figures.PAGE.read_text("utf-8")
    shown = page.partition(prompt_figures.START)[2].partition(prompt_figures.END)[0]
    assert shown.strip() == prompt_figures.table()
