"""What a data set hands out: an input, its target, the numbers that undo its scaling, and where it comes from."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.utils.data import Dataset

from recon.data.batches import Draw
from recon.errors import DataError, ShapeError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sample comes from: enough to find it again, and to keep the slices of one volume together."""

    dataset: str
    file: str
    slice: int
    volume: str
    acquisition: str
    synthetic: bool

    def __str__(self) -> str:
        """Name the slice as a person would look for it."""
        kind = f" ({self.acquisition})" if self.acquisition else ""
        return f"{self.file}, slice {self.slice}{kind}{', synthetic' if self.synthetic else ''}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One slice: `input` and `target` (1, H, W) as the network takes them; `x * scale + mean` undoes the scaling.

    `target` is None where there is none to be had. `data_range` is the peak of the metrics in undone intensities: for
    fastMRI the volume's maximum, for CT the target's maximum minus its minimum; NaN where it is not known.
    """

    input: Tensor
    target: Tensor | None
    mean: float
    scale: float
    data_range: float
    origin: Origin


@dataclass(frozen=True, slots=True)
class Skipped:
    """A sample that could not be read, in place of it, where bad files are to be skipped: the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Several samples: images (B, 1, H, W), numbers (B, 1, 1, 1) that undo the scaling, data ranges (B,), origins.

    `skipped` has the reasons why others, which belong here, could not be read.
    """

    input: Tensor
    target: Tensor | None
    mean: Tensor
    scale: Tensor
    data_range: Tensor
    origins: tuple[Origin, ...]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.origins)

    def undo(self, images: Tensor) -> Tensor:
        """Bring images (B, ...) from the network's scale back to the intensities of the files."""
        shape = (-1, *(1,) * (images.ndim - 1))
        return images * self.scale.reshape(shape) + self.mean.reshape(shape)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Batch":
        """Give the batch on another device."""
        return self._map(lambda x: x.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "Batch":
        """Give the batch in pinned memory, from where a GPU takes it faster; data loaders call this."""
        return self._map(Tensor.pin_memory)

    def _map(self, function: Callable[[Tensor], Tensor]) -> "Batch":
        return replace(
            self,
            input=function(self.input),
            target=None if self.target is None else function(self.target),
            mean=function(self.mean),
            scale=function(self.scale),
            data_range=function(self.data_range),
        )


class Slices(Dataset[Sample | Skipped], ABC):
    """A data set of slices: what samplers and data loaders need of each kind."""

    @abstractmethod
    def __len__(self) -> int:
        """Count the slices."""

    @abstractmethod
    def __getitem__(self, key: int | Draw) -> Sample | Skipped:
        """Read a slice; a plain index stands for a draw of epoch 0."""

    @property
    @abstractmethod
    def groups(self) -> Sequence[range]:
        """The indices of slices that one process should evaluate together: those of a volume, or of a file."""


class MovableSlices(Slices):
    """Slices whose objects can be moved and measured again, as a patient who lies elsewhere is."""

    @abstractmethod
    def measured_again(self, index: int, shift: tuple[int, int]) -> Sample | Skipped:
        """Move the object of a slice by whole pixels (rows, columns), down and to the right, and measure it again.

        The input comes about as that of the slice itself does, scaling and crop included; what the crop then shows of
        the object is other than before. There is no target: it would be the object beyond the stored one's frame.
        """


def collate(samples: Sequence[Sample | Skipped]) -> Batch:
    """Join samples into a batch; those that could not be read are left out and their reasons noted."""
    skipped = tuple(sample.reason for sample in samples if isinstance(sample, Skipped))
    found = [sample for sample in samples if isinstance(sample, Sample)]
    if not found:
        reasons = "; ".join(skipped[:3])
        raise DataError(f"no sample of a batch of {len(samples)} could be read: {reasons}; run `recon data check`")
    targets = [sample.target for sample in found if sample.target is not None]
    if targets and len(targets) < len(found):
        raise DataError("a batch must have targets for all of its samples or for none; keep test data apart")
    return Batch(
        _stack([sample.input for sample in found], found),
        _stack(targets, found) if targets else None,
        torch.tensor([sample.mean for sample in found]).reshape(-1, 1, 1, 1),
        torch.tensor([sample.scale for sample in found]).reshape(-1, 1, 1, 1),
        torch.tensor([sample.data_range for sample in found]),
        tuple(sample.origin for sample in found),
        skipped,
    )


def _stack(images: Sequence[Tensor], samples: Sequence[Sample]) -> Tensor:
    for image, sample in zip(images, samples, strict=True):
        if image.shape != images[0].shape:
            raise ShapeError(
                f"the images of a batch must be of one size, got {_size(images[0])} in {samples[0].origin.file} and "
                f"{_size(image)} in {sample.origin.file}; choose a crop that fits all, or a batch size of 1"
            )
    return torch.stack(list(images))


def _size(image: Tensor) -> str:
    return " x ".join(map(str, image.shape[-2:]))
