"""What a labelled data set hands out: an image and its class, or the class of each of its pixels."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from recon.data.batches import Draw
from recon.data.samples import Origin, Skipped
from recon.errors import DataError, ShapeError

IGNORED = 255  # the class of pixels that are not judged


@dataclass(frozen=True, slots=True)
class LabelledSample:
    """One image: `input` (C, H, W) float32, normalised, and `target` int64: its class (), or those of pixels (H, W)."""

    input: Tensor
    target: Tensor
    origin: Origin


@dataclass(frozen=True, slots=True)
class LabelledBatch:
    """Several samples: images (B, C, H, W), and classes (B,) of images or (B, H, W) of pixels.

    `skipped` has the reasons why others, which belong here, could not be read.
    """

    input: Tensor
    target: Tensor
    origins: tuple[Origin, ...]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.origins)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "LabelledBatch":
        """Give the batch on another device."""
        return self._map(lambda x: x.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "LabelledBatch":
        """Give the batch in pinned memory, from where a GPU takes it faster; data loaders call this."""
        return self._map(Tensor.pin_memory)

    def _map(self, function: Callable[[Tensor], Tensor]) -> "LabelledBatch":
        return replace(self, input=function(self.input), target=function(self.target))


class Labelled(Dataset[LabelledSample | Skipped], ABC):
    """A data set of labelled images: what samplers, data loaders and evaluations need of each kind.

    Attributes:
        classes: the names of the classes, by their numbers.
        synthetic: whether the images were generated.
        group_size: how many images one process should evaluate together.
    """

    classes: Sequence[str]
    synthetic: bool
    group_size = 256

    @abstractmethod
    def __len__(self) -> int:
        """Count the images."""

    @abstractmethod
    def __getitem__(self, key: int | Draw) -> LabelledSample | Skipped:
        """Read an image; a plain index stands for a draw of epoch 0."""

    @property
    @abstractmethod
    def files(self) -> Sequence[Path]:
        """The files that the images are in."""

    @property
    def groups(self) -> Sequence[range]:
        """The indices of images that one process should evaluate together."""
        starts = range(0, len(self), self.group_size)
        return [range(start, min(start + self.group_size, len(self))) for start in starts]

    def wide(self, index: int) -> Tensor | None:
        """Read an image with more of what is around it: (C, H + m, W + m), centred; None where there is no more."""
        return None


def require_index(index: int, count: int) -> int:
    """Return index if it is one of `count`; otherwise raise an error, which also ends a loop over the data set."""
    if not 0 <= index < count:
        raise IndexError(f"index must lie in [0, {count}), got {index}")
    return index


def collate_labelled(samples: Sequence[LabelledSample | Skipped]) -> LabelledBatch:
    """Join samples into a batch; those that could not be read are left out and their reasons noted."""
    skipped = tuple(sample.reason for sample in samples if isinstance(sample, Skipped))
    found = [sample for sample in samples if isinstance(sample, LabelledSample)]
    if not found:
        reasons = "; ".join(skipped[:3])
        raise DataError(f"no image of a batch of {len(samples)} could be read: {reasons}; replace these files")
    for sample in found:
        if sample.input.shape != found[0].input.shape or sample.target.shape != found[0].target.shape:
            raise ShapeError(
                f"the images of a batch must be of one size, got {_sizes(found[0])} and {_sizes(sample)}; choose one "
                f"crop for all"
            )
    return LabelledBatch(
        torch.stack([sample.input for sample in found]),
        torch.stack([sample.target for sample in found]),
        tuple(sample.origin for sample in found),
        skipped,
    )


def _sizes(sample: LabelledSample) -> str:
    return f"{tuple(sample.input.shape)} with targets {tuple(sample.target.shape)} in {sample.origin.file}"
