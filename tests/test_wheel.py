"""The wheel installs and works far from the checkout, with everything in it that the package reads."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

SCENE = """
import nbbanana as nb
assert "site-packages" in nb.__file__, nb.__file__
prompt = "Keep the three objects unchanged. Make it a rainy night."
with nb.Session(provider="sandbox", store="store") as session:
    result = session.edit(prompt, nb.samples.still_life(), number_of_images=2, seed=7)
data, metadata = result._repr_mimebundle_()
assert "<img" in data["text/html"], sorted(data)
print(result.provider, len(result), result[0].mime)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what is here, without a network."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    run = subprocess.run(build, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    [built] = folder.glob("nbbanana-*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python outside the checkout that has the wheel, and what it needs from this environment."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    # A path in a .pth file brings the libraries, not this environment's own link to the checkout.
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], check=True, capture_output=True
    )
    libraries = sysconfig.get_path("purelib")
    (Path(site.stdout.decode().strip()) / "libraries.pth").write_text(f"{libraries}\n")
    return python


def ran(command: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with no path of Python's from outside."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    """Templates, schemas, guidance and the typing mark travel; tests and notebooks stay at home."""
    listed = subprocess.run(["git", "ls-files", "nbbanana"], cwd=ROOT, capture_output=True, text=True, check=True)
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert set(listed.stdout.split()) <= inside
    assert {name.partition("/")[0] for name in inside} == {"nbbanana"}
    assert "nbbanana/py.typed" in inside
    assert [name for name in inside if name.endswith(".schema.json")]


def required(wheel: Path, extra: str) -> set[str]:
    """What an extra of the wheel brings, by name; an extra that it names brings its own."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = message_from_bytes(archive.read(name)).get_all("Requires-Dist")
    found: set[str] = set()
    for one in map(Requirement, lines):
        if one.marker and one.marker.evaluate({"extra": extra}) and not one.marker.evaluate({"extra": ""}):
            found |= set().union(*(required(wheel, other) for other in one.extras)) | {one.name}
    return found


@pytest.mark.parametrize("extra", ["demo", "lab"])
def test_the_demo_and_the_lab_bring_what_measures_a_change(wheel: Path, extra: str) -> None:
    """Whoever follows the README can call `drift`, and needs to know of no extra named `measure`."""
    assert required(wheel, "measure") == {"numpy"}
    assert required(wheel, extra) > required(wheel, "measure")
    assert "pillow" not in required(wheel, extra)  # that comes without any


@pytest.mark.nightly  # .ci/run does it too
def test_an_edit_runs_outside_the_checkout(elsewhere: Path, tmp_path: Path) -> None:
    """Session, sandbox, painter, store and display work from the wheel alone."""
    run = ran([elsewhere, "-c", SCENE], tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["sandbox", "2", "image/png"]


@pytest.mark.nightly  # .ci/run does it too
def test_the_command_is_installed(elsewhere: Path, tmp_path: Path) -> None:
    """`nbbanana --version` answers."""
    command = elsewhere.with_name("nbbanana")
    run = ran([command, "--version"], tmp_path)
    assert run.returncode == 0, run.stderr
    assert os.fspath(ROOT) not in run.stdout
