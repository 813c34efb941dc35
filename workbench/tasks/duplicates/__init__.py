"""Duplicates: all pairs above a threshold, the groups they make, and the threshold that labels ask for."""

from workbench.tasks.duplicates.groups import ChainingWarning, DuplicateReport, duplicate_groups, find_duplicates
from workbench.tasks.duplicates.pairs import Pairs
from workbench.tasks.duplicates.quality import (
    DuplicateQuality,
    ThresholdFit,
    duplicate_quality,
    fit_threshold,
    threshold_curve,
)
from workbench.tasks.duplicates.search import near_pairs

__all__ = [
    "ChainingWarning",
    "DuplicateQuality",
    "DuplicateReport",
    "Pairs",
    "ThresholdFit",
    "duplicate_groups",
    "duplicate_quality",
    "find_duplicates",
    "fit_threshold",
    "near_pairs",
    "threshold_curve",
]
