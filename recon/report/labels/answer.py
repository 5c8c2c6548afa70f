"""The report's opening for networks that find labels: what shifts do to them, which to use, what weights are worth."""

from collections.abc import Sequence

from recon.records import Subject
from recon.report.cells import percent_text, points_text
from recon.report.exactness import exactness_of
from recon.report.labels.captions import images_of
from recon.report.labels.cells import difference_text
from recon.report.labels.claims_transfer import changes
from recon.report.labels.reading import consistency, is_exact, quality, quality_difference, words_of
from recon.report.labels.totals import counted_share, lowest, total
from recon.report.origins import is_transferred, tuned
from recon.report.selection import Group, architecture_of
from recon.report.tables import counted, listed
from recon.report.tables_cost import cost_ratio


def answer(group: Group) -> list[str]:
    """Say which networks keep their labels, how far others do not, which to use, and what is left of other weights."""
    networks = group.networks
    if not networks:
        return [f"{group.title}: no network was measured."]
    exact = [one for one in networks if is_exact(group, one.name)]
    others = [one for one in networks if one not in exact]
    first = _exact_sentence(group, exact)
    sentences = [
        *(
            [f"{group.title}, on synthetic data: what follows says nothing about photographs."]
            if group.source.synthetic
            else []
        ),
        first if group.source.synthetic else f"{group.title}: {first}",
        _moving_sentence(group, others),
        _bits_sentence(group, others),
        *_choice_sentences(group, exact),
        _transfer_sentence(group),
    ]
    return [sentence for sentence in sentences if sentence]


def _exact_sentence(group: Group, exact: Sequence[Subject]) -> str:
    """Name the networks whose outputs no shift changed, and on what that was looked at."""
    if not (group.of("consistency") or group.of("adversary")):
        return "whether shifts change the labels was not measured (protocols consistency and adversary)."
    if not exact:
        return "no network was exact: each gave outputs under circular shifts that differ."
    parts: dict[str, list[str]] = {}
    for subject in exact:
        parts.setdefault(_where(group, subject.name), []).append(subject.name)
    said = "; ".join(
        f"{listed(names)} {'was' if len(names) == 1 else 'were'} exact, {where}" for where, names in parts.items()
    )
    return f"{said}: no label changed, and no bit of the {words_of(group).bits}."


def _where(group: Group, name: str) -> str:
    """Say on what a network was exact, and no more."""
    images, pairs = images_of(group, "adversary", name), total(group.of("consistency", name), "pairs")
    how = "every circular shift" if exactness_of(group, name).exhaustive else "all circular shifts tried"
    said = [f"under {how} of {counted(images, 'image')}"] if images else []
    said += [f"under {counted(round(pairs), 'pair')} of random shifts"] if pairs == pairs else []
    return listed(said)


def _moving_sentence(group: Group, others: Sequence[Subject]) -> str:
    """Say how often a shift changes the label with the networks that are not exact, the worst first."""
    shares = [(one, consistency(group, one.name).value) for one in others if not is_transferred(one)]
    found = sorted(((one, share) for one, share in shares if share < 1), key=lambda pair: pair[1])
    if not found:
        return ""
    words = words_of(group)
    of_what = "of the pixels keep their label" if group.task == "segmentation" else "of pairs of shifts give one label"
    first, share = found[0]
    rest = [f"{percent_text(other)} with {one.name}" for one, other in found[1:]]
    said = f"With {first.name} only {percent_text(share)} {of_what} ({words.consistency}){_worst(group, first.name)}"
    return f"{said}{'; ' if rest else ''}{listed(rest)}."


def _bits_sentence(group: Group, others: Sequence[Subject]) -> str:
    """Name the networks whose labels stay while bits of their outputs do not."""
    names = [one.name for one in others if consistency(group, one.name).value == 1]
    if not names:
        return ""
    return f"{listed(names)} kept every label, yet bits of the {words_of(group).bits} differed."


def _worst(group: Group, name: str) -> str:
    """Say what the worst shift does to a network, if that was measured."""
    records = group.of("adversary", name)
    if group.task == "segmentation":
        least = lowest(records).value
        return f", under the worst shift {percent_text(least)}" if least == least else ""
    worst, level = (counted_share(records, part).value for part in ("correct_worst", "correct"))
    if worst != worst:
        return ""
    return f", and its accuracy falls from {percent_text(level)} to {percent_text(worst)} under the worst shift"


def _choice_sentences(group: Group, exact: Sequence[Subject]) -> list[str]:
    """Name, of each architecture, the exact network of the best accuracy, with its price."""
    architectures = list(dict.fromkeys(map(architecture_of, exact)))
    return [_choice_sentence(group, word, exact, named=len(group.architectures) > 1) for word in architectures]


def _choice_sentence(group: Group, architecture: str, exact: Sequence[Subject], *, named: bool) -> str:
    words = words_of(group)
    levels = {one.name: quality(group, one.name).value for one in exact if architecture_of(one) == architecture}
    candidates = [one for one in exact if levels.get(one.name, float("nan")) >= 0]
    of = f" ({architecture})" if named and architecture else ""
    if not candidates:
        return f"The {words.quality} of exact networks{of} was not measured, so that none can be recommended."
    chosen = max(candidates, key=lambda one: levels[one.name])
    which = f"the exact network of the best {words.quality}" if len(candidates) > 1 else "the only exact network"
    return f"To use{of}: {chosen.name}, {which} ({percent_text(levels[chosen.name])}){_price(group, chosen)}."


def _price(group: Group, chosen: Subject) -> str:
    """Say what the choice costs against plain, as far as that was measured."""
    plain = group.plain_of(chosen)
    if plain is None or plain.name == chosen.name:
        return ""
    difference, ratio = quality_difference(group, chosen, plain), cost_ratio(group, "seconds", chosen, plain)
    text = f"that differs from {plain.name}'s by {difference_text(difference)} points"
    said = [text] if difference.value == difference.value else []
    said += [f"it takes {ratio:.2f} times as long"] if ratio == ratio else []
    return f"; {', and '.join(said)}" if said else ""


def _transfer_sentence(group: Group) -> str:
    """Say what is left of the plain network's accuracy when its weights are taken over, and trained on."""
    taken = changes(group, [one for one in group.networks if is_transferred(one)])
    trained_on = changes(group, tuned(group))
    if not taken and not trained_on:
        return ""
    words = words_of(group).quality
    said = [f"{points_text(lost.value)} points with {one.name}" for one, _, lost, _ in taken]
    first = f"The plain network's weights, taken over without training, change its {words} by {listed(said)}."
    rest = [f"{points_text(lost.value)} points with {one.name}" for one, _, lost, _ in trained_on]
    second = f"Weights taken over and trained on change it by {listed(rest)}."
    return " ".join([*([first] if said else []), *([second] if rest else [])])
