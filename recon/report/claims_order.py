"""Claims about orders: plain errs most, remedies on a fixed grid less, exact networks least; as it was published."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recon.records import Record, Subject
from recon.report.families import AN_EXACT, is_low_pass, is_shift_trained, made_exact
from recon.report.orders import agrees, chance, in_order, standings, with_errors
from recon.report.parts import Claim
from recon.report.published import Part, published, published_of
from recon.report.selection import Group
from recon.report.tables import as_published, of_natural_images

_REMEDIES: tuple[tuple[str, Callable[[Subject], bool]], ...] = (
    ("low-pass filters", is_low_pass),
    ("shifts in training", is_shift_trained),
)
_A_REMEDY = f"a network with {' or '.join(words for words, _ in _REMEDIES)}"


@dataclass(frozen=True, slots=True)
class _Scene:
    """On which images errors are put in order: what they are called, who measured, and each network's records."""

    name: str
    protocol: str
    records_of: Callable[[str], Sequence[Record]]


def order_claims(group: Group) -> list[Claim]:
    """Judge the orders on test slices and on natural images, the latter beside published figures for MRI alone."""
    mri = group.source.modality == "mri"
    slices = _Scene("test slices", "equivariance", lambda name: as_published(group, "equivariance", name))
    natural = _Scene("natural images", "ood", lambda name: of_natural_images(group, name))
    kind = "PD" if mri and any(record.group == "PD" for record in group.of("equivariance")) else ""
    beside = _Scene(
        f"test slices{kind and f' ({kind})'}",
        slices.protocol,
        lambda name: [record for record in slices.records_of(name) if kind in ("", record.group)],
    )
    return [
        _order(group, slices),
        _published_order(group, beside, "mri" if mri else "ct", "equiv_nmse_pd" if mri else "equiv_nmse"),
        _order(group, natural),
        *([_published_order(group, natural, "natural", "equiv_nmse")] if mri else []),
    ]


def _order(group: Group, scene: _Scene) -> Claim:
    """Judge that plain errs more than every remedy, and all of these more than every exact network."""
    plain = [group.plain] if group.plain is not None else []
    remedies = [one for one in group.networks if any(of_kind(one) for _, of_kind in _REMEDIES)]
    exact = made_exact(group)
    ordered = standings([*plain, *remedies, *exact], scene.records_of)
    means = {one.name: one.mean for one in ordered}
    first, others, last = ([means[one.name] for one in some if one.name in means] for some in (plain, remedies, exact))
    name, text = f"order, {scene.name}", _claimed(scene, plain, [one for one in remedies if one.name in means])
    if not (first and others and last):
        needed = (("plain", first), (_A_REMEDY, others), (AN_EXACT, last))
        missing = "; ".join(words for words, there in needed if not there) if ordered else "all networks"
        return Claim(name, text, "not measured", f"missing in {scene.protocol}: {missing}")
    holds = min(first) > max(others) and min(others) > max(last)
    return Claim(name, text, "shown" if holds else "not shown", with_errors(ordered) + chance(ordered))


def _claimed(scene: _Scene, plain: Sequence[Subject], remedies: Sequence[Subject]) -> str:
    """Say what is claimed of the networks that were measured, and no more."""
    kinds = [words for words, of_kind in _REMEDIES if any(map(of_kind, remedies))]
    return (
        f"On {scene.name}, {plain[0].name if plain else 'plain'} errs more than networks with "
        f"{' and with '.join(kinds) or 'a remedy'}, and all of these more than exact ones."
    )


def _published_order(group: Group, scene: _Scene, part: Part, figure: str) -> Claim:
    """Judge that errors fall in the order of the published figures, where they differ at all."""
    name, source = f"published order, {scene.name}", published(part).source
    text = f"On {scene.name}, networks whose errors differ stand in the order published by {source}."
    figures = {one.name: found[figure] for one in group.networks if figure in (found := published_of(part, one))}
    ordered = standings([one for one in group.networks if one.name in figures], scene.records_of)
    if min(len({figures[one.name] for one in ordered}), len({one.mean for one in ordered})) < 2:
        return Claim(name, text, "not measured", f"missing in {scene.protocol}: two published networks that differ")
    found_here = in_order(ordered) + chance(ordered)
    if agrees(ordered, figures):
        return Claim(name, text, "shown", found_here)
    theirs = sorted((one.name for one in ordered), key=lambda one: -figures[one])
    return Claim(name, text, "not shown", f"{found_here}; published: {' > '.join(theirs)}")
