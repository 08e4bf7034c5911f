"""
What every test stands on: a home of its own, no credential, no network beyond this machine, real photographs.

A test that reaches for an address other than loopback fails at its end, whatever it did with the error. Where CI is
set, a test that is skipped fails too, but for what the machine has not: what CI does not run is not known to work.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import socket
from collections.abc import Callable, Generator, Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from support import isolation
from support.sandboxes import flat_sandbox
from support.stores import copied
from support.tiers import scaled

from nbbanana.session import use
from nbbanana.settings import NBBanana
from nbbanana.store import Store

if TYPE_CHECKING:
    from nbbanana.sandbox import Sandbox

hypothesis.settings.register_profile("dev", deadline=None, max_examples=scaled(30))
hypothesis.settings.register_profile("ci", deadline=None, max_examples=scaled(30), derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that run browsers and kernels: they take longest, and no worker should end with one."""
    long = {item.path for item in items if item.get_closest_marker("browser") or item.get_closest_marker("kernel")}
    items.sort(key=lambda item: item.path not in long)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the garbage collector: almost everything stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Take all that was collected out of the garbage collector's sight: it looked through it some thousand times."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(30_000, 20, 100)  # a tenth of the time of all tests went into looking through what stays


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a failure of a skip where CI is set, unless the machine itself has not what the test needs."""
    report = yield
    if report.skipped and os.environ.get("CI") and "this machine has no" not in str(report.longrepr):
        report.outcome, report.longrepr = "failed", f"CI skips nothing: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Every test has an empty home, no settings from outside and no token; gives the home."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(isolation.PREFIXES)]:
            patch.delenv(name)
        for name, value in isolation.variables(home).items():
            patch.setenv(name, value)
        NBBanana.clear_instance()
        yield home
        if left := use(None):
            left.close()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store that was made and closed."""
    folder = tmp_path_factory.mktemp("empty-store")
    Store.open(folder).close()
    return folder / "edits.sqlite"


@pytest.fixture(autouse=True)
def stores_begin_as_copies(request: pytest.FixtureRequest) -> Iterator[None]:
    """Outside of tests/store, a store is not made by its seven steps each time, but copied."""
    if request.path.parent.name == "store":
        yield
    else:
        with copied(request.getfixturevalue("empty_store")):
            yield


@pytest.fixture(autouse=True)
def on_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Only loopback is reached; anything else is refused at once and fails the test at its end."""
    strayed: list[str] = []

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in {socket.AF_INET, socket.AF_INET6} and not is_loopback(address[0]):
                strayed.append(str(address[0]))
                raise ConnectionRefusedError(f"{address[0]} is not this machine: tests have no network")
            return real(self, address)

        return connect

    def resolve(host: Any, *args: Any, **options: Any) -> Any:
        if host and not is_loopback(host):
            strayed.append(str(host))
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is not this machine: tests have no network")
        return real_resolve(host, *args, **options)

    real_resolve = socket.getaddrinfo
    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    yield strayed
    if strayed:
        pytest.fail(f"reached for {', '.join(sorted(set(strayed)))}; tests talk to this machine only")


def is_loopback(host: str | bytes) -> bool:
    """Whether the name or address is this machine's own, or the wildcard that a server listens on."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in {"localhost", socket.gethostname(), ""}:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@pytest.fixture(scope="session")
def photo() -> Callable[[str], Path]:
    """Real photographs by name: `astronaut`, `coffee`, `chelsea` (PNG), `rocket`, `portrait` (JPEG)."""

    def find(name: str) -> Path:
        if name == "portrait":
            package, file = "matplotlib", "mpl-data/sample_data/grace_hopper.jpg"
        else:
            package, file = "skimage", f"data/{name}.{'jpg' if name == 'rocket' else 'png'}"
        path = Path(str(resources.files(package) / file))
        assert path.is_file(), f"{package} ships no {file}"
        return path

    return find


@pytest.fixture
def paint(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """
    How sandboxes paint, for those that are made with it: `flat`, or `full` where a test is marked `painted`.

    The sandbox in this process does as well, for all tests that use this.
    """
    if request.node.get_closest_marker("painted"):
        return "full"
    monkeypatch.setattr("nbbanana.providers.local._sandbox", flat_sandbox)
    return "flat"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A served sandbox that takes no time."""
    from nbbanana.sandbox import Sandbox

    with Sandbox(time_scale=0) as box:
        yield box
