"""Column masks: fastMRI's, drawn from seeds."""

from typing import get_args

import pytest
import torch
from fastmri.data.subsample import create_mask_for_mask_type

from recon.data.masks import ColumnMask, MaskKind
from recon.errors import ConfigError

KINDS: tuple[MaskKind, ...] = get_args(MaskKind)
NAME = "file1000007.h5"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("acceleration", "fraction"), [(4, 0.08), (8, 0.04)])
@pytest.mark.parametrize("width", [368, 372, 147])
def test_masks_of_files_are_those_of_fastmri(kind: MaskKind, acceleration: int, fraction: float, width: int) -> None:
    theirs, _ = create_mask_for_mask_type(kind, [fraction], [acceleration])((640, width, 2), seed=tuple(map(ord, NAME)))
    ours = ColumnMask(kind, (acceleration,), (fraction,)).columns_of_file(width, NAME)
    assert ours.dtype == torch.bool
    assert ours.equal(theirs.reshape(width) > 0)


@pytest.mark.parametrize(("kind", "share"), [("random", 0.25), ("equispaced", 0.31), ("equispaced_fraction", 0.25)])
def test_share_of_columns(kind: MaskKind, share: float) -> None:
    mask = ColumnMask(kind)
    kept = torch.stack([mask.columns(368, (seed,)) for seed in range(200)]).float().mean().item()
    assert kept == pytest.approx(share, abs=0.015)


def test_the_lowest_frequencies_are_always_there() -> None:
    for seed in range(20):
        columns = ColumnMask("random", (8,), (0.04,)).columns(100, (seed,))
        assert columns[48:52].all()


def test_a_seed_gives_one_mask_and_another_another() -> None:
    mask = ColumnMask()
    assert mask.columns(368, (1, 2, 3)).equal(mask.columns(368, (1, 2, 3)))
    different = {tuple(mask.columns(368, seed).tolist()) for seed in ((1, 2, 3), (1, 2, 4), (2, 2, 3), (1, 3, 3))}
    assert len(different) == 4


def test_drawing_leaves_global_random_numbers_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    ColumnMask().columns(50, (0,))
    assert torch.rand(1).equal(expected)


def test_several_accelerations_are_drawn_from() -> None:
    mask = ColumnMask("random", (4, 8), (0.08, 0.04))
    shares = [mask.columns(1000, (seed,)).float().mean().item() for seed in range(40)]
    assert any(share > 0.21 for share in shares)
    assert any(share < 0.16 for share in shares)


def test_acceleration_of_one_keeps_everything() -> None:
    assert ColumnMask("random", (1,), (1.0,)).columns(9, (0,)).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("randm", (4,), (0.08,)), "mask must be one of random, .* got 'randm'; did you mean 'random'"),
        (("random", (4, 8), (0.08,)), "one centre fraction for each acceleration"),
        (("random", (), ()), "one centre fraction for each acceleration"),
        (("random", (0,), (0.08,)), "accelerations must be whole numbers of at least 1"),
        (("random", (2.5,), (0.08,)), "accelerations must be whole numbers"),
        (("random", (4,), (0.0,)), "center_fractions must lie above 0"),
        (("random", (4,), (0.25,)), "below 1 / acceleration, got 0.25 at 4"),
    ],
)
def test_masks_that_make_no_sense_are_refused(arguments: tuple[MaskKind, tuple[int], tuple[float]], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ColumnMask(*arguments)
