"""Results, progress and lists as MIME bundles: static, without colours, readable wherever a notebook is read."""

from __future__ import annotations

from nbbanana.display.advice import lint_bundle
from nbbanana.display.differences import comparison_bundle, diff_bundle, lineage_bundle, phrases, word_diff
from nbbanana.display.grid import PROVENANCE, bundle, text
from nbbanana.display.progress import ProgressDisplay, standing, stopping
from nbbanana.display.tables import dry_run_bundle, history_bundle, note_bundle
from nbbanana.display.views import ComparisonView, DiffView, DryRun, LineageNode, PairView, Picture, ResultView
from nbbanana.display.words import describe

__all__ = [
    "PROVENANCE",
    "ComparisonView",
    "DiffView",
    "DryRun",
    "LineageNode",
    "PairView",
    "Picture",
    "ProgressDisplay",
    "ResultView",
    "bundle",
    "comparison_bundle",
    "describe",
    "diff_bundle",
    "dry_run_bundle",
    "history_bundle",
    "lineage_bundle",
    "lint_bundle",
    "note_bundle",
    "phrases",
    "standing",
    "stopping",
    "text",
    "word_diff",
]
