"""
Settings, environment and folders; files that are whole or not there; locks that a fork renews.

A setting is looked for in this order: an argument of the call, `%config NBBanana.name = …` (or
`c.NBBanana.name` in a Jupyter config file), the environment variable that its help names, its default.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import traitlets
from traitlets.config import SingletonConfigurable

from nbbanana.errors import ConfigError, NBBananaError, translated

__all__ = [
    "DEFAULT_PROVIDER",
    "LOCAL_PROVIDER",
    "PLAY_PROVIDER",
    "Guarded",
    "Mode",
    "NBBanana",
    "beside",
    "cache_dir",
    "config_dir",
    "data_dir",
    "settings",
    "under_home",
    "write_private",
]

Mode = Literal["auto", "fresh", "replay"]

DEFAULT_MODEL = "google/nano-banana-2/edit"
DEFAULT_PROVIDER = "runcomfy"
"""The service whose key decides where none was chosen."""
PLAY_PROVIDER = "sandbox"
"""The provider whose money is play money, which needs no key: what a kernel without any key falls back to."""
LOCAL_PROVIDER = "local"
"""What stands in a record in the place of a provider where the picture was made here, by no service and for nothing."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


log = logging.getLogger("nbbanana")
log.addHandler(logging.NullHandler())


FROM_ENVIRONMENT = (
    "model", "mode", "provider", "store", "replay_store", "debug", "timeout", "staging", "upload_format",
    "sandbox_scale", "lint", "measure",
)  # fmt: skip
"""Settings that an environment variable sets: `NBBANANA_` and the name in capitals."""


class NBBanana(SingletonConfigurable):
    """What `%config NBBanana` shows and sets."""

    model = traitlets.Unicode(
        "",
        help="The model that a request goes to when it names none. Empty: the default one of the service that runs it, "
        "google/nano-banana-2/edit for most. auto: the one that suits the request. Environment: NBBANANA_MODEL.",
    ).tag(config=True)
    mode = traitlets.Enum(
        ["auto", "fresh", "replay"],
        default_value="auto",
        help="auto: what was asked before is answered from the store. fresh: never. replay: only from the store, "
        "nothing is sent. Environment: NBBANANA_MODE.",
    ).tag(config=True)
    provider = traitlets.Unicode(
        "",
        help="The service that runs requests, as %nbproviders lists them. Empty: the default one where its key is "
        "here, else the sandbox in a kernel. Environment: NBBANANA_PROVIDER.",
    ).tag(config=True)
    store = traitlets.Unicode(
        "",
        help="The folder with the edits. Empty: nbbanana's folder in your data directory. Environment: NBBANANA_STORE.",
    ).tag(config=True)
    replay_store = traitlets.Unicode(
        "",
        help="A folder or bundle that every session replays from, whatever store and mode it names: what "
        "`nbbanana replay` sets. Environment: NBBANANA_REPLAY_STORE.",
    ).tag(config=True)
    suggest = traitlets.Bool(
        default_value=True,
        help="Say in one line where another model suits a request better that names none. Nothing is switched by it.",
    ).tag(config=True)
    tracebacks = traitlets.Bool(
        default_value=False, help="Show Python's traceback under an nbbanana error instead of its three lines."
    ).tag(config=True)
    debug = traitlets.Bool(
        default_value=False,
        help="Write each step to stderr: ids, times and outcomes, never secrets, addresses or prompts. The same goes "
        "to Python's logger `nbbanana` at level DEBUG. Environment: NBBANANA_DEBUG.",
    ).tag(config=True)
    timeout = traitlets.Float(
        1800.0,
        min=1.0,
        help="Seconds to wait for a job before saying so; it can still be collected then. "
        "Environment: NBBANANA_TIMEOUT.",
    ).tag(config=True)
    concurrency = traitlets.Int(
        32, min=1, max=256, help="Jobs at the service at once; it shrinks by itself when the service says 429."
    ).tag(config=True)
    max_output_bytes = traitlets.Int(
        0, min=0, help="Bytes a cell's output may take. 0: 250 KB for up to four pictures, up to 500 KB for eighty."
    ).tag(config=True)
    staging = traitlets.Unicode(
        "",
        help="Where inputs are put and sent from by signed addresses, such as s3://bucket/prefix: any fsspec file "
        "system that signs. Empty: they travel inside the request. Environment: NBBANANA_STAGING.",
    ).tag(config=True)
    upload_format = traitlets.Enum(
        ("png", "jpeg"),
        "png",
        help="jpeg: a photograph that does not fit as PNG is sent whole, as JPEG at quality 95, where a service takes "
        "that. png: it is scaled down. Environment: NBBANANA_UPLOAD_FORMAT.",
    ).tag(config=True)
    sandbox_scale = traitlets.Float(
        0.2,
        min=0.0,
        help="How long the sandbox in the kernel takes: 1 as long as a service, 0 no time. "
        "Environment: NBBANANA_SANDBOX_SCALE.",
    ).tag(config=True)

    lint = traitlets.Bool(
        default_value=True,
        help="Advise on prompts: in a dry run, in the Studio, and before a request is sent in one line where something "
        "is wrong. Environment: NBBANANA_LINT.",
    ).tag(config=True)
    measure = traitlets.Bool(
        default_value=True,
        help="Measure what changed from the first picture of a request to each that came back, and record it: at most "
        "one picture at a time, once it is paid for and kept. Needs NumPy; without it nothing is measured. It holds "
        "for sessions that send their first request afterwards. Environment: NBBANANA_MEASURE.",
    ).tag(config=True)
    lint_off = traitlets.List(
        traitlets.Unicode(),
        help='Rules of the lint to leave out, such as ["missing-preservation"]; nb.lint(…) names them.',
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in FROM_ENVIRONMENT:
            self._take_from_environment(name, already_set=name in kwargs)

    def _take_from_environment(self, name: str, *, already_set: bool) -> None:
        variable = f"NBBANANA_{name.upper()}"
        text = os.environ.get(variable, "").strip()
        configured = name in self.config.get(type(self).__name__, {})
        if not text or already_set or configured:
            return
        trait = self.traits()[name]
        wrong = ConfigError(f"{variable} is {text!r}.", f"It takes {trait.info()}.", f"Change {variable}, or unset it.")
        with translated((traitlets.TraitError, ValueError), lambda _: wrong):
            setattr(self, name, trait.from_string(text))

    @traitlets.observe("tracebacks")
    def _switch_tracebacks(self, change: Any) -> None:
        NBBananaError.show_tracebacks = bool(change["new"])

    @traitlets.observe("debug")
    def _switch_debug(self, change: Any) -> None:
        log.removeHandler(_to_stderr)
        log.setLevel(logging.DEBUG if change["new"] else logging.NOTSET)
        if change["new"]:
            log.addHandler(_to_stderr)


class _ToStderr(logging.StreamHandler[Any]):
    """Writes to what `sys.stderr` is when a line is written: a kernel and a test put another one in its place."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))

    @property
    def stream(self) -> Any:
        """The stream of the moment."""
        return sys.stderr


_to_stderr = _ToStderr()


def settings() -> NBBanana:
    """Return the one settings object of this process, made on first use."""
    return NBBanana.instance()


def data_dir() -> Path:
    """
    Return the folder for stores: the platform's user data directory.

    Raises:
        ConfigError: this user has no home folder.
    """
    return _user_dir("data", "NBBANANA_STORE")


def cache_dir() -> Path:
    """Return the folder for what can be made again: the platform's user cache directory; errors as `data_dir`."""
    return _user_dir("cache", "XDG_CACHE_HOME")


def config_dir() -> Path:
    """Return the folder for keys: `NBBANANA_CONFIG_DIR`, else the platform's user configuration directory."""
    given = os.environ.get("NBBANANA_CONFIG_DIR", "").strip()
    return Path(given) if given else _user_dir("config", "NBBANANA_CONFIG_DIR")


def _user_dir(kind: str, variable: str) -> Path:
    import platformdirs

    with translated(RuntimeError, lambda _: homeless(variable)):
        folder: str = getattr(platformdirs, f"user_{kind}_dir")("nbbanana", appauthor=False)
    return under_home(folder, variable)


def under_home(folder: str, variable: str) -> Path:
    """Return a folder, unless its `~` was not replaced; some versions of platformdirs raise RuntimeError instead."""
    if folder.startswith("~"):
        raise homeless(variable)
    return Path(folder)


def homeless(variable: str) -> ConfigError:
    """Return the error of a user without a home folder, which names the variable that helps."""
    return ConfigError(
        "This user has no home folder.",
        "HOME is not set, and the system knows no home for this user id, as in some containers.",
        f"Set HOME, or {variable}, to a folder that can be written to.",
    )


def write_private(path: Path, data: bytes, *, is_lasting: bool = True) -> None:
    """
    Write a file, readable by its owner alone: it is there whole or not at all.

    Args:
        path: the file; its folder is made.
        data: what it holds.
        is_lasting: whether it is on the disk when this returns, which takes its time; what can be made anew need not.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with beside(path) as part, os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        if is_lasting:
            os.fsync(file.fileno())


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """
    Give a new name beside a file; what is written there takes the file's place where the block ends without an error.

    Raises:
        OSError: it cannot.
    """
    part = path.with_name(f".{os.urandom(16).hex()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


_guarded: weakref.WeakSet[Guarded] = weakref.WeakSet()


class Guarded:
    """Has a lock that a forked child gets anew: a thread of the parent may have held it, and does not exist there."""

    def __init__(self) -> None:
        self.renew_guard()
        _guarded.add(self)

    def renew_guard(self) -> None:
        """Replace the lock, in the child of a fork."""
        self._guard = threading.RLock()


def _after_fork() -> None:
    for one in list(_guarded):
        one.renew_guard()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
