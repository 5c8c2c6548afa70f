"""Claims about weights that were taken over: what is left of the accuracy, and whether training on brings it back."""

from collections.abc import Callable, Sequence

from recon.records import Subject
from recon.report.cells import percent_text
from recon.report.families import sampling_of
from recon.report.labels.cells import difference_text
from recon.report.labels.reading import quality, quality_difference, words_of
from recon.report.labels.totals import Estimate
from recon.report.origins import before_tuning, is_transferred, plain_before, tuned
from recon.report.parts import Claim
from recon.report.selection import Group

KEPT = 0.9  # of the plain network's accuracy: every MASS network of the paper's table 3 keeps more, no APS network does
BACK = 0.01  # of accuracy, that fine-tuning may be short of: the paper's is short of 0.56 points

Change = tuple[Subject, Subject, Estimate, float]  # a network, its plain one, the difference, the share that is kept


def transfer_claims(group: Group) -> list[Claim]:
    """Judge MASS, and apart from each other both ways in which APS can take weights over."""
    words = words_of(group).quality
    return [
        _judged(
            group,
            "mass-transferred",
            f"MASS keeps at least nine tenths of the {words} of the plain network whose weights it takes over, without "
            "training.",
            lambda one: _is_of(one, "mass", "mass-unpool"),
            lambda kept: kept >= KEPT,
        ),
        _judged(
            group,
            "aps-keep-transferred",
            f"APS as its authors' models do it, polyphase sampling in the place of pooling, loses more than a tenth of "
            f"that {words}.",
            lambda one: _is_of(one, "aps-keep"),
            lambda kept: kept < KEPT,
        ),
        _judged(
            group,
            "aps-transferred",
            f"APS with the dense operation kept loses more than a tenth of that {words}.",
            lambda one: _is_of(one, "aps"),
            lambda kept: kept < KEPT,
        ),
    ]


def tuning_claim(group: Group) -> Claim:
    """Judge that training on brings the accuracy back to within a point of the plain network's."""
    words = words_of(group).quality
    text = (
        "Trained on for a short while, weights that were taken over come within a point of the plain network's "
        f"{words}."
    )
    found = changes(group, tuned(group))
    if not found:
        return Claim("fine-tuning", text, "not measured", "missing in accuracy: a network that was trained on (-tuned)")
    holds = all(difference.value >= -BACK for _, _, difference, _ in found)
    said = "; ".join(f"{_change_text(change)}{_before(group, change)}" for change in found)
    return Claim("fine-tuning", text, "shown" if holds else "not shown", _levels(group, found) + said)


def changes(group: Group, subjects: Sequence[Subject]) -> list[Change]:
    """Give what was lost of the plain networks' accuracy, of those that were measured on the same images."""
    found = []
    for subject in subjects:
        plain = plain_before(group, subject)
        if plain is None or plain.name == subject.name:
            continue
        difference, level = quality_difference(group, subject, plain), quality(group, plain.name).value
        if difference.value == difference.value and level > 0:
            found.append((subject, plain, difference, 1 + difference.value / level))
    return found


def _judged(
    group: Group, name: str, text: str, of_kind: Callable[[Subject], bool], holds: Callable[[float], bool]
) -> Claim:
    """Judge one way of taking weights over, by all networks that do it."""
    found = changes(group, [one for one in group.networks if is_transferred(one) and of_kind(one)])
    if not found:
        return Claim(name, text, "not measured", f"missing in accuracy: plain, or {name}")
    shown = all(holds(kept) for _, _, _, kept in found)
    said = "; ".join(f"{_change_text(change)}, {change[3]:.1%} of it kept".replace("%", " %") for change in found)
    return Claim(name, text, "shown" if shown else "not shown", _levels(group, found) + said)


def _is_of(subject: Subject, *samplings: str) -> bool:
    sampling = sampling_of(subject)
    return sampling is not None and sampling.name in samplings


def _change_text(change: Change) -> str:
    subject, _, difference, _ = change
    return f"{subject.name} {difference_text(difference)} points"


def _before(group: Group, change: Change) -> str:
    """Say how much was missing before the training went on, if that was measured."""
    before = before_tuning(group, change[0])
    found = changes(group, [before]) if before is not None else []
    return f" (before: {difference_text(Estimate(found[0][2].value))})" if found else ""


def _levels(group: Group, found: Sequence[Change]) -> str:
    """Give the level from which is counted, of each plain network."""
    plain = {change[1].name: quality(group, change[1].name).value for change in found}
    return "".join(f"{name} {percent_text(level)}; " for name, level in plain.items())
