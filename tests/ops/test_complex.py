"""Complex images as real ones of twice the channels."""

import pytest
import torch

from recon.errors import ShapeError
from recon.ops import as_channels, as_complex
from tests.properties import same_bits

COMPLEX = (torch.complex64, torch.complex128)


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("size", [(5,), (4, 6), (2, 3, 4)])
def test_one_is_the_inverse_of_the_other(size: tuple[int, ...], dtype: torch.dtype) -> None:
    x = torch.randn(3, 2, *size, dtype=dtype)
    assert same_bits(torch.view_as_real(as_complex(as_channels(x))), torch.view_as_real(x))
    y = as_channels(x)
    assert same_bits(as_channels(as_complex(y)), y)


@pytest.mark.parametrize("dtype", COMPLEX)
def test_real_part_comes_before_the_imaginary_one_channel_by_channel(dtype: torch.dtype) -> None:
    x = torch.randn(3, 2, 4, 6, dtype=dtype)
    expected = torch.stack([x[:, 0].real, x[:, 0].imag, x[:, 1].real, x[:, 1].imag], 1)
    assert same_bits(as_channels(x), expected)


def test_channels_by_hand() -> None:
    x = torch.tensor([[[1 + 2j, 3 + 4j], [5 + 6j, 7 + 8j]]])
    assert as_channels(x).tolist() == [[[1.0, 3.0], [2.0, 4.0], [5.0, 7.0], [6.0, 8.0]]]


def test_memory_format_does_not_change_the_values() -> None:
    y = torch.randn(3, 4, 4, 6)
    assert torch.equal(as_complex(y.to(memory_format=torch.channels_last)), as_complex(y))


def test_gradient_passes_both_ways() -> None:
    y = torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(as_channels(as_complex(y)).square().sum(), y)
    torch.testing.assert_close(gradient, 2 * y)


@pytest.mark.parametrize("channels", [1, 3])
def test_odd_number_of_channels_is_refused(channels: int) -> None:
    with pytest.raises(ShapeError, match=f"^x must have an even number of channels to become complex, got {channels}$"):
        as_complex(torch.zeros(1, channels, 4))
