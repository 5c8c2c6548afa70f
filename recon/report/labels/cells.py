"""The cells of tables of labels: shares in percent with their intervals, and differences in points."""

from recon.report.cells import interval_text, number, percent_text, points_text, quality_error_text
from recon.report.labels.totals import Estimate
from recon.report.parts import Cell

_SIGN = " %"


def percent_cell(value: float) -> Cell:
    """Show a share in percent; nothing for NaN."""
    return number(percent_text(value), value)


def estimate_text(found: Estimate) -> str:
    """Write a share with its interval: `93.12 % [92.60, 93.61]`; what is of all or none has none."""
    interval = found.interval
    if interval is None or interval.low == interval.high:
        return percent_text(found.value)
    low, high = (percent_text(end).removesuffix(_SIGN) for end in (interval.low, interval.high))
    return interval_text(percent_text(found.value), interval, low, high)


def estimate_cell(found: Estimate) -> Cell:
    """Show a share with its interval."""
    return number(estimate_text(found), found.value)


def difference_text(found: Estimate) -> str:
    """Write a difference in points with its interval: `−4.93 [−5.40, −4.47]`."""
    interval = found.interval
    if interval is None or interval.low == interval.high == found.value:
        return points_text(found.value)
    return interval_text(points_text(found.value), interval, points_text(interval.low), points_text(interval.high))


def difference_cell(found: Estimate) -> Cell:
    """Show a difference in points."""
    return number(difference_text(found), found.value)


def deviation_cell(value: float) -> Cell:
    """Show a standard deviation of probabilities."""
    return number(quality_error_text(value), value)
