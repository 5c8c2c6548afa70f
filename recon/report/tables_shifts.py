"""Tables of what whole-pixel shifts do: one random shift, every shift, other images, hard images."""

from collections.abc import Sequence

from recon.records import Record, Subject
from recon.report.cells import NONE, change_text, error, error_text, number, share, similarity_text, word
from recon.report.notation import short
from recon.report.parts import Cell, Table
from recon.report.selection import Group
from recon.report.statistics import Values, largest, mean, percentile
from recon.report.tables import Column, caption_of, mean_and_largest, measured, notes_of, numbers_in, table

UNTRAINED = "untrained"
_SETS = ("natural", "noise", "other modality", UNTRAINED)
_UNTRAINED_NOTE = (
    "untrained: the output of a network with random weights is nearly constant, and its NMSE small whatever the shift "
    "does; SSIM and bitwise tell more there."
)


def honest(group: Group) -> Table | None:
    """Show the whole distribution of the equivariance error under one random shift, not its mean alone."""

    def nmse(subject: Subject) -> Values:
        return measured(group.of("equivariance", subject.name, scope="image"), "nmse")

    def furthest(subject: Subject) -> Cell:
        return error(largest(measured(group.of("equivariance", subject.name, scope="image"), "max_abs")))

    def bitwise(subject: Subject) -> Cell:
        return share(mean(measured(group.of("equivariance", subject.name, scope="image"), "bitwise")))

    columns = (
        Column("mean NMSE", lambda subject: error(mean(nmse(subject))), "low"),
        Column("median", lambda subject: error(percentile(nmse(subject), 50)), "low"),
        Column("95th percentile", lambda subject: error(percentile(nmse(subject), 95)), "low"),
        Column("99th percentile", lambda subject: error(percentile(nmse(subject), 99)), "low"),
        Column("largest NMSE", lambda subject: error(largest(nmse(subject))), "low"),
        Column("largest absolute error", furthest, "low"),
        Column("equal bit for bit", bitwise, "high"),
    )
    what = (
        "Equivariance of each slice under one random circular shift by up to 16 pixels along each axis: NMSE between "
        "T(G(x)) and G(T(x)), the largest absolute difference in the files' intensities, and the share of slices whose "
        "two outputs are equal bit for bit."
    )
    records = group.of("equivariance", scope="image")
    notes = notes_of(group, "equivariance", ["nmse"])
    caption = caption_of(group, what, records)
    return table(group, "honest", "Equivariance, slice by slice", caption=caption, columns=columns, notes=notes)


def worst(group: Group) -> Table | None:
    """Show the worst case over every shift, and how sure it is that it is the worst."""
    columns = (
        Column("largest change of PSNR (dB)", lambda subject: _furthest(group, subject, "delta_psnr"), "low"),
        Column("in volume, slice, by shift", lambda subject: _where(group, subject)),
        Column("largest change of SSIM", lambda subject: _furthest(group, subject, "delta_ssim"), "low"),
        Column("largest NMSE", lambda subject: error(largest(_worst(group, subject, "nmse"))), "low"),
        Column("equal bit for bit", lambda subject: share(mean(_worst(group, subject, "bitwise"))), "high"),
        Column("shifts tried", lambda subject: tried(group.of("worst", subject.name))),
        Column("premise", lambda subject: error(largest(_worst(group, subject, "premise_nmse")))),
    )
    what = (
        "The worst of all shifts of each slice: the output is moved back and compared with the target and with the "
        "output of the unmoved slice. Shifts that differ by a multiple of the network's period are equivalent; premise "
        "is the largest NMSE by which that was found wrong. The best is the smallest change, whatever its sign."
    )
    records = group.of("worst")
    notes = notes_of(group, "worst", ["delta_psnr", "delta_ssim"])
    caption = caption_of(group, what, records)
    return table(group, "worst", "The worst case over every shift", caption=caption, columns=columns, notes=notes)


def ood(group: Group) -> Table | None:
    """Show equivariance on other images than those of the training, set by set."""
    records = group.of("ood")
    sets = sorted({record.group for record in records}, key=lambda name: (_rank_of(name), name))
    columns = [column for name in sets for column in _ood_columns(group, name)]
    what = (
        "Equivariance outside the training distribution under one random circular shift an image: mean NMSE between "
        "T(G(x)) and G(T(x)), in brackets the largest, and the share of images whose outputs are equal bit for bit."
    )
    caption = caption_of(group, what, records, images="images")
    return table(
        group,
        "ood",
        "Out of the distribution",
        caption=caption,
        columns=columns,
        notes=[*([_UNTRAINED_NOTE] if UNTRAINED in sets else []), *notes_of(group, "ood", ["nmse"], by_set=True)],
    )


def hard(group: Group) -> Table | None:
    """Show which hard images each network passes: every shift gives the same output, bit for bit."""
    records = group.of("hard")
    if not records:
        return None
    names = [name for name in group.names if group.of("hard", name)]
    items = list(dict.fromkeys(record.item for record in records))
    found = {(name, item): [r for r in group.of("hard", name) if r.item == item] for name in names for item in items}
    rows: list[list[Cell]] = [[word(item), *(_verdict(found[name, item]) for name in names)] for item in items]
    counts: list[Cell] = []
    for place in range(1, len(names) + 1):
        passed = sum(row[place].kind == "pass" for row in rows)
        tried = sum(row[place].kind != "none" for row in rows)
        counts.append(Cell(f"{passed} of {tried}", passed))
    what = (
        "Generated images that are hard to keep equivariant (ties, constants, noise): passed where no shift that was "
        "tried changes a bit of the output; otherwise the largest NMSE."
    )
    caption = caption_of(group, what, records, images="images")
    notes = notes_of(group, "hard")
    return Table(
        f"{group.key}-hard", "Hard images", caption, ("image", *names), [*rows, [word("passed"), *counts]], notes
    )


def _worst(group: Group, subject: Subject, measure: str) -> Values:
    return measured(group.of("worst", subject.name), measure)


def furthest_record(records: Sequence[Record], measure: str) -> Record | None:
    """Give the record whose change is of largest size; None where no record has one."""
    having = [
        record for record in records if record.measures.get(measure, float("nan")) == record.measures.get(measure)
    ]
    return max(having, key=lambda record: abs(record.measures[measure]), default=None)


def _furthest(group: Group, subject: Subject, measure: str) -> Cell:
    record = furthest_record(group.of("worst", subject.name), measure)
    if record is None:
        return NONE
    value = record.measures[measure]
    return number(change_text(value, decimals=2 if measure == "delta_psnr" else 4), abs(value))


def _where(group: Group, subject: Subject) -> Cell:
    record = furthest_record(group.of("worst", subject.name), "delta_psnr")
    if record is None or record.measures["delta_psnr"] == 0:
        return NONE
    return word(f"{record.item}, {record.slice}, {shift_text(record)}")


def shift_text(record: Record) -> str:
    """Write a record's shift: (rows, columns)."""
    return f"({', '.join(short(entry) for entry in numbers_in(record.settings.get('shift')))})"


def tried(records: Sequence[Record]) -> Cell:
    """Say how many shifts were tried of each image, and which: all there are, or some at random."""
    counts = sorted({int(held) for r in records if isinstance(held := r.settings.get("tried"), int)})
    if not counts:
        return NONE
    kinds = ", ".join(sorted({str(record.settings.get("shifts")) for record in records}))
    said = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return word(f"{said} ({kinds})")


def _rank_of(name: str) -> int:
    return _SETS.index(name) if name in _SETS else len(_SETS)


def _ood_columns(group: Group, name: str) -> list[Column]:
    def values(subject: Subject, measure: str) -> Values:
        return measured([record for record in group.of("ood", subject.name) if record.group == name], measure)

    def errors(subject: Subject) -> Cell:
        return mean_and_largest(values(subject, "nmse"))

    similarity = Column(f"{name}: SSIM", lambda subject: _similarity(values(subject, "ssim")), "high")
    return [
        Column(f"{name}: NMSE", errors, "low"),
        *([similarity] if name == UNTRAINED else []),
        Column(f"{name}: bitwise", lambda subject: share(mean(values(subject, "bitwise"))), "high"),
    ]


def _similarity(values: Values) -> Cell:
    return number(similarity_text(mean(values)), mean(values))


def _verdict(records: Sequence[Record]) -> Cell:
    """Pass, or fail with the largest error; nothing where it was not measured."""
    if not records:
        return NONE
    if all(record.measures.get("passes") == 1 for record in records):
        return Cell("pass", 1.0, "pass")
    return Cell(f"fail, {error_text(largest(measured(records, 'nmse')))}", 0.0, "fail")
