"""What is left of equivariance when the object itself moves, is measured and reconstructed again."""

from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor

from recon.data.samples import Batch, MovableSlices, collate
from recon.errors import ConfigError, ShapeError
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol, place_of
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics.equivariance import disagreement
from recon.records import Word

SHIFTS = ((1, 0), (0, 1), (3, 5))
_EFFORT = 32  # passes: to measure an image takes the processor about as long as so many take a graphics card


class PhysicsProtocol(Protocol[Study]):
    """NMSE between the reconstruction of a moved object and the moved reconstruction; beside it that of the inputs.

    Args:
        shifts: by how many pixels (rows, columns) the object moves, whole ones.
    """

    name, title = "physics", "the object moves before it is measured"

    def __init__(self, *, shifts: Sequence[tuple[int, int]] = SHIFTS) -> None:
        if not shifts or not all(len(shift) == 2 and all(type(n) is int for n in shift) for shift in shifts):
            raise ConfigError(f"shifts must be pairs of whole numbers (rows, columns), got {tuple(shifts)!r}")
        self.shifts = tuple(shifts)

    @property
    def settings(self) -> Mapping[str, Word]:
        """Its choices."""
        return {"shifts": self.shifts}

    def convention(self, study: Study) -> str:
        """Say how."""
        how = (
            "the whole k-space takes the phase ramp of the move, then the same mask, crop, normalisation by the moved "
            "image's own mean and deviation, and clamp; the mask alone would leave the floor at rounding (the object "
            "moves circularly in the whole field), what is above comes from the clamp"
            if study.modality == "mri"
            else "the ground truth is projected with moved rays and filtered back, unmoved and moved, both without "
            "noise, which would add to the difference; the floor is that of filtered back-projection"
        )
        return (
            f"the object moves by whole pixels (shift) and is measured again: {how}. nmse = |G(x') - T G(x)|^2 / "
            f"|T G(x)|^2 with the inputs x and x' before and after the move and T the same move of images, on the "
            f"pixels that come from inside the image; floor is the same of x' and x; intensities as in the files"
        )

    def unfit(self, model: Model, study: Study) -> str:
        """Say that the data cannot be measured again, or that the images are too small."""
        if not isinstance(study.data, MovableSlices):
            return "the data must be such as can be measured again after a move (fastMRI, LoDoPaB-CT), got other data"
        rows, columns = (max(abs(shift[axis]) for shift in self.shifts) for axis in (0, 1))
        if study.size[0] <= rows or study.size[1] <= columns:
            return f"images must be larger than the shifts of {rows} and {columns} pixels, got {study.size}"
        return ""

    def units(self, model: Model, study: Study) -> Sequence[Unit]:
        """Take slices, evenly spread."""
        return study.slices(passes=_EFFORT * (1 + len(self.shifts)))

    def passes(self, model: Model, unit: Unit, study: Study) -> int:
        """Count the slices: once as they lie, and once for each shift."""
        return len(unit.indices) * (1 + len(self.shifts))

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Move, measure, reconstruct and compare."""
        lying = _measured(study, unit, (0, 0))
        image, output = lying.undo(lying.input.double()), lying.undo(model(lying.input).double())
        for shift in self.shifts:
            moved = _measured(study, unit, shift)
            inputs = common_region(image, moved.undo(moved.input.double()), shift)
            outputs = common_region(output, moved.undo(model(moved.input).double()), shift)
            for index, origin in enumerate(moved.origins):
                item, number, group = place_of(origin)
                measures = {"nmse": _nmse(*outputs, index), "floor": _nmse(*inputs, index)}
                yield Measured("image", item, measures, slice=number, group=group, settings={"shift": list(shift)})


def common_region(before: Tensor, after: Tensor, shift: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Cut two images (..., H, W) to what both show, where `after` shows the object of `before` moved by `shift`.

    A pixel n of `before` lies at n + shift in `after`; the two cut images have it at the same place.

    >>> import torch
    >>> common_region(torch.tensor([[1, 2, 3]]), torch.tensor([[0, 1, 2]]), (0, 1))
    (tensor([[1, 2]]), tensor([[1, 2]]))
    """
    height, width = before.shape[-2:]
    rows, columns = shift
    if abs(rows) >= height or abs(columns) >= width:
        raise ShapeError(f"images must be larger than the shift, got {height} x {width} for {shift}; shift by less")
    size = (height - abs(rows), width - abs(columns))
    return _cut(before, (-rows, -columns), size), _cut(after, shift, size)


def _cut(image: Tensor, start: tuple[int, int], size: tuple[int, int]) -> Tensor:
    top, left = (max(place, 0) for place in start)
    return image[..., top : top + size[0], left : left + size[1]]


def _measured(study: Study, unit: Unit, shift: tuple[int, int]) -> Batch:
    data = study.data
    if not isinstance(data, MovableSlices):
        raise ConfigError(f"the data must be MovableSlices to be measured again, got {type(data).__name__}")
    return collate([data.measured_again(index, shift) for index in unit.indices]).to(study.device)


def _nmse(expected: Tensor, got: Tensor, index: int) -> float:
    return disagreement(expected[index], got[index]).nmse
