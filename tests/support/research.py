"""
A research notebook of forty cells, made once on a served sandbox, and replayed by a reader who has it and its bundle.

The reader's process has an empty home, no token and no input file. Python's sockets are refused there and every attempt
is written down, this machine's included: Jupyter talks to its kernel through ZeroMQ, which has sockets of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from nbbanana.sandbox import Fault, Sandbox
from support.kernels import environment, errors_of, execute, notebook_of

__all__ = ["Reading", "Writing", "pictures_of", "read", "spans", "write"]

SIZE = "--resolution 0.5K"
PLACES = ("neon street", "pine forest", "stormy harbour", "golden desert", "moonlit garden", "foggy station")
PROVENANCE = "application/vnd.nbbanana.v1+json"

REFUSE = """
import os, socket
def refused(self, address, *rest):
    if self.family == socket.AF_UNIX:
        return connect(self, address, *rest)
    with open(os.environ["ATTEMPTS"], "a") as file:
        print(address, file=file)
    raise ConnectionRefusedError("there is no network")
def nowhere(host, *rest, **options):
    with open(os.environ["ATTEMPTS"], "a") as file:
        print(host, file=file)
    raise socket.gaierror(socket.EAI_NONAME, "there is no network")
connect = socket.socket.connect
socket.socket.connect = socket.socket.connect_ex = refused
socket.getaddrinfo = nowhere
"""

Cell = tuple[str, bool]
"""A cell, and whether it stays in the notebook: one that failed was mended, and only the mended one stays."""


def cells() -> Iterator[Cell]:
    """The cells in the order in which they are run the first time."""
    yield "%load_ext nbbanana", True
    yield "import numpy as np\nimport nbbanana as nb\nfrom PIL import Image", True
    yield "shades = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype('uint8')", True
    for number, place in enumerate(PLACES):
        yield f"%%nbedit p{number} << portrait.jpg --seed {number} {SIZE}\nKeep the person. Make it a {place}.", True
    yield f"%%nbedit bad << portrait.jpg --seed 7 --aspect-ratio 17:1 {SIZE}\nMake it snow.", False
    yield f"%%nbedit wide << portrait.jpg --seed 7 --aspect-ratio 16:9 {SIZE}\nMake it snow.", True
    yield (
        f"%%nbedit two << portrait.jpg second.png -n 2 --seed 8 {SIZE}\nPut the second picture behind the first.",
        True,
    )
    yield f"%%nbedit two --seed 9 {SIZE}\nMake it rain.", False
    yield f"%%nbedit rain << two[1] --seed 9 {SIZE}\nMake it rain.", True
    yield f"%nbedit rain[0] --seed 10 {SIZE} -p 'Turn day into night.'", True
    yield f"%%nbedit deeper << _ --seed 11 {SIZE}\nMake it crimson.", True
    for number in range(5):
        source = "deeper" if number == 0 else f"c{number - 1}"
        yield (
            f"c{number} = {source}[0].edit('Pass {number}: darker.', seed={number}, resolution='0.5K')\nc{number}",
            True,
        )
    yield f"%%nbedit luck << portrait.jpg {SIZE}\nMake it a watercolour.", False  # the service fails it: see `write`
    yield f"%%nbedit luck << portrait.jpg {SIZE}\nMake it a watercolour.", True
    yield f"%%nbedit more << portrait.jpg {SIZE}\nMake it a watercolour.", True
    yield "luck.rerun()", True
    yield f"%%nbedit luck[0] --fresh {SIZE}\nMake it golden.", True
    yield "nb.edit('Make it foggy.', shades, seed=3, resolution='0.5K')", True
    yield "nb.edit('Make it foggy.', Image.fromarray(shades), seed=4, resolution='0.5K', output_format='webp')", True
    yield (
        "nb.edit('Make it foggy.', 'portrait.jpg', 'second.png', seed=5, resolution='0.5K', output_format='jpeg')",
        True,
    )
    yield "nb.edit('Make it foggy.', 'nowhere.jpg', seed=5)", False
    yield "place = 'library'", True
    yield f"%%nbedit shelf << portrait.jpg --seed 12 {SIZE} ;\nMake it a {{{{place}}}}.", True
    yield f"%%nbedit shelf << portrait.jpg --seed 12 {SIZE}\nMake it a {{{{palce}}}}.", False
    yield "varied = p0.vary(seeds=range(20, 22))\nvaried", True
    yield "job = nb.submit('Make it pale.', p1[0], seed=13, resolution='0.5K')\njob.result()", True
    yield "result = await nb.aedit('Make it harsh.', p2[0], seed=14, resolution='0.5K')\nresult", True
    yield "len(luck), luck[0].seed == more[0].seed, luck.prompt", True
    yield "p0.cell()", True
    yield "nb.history.search('crimson')", True
    yield "nb.history.diff(p0.id, p1.id)", True
    yield "nb.history.lineage(c2.id)", True
    yield "{result.provider for result in nb.history}", True
    yield "[output.bytes[:4] for output in two]", True
    yield "c4[0].pil.size", True
    yield (
        (
            "import hashlib, json\n"
            "kept = [p0, p1, p2, p3, p4, p5, wide, two, rain, deeper, c0, c1, c2, c3, c4, luck, more, shelf, result]\n"
            "kept += varied\n"
            "print(json.dumps([[hashlib.sha256(o.bytes).hexdigest() for o in r] for r in kept]))"
        ),
        True,
    )


@dataclass(frozen=True)
class Writing:
    """The notebook as its author saved it, its bundle, and how often the service was asked."""

    notebook: Path
    bundle: Path
    cells: int
    failures: int
    requests: int


@dataclass(frozen=True)
class Reading:
    """What the reader got: the executed notebook, what the command said, and where it reached for."""

    notebook: nbformat.NotebookNode
    said: str
    code: int
    attempts: str


def write(folder: Path, box: Sandbox, portrait: Path, second: Path) -> Writing:
    """Work through the notebook in a kernel on a served sandbox, mend what fails, save it and export its bundle."""
    home = folder / "author"
    home.mkdir(parents=True)
    (home / "portrait.jpg").write_bytes(portrait.read_bytes())
    (home / "second.png").write_bytes(second.read_bytes())
    plan = list(cells())
    luckless = next(at for at, (text, stays) in enumerate(plan) if "watercolour" in text and not stays)
    before = [text for text, _ in plan[:luckless] if "nbedit" in text or ".edit(" in text]
    asked = sum("17:1" not in text and "%%nbedit two --seed" not in text for text in before)
    box.add_fault(Fault("job", nth=asked + 1, error="The service ran out of paint."))
    notebook = notebook_of([text for text, _ in plan] + ["nb.history.export('study.zip')"])
    wanted = {**box.addresses["environment"], "NBBANANA_PROVIDER": "runcomfy", "NBBANANA_STORE": str(folder / "store")}
    execute(notebook, home=home, allow_errors=True, env=wanted)
    for (text, stays), cell in zip(plan, notebook.cells, strict=False):
        assert bool(errors_of(cell.outputs)) != stays, (text, cell.outputs)
    assert not errors_of(notebook.cells[-1].outputs), notebook.cells[-1].outputs
    notebook.cells = [cell for (_, stays), cell in zip(plan, notebook.cells, strict=False) if stays]
    nbformat.write(notebook, folder / "study.ipynb")
    (home / "study.zip").rename(folder / "study.zip")
    failures = sum(not stays for _, stays in plan)
    return Writing(folder / "study.ipynb", folder / "study.zip", len(notebook.cells), failures, len(box.requests))


def read(writing: Writing, folder: Path, **more: str) -> Reading:
    """Replay the notebook from its bundle alone, in another process without a network."""
    folder.mkdir()
    place = folder / "desk"
    place.mkdir()
    for file in (writing.notebook, writing.bundle):
        (place / file.name).write_bytes(file.read_bytes())
    (folder / "walls").mkdir()
    (folder / "walls" / "sitecustomize.py").write_text(REFUSE, encoding="utf-8")
    (folder / "attempts").touch()
    (folder / "home").mkdir()
    paths = os.pathsep.join(filter(None, [str(folder / "walls"), os.environ.get("PYTHONPATH", "")]))
    wanted = {"PYTHONPATH": paths, "ATTEMPTS": str(folder / "attempts"), "NBBANANA_PROVIDER": "", "NBBANANA_STORE": ""}
    ended = subprocess.run(
        [sys.executable, "-m", "nbbanana", "replay", "study.ipynb", "--store", "study.zip"],
        cwd=place,
        env=environment(folder / "home", **wanted, **more),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    executed = nbformat.read(place / "study.replayed.ipynb", as_version=4)
    attempts = (folder / "attempts").read_text(encoding="utf-8")
    return Reading(executed, ended.stdout + ended.stderr, ended.returncode, attempts)


def pictures_of(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """SHA-256 of the pictures that each cell shows or prints, in their order."""
    return [list(_shown(cell.outputs)) for cell in notebook.cells]


def _shown(outputs: list[Any]) -> Iterator[str]:
    for output in outputs:
        made = output.get("data", {}).get(PROVENANCE, {})
        for record in made.get("edits", [made]):
            yield from (picture["sha256"] for picture in record.get("outputs", ()))
        if output.get("name") == "stdout":
            yield from (name for names in json.loads(output["text"]) for name in names)


def spans(notebook: nbformat.NotebookNode) -> list[float]:
    """Milliseconds that each cell took, from when the kernel was busy with it until it said that it was done."""
    from datetime import datetime

    moments = [cell.metadata["execution"] for cell in notebook.cells]
    return [
        (
            datetime.fromisoformat(m["iopub.status.idle"]) - datetime.fromisoformat(m["iopub.status.busy"])
        ).total_seconds()
        * 1000
        for m in moments
    ]
