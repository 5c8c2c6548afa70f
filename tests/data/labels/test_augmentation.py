"""What is drawn for training images: uniform, by the draw alone, and parts of the shapes that are allowed."""

import numpy as np
import pytest
import torch
import torchvision  # type: ignore[import-untyped]

from recon.data.batches import Draw
from recon.data.labels.augmentation import Augmentation, Move, random_part

DRAWS = [Draw(index, epoch) for index in range(100) for epoch in range(10)]


def test_a_move_mirrors_and_then_shifts() -> None:
    image = torch.arange(6).reshape(1, 2, 3)
    assert Move(True, (0, 1))(image).tolist() == [[[0, 2, 1], [3, 5, 4]]]
    assert Move(False, (1, -1))(image).tolist() == [[[4, 5, 3], [1, 2, 0]]]
    assert Move(False, (0, 0))(image).equal(image)


def test_half_of_the_images_are_mirrored() -> None:
    assert 400 < sum(Augmentation(0).move(draw).flip for draw in DRAWS) < 600
    assert not any(Augmentation(0, flip=False).move(draw).flip for draw in DRAWS)


def test_shifts_are_uniform_along_both_axes() -> None:
    shifts = np.array([Augmentation(0, furthest=2).move(draw).shift for draw in DRAWS])
    for axis in range(2):
        counts = np.bincount(shifts[:, axis] + 2, minlength=5)
        assert len(counts) == 5
        assert counts.min() > 140
    assert all(Augmentation(0).move(draw).shift == (0, 0) for draw in DRAWS[:20])


def test_mirroring_is_the_same_whatever_the_shifts() -> None:
    still, moved = Augmentation(4), Augmentation(4, furthest=9)
    assert [still.move(draw).flip for draw in DRAWS] == [moved.move(draw).flip for draw in DRAWS]


def test_draws_follow_from_seed_epoch_and_index() -> None:
    moves = {(seed, draw): Augmentation(seed, furthest=99).move(draw) for seed in (0, 1) for draw in DRAWS[:50]}
    assert all(Augmentation(seed, furthest=99).move(draw) == move for (seed, draw), move in moves.items())
    assert len({move.shift for move in moves.values()}) > 90  # of 100


@pytest.mark.parametrize("size", [(500, 375), (375, 500), (64, 64)])
def test_parts_are_of_all_allowed_areas_and_shapes(size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    columns, rows = size
    boxes = np.array([random_part(size, random) for _ in range(2000)])
    left, top, right, bottom = boxes.T
    assert left.min() == top.min() == 0
    assert (right.max(), bottom.max()) == (columns, rows)
    widths, heights = right - left, bottom - top
    areas, shapes = widths * heights / (columns * rows), widths / heights
    assert areas.min() > 0.07
    assert areas.max() <= 1
    assert areas.min() < 0.1
    assert areas.max() > 0.9
    assert 0.7 < shapes.min() < 0.8
    assert 1.25 < shapes.max() < 1.43  # of small parts, whole pixels round it
    assert abs(np.log(shapes).mean()) < 0.05


@pytest.mark.parametrize("size", [(10, 400), (400, 10), (3, 3)])
def test_parts_that_cannot_be_drawn_are_torchvisions(size: tuple[int, int]) -> None:
    class Never(np.random.Generator):
        """Draws areas that never fit."""

        def uniform(self, *arguments: object, **options: object) -> float:  # type: ignore[override]
            """Give what is too large."""
            return 100.0 if arguments[1] == 1.0 else 0.0

    image = torch.zeros(3, size[1], size[0])
    top, left, height, width = torchvision.transforms.RandomResizedCrop.get_params(image, [50.0, 100.0], [3 / 4, 4 / 3])
    assert random_part(size, Never(np.random.PCG64(0))) == (left, top, left + width, top + height)


def test_an_image_of_one_pixel_has_a_part() -> None:
    random = np.random.default_rng(0)
    assert {random_part((1, 1), random) for _ in range(50)} == {(0, 0, 1, 1)}
