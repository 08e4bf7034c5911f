"""Results, progress and lists as MIME bundles: static, without colours, readable wherever a notebook is read."""

from __future__ import annotations

from nbbanana.display.differences import comparison_bundle, diff_bundle, lineage_bundle, phrases, word_diff
from nbbanana.display.listings import dry_run_bundle, history_bundle, lint_bundle, note_bundle
from nbbanana.display.results import PROVENANCE, ProgressDisplay, bundle, standing, stopping, text
from nbbanana.display.views import (
    ComparisonView,
    DiffView,
    DryRun,
    LineageNode,
    PairView,
    Picture,
    ResultView,
    describe,
)

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
