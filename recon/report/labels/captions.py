"""What stands beside a table of labels: on which data it was measured, on how many images, and what to beware of."""

from collections.abc import Sequence

from recon.records import Record, Subject
from recon.report.labels.reading import WORDS
from recon.report.labels.totals import total
from recon.report.selection import Group
from recon.report.tables import counted, seeds_note

PROTOCOLS = ("accuracy", "consistency", "crops", "adversary")


def caption(group: Group, what: str, protocols: Sequence[str] = PROTOCOLS) -> str:
    """Say what was measured, on which data, on how many images, and with which seed; synthetic data are called so."""
    source = group.source
    name = source.name.replace(" (synthetic)", "") if source.synthetic else source.name
    data = f"Synthetic data: {name}" if source.synthetic else f"Data: {name}"
    records = [record for protocol in protocols for record in group.of(protocol)] or list(group.records)
    seeds = sorted({record.circumstances.seed for record in records})
    said = f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"
    extent = _extent(group, protocols)
    return f"{what} {data}{f', {extent}' if extent else ''}; {said}."


def data_line(group: Group) -> str:
    """Give the data in one line: their kind, whether they are synthetic, their name and extent, and the seed."""
    return f"{group.title}. {caption(group, '').strip()}".removesuffix(".")


def images_of(group: Group, protocol: str, name: str | None = None) -> int:
    """Count the images of a protocol: of one network, or of the one that was measured on most."""
    names = group.names if name is None else [name]
    return max((_images(group.of(protocol, one)) for one in names), default=0)


def notes(group: Group, protocols: Sequence[str], *, subjects: Sequence[Subject] | None = None) -> list[str]:
    """Say what must be known to read a table: which networks were measured on other images or with other seeds."""
    names = [subject.name for subject in (group.networks if subjects is None else subjects)]
    said = []
    for protocol in protocols:
        units = {name: _units(records) for name in names if (records := group.of(protocol, name))}
        if len(set(units.values())) > 1:
            counts = ", ".join(f"{name} {_images(group.of(protocol, name)):,}" for name in units)
            said.append(
                f"The networks were not measured on the same images in {protocol} ({counts}): compare with care."
            )
        said += seeds_note({name: group.of(protocol, name)[0].circumstances.seed for name in units})
    return list(dict.fromkeys(said))


def _extent(group: Group, protocols: Sequence[str]) -> str:
    """Count the images; protocols that looked at fewer are named."""
    counts = {protocol: count for protocol in protocols if (count := images_of(group, protocol))}
    if len(set(counts.values())) < 2:
        return counted(next(iter(counts.values())), "image") if counts else ""
    words = WORDS[group.task]
    names = {
        "accuracy": words.quality,
        "consistency": words.consistency,
        "crops": words.crops,
        "adversary": "every shift",
    }
    return ", ".join(
        f"{names.get(protocol, protocol)} on {counted(count, 'image')}" for protocol, count in counts.items()
    )


def _images(records: Sequence[Record]) -> int:
    count = total(records, "images")
    return 0 if count != count else round(count)


def _units(records: Sequence[Record]) -> frozenset[tuple[str, float]]:
    return frozenset((record.item, record.measures.get("images", 0.0)) for record in records)
