"""The report's opening: what the numbers say, in a few sentences."""

from collections.abc import Sequence

from recon.records import Subject
from recon.report.cells import change_text, decibel_text
from recon.report.exactness import Exactness, exactness_of
from recon.report.selection import Group
from recon.report.statistics import mean, mean_interval
from recon.report.tables import average, counted, extent, listed
from recon.report.tables_cost import cost_ratio
from recon.report.tables_quality import difference_text, psnr_difference
from recon.report.tables_shifts import furthest_record, shift_text

_PLACES = {
    "equivariance": "under one random shift of every slice",
    "ood": "on every image out of the distribution",
    "hard": "on every hard image",
    "layers": "under every shift below the period of a few slices",
}


def answer(group: Group) -> list[str]:
    """Say which networks were exact, how far the others move, which to use, and at what price."""
    networks = group.networks
    kind = group.title
    if not networks:
        return [f"{kind}: no network was measured, only what leaves its input as it is."]
    judged = {subject.name: exactness_of(group, subject.name) for subject in networks}
    exact = [subject for subject in networks if judged[subject.name].exact]
    others = [subject for subject in networks if not judged[subject.name].exact]
    sentences = [
        *([f"{kind}, on synthetic data: what follows says nothing about patients."] if group.source.synthetic else []),
        _exact_sentence(group, networks, exact, judged),
        _moving_sentence(group, others, judged),
        _choice_sentence(group, networks, exact, judged),
    ]
    return [sentence for sentence in sentences if sentence]


def _exact_sentence(
    group: Group, networks: Sequence[Subject], exact: Sequence[Subject], judged: dict[str, Exactness]
) -> str:
    if not any(judged[subject.name].protocols for subject in networks):
        return "Whether shifts change the outputs was not measured (protocols equivariance, worst, ood, hard, layers)."
    if not exact:
        return (
            "No network was exact: each gave outputs under shifts that differ."
            if len(networks) > 1
            else f"{networks[0].name} was not exact: it gave outputs under shifts that differ."
        )
    parts: dict[str, list[str]] = {}
    for subject in exact:
        parts.setdefault(_where(group, subject, judged[subject.name]), []).append(subject.name)
    said = "; ".join(
        f"{listed(names)} {'was' if len(names) == 1 else 'were'} exact, {where}" for where, names in parts.items()
    )
    return f"{said}: no bit of an output differed."


def _where(group: Group, subject: Subject, judged: Exactness) -> str:
    """Say where a network was exact, and no more."""
    places = []
    if "worst" in judged.protocols:
        said = " of ".join(reversed(extent(group.of("worst", subject.name)).split(", ")))  # 4 slices of 3 volumes
        places.append(f"under {'every shift' if judged.exhaustive else 'all random shifts that were tried'} of {said}")
    asked = [protocol for protocol in judged.protocols if protocol != "layers" or judged.protocols == ("layers",)]
    places += [_PLACES[protocol] for protocol in asked if protocol in _PLACES]
    return ", ".join(places[:-1]) + (" and " if len(places) > 1 else "") + places[-1]


def _moving_sentence(group: Group, others: Sequence[Subject], judged: dict[str, Exactness]) -> str:
    """Say how far the networks that are not exact move, the worst first."""
    found = [(s.name, furthest_record(group.of("worst", s.name), "delta_psnr")) for s in others]
    moves = sorted(
        ((name, record) for name, record in found if record is not None),
        key=lambda pair: -abs(pair[1].measures["delta_psnr"]),
    )
    if not moves:
        return ""
    name, record = moves[0]
    first = (
        f"A shift changes the PSNR of one slice by up to {change_text(record.measures['delta_psnr'])} dB with {name} "
        f"({record.item}, slice {record.slice}, shift {shift_text(record)})"
    )
    rest = [f"{change_text(one.measures['delta_psnr'])} dB with {other}" for other, one in moves[1:]]
    return f"{first}{'; ' if rest else ''}{listed(rest)}."


def _choice_sentence(
    group: Group, networks: Sequence[Subject], exact: Sequence[Subject], judged: dict[str, Exactness]
) -> str:
    """Name the exact network of the best PSNR, with its price; without an exact one, the best PSNR alone."""
    levels = {subject.name: average(group.of("quality", subject.name), "psnr") for subject in networks}
    candidates = [subject for subject in (exact or networks) if levels[subject.name] == levels[subject.name]]
    if not candidates:
        whose = " of the exact networks" if any(level == level for level in levels.values()) else ""
        return f"Quality{whose} was not measured (protocol quality), so that no network can be recommended."
    chosen = max(candidates, key=lambda subject: levels[subject.name])
    level = f"{decibel_text(levels[chosen.name])} dB"
    if not exact:
        known = "was not exact" if judged[chosen.name].protocols else "is not known to be exact"
        return f"Of the best PSNR is {chosen.name} ({level}), which {known}."
    which = "the exact network of the best PSNR" if len(exact) > 1 else "the only exact network"
    return f"To use: {chosen.name}, {which} ({level}){_price(group, chosen)}."


def _price(group: Group, chosen: Subject) -> str:
    """Say what the choice costs against plain, as far as that was measured."""
    plain = group.plain
    if plain is None or plain.name == chosen.name:
        return ""
    said = []
    differences = psnr_difference(group, chosen, plain)
    if len(differences):
        interval = mean_interval(differences)
        text = difference_text(mean(differences), interval)
        volumes = counted(len(set(differences.clusters.tolist())), "volume")
        volumes += "" if interval is not None else ", so no interval"
        said.append(f"PSNR differs from that of {plain.name} by {text} dB ({volumes})")
    ratio = cost_ratio(group, "seconds", chosen, plain)
    if ratio == ratio:
        said.append(f"it takes {ratio:.2f} times as long")
    return f"; {', and '.join(said)}" if said else ""
