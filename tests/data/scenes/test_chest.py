"""The chest scene: the same anatomy on every grid and from slice to slice, with tissues at their attenuation."""

from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label

from recon.data.scenes.chest import LARGEST, Chest
from recon.data.scenes.chest.plane import Pipes, Plane
from recon.data.scenes.drawing import Grid, Image

SMALL = Grid((96, 96), 260 / 96)
SEEDS = range(6)


@cache
def chest(seed: int) -> Chest:
    return Chest(np.random.default_rng(seed))


@cache
def middle_slice(seed: int) -> Image:
    return chest(seed).slice(0.0, SMALL)


def plane(*, z: float = 0.0, thickness: float = 2.0) -> Plane:
    """A level plane of 40 mm, in pixels of 0.5 mm."""
    axis = (np.arange(81, dtype=np.float32) - 40) / 2
    y, x = np.meshgrid(axis, axis, indexing="ij")
    still, to_pixels = np.zeros_like(y), np.array([[2.0, 0, 40], [0, 2, 40]])
    return Plane(z, y, x, to_pixels, (still, still), axis[:, None], axis[None, :], thickness)


def flat_pipe(radius: float) -> Pipes:
    """A pipe of 20 mm along x, in the plane z = 0."""
    starts, ends = np.array([[0, 0, -10]], np.float32), np.array([[0, 0, 10]], np.float32)
    return Pipes(starts, ends, np.array([[radius, radius]], np.float32))


def hounsfield(image: Image) -> Image:
    return image * 50 - 1000


def correlation(first: Image, second: Image) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_same_seed_gives_identical_slices() -> None:
    for z in (-60.0, 20.0):
        assert np.array_equal(Chest(np.random.default_rng(3)).slice(z, SMALL), chest(3).slice(z, SMALL))


def test_slice_changes_nothing() -> None:
    first = chest(1).slice(15.0, SMALL)
    chest(1).slice(-40.0, Grid((40, 64), 4.0))
    assert np.array_equal(first, chest(1).slice(15.0, SMALL))


@pytest.mark.parametrize("place", [-1.0, -0.6, 0.0, 0.5, 1.0])
def test_slices_are_finite_float32_within_the_clipped_range(place: float) -> None:
    image = chest(2).slice(place * chest(2).depth / 2, Grid((80, 60), 4.0))
    assert image.shape == (80, 60)
    assert image.dtype == np.float32
    assert np.isfinite(image).all()
    assert image.min() >= 0
    assert image.max() <= np.float32(LARGEST)


@pytest.mark.parametrize("z", [-70.0, 10.0])
def test_coarse_grid_is_the_fine_grid_averaged(z: float) -> None:
    coarse = chest(4).slice(z, Grid((64, 64), 4.0, oversampling=4))
    fine = chest(4).slice(z, Grid((256, 256), 1.0, oversampling=1)).reshape(64, 4, 64, 4).mean(axis=(1, 3))
    assert np.abs(coarse - fine).mean() < 0.05


def test_crop_of_the_field_shows_the_same_anatomy() -> None:
    whole = chest(5).slice(5.0, Grid((128, 128), 2.0))
    part = chest(5).slice(5.0, Grid((64, 64), 2.0))
    assert np.abs(whole[32:96, 32:96] - part).max() < 0.05


def test_near_slices_correlate_more_than_far_ones() -> None:
    for seed in range(3):
        here, near, far = (chest(seed).slice(z, SMALL) for z in (0.0, 3.0, 60.0))
        assert correlation(here, near) > 0.9
        assert correlation(here, near) > correlation(here, far) + 0.02


def test_noise_is_independent_between_slices() -> None:
    grid = Grid((128, 128), 0.7)
    slices = [chest(0).slice(z, grid) for z in (0.0, 0.01, 3.0)]
    flat = np.all([np.abs(gaussian_filter(image, 2) - 21) < 0.6 for image in slices], axis=0)
    same, near, far = ((image - gaussian_filter(image, 2))[flat] for image in slices)
    assert flat.sum() > 500
    assert correlation(same, near) > 0.6
    assert abs(correlation(same, far)) < 0.35


def test_tissues_have_their_attenuation() -> None:
    for seed in SEEDS:
        values = hounsfield(middle_slice(seed))
        lung = values[(values > -960) & (values < -600)]
        soft = values[(values > -20) & (values < 120)]
        fat = values[(values > -160) & (values < -50)]
        assert len(lung) > 0.1 * values.size
        assert -900 < np.median(lung) < -700
        assert len(soft) > 0.05 * values.size
        assert 20 < np.median(soft) < 80
        assert len(fat) > 0.05 * values.size
        assert -115 < np.median(fat) < -85
        assert values.max() > 350


def test_air_in_front_of_the_body_is_air() -> None:
    for seed in SEEDS:
        assert np.median(hounsfield(middle_slice(seed)[0])) < -980


def test_airways_and_cortical_bone_reach_their_ends_of_the_scale() -> None:
    image = hounsfield(chest(1).slice(60.0 * chest(1).pose.scale[0], Grid((256, 256), 0.8)))
    centre = image[80:200, 90:170]
    assert centre.min() < -930
    assert np.percentile(image, 99.5) > 300


def test_patients_differ() -> None:
    for first, second in ((0, 1), (2, 3), (4, 5)):
        assert correlation(middle_slice(first), middle_slice(second)) < 0.95


def test_some_bodies_are_cut_by_the_edge_of_the_field() -> None:
    cut = [bool((middle_slice(seed)[:, [0, -1]] > 15).any()) for seed in SEEDS]
    assert any(cut)


def test_upright_edges_are_sharp_and_oblique_ones_soft_over_what_they_cross() -> None:
    here = plane(thickness=2.0)
    for slope in (1.0, 0.6):
        cover = here.cover(np.float32(slope) * here.x, 0.9)
        width = np.sqrt(0.9**2 + 2.0**2 * (1 - slope**2)) / slope  # a plane tilted by arcsin(slope)
        assert np.allclose(cover, np.clip(0.5 - here.x / width, 0, 1), atol=1e-3)


def test_thin_pipes_fill_less_of_thicker_slices_and_fade_with_distance() -> None:
    thin, thick = (plane(thickness=size).shadow(flat_pipe(0.4)).max() for size in (1.0, 3.0))
    assert 0 < thick < thin < 1
    beside = plane(z=1.4, thickness=3.0).shadow(flat_pipe(0.4)).max()
    assert 0 < beside < thick
    assert plane(z=3.0, thickness=3.0).shadow(flat_pipe(0.4)).max() == 0


def test_heart_and_liver_touch_at_the_lower_edge_of_the_heart() -> None:
    for seed in SEEDS:
        scene = chest(seed)
        z = (scene.abdomen.bottom + 8 - scene.middle) * scene.pose.scale[0]
        image = hounsfield(scene.slice(z, Grid((120, 120), 2.0)))
        pieces, _ = label(gaussian_filter(image, 0.7) > -20)
        centre = np.bincount(pieces[30:75, 30:90].ravel(), minlength=2)[1:]
        assert centre.max() > 0.85 * centre.sum()
