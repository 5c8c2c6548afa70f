"""Two claims: networks that are built to be exact are so everywhere, and plain's worst case is a large one."""

from collections.abc import Mapping, Sequence

from recon.report.cells import decibel_text, error_text, strict_size_text
from recon.report.comparisons import comparisons_of, largest_error
from recon.report.exactness import broken_in, exactness_of
from recon.report.families import AN_EXACT, made_exact
from recon.report.parts import Claim
from recon.report.selection import Group
from recon.report.tables_shifts import furthest_record

MOVES = 1.0  # dB of PSNR, that plain changes by at least


def exact_claim(group: Group) -> Claim:
    """Judge that no output of a network that is built to be exact differed anywhere, by a bit or by a number."""
    name, text = "exact", "Networks built to be exact have an error of exactly 0, bit for bit, wherever it was asked."
    built = [one.name for one in made_exact(group)]
    asked = [one for one in built if exactness_of(group, one).protocols]
    if not asked:
        return Claim(name, text, "not measured", f"missing where outputs are compared: {AN_EXACT}")
    zero = [one for one in asked if exactness_of(group, one).exact and largest_error(group, one) == 0]
    said = [f"{one}: {_fault(group, one)}" for one in asked if one not in zero] + _zeros(group, zero)
    said += [f"{one}: not asked" for one in built if one not in asked]
    return Claim(name, text, "shown" if zero == asked else "not shown", "; ".join(said))


def worst_claim(group: Group) -> Claim:
    """Judge that a shift changes plain's PSNR much, and that of exact networks by nothing."""
    name, plain = "worst change of PSNR", group.plain
    text = (
        f"The worst shift changes the PSNR of a slice by at least {decibel_text(MOVES)} dB with "
        f"{plain.name if plain is not None else 'plain'}, and by nothing with exact networks."
    )
    level = None if plain is None else _worst_change(group, plain.name)
    changes = {one.name: _worst_change(group, one.name) for one in made_exact(group)}
    exact = {one: change for one, change in changes.items() if change is not None}
    if plain is None or level is None or not exact:
        missing = [*(["plain"] if level is None else []), *([] if exact else [AN_EXACT])]
        return Claim(name, text, "not measured", f"missing in worst: {'; '.join(missing)}")
    holds = level >= MOVES and all(change == 0 for change in exact.values())
    return Claim(name, text, "shown" if holds else "not shown", _in_decibels({plain.name: level} | exact))


def _fault(group: Group, name: str) -> str:
    """Say how far a network that should be exact was not, and in which protocols."""
    error, places = largest_error(group, name), ", ".join(broken_in(group, name))
    said = f"an error of up to {error_text(error)}" if error > 0 else "bits that differ, by less than an error shows"
    return f"{said} ({places})" if places else said


def _zeros(group: Group, names: Sequence[str]) -> list[str]:
    """Count the comparisons of exact networks; those that were compared on the same stand together."""
    found = {name: comparisons_of(group, name) for name in names}
    said = []
    for places in dict.fromkeys(one.places for one in found.values()):
        alike = [name for name, one in found.items() if one.places == places]
        count = sum(found[name].count for name in alike)
        where = f"{'each: ' if len(alike) > 1 else ''}{', '.join(places)}"
        said.append(f"{', '.join(alike)}: 0.0 in {f'{count:,}' if count else 'all'} comparisons ({where})")
    return said


def _worst_change(group: Group, name: str) -> float | None:
    """Give the size of the largest change of PSNR; None where none was measured."""
    record = furthest_record(group.of("worst", name), "delta_psnr")
    return None if record is None else abs(record.measures["delta_psnr"])


def _in_decibels(sizes: Mapping[str, float]) -> str:
    """Write changes; networks of the same stand together."""
    texts = {name: strict_size_text(size) for name, size in sizes.items()}
    alike = {text: [name for name in texts if texts[name] == text] for text in texts.values()}
    return "; ".join(f"{', '.join(names)} {text} dB" for text, names in alike.items())
