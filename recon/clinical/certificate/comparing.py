"""Compares what a certificate says with what is so now: words, and number by number what may have drifted."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from recon.clinical.certificate.quantities import QUANTITIES, Drift
from recon.clinical.certificate.spelling import number_text
from recon.clinical.certificate.tolerances import Tolerances
from recon.clinical.certificate.words import canonical, mapping, rows, text
from recon.records import Word

Kind = Literal["same", "within", "told", "drifted"]

_DIFFERENCE = Drift(1e-5, 1e-3)  # of one pixel at the network's scale; its square is what an NMSE may drift
_LIKE: Mapping[str, Mapping[str, str]] = {  # the quantity as which a column of a protocol's tables may drift
    "quality": {name: name for name in ("psnr", "ssim", "nmse", "psnr-gain", "ssim-gain")},
    "worst": {
        "psnr": "psnr",
        "lowest psnr": "psnr",
        "lowest PSNR": "psnr",
        "ssim": "ssim",
        "lowest ssim": "ssim",
        "largest change of PSNR": "worst-psnr-change",
        "largest NMSE": "worst-nmse",
        "premise NMSE": "worst-nmse",
    },
    "hard": {"largest NMSE": "hard-nmse"},
    "subpixel": {"mean nmse": "subpixel-nmse", "largest nmse": "subpixel-nmse"},
    "border": {
        "mean nmse": "border-nmse",
        "largest nmse": "border-nmse",
        "mean nmse_inside": "border-nmse-inside",
        "largest nmse_inside": "border-nmse-inside",
    },
    "physics": {
        "mean nmse": "physics-nmse",
        "largest nmse": "physics-nmse",
        "mean floor": "physics-floor",
        "largest floor": "physics-floor",
    },
    "stability": {
        "mean nmse": "nmse",
        "largest amplification": "noise-amplification",
        "smallest margin": "selection-margin",
        "flipped share": "flipped",
    },
}
_TOLD = ("by the shift",)  # of nearly equal ones, another may be the worst


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing as the certificate has it, as it is now, what difference is allowed, and what that makes of it."""

    what: str
    then: str
    now: str
    allowed: str
    kind: Kind


def number_finding(what: str, then: float | None, now: float | None, drift: Drift | None, unit: str = "") -> Finding:
    """Compare a number; without `drift` it is told only."""
    pair = (number_text(then, unit), number_text(now, unit))
    allowed = "any" if drift is None else number_text(drift.of(0.0 if then is None else then), unit)
    return Finding(what, *pair, allowed, _kind(then, now, drift))


def allowed_drift(stated: Tolerances, name: str) -> Drift | None:
    """Give what a number may drift: by its tolerance, or recon's own value; None where it is only told.

    A certificate's own word counts where it asks for less: it cannot give itself more.
    """
    own = QUANTITIES[name].drift
    drift = next((one.drift for one in stated.stated if one.name == name), None)
    if drift is None:
        return own
    return Drift(drift) if stated.seen or own is None else replace(own, most=drift)


def same_words(then: Word, now: Word) -> bool:
    """Whether two words of JSON are the same, to the last digit."""
    return canonical({"": then}) == canonical({"": now})


def outline(value: Word) -> Word:
    """Give words with their numbers left out, which drift and are compared by themselves."""
    if isinstance(value, Mapping):
        return {name: outline(entry) for name, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [outline(entry) for entry in value]
    return None if isinstance(value, int | float) and not isinstance(value, bool) else value


def table_findings(then: Mapping[str, Word], now: Mapping[str, Word], stated: Tolerances) -> list[Finding]:
    """Compare all numbers in the tables and the map: a line for each that drifted, or one that none did.

    What is not laid out alike is left out: it has other words, which is told elsewhere.
    """
    pairs = zip(rows(then, "sections"), rows(now, "sections"), strict=False)
    found = [one for pair in pairs for one in _section_findings(*pair, stated)]
    before, after = mapping(then, "map"), mapping(now, "map")
    if same_words(outline(before), outline(after)):
        found += _compared("every shift", before, after, lambda path: _map_drift(path, stated))
    return found


def _section_findings(then: Mapping[str, Word], now: Mapping[str, Word], stated: Tolerances) -> list[Finding]:
    protocol, title = text(now, "protocol"), text(now, "name")
    if protocol == "cost" or not same_words(outline(then), outline(now)):
        return []  # speed is another one each time
    return _compared(title, then["rows"], now["rows"], lambda path: _table_drift(protocol, path[1], stated))


def _table_drift(protocol: str, column: str, stated: Tolerances) -> Drift | None:
    """Give what a number may drift as its column says; counts and settings may not."""
    if column in _TOLD:
        return None
    if column == "largest difference":
        return _DIFFERENCE
    name = _LIKE.get(protocol, {}).get(column)
    return Drift() if name is None else allowed_drift(stated, name)


def _map_drift(path: Sequence[str], stated: Tolerances) -> Drift | None:
    return allowed_drift(stated, "worst-psnr-change") if path[0].startswith("change") else Drift()


def _compared(title: str, then: Word, now: Word, drift_of: Callable[[Sequence[str]], Drift | None]) -> list[Finding]:
    found = [
        number_finding(f"{title}: {' '.join(path)}", before, after, drift_of(path))
        for (path, before), (_, after) in zip(_numbers(then), _numbers(now), strict=True)
    ]
    drifted = [one for one in found if one.kind == "drifted"]
    agree = sum(number is not None and drift_of(path) is not None for path, number in _numbers(now))
    if drifted or not agree:
        return drifted
    kind: Kind = "within" if any(one.kind == "within" for one in found) else "same"
    return [Finding(f"table: {title}", f"{agree} numbers", "agree", "each its own", kind)]


def _numbers(value: Word, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float | None]]:
    """Give all numbers, and None where there is none, with where they stand: names, and places counted from 1."""
    if isinstance(value, Mapping):
        for name in sorted(value):
            yield from _numbers(value[name], (*path, name))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for place, entry in enumerate(value, 1):
            yield from _numbers(entry, (*path, str(place)))
    elif value is None:
        yield path, None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)


def _kind(then: float | None, now: float | None, drift: Drift | None) -> Kind:
    if drift is None:
        return "told"
    if then is None or now is None:
        return "same" if then is now else "drifted"
    if then == now or (math.isnan(then) and math.isnan(now)):
        return "same"
    return "within" if abs(now - then) <= drift.of(then) else "drifted"
