"""The worst that a shift can do: quality under every shift that there is."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from recon.data.samples import Batch
from recon.errors import ConfigError, DataError, require_at_least
from recon.evaluation.equivariance import FURTHEST
from recon.evaluation.models import Model
from recon.evaluation.pictures import draw_worst_case
from recon.evaluation.protocol import Measured, Protocol, place_of
from recon.evaluation.shifts import ShiftSet, passes_of, random_set, shift_set, shifted_outputs
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics.equivariance import disagreement
from recon.metrics.quality import psnr, ssim
from recon.ops.memory import bits
from recon.records import Record, Word

Numbers: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
Flags: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]

TEN = 10  # random shifts an image in the APS paper's Table 2


class WorstProtocol(Protocol[Study]):
    """PSNR, SSIM and equivariance error of every slice under every shift; the worst is kept, and where it was.

    Args:
        every: try each of the H x W shifts, without relying on the network's period.
        ten: try the paper's ten random shifts alone, which says less and takes a small part of the time.
        random: how many random shifts to try where a network is not circular.
    """

    name, title = "worst", "the worst case over every shift"
    version = 2  # the share of equal outputs is without that of no shift

    def __init__(self, *, every: bool = False, ten: bool = False, random: int = 256) -> None:
        if every and ten:
            raise ConfigError("the shifts must be every one or ten, got both; choose one")
        self.every, self.ten, self.random = every, ten, require_at_least(random, TEN, name="random")

    @property
    def settings(self) -> Mapping[str, Word]:
        """Its choices."""
        return {"every": self.every, "random": self.random, **({"ten": True} if self.ten else {})}

    def convention(self, study: Study) -> str:
        """Say how."""
        peak = "the maximum of the target's volume" if study.modality == "mri" else "the target's maximum - minimum"
        how = (
            "the output of each shifted input is moved back and compared with the target: PSNR and SSIM (7 x 7) of "
            f"each slice, data range {peak}; bitwise is the share of shifts, no shift aside, without any difference"
        )
        if self.ten:
            return f"{how}. {TEN} random shifts in [-{FURTHEST}, {FURTHEST}]; delta_psnr is the change of largest size"
        return (
            f"{how}. For a circular network the period^2 shifts below its period are all there "
            f"are, which is checked on multiples of the period (premise_nmse); for others random shifts in "
            f"[-{FURTHEST}, {FURTHEST}], or every one. delta_psnr is the change of largest size"
        )

    def units(self, model: Model, study: Study) -> Sequence[Unit]:
        """Take slices, evenly spread."""
        return study.slices(passes=self._passes(model, study))

    def passes(self, model: Model, unit: Unit, study: Study) -> int:
        """Count the shifts of all slices."""
        return len(unit.indices) * self._passes(model, study)

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Try all shifts of each slice."""
        for index in unit.indices:
            one = Unit(unit.name, (index,))
            yield self._slice(model, study.batch(one), study, index)

    def conclude(self, models: Sequence[Model], study: Study, records: Sequence[Record], out: Path) -> None:
        """Draw the worst case of all."""
        draw_worst_case(models, study, records, out)

    def _passes(self, model: Model, study: Study) -> int:
        if self.ten:
            return 1 + TEN
        return passes_of(model, study.size, random=self.random, every=self.every)

    def _slice(self, model: Model, batch: Batch, study: Study, index: int) -> Measured:
        origin = batch.origins[0]
        if batch.target is None:
            raise DataError(f"{origin.file} must have targets to compare with, got none; evaluate other data")
        random = study.random_shifts("worst", origin.file, origin.slice, count=self.random, furthest=FURTHEST)
        chosen = (
            random_set(random[:TEN]) if self.ten else shift_set(model, batch.input, random=random, every=self.every)
        )
        found = under_shifts(model, batch, chosen.shifts)
        changes = _changes(found["psnr"])
        moved = torch.remainder(chosen.shifts, torch.tensor(batch.input.shape[2:])).any(1).numpy()
        item, number, group = place_of(origin)
        return Measured(
            "image",
            item,
            _worst_of(found, changes[_places(random[:TEN], chosen)], moved) | {"premise_nmse": chosen.premise},
            slice=number,
            group=group,
            settings={
                "shift": chosen.shifts[_furthest(changes)].tolist(),
                "shifts": chosen.meaning,
                "tried": len(chosen.shifts),
                "period": chosen.period,
                "index": index,
            },
            arrays={
                "rows": chosen.shifts[:, 0].tolist(),
                "columns": chosen.shifts[:, 1].tolist(),
                "delta_psnr": changes.tolist(),
                "nmse": found["nmse"].tolist(),
            },
        )


def under_shifts(model: Model, batch: Batch, shifts: Tensor) -> dict[str, Numbers]:
    """Measure one slice under shifts (N, 2), the first of which is none.

    Gives psnr, ssim (NaN where the target has no data range), and nmse, max_abs and bitwise between the moved output
    and that of no shift.
    """
    rows: list[dict[str, float]] = []
    unmoved = first = None
    for outputs, _ in shifted_outputs(model, batch.input, shifts):
        if unmoved is None or first is None:
            unmoved = outputs[:1]
            first = _compared(unmoved, unmoved, batch)[0] | {"bitwise": 1.0}
        same = [torch.equal(bits(raw), bits(unmoved[0])) for raw in outputs]
        others = iter(_compared(outputs[[not equal for equal in same]], unmoved, batch))
        rows += [first if equal else next(others) for equal in same]  # what is equal to the bit is measured once
    names = ("psnr", "ssim", "nmse", "max_abs", "bitwise")
    return {name: np.array([row[name] for row in rows], dtype=np.float64) for name in names}


def _compared(outputs: Tensor, unmoved: Tensor, batch: Batch) -> list[dict[str, float]]:
    """Compare outputs, moved back, with the target and with the output of no shift."""
    assert batch.target is not None
    if not len(outputs):
        return []
    scaled, peak = batch.undo(outputs.double()), float(batch.data_range)
    target = batch.undo(batch.target.double()).expand_as(scaled)
    nothing = [float("nan")] * len(outputs)
    levels = psnr(scaled, target, peak).tolist() if peak > 0 else nothing
    similarities = ssim(scaled, target, peak).tolist() if peak > 0 else nothing
    expected = batch.undo(unmoved.double())[0]
    errors = [disagreement(expected, one) for one in scaled]
    return [
        {"psnr": level, "ssim": similarity, "nmse": error.nmse, "max_abs": error.max_abs, "bitwise": 0.0}
        for level, similarity, error in zip(levels, similarities, errors, strict=True)
    ]


def _worst_of(found: Mapping[str, Numbers], ten: Numbers, moved: Flags) -> dict[str, float]:
    """Give what is kept of all shifts.

    `ten` are the changes of PSNR by the first ten random ones. The share of outputs that are equal to the bit is of the
    shifts that `moved` the image: no shift changes nothing, whatever the network is.
    """
    changes = {name: _changes(found[name]) for name in ("psnr", "ssim")}
    return {
        "psnr": found["psnr"][0],
        "ssim": found["ssim"][0],
        "delta_psnr": changes["psnr"][_furthest(changes["psnr"])],
        "delta_ssim": changes["ssim"][_furthest(changes["ssim"])],
        "delta_psnr_ten": ten[_furthest(ten)],
        "lowest_psnr": float(np.min(found["psnr"])),
        "highest_psnr": float(np.max(found["psnr"])),
        "nmse": float(found["nmse"].max()),
        "max_abs": float(found["max_abs"].max()),
        "bitwise": float(found["bitwise"][moved].mean()) if moved.any() else 1.0,
    }


def _changes(values: Numbers) -> Numbers:
    """Give the changes since the first; none between two infinite values, as a perfect output has them."""
    with np.errstate(invalid="ignore"):
        return np.where(values == values[0], 0.0, values - values[0])


def _furthest(changes: Numbers) -> int:
    """Give the place of the change of largest size."""
    sizes = np.abs(changes)
    return 0 if np.isnan(sizes).all() else int(np.nanargmax(sizes))


def _places(shifts: Tensor, chosen: ShiftSet) -> list[int]:
    """Find shifts among those that were tried: themselves, or what stands for them."""
    if chosen.meaning == "random":
        return list(range(1, 1 + len(shifts)))
    size = chosen.shifts.amax(0) + 1
    reduced = torch.remainder(shifts, size)
    return (reduced[:, 0] * int(size[1]) + reduced[:, 1]).tolist()
