"""The few numbers by which two evaluations of a network are compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from recon.records import Record, Scope
from recon.report.cells import (
    decibel_text,
    error_text,
    percent_text,
    quality_error_text,
    share_text,
    similarity_text,
    size_text,
)
from recon.report.labels.totals import mean_iou, ratio
from recon.report.statistics import Values, largest, mean
from recon.report.tables import measured

Rule = Literal[
    "lower PSNR",
    "lower SSIM",
    "larger error",
    "larger change of PSNR",
    "lost exactness",
    "fewer passes",
    "lower accuracy",
    "lower consistency",
]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a network.

    Args:
        name: what tables call it.
        protocol: that measured it.
        scope: of the records; None takes what there is, as quality's, which is of volumes for MRI and images for CT.
        key: the records' measure or array.
        summary: one number out of many.
        rule: when a new number is worse.
        text: how it is written.
        sized: whether the sizes of the numbers are taken.
        total: what sums up whole records instead, as counts of units are.
    """

    name: str
    protocol: str
    scope: Scope | None
    key: str
    summary: Callable[[Values], float]
    rule: Rule
    text: Callable[[float], str]
    sized: bool = False
    total: Callable[[Sequence[Record]], float] | None = None

    def of(self, records: Sequence[Record]) -> float:
        """Give the number out of the records that belong to it."""
        if self.total is not None:
            return self.total(records)
        values = measured(records, self.key)
        if self.sized:
            values = Values(abs(values.numbers), values.clusters, values.missing)
        return self.summary(values)

    def takes(self, record: Record) -> bool:
        """Tell whether a record belongs to it."""
        held = self.key in record.measures or self.key in record.arrays
        return record.protocol == self.protocol and self.scope in (None, record.scope) and held


def total(values: Values) -> float:
    """Give the sum; NaN where there are no numbers."""
    return float(values.numbers.sum()) if len(values) else float("nan")


def _accuracy(records: Sequence[Record]) -> float:
    """Give the share of right images, or of right pixels where they were counted."""
    of_pixels = ratio(records, "correct", "pixels")
    return of_pixels if of_pixels == of_pixels else ratio(records, "correct", "images")


def _counts(name: str, protocol: str, part: str, whole: str, rule: Rule) -> Measure:
    """Give the measure of one count over another."""
    text = quality_error_text if rule == "larger error" else percent_text
    return Measure(name, protocol, "set", part, mean, rule, text, total=lambda records: ratio(records, part, whole))


_OF_LABELS = (
    Measure("accuracy", "accuracy", "set", "correct", mean, "lower accuracy", percent_text, total=_accuracy),
    Measure("mIoU", "accuracy", "set", "intersection", mean, "lower accuracy", percent_text,
            total=lambda records: mean_iou(records, interval=False).value),
    _counts("consistency under circular shifts", "consistency", "agreeing", "pairs", "lower consistency"),
    _counts("equal bit for bit, random shifts", "consistency", "bitwise", "pairs", "lost exactness"),
    _counts("consistency of crops", "crops", "agreeing", "pairs", "lower consistency"),
    _counts("accuracy under the worst shift", "adversary", "correct_worst", "images", "lower accuracy"),
    _counts("same label under the worst shift", "adversary", "lowest", "images", "lower consistency"),
    _counts("classification variation", "adversary", "variation", "images", "larger error"),
    _counts("equal bit for bit, every shift", "adversary", "bitwise", "images", "lost exactness"),
)  # fmt: skip
MEASURES = (
    Measure("mean PSNR (dB)", "quality", None, "psnr", mean, "lower PSNR", decibel_text),
    Measure("mean SSIM", "quality", None, "ssim", mean, "lower SSIM", similarity_text),
    Measure("mean NMSE", "quality", None, "nmse", mean, "larger error", quality_error_text),
    Measure("largest equivariance NMSE", "equivariance", "image", "nmse", largest, "larger error", error_text),
    Measure("bitwise, one random shift", "equivariance", "image", "bitwise", mean, "lost exactness", share_text),
    Measure("bitwise, every shift", "worst", "image", "bitwise", mean, "lost exactness", share_text),
    Measure(
        "worst change of PSNR (dB)", "worst", "image", "delta_psnr", largest, "larger change of PSNR", size_text, True
    ),
    Measure("hard images passed", "hard", "image", "passes", total, "fewer passes", lambda value: f"{value:g}"),
    *_OF_LABELS,
)
