"""The knee scene: one anatomy at any sampling, two contrasts of it, air of exactly 0, blank ends, partial volumes."""

import numpy as np
import pytest

from recon.data.scenes.drawing import Grid, Image
from recon.data.scenes.knee import Knee
from recon.data.scenes.knee.tubes import Frame, Pose, Tube, Warp

COARSE = Grid((128, 74), 2.5)
SMALL = Grid((64, 64), 2.5)
EVERYWHERE = (slice(None), slice(None))


def knee(seed: int) -> Knee:
    return Knee(np.random.default_rng(seed))


def aligned(z: float) -> Frame:
    """The frame of a body that lies straight in the image."""
    pose = Pose(offset=(0.0, 0.0), angle=0.0, mirrored=False, scale=1.0)
    return Frame(z, SMALL, pose, Warp(np.random.default_rng(0), coarse=0.0, fine=0.0))


def correlation(first: Image, second: Image) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def marrow(patient: Knee, *, fat_saturated: bool) -> float:
    """The median of the brightest part of the shin bone, where the contrasts differ most."""
    image = patient.slice(0.0, SMALL, fat_saturated=fat_saturated)
    return float(np.median(image[40:52, 28:36]))


@pytest.mark.parametrize("fat_saturated", [False, True])
def test_same_seed_gives_identical_slices(fat_saturated: bool) -> None:
    first, second = knee(3), knee(3)
    assert first.depth == second.depth
    image = first.slice(4.2, COARSE, fat_saturated=fat_saturated)
    assert np.array_equal(image, second.slice(4.2, COARSE, fat_saturated=fat_saturated))
    assert np.array_equal(image, first.slice(4.2, COARSE, fat_saturated=fat_saturated))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fat_saturated", [False, True])
def test_values_are_finite_float32_in_the_unit_interval(seed: int, fat_saturated: bool) -> None:
    patient = knee(seed)
    for z in np.linspace(-patient.depth / 2, patient.depth / 2, 9):
        image = patient.slice(float(z), COARSE, fat_saturated=fat_saturated)
        assert image.shape == COARSE.shape
        assert image.dtype == np.float32
        assert np.isfinite(image).all()
        assert image.min() >= 0
        assert image.max() <= 1


@pytest.mark.parametrize("z", [-30.0, 0.0, 25.0])
def test_two_grids_show_the_same_anatomy(z: float) -> None:
    patient = knee(5)
    fine = patient.slice(z, Grid((256, 128), 1.25), fat_saturated=False)
    coarse = patient.slice(z, Grid((128, 64), 2.5, oversampling=4), fat_saturated=False)
    averaged = fine.reshape(128, 2, 64, 2).mean(axis=(1, 3))
    assert np.abs(averaged - coarse).mean() < 0.01
    assert correlation(averaged, coarse) > 0.995


def test_neighbouring_slices_are_more_alike_than_distant_ones() -> None:
    patient = knee(1)
    here, near, far = (patient.slice(z, SMALL, fat_saturated=False) for z in (0.0, 3.0, 30.0))
    assert correlation(here, near) > 0.85
    assert correlation(here, near) > correlation(here, far) + 0.1


@pytest.mark.parametrize("seed", range(4))
def test_air_is_exactly_zero_and_the_leg_runs_through_the_image(seed: int) -> None:
    image = knee(seed).slice(0.0, Grid((128, 128), 2.5), fat_saturated=True)
    assert (image[:, :8] == 0).all()
    assert (image[:, -8:] == 0).all()
    assert (image.max(axis=1) > 0.1).all()


def test_fat_saturation_darkens_marrow_and_brightens_cartilage_against_it() -> None:
    for seed in range(4):
        patient = knee(seed)
        plain, saturated = (patient.slice(0.0, SMALL, fat_saturated=choice) for choice in (False, True))
        assert marrow(patient, fat_saturated=True) < 0.5 * marrow(patient, fat_saturated=False)
        assert plain.mean() > saturated.mean()
        brightest = saturated > np.quantile(saturated[24:40], 0.97)
        gain = marrow(patient, fat_saturated=False) / marrow(patient, fat_saturated=True)
        assert (gain * saturated[brightest] > 1.5 * plain[brightest]).mean() > 0.9


@pytest.mark.parametrize("fat_saturated", [False, True])
def test_volumes_fade_to_nothing_at_their_ends(fat_saturated: bool) -> None:
    for seed in range(3):
        patient = knee(seed)
        assert 85 < patient.depth < 160
        middle = patient.slice(0.0, SMALL, fat_saturated=fat_saturated)
        for end in (-1, 1):
            assert (
                patient.slice(end * patient.depth / 2, SMALL, fat_saturated=fat_saturated).mean() < 0.3 * middle.mean()
            )
            assert not patient.slice(end * (patient.depth / 2 + 40), SMALL, fat_saturated=fat_saturated).any()


@pytest.mark.parametrize("power", [2.0, 2.4])
def test_slices_that_tile_a_tube_add_up_to_its_depth(power: float) -> None:
    tube = Tube([(-260, 0, 1, 20, 7), (260, 0, 1, 20, 7)], power=power)
    across = np.abs(SMALL.x[0])
    expected = 14 * np.maximum(1 - (across / 20) ** power, 0) ** (1 / power)
    total = np.zeros_like(expected)
    for z in np.arange(-15.0, 15.1, 3.0):
        cover = aligned(float(z)).overlap(tube, EVERYWHERE, thickness=3.0)
        assert cover.min() >= 0
        assert cover.max() <= 1
        total += 3 * cover[64]
    assert np.abs(total - expected).max() < 0.1


def test_a_frayed_tube_fills_less_of_the_slice() -> None:
    tube, frame = Tube([(-260, 0, 1, 20, 7), (260, 0, 1, 20, 7)]), aligned(6.0)
    whole = frame.overlap(tube, EVERYWHERE)
    frayed = frame.overlap(tube, EVERYWHERE, fray=np.ones_like(frame.x))
    assert (frayed <= whole).all()
    assert frayed.sum() < 0.9 * whole.sum()


def test_patients_differ_in_anatomy_and_side() -> None:
    images = [knee(seed).slice(0.0, SMALL, fat_saturated=False) for seed in range(6)]
    for i, first in enumerate(images):
        for second in images[:i]:
            assert np.abs(first - second).mean() > 0.03
