"""Labelled samples and batches."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from recon.data.batches import Draw, EvaluationBatches, draw_of
from recon.data.labels.samples import Labelled, LabelledSample, collate_labelled, require_index
from recon.data.samples import Origin, Skipped
from recon.errors import DataError, ShapeError


class Ramps(Labelled):
    """Images of one number each."""

    classes = ("even", "odd")
    synthetic = True
    group_size = 4

    def __len__(self) -> int:
        """Count ten."""
        return 10

    def __getitem__(self, key: int | Draw) -> LabelledSample:
        """Give an image of its number."""
        index = require_index(draw_of(key).index, len(self))
        origin = Origin("ramps", "ramp", index, "", "", True)
        return LabelledSample(torch.full((3, 2, 4), float(index)), torch.tensor(index % 2), origin)

    @property
    def files(self) -> Sequence[Path]:
        """There are none."""
        return []


def test_groups_are_consecutive_and_hold_every_image() -> None:
    data = Ramps()
    assert list(data.groups) == [range(4), range(4, 8), range(8, 10)]
    assert [len(batch) for batch in EvaluationBatches(data, batch_size=3)] == [3, 1, 3, 1, 2]
    assert data.wide(0) is None
    assert [sample.origin.slice for sample in data] == list(range(10))  # type: ignore[attr-defined]  # ends by itself


def test_samples_are_stacked() -> None:
    data = Ramps()
    batch = collate_labelled([data[3], Skipped("broken"), data[6]])
    assert batch.input.shape == (2, 3, 2, 4)
    assert batch.input[:, 0, 0, 0].tolist() == [3, 6]
    assert batch.target.tolist() == [1, 0]
    assert batch.target.dtype == torch.int64
    assert [origin.slice for origin in batch.origins] == [3, 6]
    assert batch.skipped == ("broken",)
    assert len(batch) == 2


def test_batches_move_with_all_that_they_hold() -> None:
    batch = collate_labelled([Ramps()[3]])
    moved = batch.to("meta")
    assert (moved.input.device.type, moved.target.device.type) == ("meta", "meta")
    assert moved.origins == batch.origins


@pytest.mark.gpu
def test_pinned_batches_are_pinned() -> None:
    batch = collate_labelled([Ramps()[3]]).pin_memory()
    assert batch.input.is_pinned()
    assert batch.target.is_pinned()


def test_a_batch_of_which_nothing_can_be_read_is_an_error() -> None:
    with pytest.raises(DataError, match="no image of a batch of 2 could be read: broken; gone"):
        collate_labelled([Skipped("broken"), Skipped("gone")])


@pytest.mark.parametrize(("image", "target"), [((3, 2, 5), ()), ((3, 2, 4), (2, 4))])
def test_images_of_several_sizes_are_refused(image: tuple[int, ...], target: tuple[int, ...]) -> None:
    first = Ramps()[0]
    other = LabelledSample(torch.zeros(image), torch.zeros(target, dtype=torch.int64), first.origin)
    with pytest.raises(ShapeError, match="the images of a batch must be of one size"):
        collate_labelled([first, other])
