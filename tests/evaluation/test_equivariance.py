"""The equivariance protocol: numbers by hand, the same shifts for all, and exact networks to the bit."""

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from recon.evaluation.equivariance import EquivarianceProtocol, pair_measures
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics.equivariance import equivariance_pair
from tests.evaluation.small import ct_study, function_model, mri_study, network_model, unet


def measured(model: Model, study: Study) -> list[Measured]:
    protocol = EquivarianceProtocol()
    return [found for unit in protocol.units(model, study) for found in protocol.measure(model, unit, study)]


def with_ramp(images: Tensor) -> Tensor:
    """Add the column's number."""
    return images + torch.arange(images.shape[-1], dtype=images.dtype)


def shifts_of(found: list[Measured]) -> dict[tuple[str, int | None], object]:
    return {(one.item, one.slice): one.settings["shift"] for one in found if one.scope == "image"}


def test_what_leaves_its_input_is_perfect(study: Study) -> None:
    for one in measured(function_model(lambda images: images), study):
        assert one.measures == {"nmse": 0.0, "ssim": 1.0, "max_abs": 0.0, "bitwise": 1.0}


@pytest.mark.parametrize("batch_size", [1, 2, 8])
@pytest.mark.parametrize("sampling", ["aps", "mass", "lps", "mass-unpool"])
def test_adaptive_networks_are_exact(sampling: str, batch_size: int, study: Study) -> None:
    for one in measured(network_model(unet(sampling), batch_size=batch_size), study):
        assert (one.measures["nmse"], one.measures["max_abs"], one.measures["bitwise"]) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("sampling", ["plain", "lpf"])
def test_others_are_not(sampling: str, study: Study) -> None:
    found = measured(network_model(unet(sampling)), study)
    assert max(one.measures["nmse"] for one in found) > 1e-4
    assert min(one.measures["bitwise"] for one in found) == 0.0


def test_shifts_are_the_same_for_every_network_batch_size_and_limit(knees: Path, chests: Path) -> None:
    for open_study, folder, count in ((mri_study, knees, 6), (ct_study, chests, 2)):
        model = function_model(with_ramp)
        wanted = shifts_of(measured(model, open_study(folder)))
        assert len(wanted) == count
        other = network_model(unet("aps"), batch_size=2)
        assert shifts_of(measured(other, open_study(folder))) == wanted
        fewer = shifts_of(measured(model, open_study(folder, limit=1)))
        assert fewer.items() <= wanted.items()
        assert shifts_of(measured(model, open_study(folder, seed=1))) != wanted


def test_batch_size_changes_no_number(study: Study) -> None:
    one, other = (measured(function_model(with_ramp, batch_size=size), study) for size in (1, 5))
    assert one == other


def test_numbers_are_those_of_numpy(study: Study) -> None:
    found = measured(function_model(with_ramp), study)
    for group in study.data.groups:
        batch = study.batch(Unit("group", tuple(group)))
        scale, mean = (x.double().flatten().numpy() for x in (batch.scale, batch.mean))
        expected, got = [], []
        for index, origin in enumerate(batch.origins):
            image = batch.input[index, 0].double().numpy()
            (one,) = [one for one in found if one.slice == origin.slice and one.item in (origin.volume, origin.file)]
            shift = one.settings["shift"]
            ramp = np.arange(image.shape[1])
            expected.append(np.roll(image + ramp, shift, (0, 1)) * scale[index] + mean[index])  # type: ignore[arg-type]
            got.append((np.roll(image, shift, (0, 1)) + ramp) * scale[index] + mean[index])  # type: ignore[arg-type]
            difference = got[-1] - expected[-1]
            assert one.measures["nmse"] == pytest.approx((difference**2).sum() / (expected[-1] ** 2).sum(), rel=1e-5)
            assert one.measures["max_abs"] == pytest.approx(np.abs(difference).max(), rel=1e-5)
            assert one.measures["bitwise"] == 0.0
        whole, other = np.stack(expected), np.stack(got)
        images = [one for one in found if one.scope == "image" and one.slice is not None]
        for index, origin in enumerate(batch.origins):
            (one,) = [one for one in images if one.slice == origin.slice and one.item in (origin.volume, origin.file)]
            reach = whole.max() if study.modality == "mri" else whole[index].max() - whole[index].min()
            wanted = structural_similarity(whole[index], other[index], data_range=reach)
            assert one.measures["ssim"] == pytest.approx(wanted, rel=1e-4)
        if study.modality == "mri":
            (volume,) = [one for one in found if one.scope == "volume" and one.item == batch.origins[0].volume]
            wanted = ((other - whole) ** 2).sum() / (whole**2).sum()
            assert volume.measures["nmse"] == pytest.approx(wanted, rel=1e-5)
            members = [one.measures for one in images if one.item == volume.item]
            assert volume.measures["ssim"] == pytest.approx(np.mean([one["ssim"] for one in members]))
            assert volume.measures["max_abs"] == max(one["max_abs"] for one in members)


def test_a_ramp_by_hand() -> None:
    # of a blank image 2 wide moved by one: T G(x) = (1, 0), G(T x) = (0, 1): squares 2 over 1 in each row
    expected, got = equivariance_pair(with_ramp, torch.zeros(1, 1, 8, 2), torch.tensor([[3, 1]]))
    (found,) = pair_measures(expected, got, [False])
    assert found["nmse"] == 2.0
    assert found["max_abs"] == 1.0
    assert np.isnan(found["ssim"])  # smaller than its window


def test_one_slice_that_is_not_exact_makes_a_volume_that_is_not(mri: Study) -> None:
    volumes = [one for one in measured(function_model(with_ramp), mri) if one.scope == "volume"]
    assert [one.measures["bitwise"] for one in volumes] == [0.0, 0.0]


def test_a_blank_output_is_perfect(study: Study) -> None:
    for one in measured(function_model(lambda images: images * 0), study):
        assert (one.measures["nmse"], one.measures["ssim"], one.measures["bitwise"]) == (0.0, 1.0, 1.0)


def test_volumes_come_with_their_slices(mri: Study, ct: Study) -> None:
    model = function_model(with_ramp)
    assert [one.scope for one in measured(model, mri)] == ["volume", *["image"] * 3] * 2
    assert [one.scope for one in measured(model, ct)] == ["image"] * 2


def test_passes_are_foretold(study: Study) -> None:
    protocol, model, passes = EquivarianceProtocol(), function_model(with_ramp, batch_size=2), list[int]()
    model.on_pass = passes.append
    for unit in protocol.units(model, study):
        passes.clear()
        list(protocol.measure(model, unit, study))
        assert sum(passes) == protocol.passes(model, unit, study)


def test_shifts_are_where_the_images_are(mri: Study) -> None:
    batch = mri.batch(Unit("all", (0, 1))).to("meta")
    assert mri.shifts(batch).device.type == "meta"
    expected, got = equivariance_pair(torch.relu, batch.input, torch.zeros(2, 2, dtype=torch.int64))
    assert (expected.device.type, got.device.type) == ("meta", "meta")


@pytest.mark.gpu
@pytest.mark.parametrize("sampling", ["plain", "aps"])
def test_networks_are_measured_on_a_gpu(sampling: str, knees: Path) -> None:
    from recon.data.datamodules import MRIData
    from recon.evaluation.study import study_of

    study = study_of(MRIData(knees, workers=0), device="cuda")
    model = network_model(unet(sampling).cuda())
    model.device = torch.device("cuda")
    found = measured(model, study)
    assert all(one.measures["bitwise"] == float(sampling == "aps") for one in found if one.scope == "volume")
