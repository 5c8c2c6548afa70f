"""What exactness costs against the plain network: accuracy and time; statements rather than claims that could fail."""

from recon.records import Subject
from recon.report.families import AN_EXACT, made_exact
from recon.report.labels.cells import difference_text
from recon.report.labels.reading import quality_difference, words_of
from recon.report.origins import is_transferred
from recon.report.parts import Claim
from recon.report.selection import Group
from recon.report.tables import counted, numbers_in
from recon.report.tables_cost import cost_ratio


def quality_claim(group: Group) -> Claim:
    """State each trained exact network's accuracy less that of plain, paired, with its interval."""
    words = words_of(group).quality
    text = (
        f"The price in {words}: that of trained exact networks less {group.plain_name}'s, paired, with 95 % intervals; "
        "one that holds 0 may be chance."
    )
    found = [(one, quality_difference(group, one, plain)) for one, plain in _pairs(group) if not is_transferred(one)]
    said = [f"{one.name} {difference_text(value)} points" for one, value in found if value.value == value.value]
    if not said:
        return Claim(f"price in {words}", text, "not measured", f"missing in accuracy: plain, or {AN_EXACT}")
    return Claim(f"price in {words}", text, "shown", "; ".join(said))


def time_claim(group: Group) -> Claim:
    """State each exact network's time over that of plain."""
    text = f"The price in time: one image's by exact networks over that by {group.plain_name}."
    ratios = [(one, cost_ratio(group, "seconds", one, plain)) for one, plain in _pairs(group)]
    measured = [(one, ratio) for one, ratio in ratios if ratio == ratio]
    if not measured:
        return Claim("price in time", text, "not measured", f"missing in cost: plain, or {AN_EXACT}")
    said = "; ".join(f"{one.name} {ratio:.2f} times" for one, ratio in measured)
    return Claim("price in time", text, "shown", f"{said} ({_circumstances(group)})")


def _pairs(group: Group) -> list[tuple[Subject, Subject]]:
    """Give every exact network with the plain one of its architecture."""
    return [(one, plain) for one in made_exact(group) if (plain := group.plain_of(one)) is not None]


def _circumstances(group: Group) -> str:
    """Say how large images were, and what computed them."""
    records = group.of("cost")
    sizes = sorted({" x ".join(f"{n:g}" for n in numbers_in(record.settings.get("size"))) for record in records} - {""})
    threads = sorted({n for record in records if isinstance(n := record.settings.get("threads"), int)})
    devices = sorted({record.circumstances.device for record in records})
    parts = [*(f"an image of {one}" for one in sizes), *devices, *(counted(one, "thread") for one in threads)]
    return "; ".join(parts)
