"""Filtered back-projection, against disks known in closed form, kernels worked out by hand, and odl."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from recon.errors import ConfigError, DataError, ShapeError
from recon.ops.filtered_back_projection import Filter, filter_kernel, filtered_back_projection
from recon.ops.parallel_beam import LODOPAB, ParallelBeam, lodopab_like, project
from tests.ops.test_parallel_beam import disk_image, disk_sinogram, pixel_middles, relative_error
from tests.properties import adjointness_test, gradient_test

MU_MAX = 81.35858  # by which LoDoPaB divides line integrals in 1 / m
PHOTONS = 4096  # its dose for each cell
FILTERS: list[tuple[Filter, float]] = [
    ("ramp", 1.0),
    ("hann", 1.0),
    ("hann", 0.5),
    ("hann", 0.2),
]  # from sharp to smooth


def ellipses(geometry: ParallelBeam, n: int, seed: int) -> Tensor:
    """Paint random ellipses, values in [0, 1], (1, 1, H, W) float32."""
    generator = torch.Generator().manual_seed(seed)
    y, x = pixel_middles(geometry)
    image = torch.zeros(geometry.image_shape, dtype=torch.float64)
    for cy, cx, a, b, turn, value in torch.rand(n, 6, generator=generator, dtype=torch.float64).tolist():
        v, u = y - 0.16 * (cy - 0.5), x - 0.16 * (cx - 0.5)
        v, u = v * math.cos(turn) + u * math.sin(turn), u * math.cos(turn) - v * math.sin(turn)
        image += value * ((v / (0.004 + 0.04 * a)) ** 2 + (u / (0.004 + 0.04 * b)) ** 2 < 1)
    return (image / image.max()).float()[None, None]


def noisy(sinogram: Tensor, seed: int) -> Tensor:
    """Count photons as LoDoPaB does, and take the logarithm."""
    generator = torch.Generator().manual_seed(seed)
    counts = torch.poisson(PHOTONS * torch.exp(-sinogram.double() * MU_MAX), generator).clamp(min=0.1)
    return (-torch.log(counts / PHOTONS) / MU_MAX).float()


@pytest.mark.parametrize("filter", ["hann", "ramp"])
@pytest.mark.parametrize("frequency_scaling", [1.0, 0.641])
def test_disk_is_recovered_from_its_chords(filter: Filter, frequency_scaling: float) -> None:
    geometry = lodopab_like(128)
    middle, radius = (0.03, -0.04), 0.05
    sinogram = 2.5 * disk_sinogram(geometry, middle, radius)
    output = filtered_back_projection(sinogram, geometry, filter=filter, frequency_scaling=frequency_scaling)[0, 0]
    y, x = pixel_middles(geometry)
    distance = ((y - middle[0]) ** 2 + (x - middle[1]) ** 2).sqrt()
    within = (y**2 + x**2).sqrt() < 0.13
    assert float(output[distance < 0.9 * radius].mean()) == pytest.approx(2.5, rel=0.005)
    assert float((output[distance < 0.5 * radius] - 2.5).abs().max()) < 0.05 * 2.5
    assert float(output[(distance > 1.1 * radius) & within].mean()) == pytest.approx(0, abs=0.005 * 2.5)


@pytest.mark.parametrize(
    "geometry",
    [
        ParallelBeam((81, 60), (0.2, 0.3), 101, 90, 0.37),
        ParallelBeam((50, 50), (0.2, 0.2), 120, 200, 0.3),
        ParallelBeam((90, 90), (0.2, 0.2), 120, 61, 0.3),
    ],
    ids=["neither square nor even", "fine detector", "coarse detector"],
)
def test_disk_is_recovered_in_other_geometries(geometry: ParallelBeam) -> None:
    output = filtered_back_projection(disk_sinogram(geometry, (0.02, 0.03), 0.04), geometry)[0, 0]
    y, x = pixel_middles(geometry)
    distance = ((y - 0.02) ** 2 + (x - 0.03) ** 2).sqrt()
    assert float(output[distance < 0.028].mean()) == pytest.approx(1, rel=0.01)
    assert abs(float(output[(distance > 0.06) & (distance < 0.08)].mean())) < 0.02


@pytest.mark.parametrize(("filter", "expected"), [("ramp", (5 / 9, -2 / 9)), ("hann", (1 / 6, 1 / 12))])
def test_kernel_by_hand(filter: Filter, expected: tuple[float, float]) -> None:
    # nu is +-1/3 and 1: g[0] = (2 w(1/3) / 3 + w(1)) / 3 and g[1] = (2 w(1/3) / 3 cos(pi / 3) - w(1)) / 3, and
    # the ramp's window w is 1, Hann's cos(pi / 6)**2 = 3 / 4 and 0
    torch.testing.assert_close(filter_kernel(2, filter=filter), torch.tensor(expected, dtype=torch.float64))


def test_kernel_is_the_sum_that_it_says() -> None:
    n = 6
    nu = torch.tensor([1.0] + [sign * (1 - 2 * j / 11) for j in range(1, 6) for sign in (1, -1)], dtype=torch.float64)
    window = torch.cos(math.pi * nu / 1.4) ** 2 * (nu.abs() <= 0.7)
    lag = torch.arange(n, dtype=torch.float64)
    expected = (nu.abs() * window * torch.cos(math.pi * nu * lag[:, None])).sum(1) / 11
    torch.testing.assert_close(filter_kernel(n, frequency_scaling=0.7), expected)


def test_long_ramp_is_the_band_limited_one() -> None:
    kernel = filter_kernel(2001, filter="ramp")[:6]
    odd = [-4 / (math.pi * lag) ** 2 / 2 for lag in (1, 3, 5)]  # Kak and Slaney, 1988, equation 61 of chapter 3
    expected = torch.tensor([0.5, odd[0], 0, odd[1], 0, odd[2]], dtype=torch.float64)
    torch.testing.assert_close(kernel, expected, atol=1e-6, rtol=0)


def test_reconstruction_is_differentiable() -> None:
    geometry = ParallelBeam((5, 4), (0.2, 0.3), 4, 6, 0.4)
    sinogram = torch.randn(2, 1, 4, 6, dtype=torch.float64)
    gradient_test(lambda y: filtered_back_projection(y, geometry) ** 2, sinogram)

    def adjoint(image: Tensor) -> Tensor:
        y = torch.zeros_like(sinogram).requires_grad_()
        return torch.autograd.grad(filtered_back_projection(y, geometry), y, image)[0]

    adjointness_test(lambda y: filtered_back_projection(y, geometry), adjoint, sinogram)


def test_single_precision_batches_and_layouts_agree() -> None:
    geometry = lodopab_like(24)
    sinograms = project(torch.rand(3, 2, 24, 24, dtype=torch.float64), geometry)
    expected = torch.cat([filtered_back_projection(y[None], geometry) for y in sinograms])
    torch.testing.assert_close(filtered_back_projection(sinograms, geometry), expected)
    single = filtered_back_projection(sinograms.float(), geometry)
    torch.testing.assert_close(single.double(), expected, rtol=1e-4, atol=1e-5)
    strided = sinograms.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(filtered_back_projection(strided, geometry), expected)
    assert filtered_back_projection(sinograms[:0], geometry).shape == (0, 2, 24, 24)


def test_object_moves_with_its_shift() -> None:
    geometry = lodopab_like(64)
    image = disk_image(geometry, (0.01, 0.02), 0.04)
    still = filtered_back_projection(project(image, geometry), geometry)
    moved = filtered_back_projection(project(image, geometry, shift=(3.0, -5.0)), geometry)
    frame = (..., slice(8, -8), slice(8, -8))
    assert relative_error(moved[frame], still.roll((3, -5), (2, 3))[frame]) < 0.03 < relative_error(moved, still)


def test_hann_is_smoother_than_ramp_and_smoother_still_with_fewer_frequencies() -> None:
    geometry = lodopab_like(32)
    noise = torch.randn(1, 1, geometry.n_angles, geometry.n_detectors)
    outputs = [filtered_back_projection(noise, geometry, filter=f, frequency_scaling=s) for f, s in FILTERS]
    levels = [float(output.std()) for output in outputs]
    assert levels == sorted(levels, reverse=True)


@pytest.mark.gpu
def test_gpu_agrees_with_cpu() -> None:
    geometry = lodopab_like(40)
    sinogram = project(torch.rand(2, 1, 40, 40), geometry)
    expected = filtered_back_projection(sinogram, geometry)
    torch.testing.assert_close(
        filtered_back_projection(sinogram.cuda(), geometry).cpu(), expected, rtol=1e-4, atol=1e-4
    )


@pytest.mark.filterwarnings("ignore")
def test_reconstruction_of_lodopab_is_odls() -> None:
    pytest.importorskip("astra", reason="odl needs astra for this geometry: pip install '.[astra]'")
    import numpy as np
    import odl

    space = odl.uniform_discr([-0.13, -0.13], [0.13, 0.13], (362, 362), dtype=np.float32)
    scan = odl.tomo.parallel_beam_geometry(space, num_angles=1000, det_shape=(513,))
    ray_transform = odl.tomo.RayTransform(space, scan, impl="astra_cpu")
    image = ellipses(LODOPAB, 30, seed=1)
    sinogram = torch.from_numpy(np.array(ray_transform(image[0, 0].numpy())))[None, None]
    assert relative_error(project(image, LODOPAB), sinogram) < 2e-4
    cases: list[tuple[Tensor, Filter, str, float]] = [
        (sinogram, "hann", "Hann", 1.0),
        (noisy(sinogram, seed=2), "hann", "Hann", 0.641),
        (noisy(sinogram, seed=3), "ramp", "Ram-Lak", 1.0),
    ]
    for data, filter, name, scaling in cases:
        reference = odl.tomo.fbp_op(ray_transform, filter_type=name, frequency_scaling=scaling)
        expected = torch.from_numpy(np.array(reference(data[0, 0].numpy())))[None, None]
        output = filtered_back_projection(data, LODOPAB, filter=filter, frequency_scaling=scaling)
        assert relative_error(output, expected) < 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filter": "han"}, "filter must be one of hann, ramp, got 'han'; did you mean 'hann'"),
        ({"frequency_scaling": 0.0}, "frequency_scaling must be more than 0 and at most 1, got 0.0"),
        ({"frequency_scaling": 1.5}, "at most 1, got 1.5"),
        ({"frequency_scaling": math.nan}, "at most 1, got nan"),
        ({"frequency_scaling": "1"}, "at most 1, got '1'"),
    ],
)
def test_unknown_filter_is_refused(options: dict[str, Any], message: str) -> None:
    geometry = lodopab_like(4)
    with pytest.raises(ConfigError, match=message):
        filtered_back_projection(torch.zeros(1, 1, geometry.n_angles, geometry.n_detectors), geometry, **options)


def test_wrong_sinogram_is_refused() -> None:
    geometry = lodopab_like(4)
    with pytest.raises(ShapeError, match="sinogram must have the shape"):
        filtered_back_projection(torch.zeros(1, 1, 4, 4), geometry)
    sinogram = torch.zeros(1, 1, geometry.n_angles, geometry.n_detectors, dtype=torch.complex64)
    with pytest.raises(DataError, match="sinogram must be real"):
        filtered_back_projection(sinogram, geometry)
