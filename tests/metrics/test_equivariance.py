"""The equivariance error: by hand, for each image's own shift, and to the bit."""

import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
import torch
from torch import Tensor

from recon.errors import ShapeError
from recon.metrics import EquivarianceError, equivariance_error
from recon.metrics.equivariance import disagreement, equivariance_pair
from tests.properties import FLOATS

PERFECT = EquivarianceError(nmse=0.0, max_abs=0.0, bitwise=True)


def with_ramp(x: Tensor) -> Tensor:
    """Add the column's number."""
    return x + torch.arange(x.shape[-1], dtype=x.dtype)


def signed_zeros(x: Tensor) -> Tensor:
    """Give 0.0 in the first column and -0.0 in the others."""
    return torch.where(torch.arange(x.shape[-1]) == 0, 0.0, -0.0).expand_as(x)


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16, torch.complex64])
@pytest.mark.parametrize("size", [(6,), (4, 6), (3, 4, 5)])
def test_pointwise_functions_commute_with_shifts(size: tuple[int, ...], dtype: torch.dtype) -> None:
    x = torch.randn(3, 2, *size).to(dtype)
    for step in (0, 1, -3, 100):
        shift = [step] * len(size)
        assert equivariance_error(lambda x: x * x - x, x, shift) == PERFECT
        assert equivariance_error(lambda x: x * x - x, x, torch.tensor([shift, [0] * len(size), shift])) == PERFECT


def test_error_by_hand() -> None:
    x = torch.tensor([[[1.0, 0.0, 0.0]]])
    # f(x) = (1, 1, 2), so T f(x) = (2, 1, 1); T x = (0, 1, 0), so f(T x) = (0, 2, 2): differences (-2, 1, 1)
    error = equivariance_error(with_ramp, x, [1])
    assert error == EquivarianceError(nmse=1.0, max_abs=2.0, bitwise=False)
    # two columns: T f(x) = (1, 2, 1), T T x = (0, 0, 1), f of it = (0, 1, 3): differences (-1, -1, 2)
    assert equivariance_error(with_ramp, x, [2]) == EquivarianceError(nmse=1.0, max_abs=2.0, bitwise=False)
    assert equivariance_error(with_ramp, x, [3]) == PERFECT


def test_shift_moves_rows_down_and_columns_right() -> None:
    seen: list[Tensor] = []

    def watched(x: Tensor) -> Tensor:
        seen.append(x)
        return x

    x = torch.randn(1, 1, 4, 6)
    equivariance_error(watched, x, (1, 2))
    assert any(torch.equal(y, torch.roll(x, (1, 2), (2, 3))) for y in seen)


def test_every_image_has_its_own_shift() -> None:
    x = torch.tensor([[[1.0, 0.0, 0.0]]] * 3)
    each = torch.tensor([[0], [1], [3]])
    # the second image alone has an error: squares 6 against 6 for each of the three images
    assert equivariance_error(with_ramp, x, each) == EquivarianceError(nmse=6 / 18, max_abs=2.0, bitwise=False)
    assert equivariance_error(with_ramp, x, torch.zeros(3, 1, dtype=torch.int64)) == PERFECT


def test_error_of_a_batch_is_that_of_all_its_pixels_together() -> None:
    x = torch.cat([torch.full((1, 1, 4), 100.0), torch.zeros(1, 1, 4)])
    one, both = equivariance_error(with_ramp, x[1:], [1]), equivariance_error(with_ramp, x, [1])
    # ramps 0 1 2 3 against 3 0 1 2: squares 9 + 1 + 1 + 1, over 14 and over 14 + 100^2 + 101^2 + 102^2 + 103^2
    assert one.nmse == pytest.approx(12 / 14)
    assert both.nmse == pytest.approx(24 / (14 + 41214))
    assert both.max_abs == one.max_abs == 3.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_error_is_computed_in_float64(dtype: torch.dtype) -> None:
    x = torch.zeros(1, 1, 4, dtype=dtype)
    error = equivariance_error(lambda x: (with_ramp(x) + 1) * 1e30, x, [1])
    assert error.nmse == pytest.approx(12 / 30, rel=1e-2)  # the squares lie beyond float32
    small = equivariance_error(lambda x: (with_ramp(x) + 1) * 1e-30, x, [1])
    assert small.nmse == pytest.approx(12 / 30, rel=1e-2)


def test_complex_outputs_count_by_both_parts() -> None:
    x = torch.zeros(1, 1, 2)
    error = equivariance_error(lambda x: torch.complex(with_ramp(x), 2 * with_ramp(x)), x, [1])
    # 0 and 1 + 2i against 1 + 2i and 0: squares 5 + 5 over 5
    assert error == EquivarianceError(nmse=2.0, max_abs=2.0, bitwise=False)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool])
def test_labels_are_compared_as_numbers(dtype: torch.dtype) -> None:
    x = torch.randn(2, 1, 4, 6)
    assert equivariance_error(lambda x: (x > 0).to(dtype), x, (1, 1)) == PERFECT
    assert equivariance_error(lambda x: (with_ramp(x * 0) > 2).to(dtype), x, (0, 1)).max_abs == 1.0


def test_zero_outputs_have_no_error_and_others_infinite_error_against_zero() -> None:
    x = torch.randn(2, 1, 4)
    assert equivariance_error(torch.zeros_like, x, [1]) == PERFECT
    calls: list[int] = []

    def later(x: Tensor) -> Tensor:
        """Give zeros for x and ones for x shifted, in either order of the calls."""
        calls.append(1)
        return torch.zeros_like(x) if torch.equal(x, original) else torch.ones_like(x)

    original = x
    assert equivariance_error(later, x, [1]) == EquivarianceError(nmse=math.inf, max_abs=1.0, bitwise=False)
    assert len(calls) == 2


def test_negative_zero_is_equal_but_not_bit_for_bit() -> None:
    x = torch.randn(2, 1, 3, 4)
    assert equivariance_error(signed_zeros, x, (0, 1)) == EquivarianceError(nmse=0.0, max_abs=0.0, bitwise=False)
    assert equivariance_error(signed_zeros, x, (1, 0)) == PERFECT


@pytest.mark.parametrize("dtype", FLOATS)
def test_lowest_bit_is_seen(dtype: torch.dtype) -> None:
    def nudged(x: Tensor) -> Tensor:
        y = x.clone()
        y[0, 0, 0] = torch.nextafter(y[0, 0, 0], y[0, 0, 0] + 1)
        return y

    error = equivariance_error(nudged, torch.ones(1, 1, 4, dtype=dtype), [1])
    assert not error.bitwise
    assert error.max_abs == torch.finfo(dtype).eps
    assert 0 < error.nmse < torch.finfo(dtype).eps ** 2


def test_outputs_that_are_not_numbers_never_pass_for_a_small_error() -> None:
    x = torch.randn(1, 1, 4)
    error = equivariance_error(lambda x: torch.full_like(x, float("nan")), x, [1])
    assert not error.nmse <= 1
    assert not error.max_abs <= 1


def test_other_channels_are_allowed() -> None:
    x = torch.randn(2, 3, 4, 6)
    assert equivariance_error(lambda x: x[:, :1], x, (1, 2)) == PERFECT


def test_no_gradient_is_kept() -> None:
    weight, grads = torch.ones(1, requires_grad=True), []

    def watched(x: Tensor) -> Tensor:
        y = weight * x
        grads.append(y.requires_grad)
        return y

    assert equivariance_error(watched, torch.randn(1, 1, 4), [1]) == PERFECT
    assert grads == [False, False]


def test_function_that_works_in_place_does_not_spoil_the_comparison() -> None:
    x = torch.ones(1, 1, 4)
    assert equivariance_error(lambda x: x.mul_(2), x, [1]) == PERFECT


def test_record_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PERFECT.nmse = 1.0  # type: ignore[misc]


def test_shift_of_another_dimension_or_batch_is_refused() -> None:
    x = torch.zeros(3, 1, 4, 6)
    with pytest.raises(
        ShapeError, match=r"^shift must have one number for each of the 2 spatial dimensions of x, got 1"
    ):
        equivariance_error(torch.relu, x, [1])
    message = r"^shift must be 2 numbers, or a tensor of shape \(B, 2\) = \(3, 2\) with one row for each image, got a "
    with pytest.raises(ShapeError, match=message):
        equivariance_error(torch.relu, x, torch.tensor([1, 2]))
    with pytest.raises(ShapeError, match=message):
        equivariance_error(torch.relu, x, torch.tensor([[1, 2]]))


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: x.mean((2, 3)), r"\(3, 1\)"),
        (lambda x: x[..., ::2], r"\(3, 1, 4, 3\)"),
        (lambda x: x[:1], r"\(1, 1, 4, 6\)"),
        (lambda x: x[:, 0], r"\(3, 4, 6\)"),
    ],
)
def test_output_of_another_size_or_batch_is_refused(function: Callable[[Tensor], Tensor], shape: str) -> None:
    message = (
        rf"^f must give images \(B, C', \*spatial\) as many and as large as x, got {shape} for x of shape "
        r"\(3, 1, 4, 6\); wrap f to give such images$"
    )
    with pytest.raises(ShapeError, match=message):
        equivariance_error(function, torch.zeros(3, 1, 4, 6), (1, 1))


def test_shape_that_depends_on_the_image_is_refused() -> None:
    x = torch.arange(4.0).reshape(1, 1, 4)
    message = r"^f must give the same shape for x and for x shifted, got \(1, 1, 4\) and \(1, 4, 4\)$"
    with pytest.raises(ShapeError, match=message):
        equivariance_error(lambda y: y if torch.equal(x, y) else y.expand(1, 4, 4), x, [1])


def test_a_pair_is_what_its_error_compares() -> None:
    x, shift = torch.randn(2, 1, 4, 6), torch.tensor([[1, -2], [3, 0]])
    expected, got = equivariance_pair(with_ramp, x, shift)
    rolled = [torch.roll(with_ramp(x)[i], tuple(shift[i].tolist()), (-2, -1)) for i in range(2)]
    assert torch.equal(expected, torch.stack(rolled))
    moved = [torch.roll(x[i], tuple(shift[i].tolist()), (-2, -1)) for i in range(2)]
    assert torch.equal(got, with_ramp(torch.stack(moved)))
    assert disagreement(expected, got) == equivariance_error(with_ramp, x, shift)


def test_shifts_go_where_the_images_are() -> None:
    x = torch.zeros(2, 1, 4, 6, device="meta")
    expected, got = equivariance_pair(torch.relu, x, torch.tensor([[1, -2], [3, 0]]))
    assert (expected.device, got.device) == (x.device, x.device)


def test_disagreement_by_hand() -> None:
    expected, got = torch.tensor([[2.0, 0.0], [1.0, 2.0]]), torch.tensor([[2.0, 3.0], [1.0, 2.0]])
    assert disagreement(expected, got) == EquivarianceError(nmse=1.0, max_abs=3.0, bitwise=False)
    assert disagreement(got, got.clone()) == PERFECT
    assert disagreement(torch.zeros(2), torch.zeros(2)) == PERFECT
    assert disagreement(torch.zeros(2), torch.ones(2)).nmse == math.inf
    assert disagreement(torch.zeros(1), -torch.zeros(1)) == EquivarianceError(0.0, 0.0, bitwise=False)
    assert disagreement(torch.zeros(0), torch.zeros(0)) == PERFECT


def test_disagreement_of_two_shapes_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"both must have one shape, got \(2,\) and \(2, 1\)"):
        disagreement(torch.zeros(2), torch.zeros(2, 1))
