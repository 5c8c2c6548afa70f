"""Compares two evaluations: what changed of each network, and whether it got worse past a tolerance."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from recon.errors import ConfigError, DataError
from recon.records import Record
from recon.report.cells import NONE, change_text, number, points_text, share_text, word
from recon.report.measures import MEASURES, Measure
from recon.report.notation import MINUS
from recon.report.parts import Cell, Table
from recon.report.selection import Group, grouped
from recon.report.tables import counted

_Place = tuple[str, int | None, float | None]  # item, slice, and of units the number of images


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much worse is still as good. Exactness has no tolerance: where it was, any loss of it is worse.

    Args:
        psnr: in dB, of the mean and of the worst change.
        ssim: of the mean.
        error: of errors, as a share of the old one.
        accuracy: of accuracy and mIoU, in points of percent.
        consistency: of the consistency of labels, in points of percent; what was 100 % must stay so.
    """

    psnr: float = 0.1
    ssim: float = 0.005
    error: float = 0.1
    accuracy: float = 0.5
    consistency: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what is no tolerance."""
        for name in ("psnr", "ssim", "error", "accuracy", "consistency"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"the tolerance of {name} must be 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Change:
    """One number of one network, then and now.

    Args:
        network: its name.
        data: the data's name.
        measure: what the number is; `measured at all` for a network that is gone.
        old: the number then.
        new: the number now; None where it is not measured any more.
        worse: whether it got worse past the tolerance.
        why: in words, where it is worse or was compared on a part.
        texts: both numbers as people read them.
    """

    network: str
    data: str
    measure: str
    old: float | None
    new: float | None
    worse: bool
    why: str = ""
    texts: tuple[str, str] = field(default=("", ""))

    @property
    def same(self) -> bool:
        """Tell whether the number is what it was, on all images."""
        both_undefined = self.old is not None and self.new is not None and math.isnan(self.old) and math.isnan(self.new)
        return not self.why and (self.old == self.new or both_undefined)

    @property
    def change(self) -> float | None:
        """Give new - old; None where either is missing."""
        return None if self.old is None or self.new is None else self.new - self.old


def compare(old: Sequence[Record], new: Sequence[Record], tolerance: Tolerance | None = None) -> list[Change]:
    """Compare the records of two evaluations of the same data, network by network, by their names.

    Numbers are of the images that both measured. A network or measure that the new evaluation lacks counts as worse;
    what only the new one has is left out. Other data are refused.
    """
    before, after = grouped(old), {group.key: group for group in grouped(new)}
    for group in before:
        if group.key in after:
            _require_same_data(group, after[group.key])
    allowed = tolerance or Tolerance()
    return [change for group in before for change in _changes(group, after.get(group.key), allowed)]


def verdict(changes: Sequence[Change]) -> str:
    """Say in a sentence whether anything got worse.

    >>> verdict([Change("aps", "MRI", "mean SSIM", 0.9, 0.9, worse=False)])
    'Nothing got worse: 1 number of 1 network within the tolerance.'
    """
    worse = [change for change in changes if change.worse]
    networks = len({(change.network, change.data) for change in changes})
    if not worse:
        numbers = f"{counted(len(changes), 'number')} of {counted(networks, 'network')}"
        return f"Nothing got worse: {numbers} within the tolerance."
    said = "; ".join(f"{change.network}: {change.measure} ({change.why})" for change in worse)
    return f"Worse: {said}."


def comparison(changes: Sequence[Change], *, synthetic: bool = False) -> Table:
    """Lay out as a table what is not the same as before, what is worse first; the rest is counted beneath."""
    shown = [change for change in changes if not change.same]
    rows = [
        (
            word(change.network),
            word(change.measure),
            _cell(change.old, change.texts[0]),
            _cell(change.new, change.texts[1]),
            NONE if change.change is None else number(_difference_text(change), change.change),
            Cell("worse", 0.0, "fail") if change.worse else Cell("as good", 1.0, "pass"),
            word(change.why) if change.why else NONE,
        )
        for change in sorted(shown, key=lambda change: not change.worse)
    ]
    data = ", ".join(dict.fromkeys(change.data for change in changes))
    said = "Synthetic data" if synthetic or "synthetic" in data else "Data"
    return Table(
        "comparison",
        "Comparison",
        f"Two evaluations of the same networks by name, on the images that both measured. {said}: {data}.",
        ("network", "measure", "old", "new", "change", "verdict", "why"),
        rows,
        (verdict(changes), *_left_out(len(changes) - len(shown))),
    )


def _left_out(count: int) -> list[str]:
    """Say how many numbers have no row."""
    return (
        [f"{counted(count, 'number')} did not change and {'is' if count == 1 else 'are'} not shown."] if count else []
    )


def _require_same_data(old: Group, new: Group) -> None:
    if old.source.fingerprint != new.source.fingerprint:
        raise DataError(
            f"both evaluations must be of the same {old.title} data, got {old.source.name} (fingerprint "
            f"{old.source.fingerprint[:12]}) and {new.source.name} ({new.source.fingerprint[:12]}); evaluate both "
            "networks on one data set"
        )


def _changes(old: Group, new: Group | None, tolerance: Tolerance) -> Iterator[Change]:
    for name in old.names:
        then = [record for record in old.records if record.subject.name == name]
        now = [] if new is None else [record for record in new.records if record.subject.name == name]
        if not now:
            yield Change(name, old.source.name, "measured at all", None, None, worse=True, why="the network is gone")
            continue
        for measure in MEASURES:
            before, after = (_by_place(records, measure) for records in (then, now))
            if before:
                yield _change(name, old.source.name, measure, before, after, tolerance)


def _change(
    name: str,
    data: str,
    measure: Measure,
    old: Mapping[_Place, Sequence[Record]],
    new: Mapping[_Place, Sequence[Record]],
    tolerance: Tolerance,
) -> Change:
    """Compare one measure over the images that both have."""
    shared = [place for place in old if place in new]
    if not shared:
        value = measure.of([record for records in old.values() for record in records])
        why = "not measured any more" if not new else "no image was measured in both"
        return Change(name, data, measure.name, value, None, worse=True, why=why, texts=(measure.text(value), ""))
    then, now = (measure.of([record for place in shared for record in side[place]]) for side in (old, new))
    why = _worse(measure, then, now, tolerance)
    part = f"on {len(shared)} of the old {len(old)}" if len(shared) < len(old) else ""
    texts = (measure.text(then), measure.text(now))
    return Change(name, data, measure.name, then, now, bool(why), ", ".join(filter(None, (why, part))), texts)


def _by_place(records: Sequence[Record], measure: Measure) -> dict[_Place, list[Record]]:
    places: dict[_Place, list[Record]] = {}
    for record in records:
        if measure.takes(record):
            places.setdefault((record.item, record.slice, record.measures.get("images")), []).append(record)
    return places


def _worse(measure: Measure, old: float, new: float, tolerance: Tolerance) -> str:
    """Say why the new number is worse, or nothing."""
    if math.isnan(old) or old == new:
        return ""
    if math.isnan(new):
        return "undefined now"
    match measure.rule:
        case "lower PSNR":
            return f"lower by more than {tolerance.psnr:g} dB" if old - new > tolerance.psnr else ""
        case "lower SSIM":
            return f"lower by more than {tolerance.ssim:g}" if old - new > tolerance.ssim else ""
        case "fewer passes":
            return "fewer than before" if new < old else ""
        case "lost exactness":
            return "was exact, is not any more" if new < old == 1 else ""
        case "lower accuracy":
            return _lower_in_points(old, new, tolerance.accuracy)
        case "lower consistency":
            lost = "was 100 %, is not any more" if new < old == 1 else ""
            return lost or _lower_in_points(old, new, tolerance.consistency)
    if old == 0:
        return "was exactly 0, is not any more"
    if measure.rule == "larger error":
        return f"larger by more than {tolerance.error:.0%}" if new > old * (1 + tolerance.error) else ""
    return f"larger by more than {tolerance.psnr:g} dB" if new - old > tolerance.psnr else ""


def _lower_in_points(old: float, new: float, points: float) -> str:
    return f"lower by more than {points:g} points" if 100 * (old - new) > points else ""


def _cell(value: float | None, text: str) -> Cell:
    return NONE if value is None else number(text, value)


def _difference_text(change: Change) -> str:
    """Write a change with the unit of its numbers."""
    difference = change.change or 0.0
    if change.measure.startswith("bitwise"):
        return f"{MINUS if difference < 0 else '+' if difference > 0 else ''}{share_text(abs(difference))}"
    if change.texts[0].endswith("%"):
        return f"{points_text(difference)} points"
    return change_text(difference, decimals=2 if "dB" in change.measure else 4)
