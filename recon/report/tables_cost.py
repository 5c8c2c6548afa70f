"""Tables of the networks themselves: what they are, and what they cost."""

from collections.abc import Callable, Mapping

from recon.records import Subject
from recon.report.cells import NONE, number, word
from recon.report.notation import DASH, short
from recon.report.origins import origin_of, origin_text
from recon.report.parts import Cell, Table
from recon.report.selection import Group, architecture_of
from recon.report.statistics import percentile, values_of
from recon.report.tables import Column, caption_of, measured, notes_of, table

# measure, heading, how it is written, whether its ratio to plain is shown, whether low is better
_MEASURES: tuple[tuple[str, str, Callable[[float], str], bool, bool], ...] = (
    ("parameters", "parameters", lambda value: f"{value:,.0f}", True, True),
    ("seconds", "time (ms)", lambda value: short(1000 * value), True, True),
    ("throughput", "images per second", short, False, False),
    ("peak_memory", "peak memory (MB)", lambda value: short(value / 1e6), True, True),
)


def cost(group: Group) -> Table | None:
    """Show parameters, time and memory, each also relative to plain."""
    records = group.of("cost")
    compared = any(group.of("cost", one.name) for one in group.subjects if one.variant == "plain")
    columns: list[Column] = []
    for measure, heading, text, as_ratio, low in _MEASURES:
        if not any(measure in record.measures for record in records):
            continue
        columns.append(Column(heading, _cell(group, measure, text), "low" if low else "high"))
        if compared and as_ratio:
            columns.append(
                Column(f"{heading.split(' (')[0]} over {group.plain_name}'s", ratio_to_plain(group, measure))
            )
    devices = ", ".join(sorted({record.circumstances.device for record in records}))
    unit = "a reconstruction costs" if group.task == "reconstruction" else "the labels of an image cost"
    among = " of the same architecture" if len(group.architectures) > 1 else ""
    what = f"What {unit}, measured on {devices or 'no device'}; ratios are to the plain network{among}."
    return table(
        group,
        "cost",
        "Cost",
        caption=caption_of(group, what, records),
        columns=columns,
        notes=notes_of(group, "cost"),
    )


def typical(group: Group, measure: str, name: str) -> float:
    """Give the median of a network's cost over the rounds in which it was measured; NaN where it was not."""
    return percentile(measured(group.of("cost", name), measure), 50)


def cost_ratio(group: Group, measure: str, subject: Subject, other: Subject) -> float:
    """Give how many times as much a network costs as another, the median over rounds; NaN where that is not known."""
    mine, theirs = (_by_round(group, measure, one) for one in (subject, other))
    ratios = [mine[key] / theirs[key] for key in mine if theirs.get(key, 0.0) > 0]
    return percentile(values_of(ratios, [""] * len(ratios)), 50)


def ratio_to_plain(group: Group, measure: str) -> Callable[[Subject], Cell]:
    """Give what shows how many times as much each network costs as the plain one."""

    def cell(subject: Subject) -> Cell:
        plain = group.plain_of(subject)
        value = float("nan") if plain is None else cost_ratio(group, measure, subject, plain)
        return number(f"{value:.2f}", value)

    return cell


def _by_round(group: Group, measure: str, subject: Subject) -> dict[str, float]:
    """Give one measure of each round; records of older versions are of one, without a number."""
    records = group.of("cost", subject.name)
    return {str(one.settings.get("round")): one.measures[measure] for one in records if measure in one.measures}


def networks(group: Group) -> Table | None:
    """Show what the networks are: variant, size, weights, training, and how they were computed."""
    named = [Column("architecture", lambda subject: word(architecture_of(subject) or DASH))]
    taken = [Column("weights taken from", lambda subject: _origin(group, subject))]
    columns = (
        Column("variant", lambda subject: word(subject.variant or DASH)),
        *(named if group.architectures else []),
        Column("kind", lambda subject: word(subject.kind)),
        Column("parameters", _parameters),
        Column("period", lambda subject: Cell(str(subject.period), subject.period) if subject.period else NONE),
        Column("weights (SHA-256)", lambda subject: word(subject.weights[:12]) if subject.weights else NONE),
        *(taken if any(map(origin_of, group.networks)) else []),
        Column("trained", lambda subject: _training(subject)),
        Column("computed on", lambda subject: word(_circumstances(group, subject))),
    )
    caption = caption_of(
        group, "The networks, and how they were computed.", [*group.of("worst"), *group.of("quality")] or group.records
    )
    return table(group, "networks", "Networks", caption=caption, columns=columns)


def _cell(group: Group, measure: str, text: Callable[[float], str]) -> Callable[[Subject], Cell]:
    def cell(subject: Subject) -> Cell:
        value = typical(group, measure, subject.name)
        return number(text(value), value)

    return cell


def _parameters(subject: Subject) -> Cell:
    return NONE if subject.parameters is None else Cell(f"{subject.parameters:,}", subject.parameters)


def _origin(group: Group, subject: Subject) -> Cell:
    text = origin_text(group, subject)
    return word(text) if text else NONE


def _training(subject: Subject) -> Cell:
    training = subject.details.get("training")
    if not isinstance(training, Mapping) or not training:
        return NONE
    words = [f"{training['epochs']} epochs"] if "epochs" in training else []
    words += [str(training["loss"])] if "loss" in training else []
    words += [f"seed {training['seed']}"] if "seed" in training else []
    return word(", ".join(words)) if words else NONE


def _circumstances(group: Group, subject: Subject) -> str:
    found = {
        (record.circumstances.device, record.circumstances.precision, record.circumstances.versions.get("torch", ""))
        for record in group.records
        if record.subject.name == subject.name
    }
    return "; ".join(f"{device}, {precision}, torch {torch}" for device, precision, torch in sorted(found))
