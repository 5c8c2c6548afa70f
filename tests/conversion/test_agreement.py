"""Shifts that are tried without data, and what they find: exactly equal, and how far from it."""

from itertools import product

import pytest
import torch
from torch import Tensor, nn

from recon.conversion.agreement import Trial, agreement, movement, movements
from recon.conversion.convert import converted
from recon.conversion.originals import Original, find_original
from recon.conversion.trying import AFTER, BEFORE, CIRCULAR, MOST, SOME, shifts_of, trials_of, tried
from recon.evaluation.loading import Place
from recon.metrics import equivariance_error
from recon.nn import UNet
from tests.conversion.networks import small

HERE = "tests.conversion.networks"


class Both(nn.Module):
    """Gives an image moved back and forth, and a number that sees the corner."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x * 2, x[..., 0, 0]


def found_as(network: UNet) -> Original:
    return Original(network.eval(), "own", "plain", "")


def trial(size: tuple[int, ...] = (8, 8), *, count: int = 7) -> Trial:
    return Trial("noise", torch.randn(1, 1, *size), shifts_of(size, 2)[:count])


def test_one_shift_stands_for_each_residue() -> None:
    shifts = shifts_of((16, 24), 4)
    residues = [tuple(n % 4 for n in shift) for shift in shifts]
    assert residues[:15] == list(product(range(4), repeat=2))[1:]  # in order, before those that fill up
    assert SOME // 2 < len(shifts) <= SOME  # some of those that fill up may be drawn twice
    assert (0, 0) not in shifts
    assert {shift[0] // 4 for shift in shifts} == set(range(4))  # all of the image is crossed


def test_of_too_many_residues_some_are_drawn_without_repetition() -> None:
    shifts = shifts_of((64, 64), 64, most=100)
    assert len(set(shifts)) == 100
    assert len(shifts_of((128, 128), 64)) == MOST
    assert shifts == shifts_of((64, 64), 64, most=100)
    assert shifts != shifts_of((64, 64), 64, most=100, seed=1)


def test_network_without_strides_is_shifted_all_the_same() -> None:
    shifts = shifts_of((16, 16), 1)
    assert len(shifts) > SOME // 2
    assert all(any(n % 16 for n in shift) for shift in shifts)


def test_agreement_is_the_largest_equivariance_error() -> None:
    network, one = small(), trial(count=7)
    errors = [equivariance_error(network, one.image, shift) for shift in one.shifts]
    found = agreement(network, one, batch_size=1)
    assert (found.compared, found.bitwise) == (7, sum(error.bitwise for error in errors))
    assert found.nmse == pytest.approx(max(error.nmse for error in errors), rel=1e-12)
    assert found.nmse > 0


def test_batches_change_nothing_and_every_image_is_told() -> None:
    told: list[int] = []
    first = agreement(small(), trial(count=7), batch_size=3, told=told.append)
    assert told == [3, 3, 1]
    assert (first.compared, first.image) == (7, "noise")


def test_every_output_must_agree() -> None:
    found = agreement(Both(), trial(count=7))
    assert found.bitwise == 0
    assert found.nmse > 0
    assert agreement(nn.Identity(), trial(count=7)).bitwise == 7


def test_output_of_larger_images_is_moved_back_by_as_much() -> None:
    assert agreement(nn.Upsample(scale_factor=2), trial(count=7)).bitwise == 7


@pytest.mark.parametrize(
    ("shape", "moves"),
    [((2, 5), 0), ((2, 5, 1, 1), 0), ((2, 5, 8, 12), 1), ((2, 1, 24, 36), 3), ((2,), 0)],
)
def test_outputs_move_by_a_multiple_of_the_shift(shape: tuple[int, ...], moves: int) -> None:
    assert movement(torch.zeros(shape), torch.zeros(2, 1, 8, 12)) == moves


@pytest.mark.parametrize("shape", [(), (3, 5), (2, 5, 4, 6), (2, 1, 16, 12), (2, 64, 5), (2, 1, 12, 18)])
def test_what_moves_by_nobody_knows_how_much_is_not_compared(shape: tuple[int, ...]) -> None:
    assert movement(torch.zeros(shape), torch.zeros(2, 1, 8, 12)) is None


def test_outputs_on_a_coarser_grid_are_counted() -> None:
    conversion = converted(find_original(f"{HERE}:Pyramid", example=(1, 8, 8)), "mass")
    assert movements(conversion.network, torch.rand(1, 1, 8, 8)) == [None, 1]
    result = tried(conversion, place=Place(), limit=3)
    assert result.outputs == (2, 1)
    assert result.found[AFTER][0].bitwise == 3


def test_nothing_is_tried_where_nothing_can_be_compared() -> None:
    conversion = converted(find_original(f"{HERE}:Features", example=(1, 8, 8)), "mass")
    result = tried(conversion, place=Place())
    assert (result.outputs, result.found) == ((1, 0), {})


@pytest.mark.parametrize("name", ["small", "double"])
def test_before_is_not_bitwise_and_after_is_under_all_residues(name: str) -> None:
    conversion = converted(find_original(f"{HERE}:{name}", example=(1, 16, 16)), "mass")
    result = tried(conversion, place=Place(batch_size=16))
    assert (result.period, result.residues, result.is_all) == (2, 3, True)
    assert list(result.found) == [BEFORE, CIRCULAR, AFTER]
    assert [one.image for one in result.found[AFTER]] == ["white noise", "a photograph", "one value"]
    assert all(one.bitwise == one.compared > 0 and one.nmse == 0 for one in result.found[AFTER])
    assert all(one.bitwise == 0 and one.nmse > 0 for one in result.found[BEFORE])
    assert all(0 < one.bitwise < one.compared for one in result.found[CIRCULAR])  # whole periods alone


def test_recons_own_network_is_tried_and_no_circular_form_of_what_is_circular() -> None:
    original = found_as(UNet(channels=(2, 2), sampling="plain"))
    assert list(tried(converted(original, "aps"), place=Place(), limit=2).found) == [BEFORE, AFTER]
    original = found_as(UNet(channels=(2, 2), sampling="plain", padding="zeros"))
    assert list(tried(converted(original, "aps"), place=Place(), limit=2).found) == [BEFORE, CIRCULAR, AFTER]
    assert list(tried(converted(original, "plain"), place=Place(), limit=2).found) == [BEFORE, AFTER]


def test_a_limit_is_a_limit_of_shifts() -> None:
    conversion = converted(find_original(f"{HERE}:small", example=(1, 8, 8)), "mass")
    result = tried(conversion, place=Place(), limit=2)
    assert {one.compared for many in result.found.values() for one in many} == {2}
    assert not result.is_all


def test_volumes_are_shown_noise_and_one_value() -> None:
    trials = trials_of(nn.Conv3d(1, 1, 1), (1, 4, 4, 4), 2)
    assert [one.name for one in trials] == ["white noise", "one value"]
    assert len(trials[0].shifts[0]) == 3
