"""What exactness costs against the plain network: PSNR and time; statements rather than claims that could fail."""

from collections.abc import Sequence

from recon.records import Subject
from recon.report.families import AN_EXACT, made_exact
from recon.report.parts import Claim
from recon.report.published import channels_of
from recon.report.selection import Group
from recon.report.statistics import mean, mean_interval
from recon.report.tables import counted, numbers_in
from recon.report.tables_cost import cost_ratio
from recon.report.tables_quality import difference_text, psnr_difference


def psnr_claim(group: Group) -> Claim:
    """State each exact network's PSNR less that of plain, paired, with its interval."""
    plain, built = group.plain, made_exact(group)
    text = (
        f"The price in PSNR: that of exact networks less {_name_of(plain)}'s, paired, with 95 % intervals; one that "
        "holds 0 may be chance."
    )
    found = [(one.name, psnr_difference(group, one, plain)) for one in built if plain is not None]
    measured = [(name, values) for name, values in found if len(values)]
    if not measured:
        return Claim("price in PSNR", text, "not measured", _missing(group, "quality", built))
    intervals = [mean_interval(values) for _, values in measured]
    said = "; ".join(
        f"{name} {difference_text(mean(values), interval)} dB"
        for (name, values), interval in zip(measured, intervals, strict=True)
    )
    return Claim(
        "price in PSNR", text, "shown", said + (" (too few volumes for intervals)" if None in intervals else "")
    )


def time_claim(group: Group) -> Claim:
    """State each exact network's time over that of plain, with the size of networks and images."""
    plain, built = group.plain, made_exact(group)
    text = f"The price in time: one image's by exact networks over that by {_name_of(plain)}."
    ratios = [(one, cost_ratio(group, "seconds", one, plain)) for one in built if plain is not None]
    measured = [(one, ratio) for one, ratio in ratios if ratio == ratio]
    if not measured or plain is None:
        return Claim("price in time", text, "not measured", _missing(group, "cost", built))
    said = "; ".join(f"{one.name} {ratio:.2f} times" for one, ratio in measured)
    how = _circumstances(group, [plain, *(one for one, _ in measured)])
    return Claim("price in time", text, "shown", f"{said} ({how})")


def _circumstances(group: Group, subjects: Sequence[Subject]) -> str:
    """Say how large networks and images were, and what computed them."""
    records = [record for one in subjects for record in group.of("cost", one.name)]
    channels = sorted({", ".join(map(str, channels_of(one))) for one in subjects} - {""})
    sizes = sorted({" x ".join(f"{n:g}" for n in numbers_in(record.settings.get("size"))) for record in records} - {""})
    devices = sorted({record.circumstances.device for record in records})
    threads = sorted({n for record in records if isinstance(n := record.settings.get("threads"), int)})
    parts = [
        *(f"channels {one}" for one in channels),
        *(f"an image of {one}" for one in sizes),
        *devices,
        *(counted(one, "thread") for one in threads),
    ]
    return "; ".join(parts)


def _name_of(plain: Subject | None) -> str:
    return "plain" if plain is None else plain.name


def _missing(group: Group, protocol: str, built: Sequence[Subject]) -> str:
    """Say which networks a comparison lacks; where all are there, they have no images in common."""
    plain = group.plain
    words = [] if plain is not None and group.of(protocol, plain.name) else ["plain"]
    words += [] if any(group.of(protocol, one.name) for one in built) else [AN_EXACT]
    return f"missing in {protocol}: {'; '.join(words) or 'the same images'}"
