"""What a magic or a call can do, a shell can: `nbbanana edit` with the options of the schema, and the other verbs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.shells import ASK, MODEL, RUN
from support.waiting import until

from nbbanana import models
from nbbanana.cli.console import _for_a_shell
from nbbanana.sandbox import Fault

EDIT = ("edit", "table.png", "-p", "Make it dusk.", "--seed", "7", "--resolution", "0.5K")
CYRILLIC = "Сделай ночь, 雨 🎉"


def test_an_edit_writes_its_pictures_and_prints_where(shell, served):
    """Paths, one a line, in the folder that `-o` names; short and long options, as on the magic's line."""
    box = served()
    ran = shell(*EDIT, "-n", "2", "-o", "out")
    assert ran.code == 0
    names = ran.out.splitlines()
    assert [Path(name).name for name in names] == ["edit-1-0.png", "edit-1-1.png"]
    assert all(Path(name).parent == shell.folder / "out" and Path(name).is_file() for name in names)
    sent = box.submissions[0].payload
    assert {name: sent[name] for name in ("prompt", "number_of_images", "seed", "resolution")} == {
        "prompt": "Make it dusk.",
        "number_of_images": 2,
        "seed": 7,
        "resolution": "0.5K",
    }


def test_an_edit_goes_on_with_an_edit(shell, served):
    """`edit:1[0]` is an output of the history; without `-o` the pictures come into this folder."""
    served()
    shell(*EDIT, "-q")
    ran = shell("edit", "edit:1[0]", "-p", "Now rain.", "--output", "json", "-q")
    assert ran.code == 0
    assert [Path(row["image"]).parent for row in ran.json] == [shell.folder]
    assert ran.err == ""


def test_what_a_shell_gives_is_taken_as_it_is(shell, served):
    """Blanks and brackets in a file's name, braces in a prompt, a picture that is called like an option's value."""
    box = served()
    (shell.folder / "my [1] table.png").write_bytes((shell.folder / "table.png").read_bytes())
    ran = shell("edit", "my [1] table.png", "-p", "A sign: {{{{night}} $HOME", "--seed=1", "-q")
    assert ran.code == 0
    assert box.submissions[0].payload["prompt"] == "A sign: {{night}} $HOME"


@pytest.mark.parametrize("sweep", [[], ["--sweep", "colour=red,blue"]])
def test_a_placeholder_without_a_value_is_refused_before_anything_is_paid(shell, served, sweep):
    """By an option, on stdin and beside a sweep; the message says what gives it one."""
    box = served()
    words = "Paint the wall {{colour}} at {{hour}}." if sweep else "Be there at {{hour}}."
    for ran in (
        shell("edit", "table.png", "-p", words, *sweep),
        shell("edit", "table.png", "-p", "-", *sweep, stdin=words),
    ):
        assert (ran.code, ran.out) == (65, "")
        assert ran.err.startswith("VariableError: {{hour}} has no value")
        assert "--sweep hour=…" in ran.err
    assert not box.submissions


def test_passes_on_stdin_are_refused_beside_a_sweep(shell, served):
    """As on the line: the second pass would be dropped without a word."""
    box = served()
    line = ["edit", "table.png", "-p", "-", "--sweep", "colour=red,blue"]
    ran = shell(*line, stdin="Paint it {{colour}}.\n---\nAdd a boat.")
    assert (ran.code, ran.err.splitlines()[0]) == (64, "UsageError: A sweep and several passes do not go together.")
    assert not box.submissions


def test_a_dry_run_says_that_it_will_be_refused_and_what_to_do(shell, served):
    """For its price and for the budget, in the words of the refusal, with the options and commands of a shell."""
    served()
    low = shell(*EDIT[:-2], "--max-price", "0.01", "--dry-run")
    said = "If it has to be sent, it will be refused: It costs $0.07, and --max-price allows $0.01."
    assert (low.code, said in low.out, "allow more: --max-price 0.07." in low.out) == (0, True, True)
    shell("budget", "0.01")
    assert "or allow more: nbbanana budget 0.07." in shell(*EDIT[:-2], "--dry-run").out
    shell("budget", "off")
    assert "will be refused" not in shell(*EDIT[:-2], "--max-price", "5", "--dry-run").out


def test_a_dry_run_sends_nothing_and_has_a_price(shell, served):
    """The request and what it would cost, as text; the folder is not even made."""
    box = served()
    ran = shell(*EDIT, "--dry-run", "-o", "out")
    assert ran.code == 0
    assert '"resolution": "0.5K"' in ran.out
    assert "$" in ran.out
    assert not box.submissions
    assert not (shell.folder / "out").exists()


def test_the_help_has_the_options_of_the_schema(shell):
    """Each of them, and none of the words that only a notebook understands."""
    ran = shell("edit", "--help")
    assert ran.code == 0
    assert all(field.option in ran.out for field in models.get(MODEL).options)
    assert "%" not in ran.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--aspect-ration", "1:1"), 64, "Did you mean --aspect-ratio?"),
        (("--aspect-ratio", "7:1"), 65, "aspect_ratio"),
        (("edit:9",), 1, "9"),
        (("no.png",), 66, "no.png"),
        (("-", "-p", "-"), 64, "stdin"),
    ],
)
def test_a_line_that_is_wrong_is_refused_as_on_the_magic(shell, served, words, code, said):
    """Three lines at most, nothing on stdout, nothing sent."""
    box = served()
    ran = shell("edit", *words, *(() if "-p" in words else ("-p", "x")))
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) <= 3
    assert not box.submissions


def test_lines_of_parts_are_composed_from_an_option_and_from_stdin_and_not_in_json(shell, served):
    """`-p` and stdin are read as a cell is; the JSON of `run` goes as it is."""
    box = served()
    lines = "keep: cup, table\nchange: Make it night.\n"
    assert shell("edit", "table.png", "-q", "-p", lines).code == 0
    assert shell("edit", "table.png", "-q", "-p", "-", "--fresh", stdin=lines).code == 0
    assert shell("run", MODEL, "--input", json.dumps(ASK | {"prompt": lines}), "-q").code == 0
    composed = "Keep the cup and table unchanged. Make it night."
    assert [sent.payload["prompt"] for sent in box.submissions] == [composed, composed, lines]


def test_ctrl_c_cancels_an_edit(shell, served):
    """As it does a run."""
    box = served(slots=1, duration=60.0, time_scale=1)
    shell(*RUN, "--no-wait")
    process = shell.start("edit", "table.png", "-p", "Rain.", PYTHONUNBUFFERED="1")
    until(lambda: len(box.submissions) == 2 and [seen for seen in box.requests if seen.target == "status"])
    ran = shell.interrupt(process)
    assert (ran.code, ran.out) == (130, "")
    assert "nothing is charged" in ran.err


# ── text in and out, whatever the terminal's encoding is ────────────────────────────────────────────────────


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_stdin_is_utf8_and_the_terminal_gets_what_it_can_show(shell, served, encoding):
    """A request as JSON and a prompt as text arrive whole; lists escape what the terminal's encoding lacks."""
    box = served()
    request = json.dumps(ASK | {"prompt": CYRILLIC}, ensure_ascii=False)
    assert shell("run", MODEL, "--input-file", "-", "-q", stdin=request, encoding=encoding).code == 0
    assert shell("edit", "table.png", "-p", "-", "-q", stdin=f"{CYRILLIC}\n", encoding=encoding).code == 0
    assert [sent.payload["prompt"] for sent in box.submissions] == [CYRILLIC] * 2
    ran = shell("history", encoding=encoding)
    assert ran.code == 0
    assert CYRILLIC.encode(encoding, "backslashreplace").decode(encoding) in ran.out


def test_a_terminal_without_our_letters_gets_them_escaped_from_a_process_too(shell, served):
    """What Python itself makes of `PYTHONIOENCODING`, on both sides."""
    box = served()
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    assert raw(shell, f"{CYRILLIC}\n".encode(), "edit", "table.png", "-p", "-", "-q", **env)[0] == 0
    assert box.submissions[0].payload["prompt"] == CYRILLIC
    code, out = raw(shell, b"", "history", **env)
    assert code == 0
    assert CYRILLIC.encode("ascii", "backslashreplace") in out


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_text(shell, served, encoding):
    """As editors on Windows and PowerShell write them."""
    box = served()
    (shell.folder / "ask.json").write_text(json.dumps(ASK | {"prompt": CYRILLIC}, ensure_ascii=False), encoding)
    assert shell("run", MODEL, "--input-file", "ask.json", "-q").code == 0
    assert box.submissions[0].payload["prompt"] == CYRILLIC


def test_bytes_that_are_no_text_are_65(shell, served):
    """Said as what they are."""
    served()
    (shell.folder / "ask.json").write_bytes(b'{"prompt": "\xff\xfd"}')
    ran = shell("run", MODEL, "--input-file", "ask.json")
    assert ran.code == 65
    assert "UTF-8" in ran.err


def raw(shell, data, *words, **env):
    """Run a command with bytes for stdin; gives its exit code and the bytes of stdout."""
    ran = subprocess.run(
        [sys.executable, "-m", "nbbanana", *words],
        cwd=shell.folder,
        env={**shell.env, **env},
        input=data,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in ran.stderr, ran.stderr
    return ran.returncode, ran.stdout


def test_a_reader_of_the_progress_that_goes_ends_nothing(shell, served):
    """`nbbanana run … 2>&1 | head -1`: the job is waited for and recorded, and the command ends by itself."""
    served(faults=[Fault("status", status=503, times=2)], duration=0.5, time_scale=1)
    command = f"{sys.executable} -m nbbanana run {MODEL} --input '{RUN[-1]}' 2>&1 | head -n 1; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=shell.folder,
        env=shell.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0
    assert len(ran.stdout.splitlines()) == 1
    [row] = shell("history", "--output", "json").json
    assert row["state"] == "completed"


def test_messages_name_the_commands_of_a_shell():
    """What a notebook's magics, settings and calls are here."""
    said = _for_a_shell("%nbhistory --state unknown, then nb.history.settle(12, cost=…), or mode='fresh' to ask anew.")
    assert said == "nbbanana history, then nbbanana settle 12 --cost …, or --fresh to ask anew."
    said = _for_a_shell("Write %%nbedit --provider fal, or %config NBBanana.provider = 'fal'; %nbproviders lists them.")
    assert said == "Write nbbanana edit --provider fal, or NBBANANA_PROVIDER='fal'; nbbanana providers lists them."


def test_replay_says_that_it_needs_a_store(shell):
    """In its usage and in its error, which is a line to run."""
    assert "usage: nbbanana replay NOTEBOOK --store BUNDLE_OR_DIR [--to FILE]" in shell("replay", "--help").out
    ran = shell("replay", "study.ipynb")
    assert ran.code == 64
    assert ran.err.splitlines()[2] == "Write nbbanana replay study.ipynb --store study.zip."


# ── records ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_edits_travel_in_a_bundle_and_are_checked(shell, served):
    """`export`, `merge`, `verify` and `gc`: what a bundle brings is there once, whole, and without leftovers."""
    served()
    for seed in "12":
        shell(*EDIT[:-4], "--seed", seed, "-q")
    assert shell("export", "one.zip", "2").out == "one.zip\n"
    refused = shell("export", "table.png")
    assert (refused.code, refused.err.splitlines()[0]) == (64, "UsageError: table.png is there already.")
    assert refused.err.splitlines()[2] == "Use --overwrite, or another name."
    assert shell("export", "one.zip", "1", "2").code == shell("export", "one.zip", "2", "--overwrite").code == 0
    assert shell("merge", "one.zip", "--store", "other").json == {"added": 1}
    assert shell("merge", "one.zip", "--store", "other").json == {"added": 0}
    checked = shell("verify", "--store", "other")
    assert (checked.code, checked.json["ok"], checked.json["edits"]) == (0, True, 1)
    assert shell("gc", "--delete", "--store", "other").json["blobs"] == []


def test_edits_without_figures_are_measured(shell, served):
    """`measure`: in words for people, as JSON for programs; each edit once."""
    served()
    for seed in "12":
        shell(*EDIT[:-4], "--seed", seed, "-q")
    assert shell("measure", "-n", "1").out.startswith("1 edit was measured: ")
    assert shell("measure", "--output", "json").json["edits"] == 1
    assert shell("measure").out == "Nothing was left to measure.\n"


def test_damage_is_found_and_is_an_exit_code(shell, served):
    """A picture whose bytes changed: 1, and its name."""
    served()
    shell(*EDIT, "-q", "-o", "out")
    [blob] = [Path(name) for name in shell(*RUN, "-q").json["images"]]
    blob.chmod(0o600)
    blob.write_bytes(b"changed")
    ran = shell("verify")
    assert ran.code == 1
    assert ran.json["changed"] == [blob.name]


def test_two_edits_are_compared(shell, served):
    """As text for people, as JSON for programs."""
    served()
    shell(*EDIT, "-q")
    shell(*EDIT[:3], "Make it dawn.", "--seed", "8", "-q")
    assert "seed: 7 → 8" in shell("diff", "1", "2").out
    assert shell("diff", "1", "2", "--output", "json").json["parameters"]["seed"] == [7, 8]
    assert shell("diff", "1", "x").code == 64


def test_pictures_of_edits_and_files_are_compared(shell, served):
    """By their place in the history or by their file; what is not there is a wrong argument."""
    served()
    out = [Path(name) for name in shell(*EDIT, "-q", "-o", "out").out.splitlines()]
    ran = shell("diff", "edit:1[0]", str(out[0]))
    assert ran.out.splitlines()[-1] == "The same file."
    assert shell("diff", "1[0]", str(out[0]), "--output", "json").json["pixels"][0]["same_file"] is True
    assert shell("diff", "1[9]", "1").code == 64
    assert shell("diff", "missing.png", "1").code == 64


def test_an_edit_that_nothing_is_known_of_is_settled(shell, served):
    """It was never charged; or it has an id, and is collected."""
    box = served(faults=[Fault("submit", drop=True, after_accept=True, times=2)])
    for seed in "12":
        assert shell(*EDIT[:-4], "--seed", seed, "-q").code == 69
    rows = shell("history", "--output", "json").json
    assert [row["state"] for row in rows] == ["unknown", "unknown"]
    assert shell("settle", "1").code == 64
    assert shell("settle", "1", "--cost", "0").json["cost"] == 0
    assert shell("settle", "2", "--request-id", box.submissions[1].request_id).json["state"] == "queued"
    assert [row["edit"] for row in shell("resume").json] == [2]
    assert shell("settle", "2", "--cost", "0").code == 1


def test_a_picture_says_how_it_was_made(shell, served):
    """By its content, whatever it is called now; a picture that nothing is known of is an error."""
    served()
    shell(*EDIT, "-q", "-o", "out")
    (shell.folder / "out" / "edit-1-0.png").rename(shell.folder / "x.png")
    found = shell("recover", "x.png").json
    assert (found["how"], found["edit"], found["prompt"]) == ("content", 1, "Make it dusk.")
    assert shell("recover", "table.png").code == 1


def test_a_budget_is_set_and_holds(shell, served):
    """It refuses what would overspend, with the code of money."""
    served()
    assert shell("budget").json == {"provider": "sandbox", "budget": None, "left": None}
    assert shell("budget", "0.05").json["left"] == 0.05
    assert shell(*EDIT, "-n", "4").code == 65
    assert shell("budget", "off").json["budget"] is None
    assert shell("budget", "cheap").code == 64


def test_the_package_runs_as_a_module(shell):
    """`python -m nbbanana` is the same command."""
    assert raw(shell, b"", "models")[1].decode() == shell("models").out


def test_the_services_are_listed(shell):
    """By name, with where the key is and never the key."""
    rows = shell("providers", "--output", "json", FAL_KEY="the-secret").json
    assert {row["provider"]: row["key"] for row in rows}["fal"] == "FAL_KEY"
    assert "the-secret" not in shell("providers", FAL_KEY="the-secret").out


def test_a_budget_is_for_the_service_that_is_named(shell):
    """As `%nbbudget --provider`."""
    shown = shell("budget", "5", "--provider", "fal", FAL_KEY="the-secret").json
    assert shown == {"provider": "fal", "budget": 5.0, "left": 5.0}
    assert shell("budget", "5", "--provider", "fal").code == 77


def test_the_ledger_is_csv_for_a_support_desk(shell):
    """A line a POST under the names of its columns; as JSON too."""
    shell("edit", "table.png", "-p", "Make it dusk.", "--sandbox", "-o", "out")
    head, line = shell("ledger", "--csv", "--sandbox").out.splitlines()
    assert head.startswith("time,edit,post,provider,id,outcome,quote,cost")
    assert ",sandbox," in line
    (row,) = shell("ledger", "--output", "json", "--sandbox").json
    assert (row["edit"], row["outcome"]) == (1, "accepted")


def test_row_11_auto_goes_to_the_model_that_suits_and_says_why(shell):
    """Row 11: in a shell too, with a note on stderr; what another model is meant for is said where none was named."""
    words = ("-p", "Rewrite the sign in Japanese.", "--sandbox")
    auto = shell("edit", "table.png", "--model", "auto", *words)
    assert auto.code == 0
    assert "auto: openai/gpt-image-2/edit, since words inside the picture change" in auto.err
    plain = shell("edit", "table.png", *words)
    assert "openai/gpt-image-2/edit is for that (--model gpt-image)" in plain.err
    assert shell("edit", "table.png", "--mask", "table.png", *words).code == 65


def test_an_edit_without_a_prompt_is_told_of_the_option_and_of_no_cell(shell):
    """The error speaks of what a shell has."""
    ran = shell("edit", "table.png")
    assert ran.code != 0
    assert 'Write -p "…"' in ran.err
    assert "%" not in ran.err


@pytest.mark.parametrize(
    "words", ["history", "export all.zip", "verify", "gc", "measure", "settle 1 --cost 0", "ledger"], ids=str
)
def test_what_looks_at_edits_makes_no_store(shell, words):
    """A name that was mistyped is said, and no folder is made."""
    ran = shell(*words.split(), "--store", "stuudy")
    assert ran.code != 0
    assert "There is no store in 'stuudy'." in ran.err
    assert not (shell.folder / "stuudy").exists()


def test_what_looks_at_edits_looks_into_a_bundle_and_into_a_home_folder(shell, served):
    """A bundle is a store to read, and `~` is the home folder also where the shell left it."""
    served()
    shell(*EDIT, "-q", "--store", "study")
    assert shell("export", "study.zip", "--store", "study").code == 0
    (Path(shell.env["HOME"]) / "study").symlink_to(shell.folder / "study")
    for place in ("study.zip", "~/study"):
        ran = shell("history", f"--store={place}")
        assert (ran.code, "Make it dusk." in ran.out) == (0, True), ran.err
