"""The few numbers by which two evaluations of a network are compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from recon.records import Record, Scope
from recon.report.cells import (
    decibel_text,
    error_text,
    quality_error_text,
    share_text,
    similarity_text,
    size_text,
)
from recon.report.statistics import Values, largest, mean
from recon.report.tables import measured

Rule = Literal["lower PSNR", "lower SSIM", "larger error", "larger change of PSNR", "lost exactness", "fewer passes"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a network.

    Args:
        name: what tables call it.
        protocol: that measured it.
        scope: of the records; None takes what there is, as quality's, which is of volumes for MRI and images for CT.
        key: the records' measure.
        summary: one number out of many.
        rule: when a new number is worse.
        text: how it is written.
        sized: whether the sizes of the numbers are taken.
    """

    name: str
    protocol: str
    scope: Scope | None
    key: str
    summary: Callable[[Values], float]
    rule: Rule
    text: Callable[[float], str]
    sized: bool = False

    def of(self, records: Sequence[Record]) -> float:
        """Give the number out of the records that belong to it."""
        values = measured(records, self.key)
        if self.sized:
            values = Values(abs(values.numbers), values.clusters, values.missing)
        return self.summary(values)

    def takes(self, record: Record) -> bool:
        """Tell whether a record belongs to it."""
        return record.protocol == self.protocol and self.scope in (None, record.scope) and self.key in record.measures


def total(values: Values) -> float:
    """Give the sum; NaN where there are no numbers."""
    return float(values.numbers.sum()) if len(values) else float("nan")


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
)
