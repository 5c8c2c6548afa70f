"""Objects that move before they are measured: the comparison by hand, and with both data sets."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from recon.data.batches import Draw
from recon.data.datamodules import MRIData
from recon.data.samples import MovableSlices, Origin, Sample, Slices
from recon.errors import ConfigError, ShapeError
from recon.evaluation.models import Model
from recon.evaluation.physics import PhysicsProtocol, common_region
from recon.evaluation.protocol import Measured
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study, study_of
from recon.records import Source
from tests.evaluation.small import function_model, network_model, unet

ONE = Unit("slice 0", (0,))


class Still(Slices):
    """One slice, which cannot be measured again."""

    def __len__(self) -> int:
        """Count."""
        return 1

    @property
    def groups(self) -> Sequence[range]:
        """Give one group."""
        return [range(1)]

    def __getitem__(self, key: int | Draw) -> Sample:
        """Give the middle of a wide scene."""
        return sample_of(scene()[:, 8:16, 8:18], mean=0.0, scale=1.0)


class Scene(Still, MovableSlices):
    """A window into a wide scene that moves behind it; each view has a scaling of its own."""

    def measured_again(self, index: int, shift: tuple[int, int]) -> Sample:
        """Look at another part of the scene."""
        rows, columns = shift
        view = scene()[:, 8 - rows : 16 - rows, 8 - columns : 18 - columns]
        return sample_of(view, mean=float(rows), scale=2.0 ** (columns % 3))


def scene() -> Tensor:
    """Give numbers (1, 24, 26), no two of which are equal."""
    return torch.arange(24.0 * 26).reshape(1, 24, 26)


def sample_of(view: Tensor, *, mean: float, scale: float) -> Sample:
    """Scale a view."""
    return Sample((view - mean) / scale, None, mean, scale, 1.0, Origin("scene", "a", 0, "v", "PD", False))


def study_of_slices(data: Slices) -> Study:
    """Give a study of slices without files."""
    return Study(data, Source("scene", "mri", True, ""))


def measured(model: Model, study: Study, *shifts: tuple[int, int]) -> list[Measured]:
    """Measure the first slice."""
    return list(PhysicsProtocol(shifts=shifts or ((1, 0), (0, 1), (3, 5))).measure(model, ONE, study))


def fading(images: Tensor) -> Tensor:
    """Add to each pixel its row's number, in the network's scale."""
    return images + torch.arange(images.shape[-2])[:, None]


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (0, 1), (3, 5), (-2, 0), (0, -3), (-3, 2), (4, -5)])
def test_what_comes_in_and_goes_out_is_not_compared_and_the_scaling_is_undone(shift: tuple[int, int]) -> None:
    [found] = measured(function_model(torch.clone), study_of_slices(Scene()), shift)
    assert found.measures == {"nmse": 0.0, "floor": 0.0}
    assert (found.scope, found.item, found.slice, found.group) == ("image", "v", 0, "PD")
    assert found.settings == {"shift": list(shift)}


def test_error_is_what_is_worked_out() -> None:
    # The object comes 2 rows down, where the function adds 2 more; both scalings are by 1.
    [found] = measured(function_model(fading), study_of_slices(Scene()), (2, 0))
    expected = scene()[0, 8:14, 8:18] + torch.arange(6.0)[:, None]
    assert found.measures["nmse"] == pytest.approx(4 * expected.numel() / float(expected.double().square().sum()))
    assert found.measures["floor"] == 0


def test_identity_errs_as_the_measurement_does(study: Study) -> None:
    for one in measured(function_model(torch.clone), study):
        assert one.measures["nmse"] == one.measures["floor"]


def test_cartesian_sampling_moves_with_the_object_and_back_projection_does_not(mri: Study, ct: Study) -> None:
    model = function_model(torch.clone)
    assert all(one.measures["floor"] < 1e-12 for one in measured(model, mri))
    assert all(1e-6 < one.measures["floor"] < 0.1 for one in measured(model, ct))


def test_the_clamp_alone_lifts_the_floor_of_cartesian_sampling(knees: Path) -> None:
    clamped = study_of(MRIData(knees, workers=0, clamp=1.0))
    assert all(one.measures["floor"] > 1e-8 for one in measured(function_model(torch.clone), clamped))


@pytest.mark.parametrize("sampling", ["plain", "aps"])
def test_a_network_errs_beyond_the_floor_of_cartesian_sampling(mri: Study, sampling: str) -> None:
    for one in measured(network_model(unet(sampling)), mri):
        assert 1e6 * one.measures["floor"] < one.measures["nmse"] < 10


def test_passes_are_those_that_are_made(mri: Study) -> None:
    model, protocol = function_model(torch.clone), PhysicsProtocol()
    units = protocol.units(model, mri)
    assert sorted(index for unit in units for index in unit.indices) == list(range(6))
    made: list[int] = []
    model.on_pass = made.append
    found = list(protocol.measure(model, units[0], mri))
    assert sum(made) == protocol.passes(model, units[0], mri) == 4 * len(units[0].indices)
    assert len(found) == 3 * len(units[0].indices)


def test_data_that_cannot_be_measured_again_are_left_out(mri: Study) -> None:
    model, still = function_model(torch.clone), study_of_slices(Still())
    assert "measured again after a move" in PhysicsProtocol().unfit(model, still)
    assert PhysicsProtocol().unfit(model, mri) == ""
    with pytest.raises(ConfigError, match="must be MovableSlices"):
        measured(model, still)


def test_shifts_as_long_as_an_image_are_left_out_and_refused(mri: Study) -> None:
    model = function_model(torch.clone)
    assert "images must be larger than the shifts of 24 and 1" in PhysicsProtocol(shifts=((-24, 1),)).unfit(model, mri)
    assert PhysicsProtocol(shifts=((23, 1),)).unfit(model, mri) == ""
    with pytest.raises(ShapeError, match=r"images must be larger than the shift, got 2 x 3 for \(0, -3\)"):
        common_region(torch.zeros(2, 3), torch.zeros(2, 3), (0, -3))


@pytest.mark.parametrize("shifts", [(), ((1,),), ((0.5, 0),), ((1, 2, 3),)])
def test_shifts_that_are_no_whole_pixels_are_refused(shifts: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ConfigError, match="shifts must be pairs of whole numbers"):
        PhysicsProtocol(shifts=shifts)
