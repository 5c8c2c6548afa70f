"""Shift augmentation."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from recon.data.augmentation import ShiftedSlices
from recon.data.batches import Draw
from recon.data.datamodules import MRIData
from recon.data.samples import Origin, Sample, Slices
from recon.training.command import train
from tests.training.runs import options, weights

FURTHEST = 3


class Impulses(Slices):
    """Slices with a single bright pixel in the middle of input and target."""

    def __len__(self) -> int:
        """Count the slices."""
        return 50

    @property
    def groups(self) -> Sequence[range]:
        """All together."""
        return [range(50)]

    def __getitem__(self, key: int | Draw) -> Sample:
        """Give an impulse."""
        image = torch.zeros(1, 9, 11)
        image[0, 4, 5] = 1
        return Sample(image, 2 * image, 0.0, 1.0, 1.0, Origin("", "file", 0, "volume", "", synthetic=False))


def moves(*, epoch: int, seed: int = 0) -> list[tuple[int, int]]:
    """Give how far each slice is moved in an epoch."""
    dataset = ShiftedSlices(Impulses(), furthest=FURTHEST, seed=seed)
    found = []
    for index in range(len(dataset)):
        sample = dataset[Draw(index, epoch)]
        assert isinstance(sample, Sample)
        assert sample.target is not None
        assert torch.equal(sample.target, 2 * sample.input)
        _, row, column = sample.input.nonzero()[0].tolist()
        found.append((row - 4, column - 5))
    return found


def test_input_and_target_move_alike_within_the_range_all_of_it() -> None:
    found = [move for epoch in range(20) for move in moves(epoch=epoch)]
    everywhere = {(r, c) for r in range(-FURTHEST, FURTHEST + 1) for c in range(-FURTHEST, FURTHEST + 1)}
    assert set(found) == everywhere


def test_moves_follow_from_seed_and_epoch_alone() -> None:
    assert moves(epoch=1) == moves(epoch=1)
    assert moves(epoch=1) != moves(epoch=2)
    assert moves(epoch=1) != moves(epoch=1, seed=1)


def test_validation_is_not_moved(knees: Path) -> None:
    plain, moved = (MRIData(knees, workers=0, shift_augmentation=shift) for shift in (0, 7))
    for data in (plain, moved):
        data.setup("fit")
    for one, other in zip(plain.val_dataloader(), moved.val_dataloader(), strict=True):
        assert torch.equal(one.input, other.input)
    assert isinstance(moved.datasets["train"], ShiftedSlices)


def test_augmentation_makes_another_network(knees: Path, finished: Path, tmp_path: Path) -> None:
    run = train(options(knees, tmp_path / "run", "--data.init_args.shift_augmentation", "4"))
    assert any(not torch.equal(value, weights(finished)[name]) for name, value in weights(run).items())


def test_a_negative_range_is_refused() -> None:
    with pytest.raises(ValueError, match="furthest"):
        ShiftedSlices(Impulses(), furthest=-1)
