"""The choice of a phase: a shift that moves scores and anchor moves the choice, for every pattern of ties."""

import numpy as np
import pytest
import torch
from torch import Tensor

from recon.ops import choose_phase, phase_grid, phase_index, relative_gap, tied_phases
from recon.ops.selection import TIE_BITS


def tie_patterns(n_phases: int) -> Tensor:
    """List all patterns (2**P - 1, P) of ties among P phases."""
    numbers = torch.arange(1, 2**n_phases)
    return (numbers[:, None] >> torch.arange(n_phases)) % 2 == 1


@pytest.mark.parametrize(("stride", "dims"), [(2, 1), (3, 1), (4, 1), (7, 1), (2, 2), (3, 2), (2, 3)])
def test_choice_moves_with_anchor_and_ties_for_every_pattern(stride: int, dims: int) -> None:
    grid, tied = phase_grid(stride, dims), tie_patterns(stride**dims)
    for shift in grid:
        moved = tied[:, phase_index((grid - shift) % stride, stride)]
        for anchor in grid:
            offset = choose_phase(tied, stride, dims, anchor.expand(len(tied), -1))
            assert tied[torch.arange(len(tied)), phase_index(offset, stride)].all()
            here = (anchor + shift).expand(len(tied), -1)
            assert torch.equal(choose_phase(moved, stride, dims, here), (offset + shift) % stride)


@pytest.mark.parametrize(("stride", "dims"), [(2, 2), (3, 2), (2, 3)])
def test_choice_without_an_anchor_does_not_move_with_ties(stride: int, dims: int) -> None:
    grid, tied = phase_grid(stride, dims), tie_patterns(stride**dims)
    moved = tied[:, phase_index((grid - grid[1]) % stride, stride)]
    offset = choose_phase(tied, stride, dims)
    assert not torch.equal(choose_phase(moved, stride, dims), (offset + grid[1]) % stride)
    alone = tied.sum(1) == 1
    assert torch.equal(choose_phase(moved, stride, dims)[alone], ((offset + grid[1]) % stride)[alone])


@pytest.mark.parametrize(("stride", "dims"), [(2, 1), (5, 1), (2, 2), (3, 2), (2, 3)])
def test_choice_without_an_anchor_is_the_first_of_the_grid(stride: int, dims: int) -> None:
    tied = tie_patterns(stride**dims)
    first = torch.from_numpy(np.argmax(tied.numpy(), 1))
    assert torch.equal(choose_phase(tied, stride, dims), phase_grid(stride, dims)[first])


@pytest.mark.parametrize(("stride", "dims"), [(2, 2), (3, 2), (2, 3)])
def test_choice_is_the_first_seen_from_the_anchor(stride: int, dims: int) -> None:
    tied = tie_patterns(stride**dims)
    anchors = torch.randint(0, 40, (len(tied), dims))
    for pattern, anchor, offset in zip(tied, anchors, choose_phase(tied, stride, dims, anchors), strict=True):
        candidates = phase_grid(stride, dims)[pattern]
        seen = [tuple(row) for row in ((candidates - anchor) % stride).tolist()]
        assert tuple(((offset - anchor) % stride).tolist()) == min(seen)


def test_choice_by_hand() -> None:
    tied = torch.tensor([[True, True, False, True]] * 3)
    anchors = torch.tensor([[0, 1], [1, 0], [3, 7]])
    assert choose_phase(tied, 2, 2).tolist() == [[0, 0]] * 3
    assert choose_phase(tied, 2, 2, anchors).tolist() == [[0, 1], [1, 1], [1, 1]]


@pytest.mark.parametrize("largest", [True, False])
def test_phases_tied_are_the_best(largest: bool) -> None:
    scores = torch.randint(0, 4, (50, 9)) << 36
    expected = scores.numpy() == (scores.numpy().max if largest else scores.numpy().min)(1, keepdims=True)
    assert np.array_equal(tied_phases(scores, largest=largest).numpy(), expected)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("sign", [1, -1])
def test_scores_of_relative_difference_below_two_to_the_minus_33_are_tied(sign: int, largest: bool) -> None:
    best, slack = 2**50, 2 ** (50 - TIE_BITS)
    scores = sign * torch.tensor([[best, best - slack, best - 2 * slack - 1, best - 3 * slack]])
    expected = [True, True, False, False] if largest == (sign > 0) else [False, False, True, True]
    assert tied_phases(scores, largest=largest).tolist() == [expected]


def test_small_scores_tie_only_if_they_are_equal() -> None:
    assert tied_phases(torch.tensor([[5, 4, 5, -5], [0, 0, 0, 0]])).tolist() == [[True, False, True, False], [True] * 4]


@pytest.mark.parametrize("largest", [True, False])
def test_relative_gap_is_that_of_sorted_scores(largest: bool) -> None:
    scores = torch.randint(-1000, 1000, (50, 4))
    ordered = np.sort(scores.numpy(), 1)
    gap = ordered[:, -1] - ordered[:, -2] if largest else ordered[:, 1] - ordered[:, 0]
    np.testing.assert_allclose(relative_gap(scores, largest=largest).numpy(), gap / np.abs(ordered).max(1), rtol=1e-15)


def test_relative_gap_by_hand() -> None:
    scores = torch.tensor([[100, 75, 10, 0], [7, 7, 1, 1], [0, 0, 0, 0], [-8, -4, -2, -1]])
    assert relative_gap(scores).tolist() == [0.25, 0.0, 0.0, 0.125]
    assert relative_gap(scores, largest=False).tolist() == [0.1, 0.0, 0.0, 0.5]
