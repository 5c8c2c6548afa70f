"""Parallel beams: the geometry, the projector and its adjoint."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from recon.errors import ConfigError, DataError, ReconError, ShapeError
from recon.ops import beam_gathers, parallel_beam
from recon.ops.parallel_beam import LODOPAB, ParallelBeam, back_project, lodopab_like, project
from tests.properties import adjointness_test, gradient_test

GEOMETRIES = {
    "even square": ParallelBeam((8, 8), (0.2, 0.2), 8, 13, 0.3),
    "odd square": ParallelBeam((9, 9), (0.2, 0.2), 12, 12, 0.3),
    "odd number of angles": ParallelBeam((8, 8), (0.2, 0.2), 7, 13, 0.3),
    "angle of 45 degrees": ParallelBeam((8, 8), (0.2, 0.2), 6, 13, 0.3),
    "not square": ParallelBeam((7, 5), (0.2, 0.3), 9, 11, 0.4),
    "flat pixels": ParallelBeam((3, 20), (0.2, 0.2), 10, 4, 0.3),
    "square image of flat pixels": ParallelBeam((6, 6), (0.1, 0.3), 8, 9, 0.3),
    "fine detector": ParallelBeam((6, 6), (0.2, 0.2), 6, 40, 0.3),
    "short detector": ParallelBeam((10, 8), (0.2, 0.2), 6, 9, 0.07),
    "one of each": ParallelBeam((1, 1), (0.2, 0.2), 1, 1, 0.3),
}
every_geometry = pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)


def angles_of(geometry: ParallelBeam) -> Tensor:
    """List the angles in radians."""
    return (torch.arange(geometry.n_angles, dtype=torch.float64) + 0.5) * (math.pi / geometry.n_angles)


def places_of(geometry: ParallelBeam) -> Tensor:
    """List the middles of the detector's cells in metres."""
    cells = torch.arange(geometry.n_detectors, dtype=torch.float64) - (geometry.n_detectors - 1) / 2
    return cells * geometry.detector_extent / geometry.n_detectors


def pixel_middles(geometry: ParallelBeam) -> tuple[Tensor, Tensor]:
    """Give y (H, 1) and x (1, W) of the pixels' middles in metres."""
    (rows, columns), (height, width) = geometry.image_shape, geometry.pixel_pitch
    y = (torch.arange(rows, dtype=torch.float64) - (rows - 1) / 2) * height
    x = (torch.arange(columns, dtype=torch.float64) - (columns - 1) / 2) * width
    return y[:, None], x[None]


def disk_image(geometry: ParallelBeam, middle: tuple[float, float], radius: float, *, fine: int = 8) -> Tensor:
    """Paint a disk of value 1, (1, 1, H, W) float64, each pixel the mean of fine x fine points."""
    rows, columns = geometry.image_shape
    finer = ParallelBeam((rows * fine, columns * fine), geometry.image_extent, 1, 1, 1.0)
    y, x = pixel_middles(finer)
    inside = (y - middle[0]) ** 2 + (x - middle[1]) ** 2 < radius**2
    return torch.nn.functional.avg_pool2d(inside.double()[None, None], fine)


def disk_sinogram(geometry: ParallelBeam, middle: tuple[float, float], radius: float) -> Tensor:
    """Give the chords of a disk, (1, 1, n_angles, n_detectors) float64, by Pythagoras."""
    angles = angles_of(geometry)[:, None]
    distance = places_of(geometry) - middle[0] * angles.cos() - middle[1] * angles.sin()
    return 2 * (radius**2 - distance**2).clamp(min=0).sqrt()[None, None]


def relative_error(output: Tensor, target: Tensor) -> float:
    return float((output - target).norm() / target.norm())


def joseph(image: Tensor, geometry: ParallelBeam, shift: tuple[float, float]) -> Tensor:
    """Follow every line (H, W) -> (n_angles, n_detectors), one at a time, in Python."""
    y, x = (middles.flatten().tolist() for middles in pixel_middles(geometry))
    height, width = geometry.pixel_pitch
    sums = []
    for angle in angles_of(geometry).tolist():
        cos, sin = math.cos(angle), math.sin(angle)
        along_rows = abs(sin) * width <= abs(cos) * height
        for place in places_of(geometry).tolist():
            s = place - shift[0] * height * cos - shift[1] * width * sin
            total = 0.0
            for i, middle in enumerate(x if along_rows else y):
                crossing = (s - middle * (sin if along_rows else cos)) / (cos if along_rows else sin)
                line, first, step = (image[:, i], y[0], height) if along_rows else (image[i], x[0], width)
                for j, value in enumerate(line.tolist()):
                    total += value * max(0.0, 1 - abs((crossing - first) / step - j))
            sums.append(total * (width / abs(cos) if along_rows else height / abs(sin)))
    return torch.tensor(sums, dtype=torch.float64).view(geometry.n_angles, geometry.n_detectors)


@every_geometry
@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.25, -0.6)])
def test_projection_is_josephs(geometry: ParallelBeam, shift: tuple[float, float]) -> None:
    image = torch.randn(1, 1, *geometry.image_shape, dtype=torch.float64)
    expected = joseph(image[0, 0], geometry, shift)
    torch.testing.assert_close(project(image, geometry, shift=shift)[0, 0], expected, rtol=1e-10, atol=1e-12)
    single = project(image.float(), geometry, shift=shift)[0, 0]
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), expected, rtol=1e-5, atol=1e-5)


@every_geometry
def test_back_projection_is_the_adjoint(geometry: ParallelBeam) -> None:
    x = torch.randn(2, 3, *geometry.image_shape, dtype=torch.float64)
    adjointness_test(lambda x: project(x, geometry), lambda y: back_project(y, geometry), x)


@every_geometry
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-6), (torch.float64, 1e-14)])
def test_inner_products_agree_with_a_shift(geometry: ParallelBeam, dtype: torch.dtype, bound: float) -> None:
    x = torch.randn(2, 1, *geometry.image_shape, dtype=dtype).requires_grad_()
    y = torch.randn(2, 1, geometry.n_angles, geometry.n_detectors, dtype=dtype)
    output = project(x, geometry, shift=(0.7, -1.3))
    (adjoint,) = torch.autograd.grad(output, x, y)
    difference = (output.double() * y.double()).sum() - (x.double() * adjoint.double()).sum()
    assert abs(difference) <= bound * output.norm() * y.norm()


def test_inner_products_agree_at_the_size_of_lodopab() -> None:
    x, y = torch.rand(1, 1, 362, 362), torch.rand(1, 1, 1000, 513)
    left = (project(x, LODOPAB).double() * y).sum()
    torch.testing.assert_close(left, (x.double() * back_project(y, LODOPAB)).sum(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("shape", [(3, 4), (4, 4), (1, 1)])
def test_derivatives(shape: tuple[int, int]) -> None:
    geometry = ParallelBeam(shape, (0.2, 0.2), 4, 5, 0.3)
    image = torch.randn(1, 2, *shape, dtype=torch.float64)
    sinogram = torch.randn(1, 2, 4, 5, dtype=torch.float64)
    gradient_test(lambda x: project(x, geometry, shift=(0.2, 0.4)), image)
    gradient_test(lambda x: project(x, geometry) ** 2, image)
    gradient_test(lambda y: back_project(y, geometry) ** 2, sinogram)


def test_projection_is_linear() -> None:
    geometry = lodopab_like(20)
    x, y = torch.randn(2, 1, 1, 20, 20, dtype=torch.float64).unbind()
    expected = 2 * project(x, geometry) - 3 * project(y, geometry)
    torch.testing.assert_close(project(2 * x - 3 * y, geometry), expected)


@pytest.mark.parametrize("size", [16, 17])
def test_quarter_turn_moves_the_angles_by_half_their_range(size: int) -> None:
    geometry = lodopab_like(size, n_angles=12)
    image = torch.randn(1, 1, size, size, dtype=torch.float64)
    early, late = project(image, geometry).chunk(2, dim=2)
    turned = project(image.rot90(1, (2, 3)), geometry)
    torch.testing.assert_close(turned, torch.cat([late.flip(3), early], dim=2))


@pytest.mark.parametrize("shift", [(2, 0), (0, -3), (-1, 3)])
def test_shift_by_whole_pixels_is_that_of_a_moved_object(shift: tuple[int, int]) -> None:
    geometry = ParallelBeam((16, 14), (0.2, 0.3), 11, 30, 0.4)
    image = torch.zeros(1, 1, 16, 14, dtype=torch.float64)
    image[..., 4:12, 4:10] = torch.randn(8, 6, dtype=torch.float64)
    moved = project(image.roll(shift, (2, 3)), geometry)
    torch.testing.assert_close(project(image, geometry, shift=shift), moved, rtol=1e-10, atol=1e-12)


def test_shift_out_of_the_frame_is_still_measured() -> None:
    geometry = ParallelBeam((4, 4), (0.04, 0.04), 10, 50, 0.5)
    image = torch.ones(1, 1, 4, 4, dtype=torch.float64)
    moved = project(image, geometry, shift=(8.0, 0.0))
    assert relative_error(moved.sum(), project(image, geometry).sum()) < 0.01


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.5, 0.0), (3.3, -7.8)])
def test_disk_is_seen_as_its_chords(shift: tuple[float, float]) -> None:
    geometry = lodopab_like(96, n_angles=24)
    pitch = geometry.pixel_pitch[0]
    moved = 0.02 + shift[0] * pitch, -0.03 + shift[1] * pitch
    output = project(disk_image(geometry, (0.02, -0.03), 0.05), geometry, shift=shift)
    assert relative_error(output, disk_sinogram(geometry, moved, 0.05)) < 0.015
    other = disk_sinogram(geometry, (moved[0], moved[1] + 0.5 * pitch), 0.05)  # half a pixel matters
    assert relative_error(output, other) > 0.03


def test_axes_by_hand() -> None:
    geometry = ParallelBeam((3, 3), (3.0, 3.0), n_angles=2, n_detectors=5, detector_extent=5 * math.sqrt(0.5))
    image = torch.zeros(1, 1, 3, 3)
    image[..., 0, 0] = 1.0  # y = x = -1, and s = (y + x) / sqrt(2) at 45 degrees, (x - y) / sqrt(2) at 135
    length = math.sqrt(2)  # of the diagonal through a pixel
    expected = torch.tensor([[length, 0, 0, 0, 0], [0, 0, length, 0, 0]])
    expected[0, 1] = expected[1, 1] = expected[1, 3] = 0.0
    torch.testing.assert_close(project(image, geometry)[0, 0], expected, atol=1e-6, rtol=1e-6)


def test_every_angle_sees_the_same_mass() -> None:
    geometry = lodopab_like(48)
    y, x = pixel_middles(geometry)
    image = torch.exp(-((y - 0.02) ** 2 + (x + 0.04) ** 2) / (2 * 0.02**2))[None, None]
    masses = project(image, geometry).sum(3) * geometry.detector_extent / geometry.n_detectors
    mass = image.sum() * math.prod(geometry.pixel_pitch)
    torch.testing.assert_close(masses, mass.expand_as(masses), rtol=1e-3, atol=0)


def test_images_of_a_batch_do_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    geometry = lodopab_like(12)
    images = torch.randn(3, 2, 12, 12, dtype=torch.float64)
    singles = torch.stack([project(image[None, None], geometry)[0, 0] for image in images.flatten(0, 1)])
    together = project(images, geometry)
    torch.testing.assert_close(together, singles.unflatten(0, (3, 2)), rtol=1e-12, atol=1e-14)
    monkeypatch.setattr(parallel_beam, "COLUMNS", 32)  # four of the six images at once
    torch.testing.assert_close(project(images, geometry), together, rtol=1e-12, atol=1e-14)
    assert project(images[:0], geometry).shape == (0, 2, geometry.n_angles, geometry.n_detectors)
    assert back_project(together[:, :0], geometry).shape == (3, 0, 12, 12)


@pytest.mark.parametrize("taps", [1, 100, 1000])
@every_geometry
def test_size_of_tiles_does_not_matter(geometry: ParallelBeam, taps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.randn(1, 1, *geometry.image_shape, dtype=torch.float64)
    expected = project(image, geometry)
    back = back_project(expected, geometry)
    monkeypatch.setattr(beam_gathers, "CPU_TAPS", taps)
    torch.testing.assert_close(project(image, geometry), expected, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(back_project(expected, geometry), back, rtol=1e-12, atol=1e-13)


@pytest.mark.gpu
def test_gpu_agrees_with_cpu() -> None:
    geometry = lodopab_like(40)
    image = torch.randn(2, 1, 40, 40)
    sinogram = project(image, geometry, shift=(0.5, 0.25))
    torch.testing.assert_close(project(image.cuda(), geometry, shift=(0.5, 0.25)).cpu(), sinogram)
    torch.testing.assert_close(back_project(sinogram.cuda(), geometry).cpu(), back_project(sinogram, geometry))


def test_strided_images_are_read_right() -> None:
    geometry = lodopab_like(10)
    image = torch.randn(2, 3, 10, 10)
    for strided in (image.contiguous(memory_format=torch.channels_last), image.mT.contiguous().mT):
        torch.testing.assert_close(project(strided, geometry), project(image, geometry))


def test_lodopab_is_the_geometry_that_odl_gives() -> None:
    import odl
    from odl import tomo

    space = odl.uniform_discr([-0.13, -0.13], [0.13, 0.13], (362, 362))
    reference = tomo.parallel_beam_geometry(space, num_angles=1000, det_shape=(513,))
    torch.testing.assert_close(torch.from_numpy(reference.angles), angles_of(LODOPAB))
    torch.testing.assert_close(torch.from_numpy(reference.det_partition.coord_vectors[0]), places_of(LODOPAB))
    assert tuple(reference.det_axis(0.3)) == pytest.approx((math.cos(0.3), math.sin(0.3)))  # (y, x): first, second axis
    for size in (31, 64):
        space = odl.uniform_discr([-0.13, -0.13], [0.13, 0.13], (size, size))
        assert tomo.parallel_beam_geometry(space).detector.size == lodopab_like(size).n_detectors


def test_lodopab_by_hand() -> None:
    assert (LODOPAB.image_shape, LODOPAB.n_angles, LODOPAB.n_detectors) == ((362, 362), 1000, 513)
    assert LODOPAB.image_extent == (0.26, 0.26)
    assert LODOPAB.detector_extent == pytest.approx(0.3676955)
    assert lodopab_like(181).n_angles == 500
    assert lodopab_like(64, n_angles=7).n_angles == 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_shape": (0, 3)}, r"image_shape \(rows\) must be a whole number of at least 1, got 0"),
        ({"image_shape": (3, 2.0)}, r"image_shape \(columns\) must be a whole number"),
        ({"image_shape": [3, 3]}, "image_shape must be a pair"),
        ({"image_extent": (0.1, -1.0)}, r"image_extent \(width\) must be a positive length in metres, got -1.0"),
        ({"image_extent": 0.1}, "image_extent must be a pair"),
        ({"n_angles": 0}, "n_angles must be a whole number"),
        ({"n_detectors": True}, "n_detectors must be a whole number"),
        ({"detector_extent": math.inf}, "detector_extent must be a positive length"),
        ({"detector_extent": math.nan}, "detector_extent must be a positive length"),
    ],
)
def test_impossible_geometry_is_refused(change: dict[str, Any], message: str) -> None:
    options: dict[str, Any] = {
        "image_shape": (3, 3),
        "image_extent": (1.0, 1.0),
        "n_angles": 2,
        "n_detectors": 3,
        "detector_extent": 1.5,
    }
    with pytest.raises(ConfigError, match=message):
        ParallelBeam(**(options | change))


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (torch.zeros(8, 8), ShapeError, r"\(batch, channels, H, W\) = \(B, C, 8, 8\) of the geometry, got \(8, 8\)"),
        (torch.zeros(1, 1, 8, 9), ShapeError, r"got \(1, 1, 8, 9\)"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.complex64), DataError, "real and imaginary parts as two channels"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.float16), DataError, "float32 or float64, got torch.float16"),
        ([[1.0]], DataError, "image must be a torch.Tensor, got list"),
    ],
)
def test_wrong_image_is_refused(image: Tensor, error: type[ReconError], message: str) -> None:
    with pytest.raises(error, match=message):
        project(image, GEOMETRIES["even square"])


def test_wrong_sinogram_and_shift_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(batch, channels, angles, detectors\) = \(B, C, 8, 13\)"):
        back_project(torch.zeros(1, 1, 8, 8), GEOMETRIES["even square"])
    for shift in ((math.nan, 0.0), (1.0,), 1.0, ("1", 0)):
        with pytest.raises(ConfigError, match="shift must be two finite numbers"):
            project(torch.zeros(1, 1, 8, 8), GEOMETRIES["even square"], shift=shift)  # type: ignore[arg-type]
