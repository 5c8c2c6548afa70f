"""The peers in one table: how accurate each network is, what shifts do to its labels, and what it costs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from recon.records import Subject
from recon.report.cells import NONE, number, word
from recon.report.families import is_filtered
from recon.report.labels.captions import PROTOCOLS, caption, images_of, notes
from recon.report.labels.cells import deviation_cell, estimate_cell, percent_cell
from recon.report.labels.reading import bitwise, consistency, crops, quality, words_of
from recon.report.labels.totals import Estimate, counted_share, lowest, variation
from recon.report.modalities import Task
from recon.report.notation import DASH
from recon.report.parts import Cell, Table
from recon.report.selection import Group, architecture_of
from recon.report.tables import Column, table, without_empty_columns
from recon.report.tables_cost import ratio_to_plain

# what a column means, and the protocols that it needs one of
_MEANINGS: Mapping[Task, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "classification": (
        ("Accuracy is top-1.", ("accuracy",)),
        ("Circular consistency is the share of pairs of random circular shifts whose labels agree.", ("consistency",)),
        ("Crop consistency is the same of pairs of crops.", ("crops",)),
        ("Under the worst shift an image counts that is right under every circular shift.", ("adversary",)),
        ("Variation is Zhang's (2019): the deviation over all shifts of the true class's probability.", ("adversary",)),
    ),
    "segmentation": (
        ("mIoU is the mean over classes of intersection over union.", ("accuracy",)),
        ("mASCC is the share of pixels whose labels agree under two random circular shifts.", ("consistency",)),
        ("mASSC is the same of what two crops both show.", ("crops",)),
        ("Under the worst of all circular shifts the fewest pixels of an image keep their label.", ("adversary",)),
    ),
}
_BITS = "Equal bit for bit are images under every shift, or pairs of shifts where that is less."
_ALL = "100.00 % is said of all alone."


def headline(group: Group, *, intervals: bool = True) -> Table | None:
    """Show all networks; columns without a number are left out, and intervals where there is no room for them."""
    made = table(
        group,
        "headline",
        "The networks at a glance",
        caption=caption(group, _convention(group)),
        columns=list(_columns(group, intervals=intervals)),
        notes=[*_predicted(group), *notes(group, PROTOCOLS)],
    )
    return with_architectures(None if made is None else without_empty_columns(made), group)


def intervals_line(group: Group) -> str:
    """Say what the brackets hold; nothing where a single image has no interval."""
    images = max(images_of(group, protocol) for protocol in PROTOCOLS)
    units = " (of mIoU over units of them)" if group.task == "segmentation" and group.of("accuracy") else ""
    return f"In brackets are 95 % bootstrap intervals over images{units}." if images > 1 else ""


def with_architectures(made: Table | None, group: Group) -> Table | None:
    """Add the column that tells architectures apart, where there are several."""
    if made is None or len(group.architectures) < 2:
        return made
    known = {subject.name: architecture_of(subject) for subject in group.subjects}
    rows = [[row[0], word(known[row[0].text] or DASH), *row[1:]] for row in made.rows]
    return replace(made, columns=(made.columns[0], "architecture", *made.columns[1:]), rows=rows)


def _columns(group: Group, *, intervals: bool) -> Iterator[Column]:
    words = words_of(group)

    def shown(measure: Callable[[Group, str], Estimate]) -> Callable[[Subject], Cell]:
        def cell(subject: Subject) -> Cell:
            found = measure(group, subject.name)
            return estimate_cell(found if intervals else Estimate(found.value))

        return cell

    def variation_cell(subject: Subject) -> Cell:
        return deviation_cell(variation(group.of("adversary", subject.name)))

    yield Column(words.quality, shown(quality), "high")
    yield Column(words.consistency, shown(consistency), "high")
    yield Column(words.crops, shown(crops), "high")
    if group.task == "segmentation":
        yield Column("same label under the worst shift", shown(_lowest), "high")
    else:
        yield Column("accuracy under the worst shift", shown(_worst_accuracy), "high")
        yield Column("variation", variation_cell, "low")
    yield Column("equal bit for bit", lambda subject: percent_cell(bitwise(group, subject.name)), "high")
    yield Column("parameters", _parameters)
    yield Column(f"time over {group.plain_name}'s", ratio_to_plain(group, "seconds"))


def _worst_accuracy(group: Group, name: str) -> Estimate:
    return counted_share(group.of("adversary", name), "correct_worst")


def _lowest(group: Group, name: str) -> Estimate:
    return lowest(group.of("adversary", name))


def _convention(group: Group) -> str:
    """Say in short what each column is, of those that were measured."""
    meanings = [
        *_MEANINGS[group.task],
        (_BITS, ("adversary", "consistency")),
        (_ALL, PROTOCOLS),
        (intervals_line(group), PROTOCOLS),
    ]
    return " ".join(
        sentence for sentence, protocols in meanings if sentence and any(group.of(one) for one in protocols)
    )


def _predicted(group: Group) -> list[str]:
    """Say which networks are DDAC, a name that no variant has."""
    names = [one.name for one in group.networks if is_filtered(one) and "adaptive" in one.variant]
    return [f"DDAC, which predicts its filters from the image on a fixed grid: {', '.join(names)}."] if names else []


def _parameters(subject: Subject) -> Cell:
    return NONE if subject.parameters is None else number(f"{subject.parameters:,}", subject.parameters)
