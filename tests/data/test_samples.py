"""Samples joined into batches."""

import pytest
import torch

from recon.data.samples import Batch, Origin, Sample, Skipped, collate
from recon.errors import DataError, ShapeError


def sample(index: int, size: tuple[int, int] = (4, 6), *, target: bool = True) -> Sample:
    """Make a sample of random numbers, of a file of that number."""
    origin = Origin("fastMRI", f"file{index}.h5", index, f"file{index}", "PD", synthetic=True)
    image = torch.randn(1, *size)
    return Sample(image, image + 1 if target else None, float(index), 2.0, 3.0, origin)


def test_a_batch_has_all_that_its_samples_had() -> None:
    samples = [sample(0), sample(1), sample(2)]
    batch = collate(samples)
    assert len(batch) == 3
    assert batch.input.shape == (3, 1, 4, 6)
    assert batch.target is not None
    assert batch.target.equal(torch.stack([s.target for s in samples if s.target is not None]))
    assert batch.mean.flatten().tolist() == [0, 1, 2]
    assert batch.data_range.tolist() == [3, 3, 3]
    assert batch.origins == tuple(s.origin for s in samples)


def test_scaling_is_undone_image_by_image() -> None:
    batch = collate([sample(0), sample(5)])
    expected = torch.stack([batch.input[0] * 2, batch.input[1] * 2 + 5])
    assert batch.undo(batch.input).equal(expected)
    assert batch.undo(batch.input[:, 0]).equal(expected[:, 0])


def test_test_data_has_no_targets() -> None:
    assert collate([sample(0, target=False), sample(1, target=False)]).target is None
    with pytest.raises(DataError, match="targets for all of its samples or for none"):
        collate([sample(0), sample(1, target=False)])


def test_images_of_two_sizes_are_refused_by_name() -> None:
    with pytest.raises(ShapeError, match=r"4 x 6 in file0.h5 and 4 x 7 in file1.h5; choose a crop"):
        collate([sample(0), sample(1, (4, 7))])


def test_what_could_not_be_read_is_left_out_and_told() -> None:
    batch = collate([Skipped("file1 is bad"), sample(2)])
    assert len(batch) == 1
    assert batch.skipped == ("file1 is bad",)
    with pytest.raises(DataError, match="no sample of a batch of 2 could be read: one; two"):
        collate([Skipped("one"), Skipped("two")])


def test_a_batch_goes_to_a_device_whole() -> None:
    batch = collate([sample(0), sample(1)])
    moved = batch.to("meta")
    assert isinstance(moved, Batch)
    assert moved.target is not None
    tensors = (moved.input, moved.target, moved.mean, moved.scale, moved.data_range)
    assert {x.device.type for x in tensors} == {"meta"}
    assert moved.origins == batch.origins
    assert collate([sample(0, target=False)]).to("cpu").target is None


def test_an_origin_reads_well() -> None:
    assert str(sample(3).origin) == "file3.h5, slice 3 (PD), synthetic"
    assert str(Origin("images", "cat.png", 0, "cat.png", "", synthetic=False)) == "cat.png, slice 0"
