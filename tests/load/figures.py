"""Small sums over many measurements."""

from collections.abc import Sequence
from statistics import median


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of values in order, at least one: the value that `share` of them lie at or below."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median, least and most: "50 (25-100)"; one value stands alone."""
    if len(values) == 1:
        return f"{values[0]:,.{digits}f}"
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"
