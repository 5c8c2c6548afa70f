"""The tables of a certificate: what every protocol found, put together so that no volume is named."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from recon.clinical.certificate.definitions import definitions
from recon.clinical.certificate.measuring import CLOSED, Measurements
from recon.clinical.certificate.quantities import amplification, gains, groups_of
from recon.records import Record, Word
from recon.report.statistics import Values, mean, mean_interval, values_of

Row = Mapping[str, Word]
_THIRDS = ("first", "middle", "last")


@dataclass(frozen=True, slots=True)
class Plan:
    """A table: of which protocol, under which title, and what makes its rows."""

    protocol: str
    title: str
    make: Callable[[Measurements], Sequence[Row]]


def sections(found: Measurements) -> Sequence[Row]:
    """Give all tables; one that could not be measured says why."""
    made: list[Row] = []
    how = definitions(found.source)
    for plan in PLANS:
        rows = plan.make(found)
        records = found.of(plan.protocol)
        reason = found.left_out.get(plan.protocol, CLOSED if found.closed else "the data give none")
        made.append(
            {
                "name": plan.title,
                "protocol": plan.protocol,
                "how": how[plan.title],
                "convention": records[0].convention if records else "",
                "rows": rows,
                "reason": "" if rows else f"not measured: {reason}",
            }
        )
    return made


def spread(numbers: Sequence[float], volumes: Sequence[str]) -> Row:
    """Give the mean of numbers with its 95 % bootstrap interval, by volumes; no interval for a single volume."""
    values: Values = values_of(numbers, volumes)
    interval = mean_interval(values)
    return {
        "mean": mean(values) if len(values) else None,
        "low": None if interval is None else interval.low,
        "high": None if interval is None else interval.high,
    }


def _quality(found: Measurements) -> Sequence[Row]:
    records = found.of("quality")
    made = []
    for group in [None, *groups_of(found)]:
        chosen = [record for record in records if group in (None, record.group)]
        if not chosen:
            continue
        volumes = [record.item for record in chosen]
        row: dict[str, Word] = {
            "stratum": "all" if group is None else group,
            "of": chosen[0].scope,
            "count": len(chosen),
            "volumes": len(set(volumes)),
        }
        for name in ("psnr", "ssim", "nmse"):
            row[name] = spread([record.measures[name] for record in chosen], volumes)
        for name in ("psnr", "ssim"):
            given = gains(found, name, group)
            row[f"{name}-gain"] = spread([value for _, value in given], [volume for volume, _ in given])
        made.append(row)
    return made


def _slices(found: Measurements) -> Sequence[Row]:
    """Give single slices, as they lie: all of them, and by the third of the volume in which they are."""
    records = [record for record in found.of("worst") if not math.isnan(record.measures["psnr"])]
    strata = {"all slices": records}
    if found.source.modality == "mri":  # LoDoPaB's files hold slices of any place
        strata |= {f"{name} third": [one for one in records if _third(one, found) == name] for name in _THIRDS}
    made: list[Row] = []
    for name, chosen in strata.items():
        if not chosen:
            continue
        levels, volumes = [record.measures["psnr"] for record in chosen], [record.item for record in chosen]
        similarities = [record.measures["ssim"] for record in chosen]
        made.append(
            {
                "stratum": name,
                "count": len(chosen),
                "volumes": len(set(volumes)),
                "psnr": spread(levels, volumes),
                "lowest psnr": min(levels),
                "ssim": spread(similarities, volumes),
                "lowest ssim": min(similarities),
            }
        )
    return made


def _third(record: Record, found: Measurements) -> str:
    return _THIRDS[found.thirds[int(str(record.settings["index"]))]]


def _worst(found: Measurements) -> Sequence[Row]:
    records = found.of("worst")
    if not records:
        return []
    changes = [one for record in records if not math.isnan(one := record.measures["delta_psnr"])]
    furthest = max(records, key=lambda one: (_size(one.measures["delta_psnr"]), one.measures["nmse"]))
    return [
        {
            "slices": len(records),
            "shifts": ", ".join(sorted({str(record.settings["shifts"]) for record in records})),
            "tried": max(int(str(record.settings["tried"])) for record in records),
            "period": max(int(str(record.settings["period"])) for record in records),
            "largest change of PSNR": max(changes, key=abs, default=None),
            "by the shift": furthest.settings["shift"],
            "lowest PSNR": min((record.measures["lowest_psnr"] for record in records), default=None),
            "largest NMSE": max(record.measures["nmse"] for record in records),
            "bitwise share": math.fsum(record.measures["bitwise"] for record in records) / len(records),
            "premise NMSE": max(record.measures["premise_nmse"] for record in records),
        }
    ]


def _size(change: float) -> float:
    return 0.0 if math.isnan(change) else abs(change)


def _hard(found: Measurements) -> Sequence[Row]:
    return [
        {
            "image": record.item,
            "shifts": record.settings["tried"],
            "largest NMSE": record.measures["nmse"],
            "largest difference": record.measures["max_abs"],
            "every shift bitwise": record.measures["passes"] == 1,
        }
        for record in found.of("hard")
    ]


def _by(protocol: str, setting: str, *measures: str) -> Callable[[Measurements], Sequence[Row]]:
    """Put the records of a protocol together by a setting: the mean and the largest of each measure."""

    def make(found: Measurements) -> Sequence[Row]:
        by_value: dict[str, list[Record]] = {}
        for record in found.of(protocol):
            by_value.setdefault(str(record.settings[setting]), []).append(record)
        made = []
        for records in by_value.values():
            row: dict[str, Word] = {setting: records[0].settings[setting], "slices": len(records)}
            for name in measures:
                numbers = [record.measures[name] for record in records if name in record.measures]
                if numbers:
                    row |= {f"mean {name}": math.fsum(numbers) / len(numbers), f"largest {name}": max(numbers)}
            made.append(row)
        return made

    return make


def _stability(found: Measurements) -> Sequence[Row]:
    records = found.of("stability")
    made: list[Row] = []
    for strength in dict.fromkeys(float(str(record.settings["strength"])) for record in records):
        chosen = [record for record in records if record.settings["strength"] == strength]
        margins = [record.measures["margin"] for record in chosen if "margin" in record.measures]
        flips = [record.measures["flipped"] for record in chosen if "flipped" in record.measures]
        made.append(
            {
                "strength": strength,
                "slices": len(chosen),
                "mean nmse": math.fsum(record.measures["nmse"] for record in chosen) / len(chosen),
                "largest amplification": max(amplification(chosen), default=None),
                "smallest margin": min(margins) if margins else f"not measured: {CLOSED}",
                "flipped share": math.fsum(flips) / len(flips) if flips else f"not measured: {CLOSED}",
            }
        )
    return made


def _cost(found: Measurements) -> Sequence[Row]:
    records = found.of("cost")
    if not records:
        return []
    measures = {name: value for record in records for name, value in record.measures.items()}
    return [
        {
            "seconds": statistics.median(record.measures["seconds"] for record in records),
            "images a second": measures.get("throughput"),
            "bytes": measures.get("peak_memory", f"not measured: {CLOSED}"),
            "size": records[0].settings["size"],
            "threads": records[0].settings["threads"],
            "batch": records[0].settings["batch_size"],
        }
    ]


def _determinism(found: Measurements) -> Sequence[Row]:
    records = found.of("determinism")
    if not records:
        return []
    return [
        {
            "images": len(records),
            "bitwise share": math.fsum(record.measures["bitwise"] for record in records) / len(records),
            "largest difference": max(record.measures["max_abs"] for record in records),
        }
    ]


PLANS = (
    Plan("quality", "Quality by stratum", _quality),
    Plan("worst", "Quality of single slices", _slices),
    Plan("worst", "The worst case over every shift", _worst),
    Plan("hard", "Inputs on which phases tie", _hard),
    Plan("subpixel", "Fractions of a pixel", _by("subpixel", "shift", "nmse")),
    Plan("border", "Shifts that are not circular", _by("border", "step", "nmse", "nmse_inside")),
    Plan("physics", "The object moves before it is measured", _by("physics", "shift", "nmse", "floor")),
    Plan("stability", "Selections and noise", _stability),
    Plan("determinism", "Two runs", _determinism),
    Plan("cost", "Speed and memory", _cost),
)
