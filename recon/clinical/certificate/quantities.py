"""The numbers that a certificate judges: each by its name, out of evaluation's records."""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from recon.clinical.certificate.measuring import CLOSED, Measurements
from recon.records import Record, Word
from recon.report.statistics import mean, paired_difference, values_of

SMALL, TENTH_OF_PERCENT = 1e-10, 1e-3
SHARE = "share"  # the unit of numbers from 0 to 1


@dataclass(frozen=True, slots=True)
class Drift:
    """By how much a number may differ when it is measured again: `absolute + relative * |then|`, at most `most`."""

    absolute: float = 0.0
    relative: float = 0.0
    most: float = math.inf

    def of(self, then: float) -> float:
        """Give what is allowed."""
        return min(self.absolute + self.relative * (abs(then) if math.isfinite(then) else 0.0), self.most)


_NMSE = Drift(SMALL, TENTH_OF_PERCENT)
_LEVEL = Drift(0.01)  # dB
_SHARE = Drift()


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number.

    Args:
        name: what tolerances call it.
        words: what it is, in a line.
        protocol: by which it is measured.
        unit: of the number, or nothing.
        drift: what may differ when it is measured again; None for what is told and not judged.
        find: gives it, or None where it cannot be had.
        within: whether it needs a look into the network.
    """

    name: str
    words: str
    protocol: str
    unit: str
    drift: Drift | None
    find: Callable[[Measurements], float | None]
    within: bool = False

    def reason(self, found: Measurements) -> str:
        """Say why it cannot be had."""
        if self.protocol in found.left_out:
            return f"not measured: {found.left_out[self.protocol]}"
        if self.within and found.closed:
            return f"not measured: {CLOSED}"
        return "not measured: the data give none"

    def words_of(self, found: Measurements) -> dict[str, Word]:
        """Give what the certificate holds of it."""
        value = self.find(found)
        reason = self.reason(found) if value is None else ""
        return {
            "name": self.name,
            "words": self.words,
            "protocol": self.protocol,
            "unit": self.unit,
            "value": value,
            "reason": reason,
        }


def volumes_of(records: Iterable[Record]) -> dict[tuple[str, int | None], Mapping[str, float]]:
    """Give the measures of each volume, or image, by its item and slice."""
    return {(record.item, record.slice): record.measures for record in records}


def gains(found: Measurements, measure: str, group: str | None = None) -> list[tuple[str, float]]:
    """Give by how much a measure of each volume, or image, of a group is above that of the untouched input."""
    quality = [record for record in found.of("quality") if group in (None, record.group)]
    one, other = volumes_of(quality), volumes_of(found.untouched)
    differences = paired_difference(
        {key: measures[measure] for key, measures in one.items()},
        {key: measures[measure] for key, measures in other.items()},
        {key: key[0] for key in one},
    )
    names = list(dict.fromkeys(key[0] for key in one))
    return [(names[code], value) for code, value in zip(differences.clusters, differences.numbers, strict=True)]


def groups_of(found: Measurements) -> list[str]:
    """Give the strata that the data have names for: acquisitions."""
    return sorted({record.group for record in found.of("quality")} - {""})


def _numbers(found: Measurements, protocol: str, measure: str) -> list[float]:
    """Give a measure of all records of a protocol that have it; NaN is none."""
    given = (record.measures.get(measure, math.nan) for record in found.of(protocol))
    return [value for value in given if not math.isnan(value)]


def _mean(protocol: str, measure: str) -> Callable[[Measurements], float | None]:
    def find(found: Measurements) -> float | None:
        numbers = _numbers(found, protocol, measure)
        return math.fsum(numbers) / len(numbers) if numbers else None

    return find


def _most(protocol: str, measure: str) -> Callable[[Measurements], float | None]:
    return lambda found: max(map(abs, _numbers(found, protocol, measure)), default=None)


def _least(protocol: str, measure: str) -> Callable[[Measurements], float | None]:
    return lambda found: min(_numbers(found, protocol, measure), default=None)


def _least_gain(measure: str) -> Callable[[Measurements], float | None]:
    """Give the mean gain of the stratum where it is smallest."""

    def find(found: Measurements) -> float | None:
        means = []
        for group in [None, *groups_of(found)]:
            given = gains(found, measure, group)
            means.append(mean(values_of([value for _, value in given], [name for name, _ in given])))
        there = [value for value in means if not math.isnan(value)]
        return min(there, default=None)

    return find


def _exhaustive(found: Measurements) -> float | None:
    """Give the share of slices for which all shifts were tried, or all that there are below a checked period."""
    tried = [record.settings["shifts"] in ("all residues", "every shift") for record in found.of("worst")]
    return sum(tried) / len(tried) if tried else None


def amplification(records: Sequence[Record]) -> list[float]:
    """Give the relative error of each output over that of its input, under noise."""
    pairs = [(record.measures["nmse"], record.measures["nmse_input"]) for record in records]
    return [math.sqrt(out / given) for out, given in pairs if given > 0 and math.isfinite(out)]


def _median_seconds(found: Measurements) -> float | None:
    times = _numbers(found, "cost", "seconds")
    return statistics.median(times) if times else None


def _amplified(found: Measurements) -> float | None:
    return max(amplification(found.of("stability")), default=None)


QUANTITIES: Mapping[str, Quantity] = {
    one.name: one
    for one in (
        Quantity("psnr", "mean PSNR of all volumes", "quality", "dB", _LEVEL, _mean("quality", "psnr")),
        Quantity("ssim", "mean SSIM of all volumes", "quality", "", Drift(1e-4), _mean("quality", "ssim")),
        Quantity("nmse", "mean NMSE of all volumes", "quality", "", _NMSE, _mean("quality", "nmse")),
        Quantity(
            "psnr-gain", "PSNR above the untouched input, mean of the worst stratum", "quality", "dB", _LEVEL,
            _least_gain("psnr"),
        ),
        Quantity(
            "ssim-gain", "SSIM above the untouched input, mean of the worst stratum", "quality", "", Drift(1e-4),
            _least_gain("ssim"),
        ),
        Quantity(
            "shifts-exhaustive", "slices that were tried under every shift that there is", "worst", SHARE, _SHARE,
            _exhaustive,
        ),
        Quantity(
            "worst-psnr-change", "largest change of PSNR by any shift", "worst", "dB", _LEVEL,
            _most("worst", "delta_psnr"),
        ),
        Quantity(
            "worst-ssim-change", "largest change of SSIM by any shift", "worst", "", Drift(1e-4),
            _most("worst", "delta_ssim"),
        ),
        Quantity("worst-nmse", "largest equivariance NMSE by any shift", "worst", "", _NMSE, _most("worst", "nmse")),
        Quantity(
            "worst-bitwise", "shifts that move the output to the bit, no shift aside, of the worst slice", "worst",
            SHARE, _SHARE, _least("worst", "bitwise"),
        ),
        Quantity(
            "hard-nmse", "largest equivariance NMSE on blank, striped and periodic images", "hard", "", _NMSE,
            _most("hard", "nmse"),
        ),
        Quantity(
            "hard-bitwise", "hard images that every shift moves to the bit", "hard", SHARE, _SHARE,
            _mean("hard", "passes"),
        ),
        Quantity(
            "subpixel-nmse", "mean NMSE for shifts by fractions of a pixel", "subpixel", "", _NMSE,
            _mean("subpixel", "nmse"),
        ),
        Quantity(
            "border-nmse", "mean NMSE between crops some pixels apart", "border", "", _NMSE, _mean("border", "nmse")
        ),
        Quantity(
            "border-nmse-inside", "mean NMSE between crops some pixels apart, away from the border", "border", "",
            _NMSE, _mean("border", "nmse_inside"),
        ),
        Quantity(
            "physics-nmse", "mean NMSE where the object moves before it is measured", "physics", "", _NMSE,
            _mean("physics", "nmse"),
        ),
        Quantity(
            "physics-floor", "physics floor: that of the inputs, which no network can mend", "physics", "", _NMSE,
            _mean("physics", "floor"),
        ),
        Quantity(
            "selection-margin", "smallest relative gap between the two best phases (∞: none)", "stability",
            "", Drift(1e-6, TENTH_OF_PERCENT), _least("stability", "margin"), within=True,
        ),
        Quantity(
            "flipped", "noisy slices in which a phase changes", "stability", SHARE, Drift(0.05),
            _mean("stability", "flipped"), within=True,
        ),
        Quantity(
            "noise-amplification", "largest relative error of an output over that of its noisy input", "stability", "",
            Drift(1e-3, 0.01), _amplified,
        ),
        Quantity(
            "deterministic", "images with the same bits in two runs", "determinism", SHARE, _SHARE,
            _mean("determinism", "bitwise"),
        ),
        Quantity("seconds", "time for one image, median of the rounds", "cost", "s", None, _median_seconds),
        Quantity("throughput", "throughput in batches", "cost", "images a second", None, _most("cost", "throughput")),
        Quantity(
            "memory", "most memory that one image takes", "cost", "bytes", None, _most("cost", "peak_memory"),
            within=True,
        ),
    )
}  # fmt: skip
