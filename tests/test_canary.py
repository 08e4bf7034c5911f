"""A token that sings: whatever goes wrong, it is found in no error, log, file, notebook, bundle or repr."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from support.kernels import environment, execute, notebook_of
from support.tiers import in_turn

import nbbanana as nb
from nbbanana import errors
from nbbanana.engine import fetch, retry, wait
from nbbanana.providers.credentials import find_credential, save_token
from nbbanana.providers.http import Timeouts
from nbbanana.providers.runcomfy import SPEC, RunComfy, RunComfyEndpoints
from nbbanana.sandbox import FAULT_KINDS, Fault, Sandbox

CANARY = "canary-1f0c9a7e5b3d-sings"
SNOW = "Make it snow."
HASTE = Timeouts(connect=1, read=0.3, read_total=0.5, submit=0.3, submit_total=0.5, download_total=1)
WORST = [
    Fault("submit", error_code=400002, message="no money"),
    Fault("submit", status=401, message="not you"),
    Fault("submit", status=403),
    Fault("submit", status=422, error_code=422001),
    Fault("submit", status=302, headers={"Location": "http://127.0.0.1:9/steal"}),
    Fault("submit", body=f'{{"message": "who said {CANARY[:6]}?"}}'),
    Fault("submit", status=401, message=f"Bearer {CANARY} is no token"),
    Fault("submit", body=CANARY.encode() * 400_000),
    Fault("submit", body=b" " * (9 << 20)),
    Fault("status", status=401, times=None),
    Fault("status", body=b" " * (9 << 20), times=None),
    Fault("status", body=b"x", headers={"Content-Encoding": "gzip, gzip"}, times=None),
    Fault("status", status=404, times=None),
    Fault("result", status=401, times=None),
    Fault("result", body=b'{"status": "completed", "output": {"images": ["https://evil.example/a.png"]}}', times=None),
    Fault("result", body=b'{"status": "completed", "output": {}}', times=None),
    Fault("download", status=302, headers={"Location": "https://evil.example/a.png"}, times=None),
    Fault("download", body=b"<html>", times=None),
    Fault("job", error="the content is unsafe"),
    *(Fault.named(kind, "submit") for kind in FAULT_KINDS if not kind.startswith("429")),
    *(Fault.named(kind, "status", times=None) for kind in ("502 html", "garbage", "drop before")),
    *(Fault.named(kind, "download", times=None) for kind in ("502 html", "empty", "truncated", "drop before")),
]


@pytest.fixture
def picture():
    """A small picture."""
    return Image.linear_gradient("L").resize((48, 32)).convert("RGB")


@pytest.fixture
def box(monkeypatch, paint) -> Iterator[Sandbox]:
    """A served sandbox that takes the canary for its token, which the environment holds."""
    with Sandbox(time_scale=0, token=CANARY, paint=paint) as box:
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        yield box


@pytest.fixture
def hasty(monkeypatch):
    """An engine that gives up soon, so that every error comes to its end."""
    monkeypatch.setattr(RunComfy, "patience", HASTE)
    monkeypatch.setattr(retry, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(retry, "LONGEST_POST_PAUSE", 0.05)
    monkeypatch.setattr(wait, "NOT_FOUND_PATIENCE", 0.5)
    monkeypatch.setattr(fetch, "PATIENCE", 0.5)
    monkeypatch.setenv("NBBANANA_TIMEOUT", "1")


def sings(text: str) -> bool:
    """Whether the token, or what HTTP makes of it, is in a text."""
    return CANARY in text or "Bearer canary" in text


def all_of(error: BaseException) -> str:
    """
    Everything that a program can show of an error: words, repr, fields and traceback, with the locals of every frame,
    and the same of every error that is its cause or its context. Frames of this file are left out: they hold the
    canary because they made it.
    """
    seen: set[int] = set()
    parts: list[str] = ["".join(traceback.format_exception(error)), repr(error.__reduce__())]
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
        parts += [str(one), repr(one), repr(vars(one)), "".join(getattr(one, "__notes__", []))]
        parts += [
            f"{name} = {shown(value)}"
            for frame, _ in traceback.walk_tb(one.__traceback__)
            if frame.f_code.co_filename != __file__
            for name, value in frame.f_locals.items()
        ]
    return "\n".join(parts)


def shown(value: object) -> str:
    """Return what a tool that records locals writes: the repr, and the fields of an object that has none of its own."""
    fields = vars(value) if type(value).__repr__ is object.__repr__ and hasattr(value, "__dict__") else ""
    return f"{value!r} {fields}"


def files_that_sing(folder: Path) -> list[str]:
    """The files under a folder that hold the token."""
    found = [path for path in folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    return [str(path.relative_to(folder)) for path in found]


def only_the_api_heard_it(box: Sandbox) -> None:
    """No request but those of the API came with a token, and none had it in its address or body."""
    for seen in box.requests:
        assert not sings(f"{seen.path}?{seen.query} {seen.body}")
        if seen.path.startswith("/outputs/") or seen.target in {"download", "login"}:
            assert "authorization" not in seen.headers
        else:
            assert seen.headers["authorization"].startswith("Bearer")


@pytest.mark.parametrize(
    "fault",
    in_turn(WORST, 3),
    ids=lambda fault: f"{fault.target} {fault.status} {fault.body and fault.body[:40]}"[:40],
)
def test_no_error_no_log_and_no_file_holds_the_token(box, hasty, picture, tmp_path, isolated, caplog, capfd, fault):
    """Every way in which a request can fail, with all loggers at DEBUG."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "asyncio", "nbbanana"):
        caplog.set_level(logging.DEBUG, logger=name)
    box.add_fault(fault)
    with nb.Session(store=tmp_path / "store") as session:
        try:
            result = session.edit(SNOW, picture, seed=1, resolution="0.5K")
            shown = repr(result._repr_mimebundle_())
        except errors.NBBananaError as error:
            shown = all_of(error)
        shown += repr(session.history.latest()._repr_mimebundle_()) + repr([edit.record for edit in session.history])
    streams = capfd.readouterr()
    names = {record.name.partition(".")[0] for record in caplog.records}
    assert "nbbanana" in names, "nothing was logged, so nothing was looked at"
    assert not names & {"httpx", "httpcore"}, "the libraries' own loggers write whole addresses"
    assert not sings(shown)
    assert not sings(caplog.text)
    assert not sings(streams.out + streams.err)
    assert not files_that_sing(tmp_path)
    assert not files_that_sing(isolated)
    only_the_api_heard_it(box)


def test_nothing_that_shows_itself_shows_the_token(box, picture, tmp_path):
    """Reprs of everything that holds the credential, and of what holds that."""
    with nb.Session(store=tmp_path / "store") as session:
        job = session.submit(SNOW, picture, seed=1, resolution="0.5K")
        result = job.result()
        provider = session.engine_at().provider
        things = [
            session, session.engine_at(), provider, provider.endpoints,
            find_credential(SPEC, RunComfyEndpoints.from_environment()), session._engines.choice(),
            session._engines, job, job.run, result, result[0], result.record, session.history, nb, box,
            provider.http.client_for(provider.endpoints.model_api), provider._source, session.quote(job.request),
        ]  # fmt: skip
        assert provider.name == "runcomfy"
        assert not sings("\n".join(f"{thing!r} {thing!s}" for thing in things))
        assert not sings("".join(traceback.format_stack()))
        bundle = session.history.export(tmp_path / "study.zip")
        with zipfile.ZipFile(bundle) as archive:
            assert archive.namelist()
            for name in archive.namelist():
                assert CANARY.encode() not in archive.read(name)
    assert not files_that_sing(tmp_path)
    assert [seen.target for seen in box.requests if seen.target == "download"]
    only_the_api_heard_it(box)


def test_the_token_file_is_the_one_place(isolated, tmp_path, caplog):
    """A stored token is in `token.json` and nowhere else, and an unusable one is in no message."""
    save_token(SPEC, CANARY, RunComfyEndpoints())
    assert files_that_sing(isolated) == ["config/runcomfy/token.json"]
    for word in (f"{CANARY}\nX: y", f"{CANARY} ü", f" {CANARY} x"):
        with pytest.raises(errors.TokenRejectedError) as caught:
            save_token(SPEC, word, RunComfyEndpoints())
        assert not sings(all_of(caught.value))
    file = isolated / "config" / "runcomfy" / "token.json"
    for content in (f'{{"access_token": "{CANARY}', f'{{"access_token": "{CANARY} {CANARY}"}}'):
        file.write_text(content)
        with pytest.raises(errors.TokenRejectedError) as caught:
            find_credential(SPEC, RunComfyEndpoints())
        assert not sings(all_of(caught.value))
    file.chmod(0o644)
    with pytest.raises(errors.UnsafeTokenFileError) as caught:
        find_credential(SPEC, RunComfyEndpoints())
    assert not sings(all_of(caught.value))


CELLS = [
    """
%load_ext nbbanana
import logging
from PIL import Image
import nbbanana as nb
logging.basicConfig(level=logging.DEBUG)
table = Image.linear_gradient('L').resize((48, 32)).convert('RGB')
""".strip(),
    "%%nbedit snow << table --seed 1 --resolution 0.5K\nMake it snow.",
    "%%nbedit table --dry-run\nMake it snow.",
    "from nbbanana.session import current as s\n[s(), s().engine_at(), s().engine_at().provider, nb.history, snow]",
    "%nbhistory",
    "%%nbedit table --seed 2 --resolution 0.5K\nMake it rain.",
    "%config NBBanana.tracebacks = True",
    "%%nbedit table --seed 3 --resolution 0.5K\nMake it hail.",
    "nb.edit('Make it hot.', table, seed=4, resolution='0.5K')",
    "nb.history.export('study.zip')",
]


@pytest.mark.kernel
def test_no_notebook_holds_the_token(isolated, tmp_path):
    """Cells that work and cells that fail, with three lines and with tracebacks, executed and saved."""
    faults = [Fault("submit", nth=2, times=None, status=401), Fault("submit", nth=3, status=503)]
    with Sandbox(time_scale=0, token=CANARY, faults=faults) as box:
        notebook = execute(
            notebook_of(CELLS),
            home=tmp_path,
            allow_errors=True,
            env={**box.addresses["environment"], "NBBANANA_PROVIDER": "runcomfy"},
        )
        only_the_api_heard_it(box)
        assert len(box.submissions) == 1
    text = json.dumps(notebook)
    failed = [cell for cell in notebook.cells if any(output["output_type"] == "error" for output in cell.outputs)]
    assert len(failed) == 3, [cell.outputs for cell in notebook.cells]
    assert any("Traceback" in line for line in failed[-1].outputs[-1]["traceback"]), "there was no traceback to look at"
    assert "DEBUG:nbbanana.providers" in text, "there was no log to look at"
    assert "httpcore" not in text
    assert not sings(text)
    assert not files_that_sing(tmp_path)
    assert not files_that_sing(isolated)


@pytest.mark.parametrize(
    "asked",
    in_turn(
        [
            (["run"], Fault("job", error="broken")),
            (["balance"], None),
            (["whoami"], Fault("whoami", reset=True)),
            (["run"], None),
            (["balance"], Fault("balance", status=401)),
            (["whoami"], None),
            (["run"], Fault("submit", status=503)),
        ],
        3,
    ),
    ids=str,
)
def test_the_command_line_says_it_nowhere(isolated, tmp_path, picture, asked):
    """stdout, stderr and what it leaves behind."""
    words, fault = asked
    picture.save(tmp_path / "table.png")
    ask = {"prompt": SNOW, "image_urls": ["table.png"], "resolution": "0.5K"}
    if words == ["run"]:
        words = ["run", "google/nano-banana-2/edit", "--input", json.dumps(ask)]
    with Sandbox(time_scale=0, token=CANARY, faults=[fault] if fault else []) as box:
        env = environment(tmp_path / "home", **box.addresses["environment"], NBBANANA_PROVIDER="")
        command = [sys.executable, "-X", "dev", "-W", "ignore", "-m", "nbbanana", *words]
        ran = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=100)
        assert (ran.returncode == 0) == (fault is None), ran.stderr
        only_the_api_heard_it(box)
    assert not sings(ran.stdout + ran.stderr)
    assert not files_that_sing(tmp_path)
