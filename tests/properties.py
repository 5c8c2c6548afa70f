"""What tests claim of functions on images, one helper for each claim, and independent forms of the simplest ones."""

import warnings
from collections.abc import Callable, Sequence
from itertools import product

import torch
from torch import Tensor, nn

CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
FLOATS = (torch.float32, torch.float64)
SIZES = ((12,), (12, 24), (12, 24, 12))  # in one to three dimensions, divisible by 2, 3 and 4

Recorder = Callable[..., Callable[..., Tensor]]


def adjointness_test(forward: Callable[[Tensor], Tensor], adjoint: Callable[[Tensor], Tensor], x: Tensor) -> None:
    """Check <A x, y> = <x, A* y>, for x as given (float64) and a random y; and that backward gives A* y as well."""
    x = x.detach().requires_grad_()
    image = forward(x)
    y = torch.randn_like(image)
    (gradient,) = torch.autograd.grad(image, x, y)
    torch.testing.assert_close((x * adjoint(y)).sum(), (image * y).sum(), rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(gradient, adjoint(y), rtol=1e-12, atol=1e-12)


def gradient_test(function: Callable[..., Tensor], *inputs: Tensor, twice: bool = True) -> None:
    """Check the first and the second derivatives at the given float64 inputs against finite differences."""
    inputs = tuple(x.detach().clone().requires_grad_() for x in inputs)
    torch.autograd.gradcheck(function, inputs)
    if twice:
        torch.autograd.gradgradcheck(function, inputs, fast_mode=True)


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Tell whether two tensors have the same shape, type and bits; 0.0 and -0.0 differ, a NaN equals itself."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return a.contiguous().reshape(-1).view(torch.uint8).equal(b.contiguous().reshape(-1).view(torch.uint8))


def all_shifts(sizes: Sequence[int]) -> Tensor:
    """List all circular shifts (N, d) of images of that size."""
    return torch.tensor(list(product(*(range(n) for n in sizes))))


def rolled(x: Tensor, shifts: Tensor) -> Tensor:
    """Roll each image of (B, C, *spatial) by its own row of (B, d), or one image by every row, with torch.roll."""
    axes = tuple(range(1, x.ndim - 1))
    images = x if len(x) == len(shifts) else x.expand(len(shifts), *x.shape[1:])
    return torch.stack([torch.roll(image, shift.tolist(), axes) for image, shift in zip(images, shifts, strict=True)])


def keeps_channels_last(function: Callable[[Tensor], Tensor], x: Tensor) -> bool:
    """Tell whether channels_last images give channels_last results and gradients, of the same values."""
    layout = CHANNELS_LAST[x.ndim]
    x = x.detach().contiguous(memory_format=layout).requires_grad_()
    y = function(x)
    (gradient,) = torch.autograd.grad(y, x, torch.ones_like(y))
    torch.testing.assert_close(y, function(x.contiguous()))
    return all(t.is_contiguous(memory_format=layout) and not t.is_contiguous() for t in (y, gradient))


def traced(function: Callable[..., Tensor], *example: Tensor) -> Callable[..., Tensor]:
    """Record a function by torch.jit.trace."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that become constants, which is the purpose
        graph: Callable[..., Tensor] = torch.jit.trace(function, example, check_trace=False)
    return graph


def exported(function: Callable[..., Tensor], *example: Tensor) -> Callable[..., Tensor]:
    """Record a function of images (and what belongs to them) by torch.export, with dynamic batch and sizes."""
    auto, dims = torch.export.Dim.AUTO, example[0].ndim - 2
    axes = [(0, *range(x.ndim - dims, x.ndim)) if x.ndim > 2 else (0,) for x in example]
    shapes = tuple(dict.fromkeys(own, auto) for own in axes)
    program = torch.export.export(_Call(function), example, dynamic_shapes={"inputs": shapes})
    graph: Callable[..., Tensor] = program.module()
    return graph


def compiled(function: Callable[..., Tensor], *example: Tensor) -> Callable[..., Tensor]:
    """Record a function by torch.compile, in one graph, up to the generation of code."""
    torch.compiler.reset()
    graph = torch.compile(function, backend="aot_eager", fullgraph=True)
    graph(*example)
    return graph


class _Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        """Call the function."""
        return self.function(*inputs)
