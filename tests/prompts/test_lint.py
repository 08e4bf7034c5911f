"""Advice on prompts: the document's samples and anti-patterns, fixes that can be applied, and what it costs."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.prompt_faults import EDITS, SAMPLES, WORDING

from nbbanana import models
from nbbanana.models import from_schema
from nbbanana.prompts.lint import MOST_READ, Asked, findings, fixed
from nbbanana.request import quiet_line

NANO = models.get("google/nano-banana-2/edit")


def rules(prompt: str, **known: object) -> list[str]:
    """The ids of the rules that find something, the gravest first."""
    return [one.rule for one in findings(Asked(prompt, **known))]


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_documents_samples_need_no_advice(sample: str) -> None:
    """Row 18: what was verified to work is left alone, with one picture and with three of the ratio that is asked."""
    assert findings(Asked(sample, ((800, 800),), NANO, {"aspect_ratio": "1:1", "resolution": "1K"})) == ()
    assert findings(Asked(sample, ((800, 800),) * 3, NANO, {"aspect_ratio": "1:1", "resolution": "1K"})) == ()


@pytest.mark.parametrize(
    ("prompt", "rule"),
    [
        ("change A and B and C and D", "compound"),
        ("the background should be changed", "passive"),
        ("the background should be changed", "missing-preservation"),
        ("修改A、B、C和D", "compound"),
        ("背景应该被修改", "passive"),
        ("背景应该被修改", "missing-preservation"),
    ],
)
def test_the_documents_anti_patterns_get_their_advice(prompt: str, rule: str) -> None:
    """Row 17: compound instructions, passive voice, missing preservation, in both of the document's languages."""
    assert rule in rules(prompt)


@pytest.mark.parametrize(("size", "ratio"), [((1200, 800), "1:1"), ((800, 1200), "16:9"), ((1000, 1000), "4:3")])
def test_a_ratio_that_does_not_match_the_input_is_a_warning(size: tuple[int, int], ratio: str) -> None:
    """Row 17: it crops or stretches; the parameter that keeps the picture's own ratio is offered."""
    [found] = findings(Asked(SAMPLES[0], (size,), NANO, {"aspect_ratio": ratio}))
    assert (found.rule, found.severity, found.settings) == ("ratio-crops-input", "warning", {"aspect_ratio": "auto"})
    assert f"{size[0]}×{size[1]}" in found.why


@pytest.mark.parametrize(
    ("size", "ratio"), [((1200, 800), "3:2"), ((1208, 800), "3:2"), ((7, 9), "auto"), (None, "1:1")]
)
def test_a_ratio_that_matches_is_none(size: tuple[int, int] | None, ratio: str) -> None:
    """As near as services round, left open, or of a picture whose size nobody knows: nothing is said."""
    assert rules(SAMPLES[0], sizes=(size,), model=NANO, parameters={"aspect_ratio": ratio}) == []


def test_preservation_comes_first_and_change_last() -> None:
    """Row 12: what stays is said first; where it comes last, the fix puts it first."""
    late = "Convert the background into a rainy street. Keep the subject identity unchanged."
    [found] = findings(Asked(late))
    assert (found.rule, found.passage) == ("preservation-after-change", "Keep the subject identity unchanged.")
    assert found.fix == "Keep the subject identity unchanged. Convert the background into a rainy street."


def test_more_of_something_is_vague_and_a_place_is_not() -> None:
    """Row 13: “make it more X” drifts; spatial words are honored, and "only" says what stays."""
    assert "vague-intensifier" in rules("Make it more X.")
    for scope in ("the background only", "only the left object", "only the upper-right corner"):
        assert rules(f"Brighten {scope}.") == []


def test_a_series_locks_ratio_and_resolution() -> None:
    """Row 14: the same words for several pictures, with the framing left open."""
    assert rules(SAMPLES[2], sizes=(None,) * 3, model=NANO) == ["batch-without-locked-ratio-or-resolution"]
    assert rules(SAMPLES[2], sizes=(None,), model=NANO) == []


def test_a_prompt_that_the_service_would_refuse_is_an_error() -> None:
    """Longer than the schema allows: by how much, and the part beyond."""
    schema = {"properties": {"prompt": {"type": "string", "maxLength": 40}, "image": {"format": "image_uris"}}}
    [found] = [one for one in findings(Asked(SAMPLES[0], model=from_schema("a/b", schema))) if one.severity == "error"]
    assert (found.rule, found.span) == ("too-long", (40, len(SAMPLES[0])))


def test_other_languages_get_the_rules_that_read_no_words() -> None:
    """French and Japanese prompts are not judged by English words; their ratio and their quotes are."""
    french, german = "Remplace le ciel par un coucher de soleil.", "Ersetze den Hund durch eine Katze."
    for prompt in (french, german, "背景をビーチに変えてください。"):
        assert rules(prompt) == []
    known = {"sizes": ((1200, 800),), "model": NANO, "parameters": {"aspect_ratio": "1:1"}}
    assert rules(french, **known) == ["ratio-crops-input"]


@pytest.mark.parametrize("rule", ["missing-preservation", "passive"])
def test_each_rule_can_be_left_out(rule: str) -> None:
    """What is switched off says nothing, and the others go on."""
    asked = Asked("The background should be changed.")
    every = {one.rule for one in findings(asked)}
    assert {one.rule for one in findings(asked, off=[rule])} == every - {rule}


def test_the_quiet_line_is_for_errors_and_warnings() -> None:
    """Hints say nothing before a request is sent; of more than one the gravest is said, on one line."""
    assert quiet_line(findings(Asked("The background should be changed."))) is None
    asked = Asked("Keep the dog.\nUse the hat of image 9.", ((1200, 800),), NANO, {"aspect_ratio": "1:1"})
    line = quiet_line(findings(asked))
    assert line is not None
    assert line.startswith("Error: It names picture 9")
    assert line.endswith("; 1 more, which a dry run shows")
    assert "\n" not in line


parts = st.one_of(
    st.sampled_from([f"{one.verb} {one.thing} {one.into}" for one in EDITS]),
    st.sampled_from([f"Keep {one.stays} unchanged" for one in EDITS]),
    st.sampled_from([f"{one.thing.capitalize()} should be {one.done} {one.into}" for one in EDITS]),
    st.sampled_from([sentence.format(words).rstrip(".") for sentence, words, _ in WORDING]),
    st.sampled_from(
        ["Can you make it red?", "把背景换成海滩", "保持人物不变", "Make it more dramatic", 'Add "今日" to the sign']
    ),
    st.text(max_size=30),
)
prompts = st.lists(parts, min_size=1, max_size=5).flatmap(
    lambda some: st.sampled_from([". ", ", ", " and ", "\n", "。", "; ", "? "]).map(lambda joint: joint.join(some))
)


@given(prompts)
def test_to_mend_again_changes_nothing(prompt: str) -> None:
    """The mended prompt is left alone by the same fixes, whatever was written."""
    once = fixed(Asked(prompt))
    assert fixed(Asked(once)) == once


@given(prompts)
def test_every_finding_points_into_the_prompt(prompt: str) -> None:
    """Whatever is written, advice comes, its span holds the words that it names, and a fix is another prompt."""
    for one in findings(Asked(prompt, (None, None), NANO, {"number_of_images": 2})):
        start, end = one.span
        assert 0 <= start <= end <= len(prompt)
        assert one.passage == prompt[start:end]
        assert one.fix is None or (one.fix.strip() and one.fix != prompt)


@pytest.mark.nightly
@pytest.mark.parametrize(
    "text", ["and ", "the ", "make it ", "change the text to ", '"', "把", "应该被", "Keep the a, "]
)
def test_a_prompt_costs_no_more_than_its_length(text: str) -> None:
    """Four times as much takes nowhere near sixteen times as long; beyond a limit no word is read."""
    short, long = (text * (count // len(text)) for count in (MOST_READ // 4, MOST_READ))
    assert _seconds(long) < 12 * _seconds(short) + 0.1
    assert rules(f"{long}{text}Replace the sky with a sunset.") == []


def _seconds(prompt: str) -> float:
    asked = Asked(prompt)
    findings(asked)
    best = 9.0
    for _ in range(3):
        begun = time.thread_time()
        findings(Asked(prompt))
        best = min(best, time.thread_time() - begun)
    return best


def test_loading_the_extension_reads_no_rules() -> None:
    """`import nbbanana` and `%load_ext nbbanana` load nothing of the lint."""
    code = (
        "import sys, nbbanana\n"
        "from IPython.core.interactiveshell import InteractiveShell as Shell\n"
        "Shell.instance().run_line_magic('load_ext', 'nbbanana')\n"
        "print([name for name in sys.modules if 'nbbanana.prompts.lint' in name or 'prompts.reading' in name])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
