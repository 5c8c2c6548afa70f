"""All shifts together: variation and the worst of them, against NumPy and windows that are walked through."""

import numpy as np
import pytest
import torch
from torch import Tensor

from recon.errors import ShapeError
from recon.metrics.every_shift import correct_within, table_by_shift, variation

SIZES = ((8, 8), (4, 6), (5, 5), (1, 4), (2, 7))


def walked(table: Tensor, furthest: int) -> bool:
    """Look at each shift of the window [-furthest, furthest] ** 2 of one image's table, one after the other."""
    height, width = table.shape
    window = range(-furthest, furthest + 1)
    return all(bool(table[row % height, column % width]) for row in window for column in window)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("share", [0.7, 0.95, 0.99])
def test_the_worst_of_a_window_is_found_as_by_walking_through_it(size: tuple[int, int], share: float) -> None:
    tables = torch.from_numpy(np.random.default_rng(0).random((20, *size)) < share)
    found = correct_within(tables)
    assert found.shape == (20, max(size) // 2 + 1)
    for table, row in zip(tables, found.tolist(), strict=True):
        assert row == [walked(table, furthest) for furthest in range(len(row))]


def test_without_a_shift_it_is_the_label_alone_and_the_last_window_holds_all() -> None:
    tables = torch.from_numpy(np.random.default_rng(1).random((30, 4, 6)) < 0.97)
    found = correct_within(tables)
    assert torch.equal(found[:, 0], tables[:, 0, 0])
    assert torch.equal(found[:, -1], tables.flatten(1).all(1))


@pytest.mark.parametrize(("row", "column", "wanted"), [(0, 0, 0), (1, 0, 1), (7, 7, 1), (0, 5, 3), (4, 1, 4)])
def test_a_single_wrong_shift_counts_from_its_distance_on(row: int, column: int, wanted: int) -> None:
    table = torch.ones(1, 8, 8, dtype=torch.bool)
    table[0, row, column] = False
    assert correct_within(table).tolist() == [[furthest < wanted for furthest in range(5)]]


def test_variation_is_the_deviation_of_all_shifts() -> None:
    probabilities = torch.from_numpy(np.random.default_rng(0).random((5, 64)))
    assert variation(probabilities).tolist() == pytest.approx(probabilities.numpy().std(1).tolist(), abs=1e-15)
    assert variation(torch.tensor([[0.0, 1.0, 0.0, 1.0]])).tolist() == [0.5]


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-300, 0.9999999])
def test_variation_of_equal_probabilities_is_exactly_zero(value: float) -> None:
    assert variation(torch.full((2, 49), value, dtype=torch.float64)).tolist() == [0.0, 0.0]


def test_a_period_stands_for_every_shift() -> None:
    values = torch.from_numpy(np.random.default_rng(0).random((3, 2, 4)))
    table = table_by_shift(values, (6, 8))
    for row in range(6):
        for column in range(8):
            assert torch.equal(table[:, row, column], values[:, row % 2, column % 4])
    assert variation(table.flatten(1)).tolist() == pytest.approx(variation(values.flatten(1)).tolist(), abs=1e-15)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"correct must have the shape \(images, H, W\), got \(2, 3\)"):
        correct_within(torch.ones(2, 3))
    with pytest.raises(ShapeError, match=r"\(images, shifts\), got \(2, 0\)"):
        variation(torch.ones(2, 0))
    with pytest.raises(ShapeError, match=r"divide \(6, 9\), got \(1, 2, 4\)"):
        table_by_shift(torch.ones(1, 2, 4), (6, 9))
