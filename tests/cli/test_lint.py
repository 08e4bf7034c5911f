"""Advice in a shell: `nbbanana lint`, and one line on stderr before a request is sent."""

from __future__ import annotations


def test_a_shell_gets_the_findings_as_lines_and_as_json(shell):
    """Severity, rule, place, words and why; JSON has the mended prompt too, and nothing is sent or asked for a key."""
    prompt = "Replace the sky with a sunset. Keep the house unchanged."
    ran = shell("lint", prompt)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.split("\t")[:4] == ["hint", "preservation-after-change", "31", "56"]
    [row] = shell("lint", prompt, "--output", "json").json
    assert row["fix"] == "Keep the house unchanged. Replace the sky with a sunset."
    assert shell("lint", prompt, "--fixed").out.strip() == row["fix"]


def test_what_contradicts_itself_is_exit_code_65(shell):
    """A picture's number that no picture has is an error; pictures and parameters are looked at too."""
    ran = shell("lint", "Keep her face. Put the hat of image 2 on her.", "table.png", "--set", "aspect_ratio=1:1")
    assert ran.code == 65
    assert [line.split("\t")[:2] for line in ran.out.splitlines()] == [
        ["error", "image-number-beyond-count"],
        ["warning", "ratio-crops-input"],
    ]


def test_a_shell_says_what_is_wrong_before_it_sends(shell, served):
    """One line on stderr, before the first step and not again after the last; none where the lint is off."""
    served()
    edit = ("edit", "table.png", "-p", "Keep the table. Make it night.", "--aspect-ratio", "1:1", "--seed", "3")
    ran = shell(*edit, "-o", "out")
    assert ran.code == 0
    assert ran.err.startswith("Warning: aspect_ratio is 1:1, and the picture is 48×32.")
    assert ran.err.count("ratio-crops-input") == 1
    shell.env["NBBANANA_LINT"] = "false"
    assert "ratio-crops-input" not in shell(*edit, "--fresh", "-o", "out").err


def test_what_the_store_answers_needs_no_advice(shell, served):
    """Nothing is sent, so nothing is said of it."""
    served()
    edit = ("edit", "table.png", "-p", "Keep the table. Make it night.", "--aspect-ratio", "1:1", "--seed", "3")
    shell(*edit, "-q", "-o", "out")
    ran = shell(*edit, "-o", "out")
    assert ran.code == 0
    assert "ratio-crops-input" not in ran.err
