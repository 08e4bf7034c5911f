"""What keeps a process inside one folder: a home, data, configuration and a store of its own."""

from __future__ import annotations

from pathlib import Path

__all__ = ["PREFIXES", "variables"]

PREFIXES = (
    "RUNCOMFY_",
    "FAL_",
    "GEMINI_",
    "GOOGLE_",
    "OPENROUTER_",
    "NBBANANA_",
    "JUPYTER",
    "IPYTHON",
    "XDG_",
    "PAPERMILL_",
    "PYTHON_KEYRING_",
)
"""Environment variables that would let the outside in."""


def variables(home: Path) -> dict[str, str]:
    """The environment variables that keep a process inside `home`."""
    return {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_STATE_HOME": str(home / "state"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter" / "config"),
        "JUPYTER_DATA_DIR": str(home / "jupyter" / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter" / "runtime"),
        "NBBANANA_STORE": str(home / "store"),
        "NBBANANA_SANDBOX_SCALE": "0",
        "NBBANANA_MEASURE": "0",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",  # the developer's own is not touched
    }
