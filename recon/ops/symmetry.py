"""The anchor of an image and its symmetries: what breaks ties exactly, also for blank and periodic images.

No choice of a phase can be equivariant by itself where an image equals its own shift (a blank slice, bars, a
checkerboard): the image cannot tell its phases apart. So every pixel's whole surroundings are hashed to one integer.
The pixel of the largest hash is the image's anchor, and it moves with the image. Pixels of equal hash see the same
image around them: they are an orbit of the image's symmetries, and averaging the output over orbits makes it
independent of which one was anchor.
"""

from typing import Any

import torch
from torch import Tensor

from recon.ops.energies import fixed_point, integer_sum
from recon.ops.tracing import recording

# Odd 64-bit constants as signed integers (products wrap around): three to mix with, and the base r of each axis.
_MIX_A = -7046029254386353131
_MIX_B = -4417276706812531889
_MIX_C = 1609587929392839161
_PIECES = 5  # of 60 bits: 2**128 fits into the first, the last digit of 2**-149 into the last
_BASES = (6364136223846793005, 2862933555777941757, 3202034522624059733)
_RADIX, _DIGITS = 128, 3  # of sizes in recorded graphs: up to 2**21 pixels along an axis
_NEIGHBOURS = (1, 2, 4)  # mixed with each pixel first: sums of powers alone are blind to Thue-Morse sequences


def surroundings_hash(image: Tensor) -> Tensor:
    """Hash every pixel together with the whole image as seen from it: (B, C, *spatial) to int64 (B, *spatial).

    Two pixels have equal hashes if the image looks the same from both (always), and only then (but for a chance of
    about 2**-60 for each pair, unless the image was made to defeat the hash). Exact, and a shift of the image shifts
    the hashes. Along each axis, with v the hashes so far mixed with their next neighbours, and for an odd base r,

        h[i] = sum over j < n of v[i + j] r**j = r**-i (P[n] - P[i] + r**n P[i])  (mod 2**64),
        P[i] = sum over j < i of v[j] r**j.

    >>> image = torch.tensor([[[1.0, 2.0, 1.0, 2.0]]])
    >>> h = surroundings_hash(image)[0]
    >>> bool(h[0] == h[2]), bool(h[0] == h[1])
    (True, False)
    """
    channel = torch.arange(1, image.shape[1] + 1, device=image.device).reshape(1, -1, *[1] * (image.ndim - 2))
    hashed = integer_sum(_mix(_mix(_hash_of_values(image.detach()) + channel * _MIX_B)), [1])
    for axis in range(1, hashed.ndim):
        for distance in _NEIGHBOURS:
            hashed = _mix(hashed + torch.roll(hashed, -distance, axis) * _MIX_C)
        hashed = _mix(_sum_of_powers(hashed, axis, _BASES[axis - 1]))
    return hashed


def anchor_pixel(hashed: Tensor) -> Tensor:
    """Give the position (B, d) of the largest hash of (B, *spatial); any one of them where several are equal.

    >>> anchor_pixel(torch.tensor([[[1, 2], [9, 4]]])).tolist()
    [[1, 0]]
    """
    position = []
    rows = hashed
    for _ in range(hashed.ndim - 1):
        best = (rows.flatten(2).amax(2) if rows.ndim > 2 else rows).argmax(1)  # (B,)
        position.append(best)
        index = best.reshape(-1, *[1] * (rows.ndim - 1)).expand(-1, 1, *rows.shape[2:])
        rows = torch.gather(rows, 1, index).squeeze(1)
    return torch.stack(position, dim=1)


def carry_position(position: Tensor, offset: Tensor, stride: int, sizes: tuple[int, ...]) -> Tensor:
    """Give where the pixel at position (B, d) lies on the grid of the phase of that offset (B, d).

    >>> carry_position(torch.tensor([[0]]), torch.tensor([[1]]), 2, (8,)).tolist()
    [[3]]
    """
    moved = position - offset
    size = torch.stack([torch.zeros_like(position[0, 0]) + n for n in sizes])
    return torch.where(moved < 0, moved + size, moved) // stride


def is_symmetric(hashed: Tensor) -> Tensor:
    """Tell (B,) whether each image, given by its hashes (B, *spatial), equals a shift of itself.

    >>> is_symmetric(torch.tensor([[1, 2, 1, 2], [1, 2, 3, 4]])).tolist()
    [True, False]
    """
    flat = hashed.flatten(1)
    return (flat == flat.amax(1, keepdim=True)).sum(1) > 1


def orbit_mean(x: Tensor, hashed: Tensor) -> Tensor:
    """Replace every pixel of (B, C, *spatial) by the mean over the pixels of equal hash (B, *spatial).

    That is the mean of x over all shifts that leave the hashed image unchanged. Sums are of integers, so the result
    does not depend on their order; pixels that are alone come back untouched. Linear up to that rounding, and its
    own adjoint.

    >>> x = torch.tensor([[[0.0, 1.0, 2.0, 3.0]]])
    >>> orbit_mean(x, torch.tensor([[5, 6, 5, 6]])).tolist()
    [[[1.0, 2.0, 1.0, 2.0]]]
    """
    if recording():
        return _orbit_mean(x, hashed)
    return _OrbitMean.apply(x, hashed)


class _OrbitMean(torch.autograd.Function):
    """The means over orbits; backward takes the same means of the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, hashed: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(hashed)
        return _orbit_mean(x, hashed)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return orbit_mean(grad, *ctx.saved_tensors), None


def _orbit_mean(x: Tensor, hashed: Tensor) -> Tensor:
    """The means by integers, through which no gradient flows."""
    flat = hashed.flatten(1)
    ordered, order = flat.sort(dim=1)
    new = torch.cat([torch.zeros_like(ordered[:, :1]), (ordered[:, 1:] != ordered[:, :-1]).to(torch.int64)], dim=1)
    orbit = torch.zeros_like(order).scatter(1, order, new.cumsum(1))  # (B, N): the number of each pixel's orbit
    sizes = torch.zeros_like(orbit).scatter_add(1, orbit, torch.ones_like(orbit)).gather(1, orbit)
    orbit = orbit[:, None].expand(-1, x.shape[1], -1)
    integers, scale = fixed_point(x.detach())
    sums = torch.zeros_like(orbit).scatter_add(2, orbit, integers.flatten(2)).gather(2, orbit)
    means = (sums.double() / sizes[:, None] / scale[:, None, None]).to(x.dtype).reshape(x.shape)
    return torch.where((sizes > 1).reshape(x.shape[0], 1, *x.shape[2:]), means, x)


def _hash_of_values(x: Tensor) -> Tensor:
    """Map floating-point numbers to integers, equal only for equal numbers; 0.0 and -0.0 are equal.

    The digits are cut into pieces of 60 bits by exact arithmetic, since no exporter knows how to look at the bits; by
    factors that float32 can hold, since ONNX keeps no others. Of float64, digits beyond float32's range do not count.
    """
    rest = x.double() * 2.0**-67
    hashed = torch.zeros_like(rest, dtype=torch.int64)
    for _ in range(_PIECES):
        piece = rest.to(torch.int64)
        rest = (rest - piece.double()) * 2.0**60
        hashed = _mix(hashed + piece)
    return hashed


def _mix(h: Tensor) -> Tensor:
    """Scramble 64-bit integers one to one."""
    h = (h ^ (h >> 32)) * _MIX_A
    return h ^ (h >> 29)


def _sum_of_powers(v: Tensor, axis: int, base: int) -> Tensor:
    """The formula of `surroundings_hash` along one axis, modulo 2**64."""
    n = v.shape[axis]
    shape = [n if i == axis else 1 for i in range(v.ndim)]
    powers, inverses = _powers(base, n, v.device), _powers(pow(base, -1, 2**64), n, v.device)
    terms = v * powers.reshape(shape)
    until = terms.cumsum(axis)
    before = until - terms  # P[i]
    total = until.narrow(axis, n - 1, 1)
    return (total + before * (powers[-1] - 1)) * inverses.reshape(shape)


def _powers(base: int, n: int, device: torch.device) -> Tensor:
    """base**1 ... base**n modulo 2**64; in a recorded graph by the exponents' digits, since ONNX cannot multiply on."""
    if not recording():
        return torch.full((n,), _signed(base), dtype=torch.int64, device=device).cumprod(0)
    exponents = torch.arange(1, n + 1, device=device)
    powers = torch.ones_like(exponents)
    for place in range(_DIGITS):
        table = [_signed(pow(base, digit * _RADIX**place, 2**64)) for digit in range(_RADIX)]
        powers = powers * torch.tensor(table, device=device)[exponents % _RADIX]
        exponents = exponents // _RADIX
    return powers


def _signed(number: int) -> int:
    """A number modulo 2**64 as a signed integer."""
    return (number + 2**63) % 2**64 - 2**63
