"""Centred orthonormal Fourier transforms, Cartesian sampling of their columns, and moves by any fraction of a pixel."""

from collections.abc import Sequence
from math import pi

import torch
from torch import Tensor

from recon.errors import DataError, ShapeError

_IMAGE = (-2, -1)


def centred_fft(image: Tensor, dims: Sequence[int] = _IMAGE) -> Tensor:
    """Transform an image (..., H, W) into its k-space: orthonormal, with image and spectrum centred at index n // 2.

    k[u] = (1 / sqrt(n)) sum_x image[x] exp(-2 pi i (u - c) (x - c) / n), with c = n // 2, along each of `dims`. This is
    fastMRI's `fft2c` on complex tensors. The inverse and the adjoint are both `centred_ifft`.

    >>> centred_fft(torch.ones(2, 2)).real
    tensor([[0., 0.],
            [0., 2.]])
    """
    dims = tuple(dims)
    return torch.fft.fftshift(torch.fft.fftn(torch.fft.ifftshift(image, dims), dim=dims, norm="ortho"), dims)


def centred_ifft(kspace: Tensor, dims: Sequence[int] = _IMAGE) -> Tensor:
    """Transform a k-space (..., H, W) back into its image: the inverse and the adjoint of `centred_fft`.

    >>> image = torch.rand(3, 5)
    >>> bool((centred_ifft(centred_fft(image)) - image).abs().max() < 1e-6)
    True
    """
    dims = tuple(dims)
    return torch.fft.fftshift(torch.fft.ifftn(torch.fft.ifftshift(kspace, dims), dim=dims, norm="ortho"), dims)


def sample_columns(kspace: Tensor, mask: Tensor) -> Tensor:
    """Set the columns of a k-space (..., H, W) that a mask (W,) or (B, W) leaves out to zero; self-adjoint.

    A mask (B, W) has one row for each of the B entries of the first dimension.

    >>> sample_columns(torch.ones(2, 3), torch.tensor([True, False, True]))
    tensor([[1., 0., 1.],
            [1., 0., 1.]])
    """
    one_each = mask.ndim == 2 and kspace.ndim > 2 and mask.shape[0] == kspace.shape[0]
    if mask.shape[-1:] != kspace.shape[-1:] or not (mask.ndim == 1 or one_each):
        raise ShapeError(
            f"mask must have the shape (W,) or (B, W) of kspace (B, ..., H, W), got {tuple(mask.shape)} for a kspace "
            f"of shape {tuple(kspace.shape)}"
        )
    if one_each:
        mask = mask.reshape(mask.shape[0], *(1,) * (kspace.ndim - 2), mask.shape[1])
    return torch.where(mask.bool(), kspace, torch.zeros((), dtype=kspace.dtype, device=kspace.device))


def cartesian_forward(image: Tensor, mask: Tensor) -> Tensor:
    """Measure an image (..., H, W): its k-space with the columns that the mask leaves out set to zero."""
    return sample_columns(centred_fft(image), mask)


def cartesian_adjoint(kspace: Tensor, mask: Tensor) -> Tensor:
    """Give the zero-filled image of a k-space (..., H, W): the adjoint of `cartesian_forward`."""
    return centred_ifft(sample_columns(kspace, mask))


def move_kspace(kspace: Tensor, shift: Sequence[float] | Tensor) -> Tensor:
    """Move the object behind a k-space (..., H, W) by `shift` pixels (rows, columns), whole or not, by a phase ramp.

    k[u, v] exp(-2 pi i ((u - H // 2) rows / H + (v - W // 2) columns / W)): exact for the object that is measured,
    whatever the mask. By whole pixels it is a circular shift of the image. `shift` may be a tensor (B, 2), one row for
    each entry of the first dimension.

    >>> image = torch.eye(4)
    >>> moved = centred_ifft(move_kspace(centred_fft(image), (0, 1)))
    >>> bool((moved - image.roll(1, dims=1)).abs().max() < 1e-6)
    True
    """
    if not kspace.is_complex():
        raise DataError(f"kspace must be complex, got {kspace.dtype}; give centred_fft(image)")
    steps = torch.as_tensor(shift, dtype=torch.float64, device=kspace.device)
    one_each = steps.ndim == 2 and kspace.ndim > 2 and len(steps) == kspace.shape[0]
    if steps.shape[-1:] != (2,) or not (steps.ndim == 1 or one_each):
        raise ShapeError(
            f"shift must be two numbers (rows, columns), or a tensor (B, 2) with one row for each image, got the shape "
            f"{tuple(steps.shape)} for a kspace of shape {tuple(kspace.shape)}"
        )
    if one_each:
        steps = steps.reshape(len(steps), *(1,) * (kspace.ndim - 3), 2)
    rows = _ramp(kspace.shape[-2], steps[..., 0], kspace)
    columns = _ramp(kspace.shape[-1], steps[..., 1], kspace)
    return kspace * rows[..., :, None] * columns[..., None, :]


def fourier_shift(image: Tensor, shift: Sequence[float] | Tensor) -> Tensor:
    """Shift an image (..., H, W) circularly by `shift` pixels (rows, columns), whole or not, by its Fourier series.

    Real images stay real: shifts by fractions damp the highest frequency of an even size (it cannot move and stay
    real). Shifts by whole pixels agree with `torch.roll` to rounding.

    >>> bool((fourier_shift(torch.eye(4), (1, 0)) - torch.eye(4).roll(1, dims=0)).abs().max() < 1e-6)
    True
    """
    moved = centred_ifft(move_kspace(centred_fft(image), shift))
    return moved if image.is_complex() else moved.real.contiguous()


def _ramp(size: int, step: Tensor, like: Tensor) -> Tensor:
    """Give exp(-2 pi i (u - size // 2) step / size) for all u, as (..., size), in the complex type of `like`."""
    frequency = torch.arange(size, dtype=torch.float64, device=like.device) - size // 2
    turns = torch.remainder(frequency * step[..., None], size) / size
    return torch.polar(torch.ones_like(turns), -2 * pi * turns).to(like.dtype)
