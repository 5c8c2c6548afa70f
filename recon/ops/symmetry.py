"""The anchor of an image and its symmetries: what breaks ties exactly, also for blank and periodic images.

No choice of a phase can be equivariant by itself where an image equals its own shift (a blank slice, bars, a
checkerboard): the image cannot tell its phases apart. So every pixel's whole surroundings are hashed to one integer.
The pixel of the largest hash is the image's anchor, and it moves with the image. Pixels of equal hash see the same
image around them: they are an orbit of the image's symmetries, and averaging the output over orbits makes it
independent of which one was anchor.
"""

import torch
from torch import Tensor

from recon.ops.energies import fixed_point
from recon.ops.memory import bits

# Odd 64-bit constants as signed integers (products wrap around): three to mix with, and the base r of each axis.
_MIX_A = -7046029254386353131
_MIX_B = -4417276706812531889
_MIX_C = 1609587929392839161
_BASES = (6364136223846793005, 2862933555777941757, 3202034522624059733)


def surroundings_hash(image: Tensor) -> Tensor:
    """Hash every pixel together with the whole image as seen from it: (B, C, *spatial) to int64 (B, *spatial).

    Two pixels have equal hashes if the image looks the same from both (always), and only then (but for a chance of
    about 2**-64 for each pair). Exact, and a shift of the image shifts the hashes. Along each axis, for an odd base r,

        h[i] = sum over j < n of v[i + j] r**j = r**-i (P[n] - P[i] + r**n P[i])  (mod 2**64),
        P[i] = sum over j < i of v[j] r**j.

    >>> image = torch.tensor([[[1.0, 2.0, 1.0, 2.0]]])
    >>> h = surroundings_hash(image)[0]
    >>> bool(h[0] == h[2]), bool(h[0] == h[1])
    (True, False)
    """
    words = bits(image.detach() + 0.0).to(torch.int64)  # -0.0 and 0.0 are one value
    channel = torch.arange(1, words.shape[1] + 1, device=words.device).reshape(1, -1, *[1] * (words.ndim - 2))
    hashed = _mix(_mix(words + channel * _MIX_C)).sum(1)
    for axis in range(1, hashed.ndim):
        neighbours = hashed + torch.roll(hashed, -1, axis) * _MIX_B
        hashed = _mix(_sum_of_powers(_mix(neighbours), axis, _BASES[axis - 1]))
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
    does not depend on their order; images without symmetry come back untouched. Linear up to that rounding, and its
    own adjoint.

    >>> x = torch.tensor([[[0.0, 1.0, 2.0, 3.0]]])
    >>> orbit_mean(x, torch.tensor([[5, 6, 5, 6]])).tolist()
    [[[1.0, 2.0, 1.0, 2.0]]]
    """
    flat = hashed.flatten(1)
    ordered, order = flat.sort(dim=1)
    new = torch.cat([torch.zeros_like(ordered[:, :1]), (ordered[:, 1:] != ordered[:, :-1]).to(torch.int64)], dim=1)
    orbit = torch.zeros_like(order).scatter(1, order, new.cumsum(1))  # (B, N): the number of each pixel's orbit
    sizes = torch.zeros_like(orbit).scatter_add(1, orbit, torch.ones_like(orbit)).gather(1, orbit)
    orbit = orbit[:, None].expand(-1, x.shape[1], -1)
    integers, scale = fixed_point(x.detach())
    sums = torch.zeros_like(orbit).scatter_add(2, orbit, integers.flatten(2)).gather(2, orbit)
    means = (sums.double() / sizes[:, None] / scale[:, None, None]).to(x.dtype).reshape(x.shape)
    symmetric = is_symmetric(hashed).reshape(-1, *[1] * (x.ndim - 1))
    return torch.where(symmetric, means, x)


def _mix(h: Tensor) -> Tensor:
    """Scramble 64-bit integers one to one."""
    h = (h ^ (h >> 32)) * _MIX_A
    return h ^ (h >> 29)


def _sum_of_powers(v: Tensor, axis: int, base: int) -> Tensor:
    """The formula of `surroundings_hash` along one axis, modulo 2**64."""
    n = v.shape[axis]
    shape = [n if i == axis else 1 for i in range(v.ndim)]
    powers = torch.full((n,), base, dtype=torch.int64, device=v.device).cumprod(0)  # base**1 ... base**n
    inverses = torch.full((n,), _inverse(base), dtype=torch.int64, device=v.device).cumprod(0)
    terms = v * powers.reshape(shape)
    until = terms.cumsum(axis)
    before = until - terms  # P[i]
    total = until.narrow(axis, n - 1, 1)
    return (total + before * (powers[-1] - 1)) * inverses.reshape(shape)


def _inverse(odd: int) -> int:
    """The inverse of an odd number modulo 2**64, as a signed integer."""
    inverse = pow(odd, -1, 2**64)
    return inverse - 2**64 if inverse >= 2**63 else inverse
