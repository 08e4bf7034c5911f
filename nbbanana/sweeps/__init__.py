"""
Many requests: grids that pay for what is missing and nothing else.

`sweep` makes a plan of all combinations; its `run` asks for the cells that are missing, and shows them as a grid.
"""

from nbbanana.sweeps.galleries import Gallery, gallery
from nbbanana.sweeps.plan import Plan
from nbbanana.sweeps.sweep import Sweep, sweep
from nbbanana.sweeps.sweep_cells import SweepCell

__all__ = ["Gallery", "Plan", "Sweep", "SweepCell", "gallery", "sweep"]
