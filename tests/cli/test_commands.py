"""Each command: stdout is the payload, stderr is for people, the exit code says how it went."""

from __future__ import annotations

import json
import math
import signal
import stat
from pathlib import Path

import httpx
import nbformat
import pytest
from support.fal_service import FalService
from support.shells import ASK, INPUT, MODEL, RUN

from nbbanana import errors, models
from nbbanana.engine import wait
from nbbanana.sandbox import Fault


def test_a_run_prints_where_the_pictures_are_and_nothing_else(shell, served):
    """The pictures of a request lie where stdout says; paths in it are those of the shell's folder."""
    box = served()
    ran = shell.process(*RUN, "--output-dir", "out")
    assert ran.code == 0
    [name] = ran.json["images"]
    assert Path(name).is_absolute()
    assert Path(name).parent == shell.folder / "out"
    assert Path(name).read_bytes()[:4] == b"\x89PNG"
    assert "queued" in ran.err
    assert "seed 7, $0.0525 in play money\n" in ran.err
    assert ", replayed, seed 7, $0.00 in play money\n" in shell(*RUN).err, "what the store has costs nothing now"
    assert box.submissions[0].payload["image_urls"][0].startswith("data:image/png")


def test_a_run_without_a_folder_names_the_files_in_the_store_and_can_be_quiet(shell, served):
    """`-q` leaves stderr empty; the request comes from a file or from stdin just as well."""
    served()
    (shell.folder / "ask.json").write_text(INPUT)
    first = shell("run", MODEL, "--input-file", "ask.json", "-q")
    second = shell("run", MODEL, "--input-file", "-", "-q", stdin=INPUT)
    assert (first.code, second.code, first.err, second.err) == (0, 0, "", "")
    assert first.json == second.json, "the same seeded request was not answered from the store"
    assert (shell.folder / "store") in Path(first.json["images"][0]).parents


def test_no_file_is_written_over(shell, served):
    """A second run into the same folder takes other names."""
    served()
    names = [shell(*RUN, "--output-dir", "out").json["images"][0] for _ in range(2)]
    assert names[0] != names[1]


def test_a_run_that_does_not_wait_can_be_asked_about_cancelled_and_collected(shell, served):
    """`--no-wait`, `status`, `result`, `cancel` and `resume` are about the same request."""
    box = served(duration=math.inf)  # else it is collected before the shell, and its lease, have ended
    ran = shell.process(*RUN, "--no-wait")
    request_id = ran.json["request_id"]
    assert ran.json == {"request_id": request_id, "wait": False}
    box.finish()
    box.settle()
    assert shell("status", request_id).json["status"] == "completed"
    result = shell("result", request_id).json
    assert result["output"]["images"][0].startswith(box.url)
    assert result["cost"] > 0
    assert shell("cancel", request_id).json == {
        "request_id": request_id,
        "cancelled": False,
        "outcome": "not_cancellable",
    }
    [collected] = shell("resume", "--output-dir", "late").json
    assert Path(collected["images"][0]).parent == shell.folder / "late"
    assert shell("resume").json == []
    assert len(box.submissions) == 1


def test_a_run_that_does_not_download_prints_addresses_and_leaves_the_edit_collectable(shell, served):
    """`--no-download` waits and fetches nothing; `resume` fetches it later without a second submission."""
    box = served()
    ran = shell(*RUN, "--no-download")
    assert ran.code == 0
    [url] = ran.json["images"]
    assert url.startswith(f"{box.url}/outputs/")
    assert not [seen for seen in box.requests if seen.target == "download"]
    assert httpx.get(url).status_code == 200
    [row] = shell("history", "--output", "json").json
    assert (row["state"], row["images"]) == ("downloading", 0)
    [collected] = shell("resume").json
    assert Path(collected["images"][0]).is_file()
    assert len(box.submissions) == 1


def test_resume_says_at_once_what_is_waited_for_and_for_how_long(shell, served, monkeypatch):
    """Also of a job that the service knows no more, as a sandbox that has ended: what is asked again is said too."""
    monkeypatch.setattr(wait, "NOT_FOUND_PATIENCE", 0.3)
    served()
    shell(*RUN, "--no-download")
    box = served()
    shell.env["NBBANANA_TIMEOUT"] = "600"
    ran = shell("resume")
    first, *rest = ran.err.splitlines()
    assert first.startswith("Waiting for edit 1 at sandbox (request ")
    assert first.endswith("): 10 min at most, 3 min if it is not known there.")
    assert [line for line in rest if "Asking again, for 0.3 s at most." in line] == [rest[1]]
    assert ran.code == errors.RequestNotFoundError.exit_code
    assert not box.submissions


def test_history_lists_and_searches(shell, served):
    """Lines with tabs for people and `cut`, JSON where it is asked for; no service is needed."""
    served()
    shell(*RUN)
    line = shell("history", "dusk", RUNCOMFY_TOKEN=None).out.strip().split("\t")
    assert line[0] == "1"
    assert line[-1] == "Make it dusk."
    [row] = shell("history", "--output", "json").json
    assert row["seed"] == 7
    assert row["model"] == MODEL
    assert shell("history", "dawn", "--output", "json").json == []


def test_who_and_how_much(shell, served):
    """`whoami` and `balance` print the service's words."""
    box = served()
    assert shell("balance").json["balance_usd"] == box.balance
    assert shell("whoami").json["id"]


def test_models_are_listed_and_described(shell, served):
    """The shipped catalogue needs nobody; `--remote` asks the service, and so does a model that is not shipped."""
    ids = [line.split("\t")[0] for line in shell("models").out.splitlines()]
    assert ids == list(models.ids())
    assert "kontext" in [line.split("\t")[1] for line in shell("models").out.splitlines()]
    assert [row["id"] for row in shell("models", "list", "--output", "json").json] == ids
    assert shell("models", "get", MODEL).json == models.get(MODEL).schema
    assert shell("models", "list", "--remote").code == 77
    served(models={"acme/brush": {"input_schema": {"type": "object", "properties": {"prompt": {"type": "string"}}}}})
    listed = shell("models", "list", "--remote").json
    assert listed["total"] == len(listed["models"]) > 0
    assert "prompt" in shell("models", "get", "acme/brush").json["properties"]


def test_login_by_device_code_keeps_a_token_that_logout_removes(shell, served):
    """The code goes to stderr, the token to a file of mode 0600 and nowhere else."""
    box = served()
    del shell.env["RUNCOMFY_TOKEN"]
    assert shell("whoami").code == 77
    login = shell.start("login")
    line = login.stderr.readline()
    code = line.split(" type ")[1].split()[0]
    assert box.url in line
    assert box.authorize(code)
    out, err = login.communicate(timeout=60)
    assert (login.returncode, out) == (0, "")
    assert "Logged in" in err
    file = Path(shell.env["XDG_CONFIG_HOME"]) / "runcomfy" / "token.json"
    content = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(content)[:4] == ["access_token", "refresh_token", "expires_at", "user_email"]
    assert content["access_token"] not in out + err
    assert [entry.name for entry in file.parent.iterdir()] == ["token.json"]
    assert shell("whoami").code == 0
    assert "Logged out" in shell("logout").err
    assert not file.exists()
    assert shell("whoami").code == 77
    assert shell("logout").code == 0


def test_login_elsewhere_is_for_elsewhere(shell, served):
    """`--web-base` logs in at another place; plain http off loopback is refused."""
    box = served(auto_authorize=True)
    for name in ("RUNCOMFY_TOKEN", "RUNCOMFY_WEB_BASE"):
        del shell.env[name]
    assert shell("login", "--web-base", "http://login.example").code == 64
    assert shell("login", "--web-base", box.url).code == 0
    assert shell("whoami").code == 77
    assert shell("whoami", RUNCOMFY_WEB_BASE=box.url).code == 0


def test_a_login_that_is_refused_is_77(shell, served):
    """Somebody says no on the page."""
    box = served()
    login = shell.start("login")
    box.deny(login.stderr.readline().split(" type ")[1].split()[0])
    _, err = login.communicate(timeout=60)
    assert login.returncode == 77
    assert "refused" in err


def test_the_sandbox_is_a_server_with_one_line(shell):
    """Its one line of JSON points any RunComfy client to it; it ends at a signal without a word."""
    server = shell.start("sandbox", "--time-scale", "0")
    told = json.loads(server.stdout.readline())
    shell.env.update(told["environment"])
    assert shell("balance").json["balance_usd"] == 20.0
    assert shell(*RUN).code == 0
    server.send_signal(signal.SIGTERM)
    out, err = server.communicate(timeout=60)
    assert (server.returncode, out, err) == (0, "", "")


def test_the_demo_needs_nobody(shell):
    """Two pictures of the sandbox, which says that no model made them."""
    ran = shell("demo", "--output-dir", "out")
    assert ran.code == 0
    assert len(ran.json["images"]) == 2
    assert "no model made them" in ran.err


def test_the_sandbox_is_there_for_the_asking(shell):
    """`--sandbox` runs without a credential."""
    ran = shell(*RUN, "--sandbox")
    assert ran.code == 0
    assert Path(ran.json["images"][0]).is_file()


@pytest.mark.kernel
def test_a_notebook_is_replayed_from_its_store(shell):
    """`replay` executes it without a key and prints where it went; without its edits it fails and says which."""
    cell = f"import nbbanana as nb\nlen(nb.edit({ASK['prompt']!r}, 'table.png', seed=7, resolution='0.5K'))"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, shell.folder / "study.ipynb")
    assert shell("replay", "study.ipynb").code == 64
    (shell.folder / "empty").mkdir()
    failed = shell("replay", "study.ipynb", "--store", "empty")
    assert failed.code == 1
    assert "no answer" in failed.err
    shell(*RUN, "--sandbox")
    ran = shell("replay", "study.ipynb", "--store", "store", "--to", "again.ipynb")
    assert ran.code == 0, ran.err
    assert ran.out == "again.ipynb\n"
    assert nbformat.read(shell.folder / "again.ipynb", 4).cells[0].outputs[0]["data"]["text/plain"] == "1"


def test_nothing_that_a_server_says_steers_a_terminal(shell, served):
    """Escape sequences in an error's words are shown, not obeyed."""
    served(faults=[Fault("balance", status=400, message="\x1b[2Jgone\u202e")])
    ran = shell("balance")
    assert ran.code == 65
    assert "\x1b" not in ran.err
    assert "\u202e" not in ran.err
    assert "gone" in ran.err


def test_a_reader_that_goes_is_no_error(shell):
    """`nbbanana models | head -n 0` ends quietly."""
    process = shell.start("models")
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


def test_models_are_refreshed(shell):
    """Each service and model has its line; a service without a key says that it was not asked."""
    with FalService() as fal:
        rows = shell("models", "refresh", "nano-banana-2", "--output", "json", **fal.environment).json
    outcomes = {row["provider"]: (row["model"], row["outcome"]) for row in rows}
    assert outcomes["fal"] == (MODEL, "read")
    assert outcomes["runcomfy"] == ("", "not asked")
    assert shell("models", "refresh", "../keys").code == 64
    assert shell("models", "get").code == 64


def test_models_are_shown_compared_searched_and_chosen(shell):
    """One whole, two beside each other, those for a word, those for a request; what cannot be meant is 64."""
    assert "How to ask" in shell("models", "kontext").out
    assert "edits 1 to 10 pictures" in shell("models", "--compare", "kontext", "gpt-image").out
    assert "2 models" in shell("models", "--search", "mask").out
    ranked = shell("models", "--choose", "write 営業中 on the sign", "--images", "1").out
    assert ranked.splitlines()[1].startswith("1. openai/gpt-image-2/edit (--model gpt-image): ")
    found = shell("models", "--choose", "a bird", "--images", "1", "--mask", "--output", "json").json
    assert found["models"][0]["model"] == "qwen/qwen-image-2.1/edit"
    assert found["excluded"][MODEL] == "takes no mask, and one is given"
    for wrong, code in ((("kontext", "qwen"), 64), (("someone/else",), 65), (("--compare", "kontext"), 64)):
        assert shell("models", *wrong).code == code
