"""A network that takes and gives intensities as scanners have them: scaled as in training inside, and scaled back."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from recon.errors import ConfigError, require_known
from recon.ops.exact_statistics import exact_moments
from recon.ops.intensity import FASTMRI_EPSILON

_FAR = 2.0**60  # a power of two: nothing is rounded by it

Kind = Literal["deviation", "linear"]


class Scaled(NamedTuple):
    """Images as a network takes them, and the numbers (B, 1, ...) that undo it: `images * scale + mean`."""

    images: Tensor
    mean: Tensor
    scale: Tensor


@dataclass(frozen=True, slots=True)
class Scaling:
    """How intensities become what a network was trained on: (intensity - mean) / scale, within a bound.

    - `deviation` (MRI): each image's own mean and deviation. Both are exact sums, so that a shifted image is scaled
      alike, to the bit.
    - `linear` (CT): numbers that are the same for every image.

    Args:
        kind: which of the two.
        mean: of `linear`: the intensity that becomes 0.
        scale: of `linear`: the step of intensity that becomes 1.
        clamp: the largest magnitude that the network is given, or None for no bound.
        units: of the intensities: `HU`, or `any`, where each image is scaled by itself.

    >>> scaling = Scaling("linear", mean=-1000.0, scale=4000.0, units="HU")
    >>> images, mean, scale = scaling(torch.tensor([[[[0.0, 1000.0]]]]))
    >>> images.tolist(), (images * scale + mean).tolist()
    ([[[[0.25, 0.5]]]], [[[[0.0, 1000.0]]]])
    """

    kind: Kind = "deviation"
    mean: float = 0.0
    scale: float = 1.0
    clamp: float | None = None
    units: str = "any"

    def __post_init__(self) -> None:
        """Check the numbers."""
        require_known(self.kind, get_args(Kind), name="scaling")
        if not (math.isfinite(self.mean) and math.isfinite(self.scale) and self.scale > 0):
            raise ConfigError(f"a scaling must have a finite mean and a positive scale, got {self.mean}, {self.scale}")
        if self.clamp is not None and not self.clamp > 0:
            raise ConfigError(f"clamp must be positive, or None for no bound, got {self.clamp}")

    def __call__(self, intensities: Tensor) -> Scaled:
        """Scale images (B, C, *spatial), each by itself."""
        if self.kind == "linear":
            shape = (intensities.shape[0], *[1] * (intensities.ndim - 1))
            mean, scale = intensities.new_full(shape, self.mean), intensities.new_full(shape, self.scale)
        else:
            mean, scale = _own(intensities)
        images = (intensities - mean) / scale
        if self.clamp is not None:
            images = images.clamp(-self.clamp, self.clamp)
        return Scaled(images, mean, scale)

    @property
    def words(self) -> dict[str, object]:
        """What JSON can hold of it; `from_words` undoes it."""
        return asdict(self)

    @classmethod
    def from_words(cls, words: Mapping[str, object]) -> "Scaling":
        """Understand what `words` gave."""
        known = {field.name for field in fields(cls)}
        if not isinstance(words, Mapping) or not set(words) <= known:
            raise ConfigError(f"a scaling must have {', '.join(sorted(known))}, got {words!r}")
        try:
            return cls(**words)  # type: ignore[arg-type]  # they are checked there
        except TypeError as error:
            raise ConfigError(f"a scaling must be of words and numbers, got {words!r}: {error}") from error


class ScaledNetwork(nn.Module):
    """Intensities (B, C, *spatial) in, reconstructed intensities out; what is in the middle sees scaled images.

    Args:
        network: from scaled images to scaled images.
        scaling: what it was trained with.
    """

    def __init__(self, network: nn.Module, scaling: Scaling) -> None:
        super().__init__()
        self.network, self.scaling = network, scaling

    def forward(self, intensities: Tensor) -> Tensor:
        """Reconstruct."""
        images, mean, scale = self.scaling(intensities)
        output: Tensor = self.network(images)
        return output * scale + mean


def _own(intensities: Tensor) -> tuple[Tensor, Tensor]:
    """Give each image's mean and deviation (unbiased, as in training), which do not depend on where its pixels lie."""
    pixels = intensities.flatten(1)[:, None]
    mean, variance = exact_moments(pixels)
    count = pixels.shape[-1]
    others = (torch.zeros_like(variance) + (count - 1)).clamp(min=1)  # in graphs, counts divide in float32
    # times _FAR, so that ONNX's optimiser does not take the epsilon for a zero, and leave it out
    deviation = ((variance * count / others).sqrt() * _FAR + FASTMRI_EPSILON * _FAR) / _FAR
    shape = (-1, *[1] * (intensities.ndim - 1))
    return mean.reshape(shape).to(intensities.dtype), deviation.reshape(shape).to(intensities.dtype)
