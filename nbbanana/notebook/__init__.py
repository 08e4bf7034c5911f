"""
IPython: the magics, their completion, and what lets a cell wait without stopping the kernel.

`%load_ext nbbanana` calls `load_ipython_extension`. It is silent and light: what a magic needs is imported by the
first magic that needs it.
"""

from nbbanana.notebook.extension import load_ipython_extension, unload_ipython_extension

__all__ = ["load_ipython_extension", "unload_ipython_extension"]
