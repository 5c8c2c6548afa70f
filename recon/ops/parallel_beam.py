"""Line integrals of images along parallel beams, and their exact adjoint."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from recon.errors import ConfigError, DataError, ShapeError
from recon.ops.beam_bundles import Bundle, beams_of, bundles_of
from recon.ops.beam_gathers import gather_cells, gather_pixels
from recon.ops.beam_geometry import LODOPAB, ParallelBeam, lodopab_like

__all__ = ["LODOPAB", "ParallelBeam", "back_project", "lodopab_like", "project"]

COLUMNS = 128  # of a table: more images at once would not fit the caches
DIRECTIONS = 16  # laid at once

Shift = tuple[float, float]


def project(image: Tensor, geometry: ParallelBeam, *, shift: Shift = (0.0, 0.0)) -> Tensor:
    """Give the line integrals (B, C, n_angles, n_detectors) of images (B, C, H, W), in the image's unit times metres.

    Joseph's method: the line (theta, s) of `ParallelBeam` crosses every column (or every row, whichever it crosses at
    the flatter angle), and the image is interpolated linearly between the two pixels it passes there:

        y[theta, s] = w / |cos(theta)| sum over c of image((s - x_c sin(theta)) / cos(theta), x_c),

    for pixels of width w where |cos(theta)| is the larger part, and accordingly otherwise. The image is 0 outside.

    Args:
        image: images in float32 or float64. Differentiable any number of times.
        geometry: the scan.
        shift: moves the object by (rows, columns) pixels, whole or not, down and to the right. The rays are moved
            instead, so that nothing is interpolated; what leaves the image's frame is still measured.

    Reference: Joseph, An improved algorithm for reprojecting rays through pixel images, 1982.

    >>> geometry = ParallelBeam((2, 2), (2.0, 2.0), n_angles=1, n_detectors=2, detector_extent=2.0)
    >>> project(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), geometry)  # one angle, pi / 2: columns are summed
    tensor([[[[4., 6.]]]])
    """
    _require_real(image, (*geometry.image_shape,), name="image", axes=("H", "W"))
    if not isinstance(shift, tuple) or len(shift) != 2 or not all(_finite(number) for number in shift):
        raise ConfigError(f"shift must be two finite numbers (rows, columns), got {shift!r}; pass (0.0, 0.0) for none")
    return _Project.apply(image, geometry, (float(shift[0]), float(shift[1])))


def back_project(sinogram: Tensor, geometry: ParallelBeam) -> Tensor:
    """Give the back-projection (B, C, H, W) of (B, C, n_angles, n_detectors): the adjoint A* of `project`.

    <A x, y> = <x, A* y> for plain sums over pixels and samples, with the same weights as `project`. For an integral
    over angle and detector, as filtered back-projection needs, multiply by pi / n_angles and the detector's pitch, and
    divide by the area of a pixel. Differentiable any number of times.

    >>> geometry = ParallelBeam((2, 2), (2.0, 2.0), n_angles=1, n_detectors=2, detector_extent=2.0)
    >>> back_project(torch.tensor([[[[4.0, 6.0]]]]), geometry)
    tensor([[[[4., 6.],
              [4., 6.]]]])
    """
    require_sinogram(sinogram, geometry)
    return _BackProject.apply(sinogram, geometry, (0.0, 0.0))


def require_sinogram(sinogram: Tensor, geometry: ParallelBeam) -> None:
    """Raise an error unless sinogram is (B, C, n_angles, n_detectors) in float32 or float64."""
    _require_real(sinogram, (geometry.n_angles, geometry.n_detectors), name="sinogram", axes=("angles", "detectors"))


class _Project(torch.autograd.Function):
    """The projector; backward is its adjoint."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, geometry: ParallelBeam, shift: Shift) -> Tensor:  # noqa: ANN401
        ctx.geometry, ctx.shift = geometry, shift
        images = image.flatten(0, 1)
        output = image.new_empty(len(images), geometry.n_angles, geometry.n_detectors)
        for bundle in bundles_of(geometry, separate=shift != (0.0, 0.0)):
            for part in _parts(len(images), bundle):
                _project_bundle(images[part], geometry, bundle, shift, output[part])
        return output.unflatten(0, image.shape[:2])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        return _BackProject.apply(grad, ctx.geometry, ctx.shift), None, None


class _BackProject(torch.autograd.Function):
    """The adjoint; its backward is the projector."""

    @staticmethod
    def forward(ctx: Any, sinogram: Tensor, geometry: ParallelBeam, shift: Shift) -> Tensor:  # noqa: ANN401
        ctx.geometry, ctx.shift = geometry, shift
        sinograms = sinogram.flatten(0, 1)
        output = sinogram.new_zeros(len(sinograms), *geometry.image_shape)
        for bundle in bundles_of(geometry, separate=shift != (0.0, 0.0)):
            for part in _parts(len(sinograms), bundle):
                _back_project_bundle(sinograms[part], geometry, bundle, shift, output[part])
        return output.unflatten(0, sinogram.shape[:2])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        return _Project.apply(grad, ctx.geometry, ctx.shift), None, None


def _parts(n: int, bundle: Bundle) -> list[slice]:
    """Divide n images into parts that, with all their copies, fill a table's columns."""
    size = max(COLUMNS // bundle.n_copies, 1)
    return [slice(start, start + size) for start in range(0, n, size)]


def _project_bundle(images: Tensor, geometry: ParallelBeam, bundle: Bundle, shift: Shift, output: Tensor) -> None:
    """Write the samples (N, n_angles, n_detectors) of a bundle's angles, from images (N, H, W)."""
    n_detectors = geometry.n_detectors
    n_cells = (n_detectors + 1) // 2 if bundle.turned else n_detectors
    table = _pixel_table(images, bundle)
    cells = gather_pixels(table, beams_of(geometry, bundle, shift), n_cells, bundle.shape)
    samples = _transposed(cells.flatten(0, 1)).view(-1, len(bundle.members), len(images), *cells.shape[:2])
    for i, (_, angles) in enumerate(bundle.members):
        index = torch.tensor(angles, device=output.device)
        output[:, index, :n_cells] = samples[0, i]
        if bundle.turned:  # the image turned by half a turn, read from the other end: the other half of the detector
            output[:, index, n_cells:] = samples[1, i, ..., : n_detectors - n_cells].flip(-1)


def _pixel_table(images: Tensor, bundle: Bundle) -> Tensor:
    """Lay images (N, H, W) in all the bundle's ways, to a table for `gather_pixels` with a column for each."""
    height, width = bundle.shape
    table = images.new_empty((height + 3) * width, bundle.n_copies, len(images))
    table[:width] = 0
    table[-2 * width :] = 0
    for i, (orientation, _) in enumerate(bundle.members):
        laid = _transposed(orientation.apply(images).flatten(1))
        table[width : -2 * width, i] = laid
        if bundle.turned:
            table[width : -2 * width, len(bundle.members) + i] = laid.flip(0)
    return table.flatten(1)


def _back_project_bundle(
    sinograms: Tensor, geometry: ParallelBeam, bundle: Bundle, shift: Shift, output: Tensor
) -> None:
    """Add to images (N, H, W) what a bundle's angles of sinograms (N, n_angles, n_detectors) give."""
    beams = beams_of(geometry, bundle, shift)
    height, width = bundle.shape
    rows = (height + 1) // 2 if bundle.turned else height
    table = _cell_table(sinograms, bundle, beams.n_taps)
    pixels = gather_cells(table, beams, geometry.n_detectors, (rows, width))
    laid = _transposed(pixels.flatten(0, 1)).view(-1, len(bundle.members), len(sinograms), rows, width)
    for i, (orientation, _) in enumerate(bundle.members):
        image = laid[0, i]
        if bundle.turned:  # what the lower half sees is what the upper half sees of the detector read backwards
            image = torch.cat([image, laid[1, i, :, : height - rows].flip(-2, -1)], dim=-2)
        output += orientation.undo(image)


def _cell_table(sinograms: Tensor, bundle: Bundle, pad: int) -> Tensor:
    """Lay a bundle's angles of sinograms (N, n_angles, D) in a table for `gather_cells`, a column for each copy."""
    n = len(bundle.directions)
    rows = sinograms.shape[2] + 2 * pad
    table = sinograms.new_empty(n * rows, bundle.n_copies * len(sinograms))
    some = DIRECTIONS if sinograms.device.type == "cpu" else n  # at once, for a cache
    for start in range(0, n, some):
        part = slice(start, min(start + some, n))
        members = [torch.tensor(angles[part], device=sinograms.device) for _, angles in bundle.members]
        copies = torch.stack([F.pad(sinograms[:, index], (pad, pad)) for index in members])
        if bundle.turned:
            copies = torch.cat([copies, copies.flip(-1)])
        table[part.start * rows : part.stop * rows] = copies.flatten(0, 1).flatten(1).t()
    return table


def _transposed(x: Tensor) -> Tensor:
    """Give the transpose of a matrix in its own memory, by torch's copy in blocks."""
    return x.t().contiguous()


def _require_real(x: Tensor, size: tuple[int, int], *, name: str, axes: tuple[str, str]) -> None:
    """Raise an error unless x is (B, C, *size) in float32 or float64."""
    if not isinstance(x, Tensor):
        raise DataError(f"{name} must be a torch.Tensor, got {type(x).__name__}; call torch.as_tensor({name})")
    if x.ndim != 4 or tuple(x.shape[2:]) != size:
        raise ShapeError(
            f"{name} must have the shape (batch, channels, {axes[0]}, {axes[1]}) = (B, C, {size[0]}, {size[1]}) of the "
            f"geometry, got {tuple(x.shape)}; reshape it, or pass the geometry that it was made for"
        )
    if x.dtype not in (torch.float32, torch.float64):
        hint = "project the real and imaginary parts as two channels" if x.is_complex() else f"call {name}.float()"
        raise DataError(f"{name} must be real, of type float32 or float64, got {x.dtype}; {hint}")


def _finite(number: object) -> bool:
    """Tell whether it is a number, and a finite one."""
    return isinstance(number, int | float) and math.isfinite(number)
