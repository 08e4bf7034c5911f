"""Edit pictures with words in a notebook: cell magic, widgets and a history that makes every picture reproducible."""

from nbbanana._version import __version__

__all__ = ["__version__"]
