"""Tables of what lies beyond whole circular shifts: fractions, borders, moving objects, noise, and single layers."""

from collections.abc import Callable, Sequence
from fractions import Fraction

from recon.records import Record, Subject
from recon.report.cells import NONE, error, number, share, word
from recon.report.exactness import exactness_of
from recon.report.notation import DASH, all_digits, short
from recon.report.parts import Cell, Table
from recon.report.selection import Group
from recon.report.statistics import Values, largest, mean, percentile, values_of
from recon.report.tables import Column, average, caption_of, mean_and_largest, measured, notes_of, numbers_in, table

_ALIKE = (0.8, 1.25)  # ratios of errors that are called about as large


def subpixel(group: Group) -> Table | None:
    """Show the error under shifts by fractions of a pixel."""
    records = group.of("subpixel")
    fractions = sorted({_fraction(record) for record in records})
    columns = [_fraction_column(group, fraction) for fraction in fractions]
    what = (
        "Equivariance to Fourier shifts by fractions of a pixel along rows, columns and both: mean NMSE, in brackets "
        "the largest. No network here is made exact for these."
    )
    caption = caption_of(group, what, records)
    notes = notes_of(group, "subpixel", ["nmse"])
    return table(group, "subpixel", "Fractions of a pixel", caption=caption, columns=columns, notes=notes)


def border(group: Group) -> Table | None:
    """Show what differs between two crops of one image: everywhere, and away from the border."""
    columns = (
        Column("NMSE", _errors(group, "border", "nmse"), "low"),
        Column("NMSE inside", _errors(group, "border", "nmse_inside"), "low"),
    )
    what = (
        "Two crops of each slice some pixels apart, compared on what both show: mean NMSE, in brackets the largest; "
        "inside leaves the pixels near the border out."
    )
    records = group.of("border")
    notes = notes_of(group, "border", ["nmse", "nmse_inside"])
    return table(
        group,
        "border",
        "Shifts that are not circular",
        caption=caption_of(group, what, records),
        columns=columns,
        notes=notes,
    )


def physics(group: Group) -> Table | None:
    """Show what is left of equivariance when the object moves before it is measured."""

    def ratio(subject: Subject) -> Cell:
        records = group.of("physics", subject.name)
        floor = mean(measured(records, "floor"))
        value = mean(measured(records, "nmse")) / floor if floor > 0 else float("nan")
        return number(short(value), value)

    columns = (
        Column("NMSE", _errors(group, "physics", "nmse"), "low"),
        Column("floor", _errors(group, "physics", "floor")),
        Column("NMSE over floor", ratio, "low"),
    )
    what = (
        "The object moves by whole pixels and is measured and reconstructed again: mean NMSE between that and the "
        "moved reconstruction, in brackets the largest; the floor is the same of the networks' inputs."
    )
    caption = caption_of(group, what, group.of("physics"))
    notes = [*_why_exact_is_not_enough(group), *notes_of(group, "physics", ["nmse", "floor"])]
    return table(group, "physics", "The object moves", caption=caption, columns=columns, notes=notes)


def _why_exact_is_not_enough(group: Group) -> list[str]:
    """Say what a network that is exact for circular shifts may be expected to do here, and what the mean one did."""
    errors = {one.name: average(group.of("physics", one.name), "nmse") for one in group.networks}
    exact = [value for name, value in errors.items() if value >= 0 and exactness_of(group, name).exact]
    if not exact:
        return []
    said = (
        "A network that is exact for circular shifts need not be better here: the image is a crop, so that the move is "
        "no circular shift of it; other pixels enter at its borders, and reach into the output as far as the network "
        "looks."
    )
    plain = group.plain
    if plain is None or not errors[plain.name] > 0:
        return [said]
    ratio = sum(exact) / len(exact) / errors[plain.name]
    found = "about as large as" if _ALIKE[0] <= ratio <= _ALIKE[1] else "smaller than" if ratio < 1 else "larger than"
    whose = "the exact network" if len(exact) == 1 else f"the {len(exact)} exact networks on average"
    return [f"{said} Here the NMSE of {whose} is {found} that of {plain.name} ({short(ratio)} times)."]


def stability(group: Group) -> Table | None:
    """Show how firm the selections are, and what noise does to them and to the output."""
    records = group.of("stability")
    strengths = sorted({_strength(record) for record in records})
    columns = [Column("median margin", lambda subject: _median_margin(group, subject))]
    columns += [column for strength in strengths for column in _strength_columns(group, strength)]
    what = (
        "Selections under white noise, whose strength is in standard deviations of the input: the median over slices "
        "of the smallest relative gap between the two best phases, the share of slices of which a phase changes, and "
        "the output's mean NMSE, in brackets the largest."
    )
    caption = caption_of(group, what, records)
    notes = [*notes_of(group, "stability", ["margin", "flipped", "nmse"]), *_canonical_notes(group)]
    return table(group, "stability", "Selections under noise", caption=caption, columns=columns, notes=notes)


def _canonical_notes(group: Group) -> list[str]:
    """Say what the exactness of `recon.Canonical` costs, where such networks were measured."""
    names = [subject.name for subject in group.subjects if subject.kind == "Canonical"]
    if not names:
        return []
    return [
        f"{', '.join(names)}: `recon.Canonical` moves each image to where a hash of its content says, which the least "
        "noise changes. What the network makes of an image by its place, as at zero paddings, then changes as under a "
        "random shift. Where a network can be followed, `recon.make_equivariant` has no such cost."
    ]


def layers(group: Group) -> Table | None:
    """Show which layer breaks equivariance first."""
    columns = (
        Column("first layer that breaks", lambda subject: _first(group, subject)),
        Column("its kind", lambda subject: _broken(group, subject, "kind")),
        Column("its stride", lambda subject: _broken(group, subject, "stride")),
        Column("NMSE there", lambda subject: _broken_error(group, subject)),
        Column("NMSE of the output", lambda subject: error(largest(measured(_whole(group, subject), "nmse"))), "low"),
        Column("equal bit for bit", lambda subject: share(mean(measured(_whole(group, subject), "bitwise"))), "high"),
    )
    records = group.of("layers")
    what = (
        "The first layer, in the order of execution, whose features do not move with the input, and the largest NMSE "
        "there and of the output over all circular shifts below the period, on a few slices; errors of rounding do not "
        "count as breaks."
    )
    caption = caption_of(group, what, records)
    return table(group, "layers", "Which layer breaks first", caption=caption, columns=columns)


def _errors(
    group: Group, protocol: str, measure: str, wanted: Callable[[Record], bool] = lambda record: True
) -> Callable[[Subject], Cell]:
    """Show a mean, with the largest in brackets."""

    def cell(subject: Subject) -> Cell:
        return mean_and_largest(measured([one for one in group.of(protocol, subject.name) if wanted(one)], measure))

    return cell


def _fraction_column(group: Group, fraction: float) -> Column:
    def of_fraction(record: Record) -> bool:
        return _fraction(record) == fraction

    heading = f"by {Fraction(fraction).limit_denominator(64)} pixel: NMSE"
    return Column(heading, _errors(group, "subpixel", "nmse", of_fraction), "low")


def _fraction(record: Record) -> float:
    return max((abs(entry) for entry in numbers_in(record.settings.get("shift"))), default=0.0)


def _strength_columns(group: Group, strength: float) -> tuple[Column, Column]:
    def of_strength(record: Record) -> bool:
        return _strength(record) == strength

    said = all_digits(strength) if strength < 1e-3 else short(strength)
    return (
        Column(f"noise {said}: flipped", _flipped(group, of_strength)),
        Column(f"noise {said}: NMSE", _errors(group, "stability", "nmse", of_strength), "low"),
    )


def _strength(record: Record) -> float:
    return next(iter(numbers_in(record.settings.get("strength"))), float("nan"))


def _median_margin(group: Group, subject: Subject) -> Cell:
    """Take each slice once; its margin is the same for every strength."""
    records = group.of("stability", subject.name)
    margins = {(r.item, r.slice): r.measures["margin"] for r in records if "margin" in r.measures}
    values: Values = values_of(list(margins.values()), [item for item, _ in margins])
    return error(percentile(values, 50))


def _flipped(group: Group, wanted: Callable[[Record], bool]) -> Callable[[Subject], Cell]:
    def cell(subject: Subject) -> Cell:
        return share(mean(measured([r for r in group.of("stability", subject.name) if wanted(r)], "flipped")))

    return cell


def _whole(group: Group, subject: Subject) -> Sequence[Record]:
    """Give the result of the network as a whole, which has no layer's name."""
    return [record for record in group.of("layers", subject.name) if not record.item]


def _first(group: Group, subject: Subject) -> Cell:
    whole = _whole(group, subject)
    return word(str(whole[0].settings.get("first") or "none")) if whole else NONE


def _broken_record(group: Group, subject: Subject) -> Record | None:
    whole = _whole(group, subject)
    name = whole[0].settings.get("first") if whole else None
    return next((record for record in group.of("layers", subject.name) if name and record.item == name), None)


def _broken(group: Group, subject: Subject, setting: str) -> Cell:
    record = _broken_record(group, subject)
    return NONE if record is None else word(str(record.settings.get(setting, DASH)))


def _broken_error(group: Group, subject: Subject) -> Cell:
    record = _broken_record(group, subject)
    return NONE if record is None else error(record.measures.get("nmse", float("nan")))
