"""Results, progress and lists as MIME bundles: static, without colours, readable wherever a notebook is read."""

from __future__ import annotations

from nbbanana.display.grid import PROVENANCE, bundle, text
from nbbanana.display.progress import ProgressDisplay, progress_bundle, stopped_bundle
from nbbanana.display.tables import dry_run_bundle, history_bundle, models_bundle, note_bundle
from nbbanana.display.views import DryRun, HistoryRow, Picture, ResultView
from nbbanana.display.words import describe, one_line, plain

__all__ = [
    "PROVENANCE",
    "DryRun",
    "HistoryRow",
    "Picture",
    "ProgressDisplay",
    "ResultView",
    "bundle",
    "describe",
    "dry_run_bundle",
    "history_bundle",
    "models_bundle",
    "note_bundle",
    "one_line",
    "plain",
    "progress_bundle",
    "stopped_bundle",
    "text",
]
