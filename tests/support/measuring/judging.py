"""How well numbers tell two kinds of pairs apart, with intervals that do not vanish where they tell them perfectly."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["auc", "interval", "slope"]


def auc(positives, negatives) -> float:
    """The area under the ROC curve: how often a positive's number is above a negative's; a tie is half."""
    positives, negatives = np.asarray(positives, float)[:, None], np.asarray(negatives, float)
    return float((positives > negatives).mean() + (positives == negatives).mean() / 2)


def interval(area: float, positives: int, negatives: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of an area under a ROC curve (R. Newcombe, Statistics in Medicine 2006, method 5)."""
    many = (positives + negatives) / 2 - 1

    def distance(true: float) -> float:
        spread = true * (1 - true) * (1 + many * ((1 - true) / (2 - true) + true / (1 + true)))
        return abs(area - true) - z * math.sqrt(spread / (positives * negatives))

    return _crossing(distance, area, 0.0), _crossing(distance, area, 1.0)


def _crossing(distance, inner: float, outer: float) -> float:
    if inner == outer:
        return outer
    for _ in range(60):
        middle = (inner + outer) / 2
        inner, outer = (inner, middle) if distance(middle) > 0 else (middle, outer)
    return (inner + outer) / 2


def slope(true, found) -> tuple[float, float]:
    """Calibration: the slope of the line through zero of found against true numbers, and the mean absolute error."""
    true, found = np.asarray(true, float), np.asarray(found, float)
    return float((true * found).sum() / (true * true).sum()), float(np.abs(true - found).mean())
