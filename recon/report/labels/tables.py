"""Tables of labels in full: accuracy, pairs of shifts and crops, every shift, and all shifts up to some size."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from recon.records import Record, Subject
from recon.report.cells import NONE, error, number
from recon.report.labels.captions import caption, notes
from recon.report.labels.cells import deviation_cell, difference_cell, estimate_cell, percent_cell
from recon.report.labels.curves import within
from recon.report.labels.headline import intervals_line, with_architectures
from recon.report.labels.reading import consistency, crops, quality, quality_difference, words_of
from recon.report.labels.totals import Estimate, counted_share, lowest, of_images, ratio, variation
from recon.report.notation import fixed
from recon.report.parts import Cell, Table
from recon.report.selection import Group
from recon.report.statistics import largest, values_of
from recon.report.tables import Column, measured, table, without_empty_columns
from recon.report.tables_shifts import tried

_SHOWN = (0, 1, 2, 4, 8, 16, 32, 64)  # pixels

_Records = Callable[[Subject], Sequence[Record]]


def accuracy(group: Group) -> Table | None:
    """Show how often the labels are right without any shift, and the difference to the plain network."""
    records, words = _records(group, "accuracy"), words_of(group)
    columns = [
        Column(words.quality, lambda subject: estimate_cell(quality(group, subject.name)), "high"),
        Column(f"less {group.plain_name}'s (points)", lambda subject: _less_plain(group, subject)),
        Column(
            "accuracy, top 5", lambda subject: percent_cell(ratio(records(subject), "correct_top5", "images")), "high"
        ),
        Column(
            "accuracy of pixels", lambda subject: percent_cell(ratio(records(subject), "correct", "pixels")), "high"
        ),
        Column("mean loss", lambda subject: _decimals(ratio(records(subject), "loss", "images")), "low"),
    ]
    what = (
        f"Labels against the true ones, on images that are not shifted. Differences are paired by image, in points of "
        f"percent; one whose interval holds 0 may be chance. {intervals_line(group)}"
    )
    return _made(group, "labels", "Accuracy", what, columns, ["accuracy"])


def pairs(group: Group) -> Table | None:
    """Show how often labels agree under two random circular shifts, and on two crops."""
    shifted, cropped, words = _records(group, "consistency"), _records(group, "crops"), words_of(group)
    columns = [
        Column(words.consistency, lambda subject: estimate_cell(consistency(group, subject.name)), "high"),
        Column("pairs equal bit for bit", lambda one: percent_cell(ratio(shifted(one), "bitwise", "pairs")), "high"),
        Column("accuracy under a random shift", lambda one: _share(shifted(one), "correct_shifted"), "high"),
        Column(words.crops, lambda subject: estimate_cell(crops(group, subject.name)), "high"),
        Column("pairs of shifts", lambda subject: _pairs(shifted(subject))),
        Column("pairs of crops", lambda subject: _pairs(cropped(subject))),
    ]
    what = (
        "Whether labels agree when an image is shifted: two random circular shifts a pair, uniform over all of the "
        "image; and two crops a pair, where new content enters at the border, so that nothing promises 100 %. "
        f"{intervals_line(group)}"
    )
    return _made(group, "pairs", "Labels under random shifts", what, columns, ["consistency", "crops"])


def adversary(group: Group) -> Table | None:
    """Show what the worst shift leaves of each image, and how sure it is that it is the worst."""
    records = _records(group, "adversary")
    if group.task == "segmentation":
        columns = [
            Column("same label under the worst shift, mean", lambda one: estimate_cell(lowest(records(one))), "high"),
            Column("of the worst image", lambda one: _least(records(one)), "high"),
        ]
        what = (
            "The worst of all circular shifts of each image: the labels are moved back and compared with those of the "
            "image as it is; shown is the share of pixels whose label stays."
        )
    else:
        columns = [
            Column("accuracy, not shifted", lambda one: _share(records(one), "correct"), "high"),
            Column("accuracy under the worst shift", lambda one: _share(records(one), "correct_worst"), "high"),
            Column("lost (points)", lambda one: _lost(records(one)), "high"),
            Column("classification variation", lambda one: deviation_cell(variation(records(one))), "low"),
        ]
        what = (
            "An image counts under the worst shift that is right under every circular shift (Zhang, 2019, Fig. 9); "
            "variation is the standard deviation over shifts of the probability of the true class, mean over images."
        )
    columns += [
        Column("images equal bit for bit", lambda one: percent_cell(ratio(records(one), "bitwise", "images")), "high"),
        Column("shifts tried", lambda one: tried(records(one))),
        Column("premise", lambda one: error(largest(measured(records(one), "premise")))),
    ]
    what += (
        " Shifts that differ by a multiple of the network's period are equivalent; premise is the largest difference "
        f"by which that was found wrong. {intervals_line(group)}"
    )
    return _made(group, "every-shift", "The worst case over every shift", what, columns, ["adversary"])


def furthest(group: Group) -> Table | None:
    """Show the accuracy under the worst of all shifts of at most so many pixels along each axis."""
    found = {subject.name: within(group.of("adversary", subject.name)) for subject in group.subjects}
    distances = sorted({distance for one in found.values() for distance in one})
    chosen = [one for one in distances if one in (*_SHOWN, distances[-1])]
    columns = [Column(f"{distance} px", partial(_within, found, distance), "high") for distance in chosen]
    what = (
        "Accuracy when whoever shifts the image may shift it by up to so many pixels along each axis: an image counts "
        "that is right under all of these shifts."
    )
    return _made(group, "furthest", "Accuracy by the furthest shift", what, columns, ["adversary"])


def _within(found: Mapping[str, Mapping[int, float]], distance: int, subject: Subject) -> Cell:
    return percent_cell(found[subject.name].get(distance, float("nan")))


def _made(
    group: Group, name: str, title: str, what: str, columns: Sequence[Column], protocols: Sequence[str]
) -> Table | None:
    """Make a table without empty columns, with its caption and notes."""
    said = caption(group, what.strip(), protocols)
    made = table(group, name, title, caption=said, columns=columns, notes=notes(group, protocols))
    return with_architectures(None if made is None else without_empty_columns(made), group)


def _records(group: Group, protocol: str) -> _Records:
    return lambda subject: group.of(protocol, subject.name)


def _less_plain(group: Group, subject: Subject) -> Cell:
    plain = group.plain_of(subject)
    if plain is None or plain.name == subject.name:
        return NONE
    return difference_cell(quality_difference(group, subject, plain))


def _share(records: Sequence[Record], part: str) -> Cell:
    return estimate_cell(counted_share(records, part))


def _lost(records: Sequence[Record]) -> Cell:
    worst, unshifted = (ratio(records, part, "images") for part in ("correct_worst", "correct"))
    return difference_cell(Estimate(worst - unshifted))


def _least(records: Sequence[Record]) -> Cell:
    shares = of_images(records, "lowest")
    return percent_cell(-largest(values_of((-shares).tolist(), [""] * len(shares))))


def _pairs(records: Sequence[Record]) -> Cell:
    count = sum(record.measures.get("pairs", 0.0) for record in records)
    return number(f"{count:,.0f}", count) if count else NONE


def _decimals(value: float) -> Cell:
    return number(fixed(value, 3), value)
