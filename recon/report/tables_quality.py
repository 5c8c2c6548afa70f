"""The table of quality with its uncertainty, and of the differences to the plain network."""

from collections.abc import Callable

from recon.records import Subject
from recon.report.cells import (
    NONE,
    change_text,
    decibel_text,
    interval_text,
    number,
    quality_error_text,
    similarity_text,
)
from recon.report.parts import Cell, Table
from recon.report.selection import Group
from recon.report.statistics import Interval, Values, deviation, mean, mean_interval
from recon.report.tables import Column, caption_of, mean_with_interval, measured, notes_of, paired, table

Text = Callable[[float], str]


def quality(group: Group) -> Table | None:
    """Show PSNR, SSIM and NMSE with 95 % intervals and deviations, and each network's PSNR less that of plain."""
    columns = [
        Column("PSNR (dB)", lambda subject: _mean(group, subject, "psnr", decibel_text), "high"),
        Column("PSNR s.d. (dB)", lambda subject: _spread(group, subject, "psnr", decibel_text)),
        Column("SSIM", lambda subject: _mean(group, subject, "ssim", similarity_text), "high"),
        Column("SSIM s.d.", lambda subject: _spread(group, subject, "ssim", similarity_text)),
        Column("NMSE", lambda subject: _mean(group, subject, "nmse", quality_error_text), "low"),
        Column("NMSE s.d.", lambda subject: _spread(group, subject, "nmse", quality_error_text)),
    ]
    plain = group.plain
    if plain is not None and group.of("quality", plain.name):
        columns.append(Column(f"PSNR less {plain.name}'s (dB)", lambda subject: difference_cell(group, subject, plain)))
    by = "volumes (fastMRI's convention)" if group.source.modality == "mri" else "images (dival's convention)"
    records = group.of("quality")
    one = len({record.item for record in records}) == 1
    what = (
        f"Quality against the target, means over {by} with their standard deviations (s.d.), and differences paired by "
        "volume or image. "
    ) + (
        "It is one volume alone, so that there is no interval, and nothing tells a difference from chance."
        if one
        else "In brackets are 95 % bootstrap intervals over volumes; a difference whose interval holds 0 may be chance."
    )
    notes = notes_of(group, "quality", ["psnr", "ssim", "nmse"])
    caption = caption_of(group, what, records)
    return table(group, "quality", "Quality", caption=caption, columns=columns, notes=notes)


def psnr_difference(group: Group, subject: Subject, other: Subject) -> Values:
    """Give the paired differences of PSNR, subject - other, over what both were measured on."""
    return paired(group.of("quality", subject.name), group.of("quality", other.name), "psnr")


def difference_text(value: float, interval: Interval | None) -> str:
    """Write a difference in dB with its interval."""
    low, high = (interval.low, interval.high) if interval is not None else (value, value)
    return interval_text(change_text(value), interval, change_text(low), change_text(high))


def difference_cell(group: Group, subject: Subject, plain: Subject) -> Cell:
    """Show a network's PSNR less that of plain, with its interval; nothing for plain itself."""
    if subject.name == plain.name:
        return NONE
    values = psnr_difference(group, subject, plain)
    return number(difference_text(mean(values), mean_interval(values)), mean(values))


def _mean(group: Group, subject: Subject, measure: str, text: Text) -> Cell:
    return mean_with_interval(measured(group.of("quality", subject.name), measure), text)


def _spread(group: Group, subject: Subject, measure: str, text: Text) -> Cell:
    value = deviation(measured(group.of("quality", subject.name), measure))
    return NONE if value != value else number(text(value), value)
