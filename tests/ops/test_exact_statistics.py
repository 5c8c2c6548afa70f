"""Mean and variance over pixels: those of torch, and the same to the bit wherever the pixels lie."""

import pytest
import torch

from recon.ops.exact_statistics import exact_moments
from tests.properties import FLOATS, all_shifts, rolled, same_bits


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
@pytest.mark.parametrize("size", [(1,), (2,), (50,), (12, 10), (4, 6, 5)])
def test_moments_are_those_of_torch(size: tuple[int, ...], dtype: torch.dtype) -> None:
    x = (3 * torch.randn(3, 2, *size) - 1).to(dtype)
    mean, variance = exact_moments(x)
    assert mean.dtype == variance.dtype == torch.float64
    wide = x.double().flatten(2)
    torch.testing.assert_close(mean, wide.mean(2), rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(variance, wide.var(2, unbiased=False), rtol=1e-7, atol=1e-8)


def test_moments_by_hand() -> None:
    mean, variance = exact_moments(torch.tensor([[[4.0, 0.0, 0.0, 0.0], [-2.0, 2.0, -2.0, 2.0]]]))
    assert mean.tolist() == [[1.0, 0.0]]
    torch.testing.assert_close(variance, torch.tensor([[3.0, 4.0]], dtype=torch.float64), rtol=1e-8, atol=0)


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
@pytest.mark.parametrize("size", [(63,), (9, 12), (3, 4, 6)])
def test_shift_changes_no_bit(size: tuple[int, ...], dtype: torch.dtype) -> None:
    x = torch.randn(1, 3, *size).to(dtype)
    images = rolled(x, all_shifts(size))
    for moment, shifted in zip(exact_moments(x), exact_moments(images), strict=True):
        assert same_bits(shifted, moment.expand_as(shifted))


def test_plain_mean_is_not_exact() -> None:
    x = torch.randn(1, 3, 32, 48)
    images = rolled(x, all_shifts((8, 8)))
    plain = images.flatten(2).mean(2)
    assert not same_bits(plain, plain[:1].expand_as(plain))


@pytest.mark.parametrize("value", [0.0, 0.7, -1e20, 1e-30])
@pytest.mark.parametrize("dtype", FLOATS)
def test_constant_image_has_no_variance(value: float, dtype: torch.dtype) -> None:
    x = torch.full((2, 1, 5, 7), value, dtype=dtype)
    mean, variance = exact_moments(x)
    torch.testing.assert_close(mean, x[..., 0, 0].double(), rtol=1e-12, atol=0)
    assert (variance <= (1e-12 * value) ** 2).all()


@pytest.mark.parametrize("tiny", [1e-150, 1e-300, 5e-324])
def test_tiny_values_give_numbers(tiny: float) -> None:
    mean, variance = exact_moments(torch.tensor([[[tiny, 0.0, 0.0]]], dtype=torch.float64))
    assert torch.isfinite(mean).all()
    assert (variance >= 0).all()


def test_channels_do_not_influence_each_other() -> None:
    x = torch.randn(2, 3, 20) * torch.tensor([1e-9, 1.0, 1e9])[:, None]
    for moment, alone in zip(exact_moments(x), exact_moments(x[:1, 1:2]), strict=True):
        assert same_bits(moment[:1, 1:2], alone)


def test_gradient_is_that_of_mean_and_variance() -> None:
    x = torch.randn(3, 2, 4, 6, dtype=torch.float64, requires_grad=True)
    a, b = torch.randn(2, 3, 2, dtype=torch.float64)
    mean, variance = exact_moments(x)
    flat = x.flatten(2)
    (gradient,) = torch.autograd.grad((a * mean + b * variance).sum(), x)
    (expected,) = torch.autograd.grad((a * flat.mean(2) + b * flat.var(2, unbiased=False)).sum(), x)
    torch.testing.assert_close(gradient, expected, rtol=1e-7, atol=1e-9)
