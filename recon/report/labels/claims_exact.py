"""Claims about shifts: networks built to be exact give one label and the same bits, plain does not, filters help."""

from collections.abc import Mapping, Sequence

from recon.report.cells import percent_text
from recon.report.exactness import broken_in, exactness_of
from recon.report.families import AN_EXACT, is_filtered, made_exact
from recon.report.labels.captions import images_of
from recon.report.labels.cells import estimate_text
from recon.report.labels.reading import consistency, words_of
from recon.report.labels.totals import counted_share, lowest, ratio, total
from recon.report.parts import Claim
from recon.report.selection import PLAIN, Group
from recon.report.tables import counted

_WORDS = {"consistency": "pairs of random shifts", "adversary": "every shift"}


def labels_claim(group: Group) -> Claim:
    """Judge that networks built to be exact give one label under all circular shifts that were drawn."""
    words = words_of(group)
    text = f"Networks built to be exact keep their labels under circular shifts: {words.consistency} is 100.00 %."
    built = [one.name for one in made_exact(group)]
    shares = {name: share for name in built if (share := consistency(group, name).value) == share}
    if not shares:
        return Claim("labels", text, "not measured", f"missing in consistency: {AN_EXACT}")
    holds = all(share == 1 for share in shares.values())
    said = _together({name: f"{percent_text(share)} of {_pairs(group, name)}" for name, share in shares.items()})
    return Claim("labels", text, "shown" if holds else "not shown", said + _not_asked(built, list(shares)))


def bits_claim(group: Group) -> Claim:
    """Judge that their outputs are equal bit for bit wherever that was asked."""
    text = f"Their {words_of(group).bits} are equal bit for bit under every shift, wherever it was asked."
    built = [one.name for one in made_exact(group)]
    asked = [name for name in built if exactness_of(group, name).protocols]
    if not asked:
        return Claim("bits", text, "not measured", f"missing where outputs are compared: {AN_EXACT}")
    exact = [name for name in asked if exactness_of(group, name).exact]
    said = _together({name: _places(group, name) for name in exact})
    faults = "; ".join(f"{name}: {_fault(group, name)}" for name in asked if name not in exact)
    found = "; ".join(filter(None, (faults, said))) + _not_asked(built, asked)
    return Claim("bits", text, "shown" if exact == asked else "not shown", found)


def plain_claim(group: Group) -> Claim:
    """Judge that a plain network gives other labels under shifts."""
    words, plain = words_of(group), [one for one in group.networks if one.variant in PLAIN]
    text = f"{_name_of(group)} gives other labels under shifts: {words.consistency} is less than 100 %."
    shares = {one.name: found for one in plain if (found := consistency(group, one.name)).value == found.value}
    if not shares:
        return Claim("plain", text, "not measured", "missing in consistency: plain")
    said = [f"{name} {estimate_text(found)}{_under_the_worst(group, name)}" for name, found in shares.items()]
    holds = all(found.value < 1 for found in shares.values())
    return Claim("plain", text, "shown" if holds else "not shown", "; ".join(said))


def filters_claim(group: Group) -> Claim:
    """Judge that filters on a fixed grid raise consistency above that of plain, but not to 100 %."""
    words = words_of(group)
    text = f"Filters on the same grid raise {words.consistency} above {_name_of(group)}'s, but not to 100 %."
    found = [(one, plain) for one in group.networks if is_filtered(one) and (plain := group.plain_of(one)) is not None]
    shares = [(consistency(group, one.name), consistency(group, plain.name), one) for one, plain in found]
    shares = [
        (mine, theirs, one) for mine, theirs, one in shares if mine.value - theirs.value == mine.value - theirs.value
    ]
    if not shares:
        return Claim("filters", text, "not measured", "missing in consistency: plain, or a network with filters")
    holds = all(theirs.value < mine.value < 1 for mine, theirs, _ in shares)
    said = [f"{one.name} {estimate_text(mine)}" for mine, _, one in shares]
    references = {plain.name: f"{plain.name} {estimate_text(consistency(group, plain.name))}" for _, plain in found}
    return Claim("filters", text, "shown" if holds else "not shown", "; ".join([*references.values(), *said]))


def _name_of(group: Group) -> str:
    return group.plain_name


def _pairs(group: Group, name: str) -> str:
    pairs = total(group.of("consistency", name), "pairs")
    return f"{pairs:,.0f} pairs of {images_of(group, 'consistency', name):,} images"


def _places(group: Group, name: str) -> str:
    """Say on what a network's outputs were compared."""
    images = images_of(group, "adversary", name)
    pairs = total(group.of("consistency", name), "pairs")
    how = "every shift" if exactness_of(group, name).exhaustive else "the shifts tried"
    said = [f"{pairs:,.0f} pairs of random shifts"] if pairs == pairs else []
    return " and ".join([*said, *([f"{how} of {counted(images, 'image')}"] if images else [])])


def _fault(group: Group, name: str) -> str:
    """Say where bits differed, and in how many."""
    shares = {
        "consistency": ratio(group.of("consistency", name), "bitwise", "pairs"),
        "adversary": ratio(group.of("adversary", name), "bitwise", "images"),
    }
    parts = []
    for protocol in broken_in(group, name):
        share = shares.get(protocol, 0.0)
        premise = " (shifts by the period's multiples)" if share == 1 else ""
        parts.append(f"{percent_text(share)} equal under {_WORDS.get(protocol, protocol)}{premise}")
    return "bits that differ, " + ", ".join(parts)


def _under_the_worst(group: Group, name: str) -> str:
    """Say what the adversary leaves of a network, if that was measured."""
    records = group.of("adversary", name)
    if group.task == "segmentation":
        least = lowest(records).value
        return (
            f" (under the worst shift {percent_text(least)} of the pixels keep their label)" if least == least else ""
        )
    worst, unshifted = (counted_share(records, part).value for part in ("correct_worst", "correct"))
    if worst != worst:
        return ""
    return f" (accuracy {percent_text(unshifted)}, under the worst shift {percent_text(worst)})"


def _together(texts: Mapping[str, str]) -> str:
    """Let networks of which the same is said stand together."""
    alike = {text: [name for name in texts if texts[name] == text] for text in texts.values()}
    return "; ".join(f"{', '.join(names)}: {'each ' if len(names) > 1 else ''}{text}" for text, names in alike.items())


def _not_asked(built: Sequence[str], asked: Sequence[str]) -> str:
    return "".join(f"; {name}: not asked" for name in built if name not in asked)
