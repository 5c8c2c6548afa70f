"""The memory format and the bits of tensors."""

import numpy as np
import pytest
import torch

from recon.ops.memory import bits, empty_resized, memory_format
from tests.properties import CHANNELS_LAST


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5), (2, 3, 4, 5, 6), (2, 1, 4, 4), (2, 3, 1, 1)])
def test_contiguous_images_are_contiguous(shape: tuple[int, ...]) -> None:
    assert memory_format(torch.zeros(shape)) is torch.contiguous_format


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 3, 4, 5), (2, 3, 4, 5, 6), (2, 3, 1, 5)])
def test_channels_last_is_recognised(shape: tuple[int, ...]) -> None:
    layout = CHANNELS_LAST[len(shape)]
    assert memory_format(torch.zeros(shape).to(memory_format=layout)) is layout


@pytest.mark.parametrize("shape", [(2, 1, 4, 5), (2, 3, 1, 1), (2, 1, 4, 5, 6)])
def test_images_that_are_both_count_as_contiguous(shape: tuple[int, ...]) -> None:
    assert memory_format(torch.zeros(shape).to(memory_format=CHANNELS_LAST[len(shape)])) is torch.contiguous_format


def test_images_that_are_neither_count_as_contiguous() -> None:
    assert memory_format(torch.zeros(2, 3, 8, 8)[..., ::2]) is torch.contiguous_format


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64])
@pytest.mark.parametrize("size", [(7, 1), (2, 9, 3)])
def test_resized_image_keeps_format_and_type(size: tuple[int, ...], dtype: torch.dtype) -> None:
    layout = CHANNELS_LAST[len(size) + 2]
    x = torch.zeros(2, 3, *[4] * len(size), dtype=dtype)
    for image, expected in ((x, torch.contiguous_format), (x.to(memory_format=layout), layout)):
        y = empty_resized(image, size)
        assert (y.shape, y.dtype, memory_format(y)) == ((2, 3, *size), dtype, expected)


@pytest.mark.parametrize(
    ("dtype", "integers"), [(torch.float16, np.int16), (torch.float32, np.int32), (torch.float64, np.int64)]
)
def test_bits_are_those_of_numpy(dtype: torch.dtype, integers: type[np.generic]) -> None:
    x = torch.tensor([0.0, -0.0, 1.0, -2.5, 1e-45, float("inf"), float("nan")], dtype=dtype)
    assert np.array_equal(bits(x).numpy(), x.numpy().view(integers))


def test_bits_by_hand() -> None:
    assert bits(torch.tensor([-0.0, 2.0])).tolist() == [-(2**31), 2**30]
    assert bits(torch.tensor([1.0, -0.0], dtype=torch.bfloat16)).tolist() == [0x3F80, -(2**15)]
    assert bits(torch.tensor([True, False])).tolist() == [1, 0]


def test_bits_keep_the_shape_of_images_in_any_layout() -> None:
    x = torch.randn(2, 3, 4, 5)
    assert torch.equal(bits(x.to(memory_format=torch.channels_last)), bits(x))
    assert torch.equal(bits(x.mT), bits(x).mT)
