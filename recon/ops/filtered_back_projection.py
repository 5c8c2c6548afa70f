"""Filtered back-projection: images from the sinograms of a parallel-beam scan."""

import math
from typing import Any, Literal

import torch
from torch import Tensor

from recon.errors import ConfigError, require_known
from recon.ops.parallel_beam import ParallelBeam, back_project, require_sinogram

Filter = Literal["hann", "ramp"]
FILTERS = ("hann", "ramp")
CPU_SAMPLES, OTHER_SAMPLES = 2**19, 2**25  # that are filtered at once


def filtered_back_projection(
    sinogram: Tensor, geometry: ParallelBeam, *, filter: Filter = "hann", frequency_scaling: float = 1.0
) -> Tensor:
    """Reconstruct images (B, C, H, W) from line integrals (B, C, n_angles, n_detectors), in their unit per metre.

        x = pi / n_angles * ds / (h w) * A* q,  q[theta, d] = 1 / (2 ds) sum over e of g[d - e] y[theta, e],

    with the adjoint A* of `project`, the detector's pitch ds, pixels of h x w metres, and g from `filter_kernel`. It is
    linear, and differentiable any number of times. Agrees with `odl.tomo.fbp_op` where that uses astra's linear kernel.

    Args:
        sinogram: line integrals in float32 or float64.
        geometry: the scan.
        filter: "hann" falls smoothly to 0 at the highest frequency that passes, "ramp" is cut off there: sharper, and
            noisier.
        frequency_scaling: the highest frequency that passes, as a part of the detector's highest: more than 0, up to 1.

    >>> geometry = ParallelBeam((3, 3), (3.0, 3.0), n_angles=90, n_detectors=9, detector_extent=9.0)
    >>> sinogram = torch.zeros(1, 1, 90, 9)
    >>> sinogram[..., 4] = 1.0  # a point in the middle
    >>> filtered_back_projection(sinogram, geometry)[0, 0, 1].round(decimals=2)
    tensor([0.1000, 0.2600, 0.1000])
    """
    require_sinogram(sinogram, geometry)
    kernel = filter_kernel(geometry.n_detectors, filter=filter, frequency_scaling=frequency_scaling)
    height, width = geometry.pixel_pitch
    kernel = kernel * (math.pi / geometry.n_angles / (2 * height * width))
    return back_project(_Convolve.apply(sinogram, kernel), geometry)


def filter_kernel(n_detectors: int, *, filter: Filter = "hann", frequency_scaling: float = 1.0) -> Tensor:
    """Give g[0], .., g[n_detectors - 1] in float64 of the symmetric kernel g[-d] = g[d].

    For D cells padded to N = 2 D - 1, with nu = 1 the detector's highest frequency,

        g[d] = 1 / N sum over nu = 1, +-(1 - 2 / N), +-(1 - 4 / N), .. of |nu| window(nu) cos(pi nu d).

    These frequencies lie half a step beside those of a Fourier transform: 0 is not one of them, and the ramp's corner
    there is integrated by the midpoint rule. That is odl's choice; it lifts an image by a small constant (0.4 % of the
    value of a disk of 10 cm in LoDoPaB's geometry). With 1 for nu <= frequency_scaling and 0 above, the window is

        ramp: 1,  hann: cos(pi nu / (2 frequency_scaling))**2.

    >>> filter_kernel(2, filter="ramp") * 9
    tensor([ 5., -2.], dtype=torch.float64)
    """
    require_known(filter, FILTERS, name="filter")
    number = isinstance(frequency_scaling, int | float) and not isinstance(frequency_scaling, bool)
    if not number or not 0 < frequency_scaling <= 1:
        raise ConfigError(
            f"frequency_scaling must be more than 0 and at most 1, got {frequency_scaling!r}; pass 1.0 to keep all"
        )
    padded = 2 * n_detectors - 1
    nu = 1 - torch.arange(n_detectors, dtype=torch.float64) * (2 / padded)
    response = torch.where(nu <= frequency_scaling, nu, 0)
    if filter == "hann":
        response = response * torch.cos(math.pi * nu / (2 * frequency_scaling)) ** 2
    signs = 1 - 2 * (torch.arange(n_detectors) % 2)  # by which all frequencies move up to their place
    return torch.fft.irfft(response.to(torch.complex128), padded)[:n_detectors] * signs


class _Convolve(torch.autograd.Function):
    """The rows of (B, C, n_angles, D), convolved with a symmetric kernel, given from its middle on: its own adjoint."""

    @staticmethod
    def forward(ctx: Any, sinogram: Tensor, kernel: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(kernel)
        n = len(kernel)
        length = _fast_length(2 * n - 1)
        padded = torch.cat([kernel, kernel.new_zeros(length - 2 * n + 1), kernel[1:].flip(0)])
        spectrum = torch.fft.rfft(padded).real.to(sinogram)
        output = torch.empty(sinogram.shape, dtype=sinogram.dtype, device=sinogram.device)
        some = (CPU_SAMPLES if sinogram.device.type == "cpu" else OTHER_SAMPLES) // length + 1
        for rows, part in zip(output.flatten(0, 2).split(some), sinogram.flatten(0, 2).split(some), strict=True):
            if len(part):  # some releases of torch refuse to transform nothing
                rows[:] = torch.fft.irfft(torch.fft.rfft(part, length).mul_(spectrum), length)[:, :n]
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return _Convolve.apply(grad, *ctx.saved_tensors), None


def _fast_length(least: int) -> int:
    """Give the smallest even number of at least so many that has no prime factor above 5."""
    length = least + least % 2
    while _rest(length) > 1:
        length += 2
    return length


def _rest(number: int) -> int:
    """Divide a number by 2, 3 and 5 as often as it goes."""
    for prime in (2, 3, 5):
        while number % prime == 0:
            number //= prime
    return number
