"""What is left of equivariance where shifts are not circular: a larger image, cropped at two places."""

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from recon.errors import ConfigError, ShapeError, require_at_least
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol, place_of
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics.equivariance import disagreement
from recon.records import Word

INSIDE = 16  # pixels from the border
STEPS = (1, 3)
_COMMON = 16  # divides the crops, so that they are alike for networks of most periods


class BorderProtocol(Protocol[Study]):
    """The difference between the outputs for two crops of one image, on what both show, by the distance to the border.

    Args:
        steps: by how many pixels, along both axes, the second crop lies away from the first; odd, so that the two
            begin in different phases.
        inside: the distance to the border from which on a pixel is counted inside.
    """

    name, title = "border", "shifts that are not circular"

    def __init__(self, *, steps: Sequence[int] = STEPS, inside: int = INSIDE) -> None:
        if not steps or not all(require_at_least(step, 1, name="steps") % 2 for step in steps):
            raise ConfigError(f"steps must be odd numbers, at least one, got {tuple(steps)!r}")
        self.steps, self.inside = tuple(steps), require_at_least(inside, 1, name="inside")

    @property
    def settings(self) -> Mapping[str, Word]:
        """Its choices."""
        return {"steps": self.steps, "inside": self.inside}

    def convention(self, study: Study) -> str:
        """Say how."""
        return (
            f"two crops of each input, one at the upper left corner and one some pixels further down and to the right "
            f"(step), of the largest size that leaves {max(self.steps)} pixels and is divisible by {_COMMON} and by "
            f"the network's period (by the period alone where images are too small for both); nmse = "
            f"|G(B) - G(A)|^2 / |G(A)|^2 on the pixels that both show, nmse_inside on those of them at "
            f"least {self.inside} pixels from the border of either; error is the root-mean-square "
            f"difference at each distance from it, over the root mean square of G(A) on all of them; intensities as in "
            f"the files"
        )

    def unfit(self, model: Model, study: Study) -> str:
        """Say that the images are too small."""
        return "" if self._crop(model, study.size) else self._too_small(model, study.size)

    def units(self, model: Model, study: Study) -> Sequence[Unit]:
        """Take slices, evenly spread."""
        return study.slices(passes=1 + len(self.steps))

    def passes(self, model: Model, unit: Unit, study: Study) -> int:
        """Count the crops of all slices."""
        return len(unit.indices) * (1 + len(self.steps))

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Crop, reconstruct and compare."""
        batch = study.batch(unit)
        crop = self._crop(model, (batch.input.shape[2], batch.input.shape[3]))
        if crop is None:
            raise ShapeError(self._too_small(model, (batch.input.shape[2], batch.input.shape[3])))
        first = self._output(model, batch.input, 0, crop)
        for step in self.steps:
            other = self._output(model, batch.input, step, crop)
            expected = batch.undo(first[..., step:, step:])
            got = batch.undo(other[..., :-step, :-step])
            for origin, one, two in zip(batch.origins, expected, got, strict=True):
                item, number, group = place_of(origin)
                yield Measured(
                    "image",
                    item,
                    self._measures(one, two),
                    slice=number,
                    group=group,
                    settings={"step": [step, step], "crop": list(crop)},
                    arrays=error_by_distance(one, two),
                )

    def _output(self, model: Model, images: Tensor, start: int, crop: tuple[int, int]) -> Tensor:
        height, width = crop
        return model(images[..., start : start + height, start : start + width].contiguous()).double()

    def _measures(self, expected: Tensor, got: Tensor) -> dict[str, float]:
        """Compare outputs (C, H, W), whole and at least `inside` pixels from the border where there are such."""
        measures = {"nmse": disagreement(expected, got).nmse}
        within = border_distance(expected) >= self.inside
        if bool(within.any()):
            measures["nmse_inside"] = disagreement(expected[:, within], got[:, within]).nmse
        return measures

    def _crop(self, model: Model, size: tuple[int, int]) -> tuple[int, int] | None:
        """Give the size of the crops, or nothing where two of them would share no pixel."""
        furthest = max(self.steps)
        for multiple in self._multiples(model):
            height, width = ((length - furthest) // multiple * multiple for length in size)
            if min(height, width) > furthest:
                return height, width
        return None

    def _multiples(self, model: Model) -> tuple[int, ...]:
        """Give what may divide the crops' size, best first."""
        period = model.subject.period
        return (math.lcm(period, _COMMON), period) if period else (_COMMON,)

    def _too_small(self, model: Model, size: tuple[int, int]) -> str:
        return (
            f"images must have room for crops divisible by {self._multiples(model)[-1]} that lie {max(self.steps)} "
            f"pixels apart, got {size[0]} x {size[1]}"
        )


def border_distance(image: Tensor) -> Tensor:
    """Give the number of pixels (H, W) between each pixel of an image (..., H, W) and its nearest border.

    On what two crops share, this is the distance to the nearest border of either.

    >>> border_distance(torch.zeros(3, 4))
    tensor([[0, 0, 0, 0],
            [0, 1, 1, 0],
            [0, 0, 0, 0]])
    """
    rows, columns = (torch.arange(n, device=image.device) for n in image.shape[-2:])
    rows, columns = torch.minimum(rows, rows.flip(0)), torch.minimum(columns, columns.flip(0))
    return torch.minimum(rows[:, None], columns[None])


def error_by_distance(expected: Tensor, got: Tensor) -> dict[str, list[float]]:
    """Compare images (C, H, W) by the distance to the border: `distance` 0, 1, 2, .. and `error` at each.

    The error is the root-mean-square difference at that distance over the root mean square of all of expected; where
    that is zero, it is 0 or infinite.

    >>> error_by_distance(torch.full((1, 2, 2), 2.0), torch.full((1, 2, 2), 3.0))
    {'distance': [0.0], 'error': [0.5]}
    """
    distance = border_distance(expected).flatten()
    square = (got.double() - expected.double()).square().mean(0).flatten()
    mean = torch.bincount(distance, weights=square) / torch.bincount(distance)
    power = expected.double().square().mean()
    error = torch.where(mean > 0, (mean / power).sqrt(), 0.0)
    return {"distance": torch.arange(len(mean)).double().tolist(), "error": error.tolist()}
