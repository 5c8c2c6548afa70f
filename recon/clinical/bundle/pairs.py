"""recon's data sets as MONAI's trainers take them: dictionaries of an image and a label."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from recon.data.batches import Draw
from recon.data.datamodule import Stage
from recon.data.datamodules import SliceData
from recon.data.samples import Skipped
from recon.errors import DataError

_DRAWS = 2**31


class Pairs(Dataset[dict[str, Tensor]]):
    """The slices of a stage, scaled: what is measured as `image`, the target as `label`, both (1, H, W).

    What is random of a slice in training, its mask, is drawn anew each time from torch's random numbers; in validation
    it is the same each time.
    """

    def __init__(self, data: SliceData, stage: Stage) -> None:
        data.prepare_data()
        self.slices = data.training_dataset() if stage == "train" else data.dataset(stage)
        self.drawn = stage == "train"

    def __len__(self) -> int:
        """Count the slices."""
        return len(self.slices)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Read a slice."""
        epoch = int(torch.randint(_DRAWS, ())) if self.drawn else 0
        sample = self.slices[Draw(index, epoch)]
        if isinstance(sample, Skipped):
            raise DataError(f"slice {index} must be readable, got: {sample.reason}; run `recon data check`")
        if sample.target is None:
            raise DataError(f"{sample.origin} must have a target to be trained on, got none; choose another folder")
        return {"image": sample.input, "label": sample.target}

    @property
    def groups(self) -> Sequence[range]:
        """The indices of slices that belong to one volume, or file."""
        return self.slices.groups
