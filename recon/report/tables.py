"""How tables are made: a column says what it shows of a network, a caption on which data it was measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from recon.records import BUILT_IN, Record, Subject, Word
from recon.report.cells import error_text, interval_text, number, word
from recon.report.parts import Cell, Table
from recon.report.selection import Group
from recon.report.statistics import Values, largest, mean, mean_interval, paired_difference, values_of

Better = Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, its cell for each network, and whether low or high numbers are the better ones."""

    heading: str
    cell: Callable[[Subject], Cell]
    better: Better | None = None


def measured(records: Sequence[Record], measure: str) -> Values:
    """Give one measure of records with the volumes that they are of; records without it are left out."""
    having = [record for record in records if measure in record.measures]
    return values_of([record.measures[measure] for record in having], [record.item for record in having])


def average(records: Sequence[Record], measure: str) -> float:
    """Give the mean of one measure; NaN where there is none."""
    return mean(measured(records, measure))


def paired(one: Sequence[Record], other: Sequence[Record], measure: str) -> Values:
    """Give the differences one - other of a measure over the volumes or images that both have, with their volumes."""
    held = [{(r.item, r.slice): r.measures[measure] for r in rs if measure in r.measures} for rs in (one, other)]
    return paired_difference(held[0], held[1], {key: key[0] for key in held[0]})


def as_published(group: Group, protocol: str, name: str | None = None) -> list[Record]:
    """Give the records whose mean is what papers give: of volumes for MRI, of images for CT and other images."""
    return group.of(protocol, name, scope="volume" if group.source.modality == "mri" and protocol != "ood" else "image")


def of_natural_images(group: Group, name: str | None = None) -> list[Record]:
    """Give the records of natural images, out of the training distribution."""
    return [record for record in group.of("ood", name) if record.group == "natural"]


def mean_with_interval(values: Values, text: Callable[[float], str]) -> Cell:
    """Show the mean with its 95 % interval, if there are volumes enough; an exact zero alone."""
    value, interval = mean(values), mean_interval(values)
    if interval is None or value == interval.low == interval.high == 0:
        return number(text(value), value)
    return number(interval_text(text(value), interval, text(interval.low), text(interval.high)), value)


def mean_and_largest(values: Values) -> Cell:
    """Show the mean of errors, with the largest in brackets."""
    middle, most = mean(values), largest(values)
    return number(error_text(middle) if most == 0 else f"{error_text(middle)} ({error_text(most)})", middle)


def table(
    group: Group, name: str, title: str, *, caption: str, columns: Sequence[Column], notes: Sequence[str] = ()
) -> Table | None:
    """Make a table with a row for each network that has anything to show; None where none has."""
    rows = [(subject, [column.cell(subject) for column in columns]) for subject in group.subjects]
    rows = [(subject, cells) for subject, cells in rows if any(says_something(cell) for cell in cells)]
    if not rows:
        return None
    contenders = [index for index, (subject, _) in enumerate(rows) if subject.kind != BUILT_IN]
    grid = [[word(subject.name), *cells] for subject, cells in rows]
    for place, column in enumerate(columns, 1):
        if column.better is not None:
            _mark_best(grid, contenders, place, column.better)
    headings = ("network", *(column.heading for column in columns))
    return Table(f"{group.key}-{name}", title, caption, headings, grid, tuple(notes))


def caption_of(group: Group, what: str, records: Sequence[Record], *, images: str = "slices") -> str:
    """Say what was measured, on which data, how many, and with which seed; whether the data are synthetic comes first.

    `what` is one or more sentences, with the convention in short.
    """
    source = group.source
    name = source.name.replace(" (synthetic)", "") if source.synthetic else source.name
    data = f"Synthetic data: {name}" if source.synthetic else f"Data: {name}"
    seeds = sorted({record.circumstances.seed for record in records})
    said = f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"
    counts = extent(records, images=images)
    if images != "slices":  # other images than the data's
        return f"{what} On {counts}; the networks are for {data[0].lower()}{data[1:]}; {said}."
    return f"{what} {data}{f', {counts}' if counts else ''}; {said}."


def extent(records: Sequence[Record], *, images: str = "slices") -> str:
    """Count volumes and slices, as in `3 volumes, 48 slices`; nothing for measures of the whole network."""
    slices = {(record.item, record.slice) for record in records if record.scope == "image"}
    volumes = {record.item for record in records if record.scope != "set"}
    if not volumes:
        return ""
    parts = [counted(len(volumes), "volume")] if images == "slices" else []
    parts += [counted(len(slices), images.removesuffix("s"))] if slices else []
    return ", ".join(parts)


def counted(count: int, thing: str) -> str:
    """Write a number of things.

    >>> counted(1, "slice"), counted(7135, "slice")
    ('1 slice', '7,135 slices')
    """
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def notes_of(group: Group, protocol: str, measures: Sequence[str] = (), *, by_set: bool = False) -> list[str]:
    """Say what must be known to read a table: networks measured on different images or seeds, and values left out.

    With `by_set`, each of the records' groups has columns of its own, and a network may lack one of them.
    """
    places: dict[str, frozenset[tuple[str, int | None]]] = {}
    seeds: dict[str, int] = {}
    for name in group.names:
        records = group.of(protocol, name)
        if records:
            places[name] = frozenset((record.item, record.slice) for record in records)
            seeds[name] = records[0].circumstances.seed
    notes = []
    if protocol != "layers" and _differ(group, protocol, places, by_set=by_set):
        said = ", ".join(f"{name} {len(held)}" for name, held in places.items())
        notes.append(f"The networks were not measured on the same images ({said}): compare with care.")
    notes += seeds_note(seeds)
    for measure in measures:
        missing = {name: measured(group.of(protocol, name), measure).missing for name in places}
        said = ", ".join(f"{name} {count}" for name, count in missing.items() if count)
        if said:
            notes.append(f"Left out of {measure}, being undefined there: {said}.")
    return notes


def seeds_note(seeds: Mapping[str, int]) -> list[str]:
    """Say that networks were measured with different seeds, by name, if they were."""
    if len(set(seeds.values())) < 2:
        return []
    said = ", ".join(f"{name} {seed}" for name, seed in seeds.items())
    return [f"The networks were measured with different seeds ({said}), and so with other shifts and noise."]


def without_empty_columns(made: Table) -> Table:
    """Leave out the columns in which nothing was measured; the first, of names, stays."""
    kept = [place for place in range(len(made.columns)) if any(says_something(row[place]) for row in made.rows)]
    rows = [[row[place] for place in kept] for row in made.rows]
    return replace(made, columns=tuple(made.columns[place] for place in kept), rows=rows)


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    >>> listed(["plain", "aps", "mass"])
    'plain, aps and mass'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def numbers_in(word: Word) -> tuple[float, ...]:
    """Give the numbers of a setting that is one or a row of them; empty where it is neither."""
    entries = word if isinstance(word, list | tuple) else [word]
    return tuple(float(entry) for entry in entries if isinstance(entry, int | float) and not isinstance(entry, bool))


def says_something(cell: Cell) -> bool:
    """Tell whether a cell holds something that was measured here."""
    return cell.kind not in ("none", "published")


def _differ(
    group: Group, protocol: str, places: Mapping[str, frozenset[tuple[str, int | None]]], *, by_set: bool
) -> bool:
    """Tell whether networks were measured on different images, of all or of any one set that they have."""
    if not by_set:
        return len(set(places.values())) > 1
    found: dict[str, dict[str, set[tuple[str, int | None]]]] = {}
    for record in group.of(protocol):
        held = found.setdefault(record.group, {}).setdefault(record.subject.name, set())
        held.add((record.item, record.slice))
    return any(len({frozenset(one) for one in of_set.values()}) > 1 for of_set in found.values())


def _mark_best(grid: list[list[Cell]], contenders: Sequence[int], place: int, better: Better) -> None:
    """Mark the best of a column, unless all are as good."""
    values = [(row, value) for row in contenders if (value := grid[row][place].value) is not None]
    best = (min if better == "low" else max)((value for _, value in values), default=None)
    winners = [row for row, value in values if value == best]
    if len(winners) < len(values):
        for row in winners:
            grid[row][place] = replace(grid[row][place], best=True)
