"""The headline table: a row for each network with what matters most, and the strongest statement about its errors."""

from collections.abc import Callable, Iterator

from recon.records import BUILT_IN, Record, Subject
from recon.report.cells import NONE, decibel_text, number, strict_error_text, strict_size_text, word
from recon.report.comparisons import largest_error
from recon.report.exactness import EXHAUSTIVE, exactness_of
from recon.report.parts import Cell, Table
from recon.report.selection import Group
from recon.report.statistics import Values, mean
from recon.report.tables import (
    Column,
    as_published,
    caption_of,
    counted,
    mean_with_interval,
    measured,
    notes_of,
    of_natural_images,
    table,
    without_empty_columns,
)
from recon.report.tables_cost import ratio_to_plain
from recon.report.tables_quality import difference_cell
from recon.report.tables_shifts import furthest_record

_NOTED = (("quality", "psnr"), ("equivariance", "nmse"), ("worst", "delta_psnr"), ("ood", "nmse"))


def headline(group: Group, *, error_intervals: bool = True) -> Table | None:
    """Show each network's quality, errors under shifts, exactness and time; columns without a number are left out.

    `error_intervals=False` gives errors without their intervals, for narrow places.
    """
    notes = [
        note for protocol, measure in _NOTED for note in notes_of(group, protocol, [measure], by_set=protocol == "ood")
    ]
    made = table(
        group,
        "headline",
        "The networks at a glance",
        caption=caption_of(group, _convention(group), basis_of(group)),
        columns=list(_columns(group, error_intervals=error_intervals)),
        notes=list(dict.fromkeys(notes)),
    )
    return None if made is None else without_empty_columns(made)


def basis_of(group: Group) -> list[Record]:
    """Give the records of the data's own slices, which say how many there were."""
    return [*group.of("quality"), *group.of("equivariance"), *group.of("worst")] or list(group.records)


def data_line(group: Group) -> str:
    """Give the data in one line: the modality, whether they are synthetic, their name and extent, and the seed."""
    words = f"{group.title}. {caption_of(group, '', basis_of(group)).strip()}"
    return words.removesuffix(".")


def worst_line(group: Group) -> str:
    """Say of how many slices the worst case is; nothing where it is of all, or was not measured."""
    slices = {(record.item, record.slice) for record in group.of("worst")}
    every = {(record.item, record.slice) for record in basis_of(group) if record.scope == "image"}
    return f"The worst case is of {len(slices)} of these slices." if 0 < len(slices) < len(every) else ""


def intervals_line(group: Group) -> str:
    """Say what the brackets hold, in one sentence."""
    if len({record.item for record in basis_of(group)}) < 2:
        return "It is one volume alone, so that nothing tells a difference from chance."
    natural = ", of natural images over images" if of_natural_images(group) else ""
    return f"In brackets are 95 % bootstrap intervals over volumes{natural}."


def _columns(group: Group, *, error_intervals: bool) -> Iterator[Column]:
    plain = group.plain
    show = mean_with_interval if error_intervals else _mean_alone

    def slices(subject: Subject) -> Cell:
        return show(measured(as_published(group, "equivariance", subject.name), "nmse"), strict_error_text)

    def natural(subject: Subject) -> Cell:
        return show(measured(of_natural_images(group, subject.name), "nmse"), strict_error_text)

    yield Column("PSNR (dB)", lambda subject: _quality(group, subject), "high")
    if plain is not None:
        yield Column(f"PSNR less {plain.name}'s (dB)", lambda subject: difference_cell(group, subject, plain))
    yield Column("worst change of PSNR (dB)", lambda subject: _worst_change(group, subject), "low")
    yield Column("equivariance error, test slices", slices, "low")
    yield Column("equivariance error, natural images", natural, "low")
    yield Column("largest error anywhere", lambda subject: _largest(group, subject), "low")
    yield Column("exact", lambda subject: _exact(group, subject))
    if plain is not None:
        yield Column(f"time over {plain.name}'s", ratio_to_plain(group, "seconds"))


def _convention(group: Group) -> str:
    """Say in short how everything was measured that was."""
    worst, images = group.of("worst"), len({(record.item, record.slice) for record in of_natural_images(group)})
    how = "every shift" if all(one.settings.get("shifts") in EXHAUSTIVE for one in worst) else "the random shifts tried"
    also = f"; natural: the same of {counted(images, 'image')}" if images else ""
    sentences = (
        ("PSNR is against the target.", group.of("quality")),
        (
            "Equivariance errors are means of the NMSE between T(G(x)) and G(T(x)), one random circular shift an image"
            f"{also}.",
            images or group.of("equivariance"),
        ),
        (f"The worst change of PSNR is that of any slice under {how}.", worst),
        (worst_line(group), worst),
        (
            "The largest error is that of all comparisons made (one random shift, the worst case, other images, hard "
            "images, the output where layers were looked at); exact is what was equal bit for bit in all of them.",
            [one for name in group.names for one in exactness_of(group, name).protocols],
        ),
        (intervals_line(group), group.of("quality") or group.of("equivariance") or images),
    )
    return " ".join(sentence for sentence, measured_here in sentences if sentence and measured_here)


def _quality(group: Group, subject: Subject) -> Cell:
    return mean_with_interval(measured(group.of("quality", subject.name), "psnr"), decibel_text)


def _mean_alone(values: Values, text: Callable[[float], str]) -> Cell:
    return number(text(mean(values)), mean(values))


def _worst_change(group: Group, subject: Subject) -> Cell:
    record = furthest_record(group.of("worst", subject.name), "delta_psnr")
    if record is None:
        return NONE
    size = abs(record.measures["delta_psnr"])
    return number(strict_size_text(size), size)


def _largest(group: Group, subject: Subject) -> Cell:
    value = largest_error(group, subject.name)
    return number(strict_error_text(value), value)


def _exact(group: Group, subject: Subject) -> Cell:
    """Pass or fail; what leaves its input as it is cannot but move with it, which is no merit."""
    judged = exactness_of(group, subject.name)
    if not judged.protocols:
        return NONE
    if not judged.exact:
        return Cell("no", 0.0, "fail")
    return word("trivially") if subject.kind == BUILT_IN else Cell("yes", 1.0, "pass")
