"""Out of the distribution: which images are met, how they are scaled, and the same numbers as by NumPy."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity
from torch import Tensor

import recon
from recon.data import embedded
from recon.data.datamodules import CTData, MRIData
from recon.data.images import ImageFolder
from recon.data.natural import natural_images
from recon.data.samples import Batch, Sample, Slices
from recon.data.synthetic.make import SyntheticSet
from recon.evaluation.equivariance import pair_measures
from recon.evaluation.models import Model
from recon.evaluation.ood import NATURAL, NOISE, OTHER, UNTRAINED, OutOfDistributionProtocol
from recon.evaluation.protocol import Measured
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study, study_of
from recon.metrics.equivariance import equivariance_pair
from tests.evaluation.small import CHANNELS, ct_study, function_model, mri_study, network_model, unet


@pytest.fixture(autouse=True, scope="module")
def _small_embedded() -> Iterator[None]:
    """Make the embedded data small: 2 test slices of 32 x 32."""
    with pytest.MonkeyPatch.context() as patch:
        for modality in ("mri", "ct"):
            patch.setitem(embedded.EMBEDDED, modality, SyntheticSet(modality, volumes=3, size=32, slices=2))
        yield


def group_of(unit: Unit) -> str:
    return unit.name.rsplit(" ", 3)[0]


def units_of(group: str, model: Model, study: Study, protocol: OutOfDistributionProtocol) -> list[Unit]:
    return [unit for unit in protocol.units(model, study) if group_of(unit) == group]


def measured(group: str, model: Model, study: Study) -> list[Measured]:
    protocol = OutOfDistributionProtocol()
    return [one for unit in units_of(group, model, study, protocol) for one in protocol.measure(model, unit, study)]


def inputs(group: str, study: Study) -> Tensor:
    """Give the images of a set as networks get them, unmoved."""
    seen: list[Tensor] = []

    def watch(images: Tensor) -> Tensor:
        seen.append(images)
        return images

    protocol, model = OutOfDistributionProtocol(), function_model(watch, batch_size=1000)
    for unit in units_of(group, model, study, protocol):
        list(protocol.measure(model, unit, study))
    return torch.cat(seen[::2])


def shifts_of(found: Sequence[Measured]) -> list[list[int]]:
    return [[int(str(number)) for number in shift] for one in found if isinstance(shift := one.settings["shift"], list)]


def nmse(expected: NDArray[np.float64], got: NDArray[np.float64]) -> float:
    return float(((got - expected) ** 2).sum() / (expected**2).sum())


def _undone(batch: Batch, network: recon.UNet, study: Study) -> tuple[Tensor, Tensor]:
    """Give T G(x) and G(T x) in the files' intensities."""
    expected, got = equivariance_pair(network, batch.input, study.shifts(batch))
    return batch.undo(expected.double()), batch.undo(got.double())


def write_images(folder: Path, sizes: Sequence[tuple[int, int]]) -> Path:
    folder.mkdir()
    random = np.random.default_rng(0)
    for number, size in enumerate(sizes):
        values = random.integers(0, 256, size, dtype=np.uint8)
        Image.fromarray(values).save(folder / f"ILSVRC2012_val_{number:08d}.png")
    return folder


def test_sets_and_their_parts(knees: Path) -> None:
    network, study = network_model(unet()), mri_study(knees)
    units = OutOfDistributionProtocol().units(network, study)
    assert len({unit.name for unit in units}) == len(units)
    assert list(dict.fromkeys(map(group_of, units))) == [NATURAL, NOISE, OTHER, UNTRAINED]
    assert units[0] == Unit("natural 0 to 15", tuple(range(16)))
    counts = {group: sum(len(u.indices) for u in units if group_of(u) == group) for group in (NATURAL, NOISE, OTHER)}
    assert counts == {NATURAL: len(natural_images(24, count=1000)), NOISE: 16, OTHER: 2}
    assert [unit.indices for unit in units if group_of(unit) == UNTRAINED] == [tuple(range(6))]


def test_functions_have_no_untrained_state(mri: Study) -> None:
    units = OutOfDistributionProtocol().units(function_model(torch.relu), mri)
    assert UNTRAINED not in map(group_of, units)


def test_limit_bounds_every_set(knees: Path) -> None:
    study, protocol = mri_study(knees, limit=3), OutOfDistributionProtocol()
    units = protocol.units(network_model(unet()), study)
    assert {unit.name: unit.indices for unit in units} == {
        "natural 0 to 2": (0, 1, 2),
        "noise 0 to 2": (0, 1, 2),
        "other modality 0 to 1": (0, 1),
        "untrained 1 to 5": (1, 3, 5),
    }
    assert protocol.passes(network_model(unet()), units[0], study) == 6


@torch.no_grad()
def test_photographs_give_the_numbers_of_numpy(knees: Path) -> None:
    study, network = mri_study(knees, limit=4), unet("plain")
    found = measured(NATURAL, network_model(network), study)
    images = natural_images(24, count=4)
    assert [(one.item, one.slice, one.group, one.scope) for one in found] == [
        (image.file, image.slice, NATURAL, "image") for image in images
    ]
    for one, image in zip(found, images, strict=True):
        shift = one.settings["shift"]
        assert isinstance(shift, list)
        mean, deviation = image.values.mean(dtype=np.float64), image.values.std(dtype=np.float64, ddof=1)
        given = torch.from_numpy((image.values - mean) / deviation).float()[None, None]
        moved = torch.from_numpy(np.roll(given.numpy(), shift, (2, 3)))
        expected = np.roll(network(given).double().numpy(), shift, (2, 3))[0, 0] * deviation + mean
        got = network(moved).double().numpy()[0, 0] * deviation + mean
        similarity = structural_similarity(expected, got, win_size=7, data_range=expected.max() - expected.min())
        assert one.measures["nmse"] == pytest.approx(nmse(expected, got), rel=1e-3)
        assert one.measures["max_abs"] == pytest.approx(np.abs(expected - got).max(), rel=1e-3)
        assert one.measures["ssim"] == pytest.approx(similarity, abs=1e-5)
        assert one.measures["bitwise"] == (shift[0] % 4 == shift[1] % 4 == 0)


def test_shifts_are_of_each_image_and_the_same_for_every_network(knees: Path) -> None:
    study = mri_study(knees)
    plain, other = (measured(NATURAL, network_model(unet(kind)), study) for kind in ("plain", "lpf"))
    shifts = shifts_of(plain)
    assert shifts == shifts_of(other)
    assert len({str(shift) for shift in shifts}) > len(shifts) / 2
    flat = [number for shift in shifts for number in shift]
    assert -16 <= min(flat) < -10 < 10 < max(flat) <= 16
    assert shifts != shifts_of(measured(NATURAL, network_model(unet()), mri_study(knees, seed=1)))


@pytest.mark.parametrize("group", [NATURAL, NOISE, OTHER, UNTRAINED])
def test_adaptive_networks_are_exact_on_every_set(group: str, study: Study) -> None:
    found = measured(group, network_model(unet("aps")), study)
    assert found
    assert all(one.measures["bitwise"] == 1 and one.measures["nmse"] == 0 for one in found)


@pytest.mark.parametrize("group", [NATURAL, OTHER])
def test_mri_networks_get_images_of_mean_0_and_deviation_1(group: str, mri: Study) -> None:
    images = inputs(group, mri)
    assert images.shape[1:] == (1, 24, 24)
    assert images.abs().max() <= 6  # the clamp of the training
    unclamped = images[images.abs().amax((1, 2, 3)) < 6].flatten(1)
    assert len(unclamped)
    torch.testing.assert_close(unclamped.mean(1), torch.zeros(len(unclamped)), atol=1e-4, rtol=0)
    torch.testing.assert_close(unclamped.std(1), torch.ones(len(unclamped)), atol=1e-4, rtol=0)


def test_ct_networks_get_images_in_the_range_of_the_training(ct: Study) -> None:
    samples = [ct.training[index] for index in range(len(ct.training))]
    targets = [sample.target for sample in samples if isinstance(sample, Sample) and sample.target is not None]
    lowest, highest = (np.median([float(end(target)) for target in targets]) for end in (torch.min, torch.max))
    for group in (NATURAL, NOISE, OTHER):
        images = inputs(group, ct)
        assert images.shape[1:] == (1, 16, 16)
        assert lowest - 1e-6 <= images.min() < lowest + 0.1 * (highest - lowest)
        assert highest + 1e-6 >= images.max() > highest - 0.1 * (highest - lowest)


def test_noise_is_white_and_of_the_seed(knees: Path, chests: Path) -> None:
    study = mri_study(knees)
    images = inputs(NOISE, study)
    assert images.shape == (16, 1, 24, 24)
    assert float(images.mean()) == pytest.approx(0, abs=0.05)
    assert float(images.std()) == pytest.approx(1, abs=0.03)
    assert float((images[..., 1:] * images[..., :-1]).mean()) == pytest.approx(0, abs=0.05)
    assert len({image.sum().item() for image in images}) == 16
    assert torch.equal(images, inputs(NOISE, mri_study(knees)))
    assert not torch.equal(images, inputs(NOISE, mri_study(knees, seed=1)))
    uniform = inputs(NOISE, ct_study(chests))
    spread = uniform.max() - uniform.min()
    assert float(uniform.std() / spread) == pytest.approx(12**-0.5, abs=0.01)


def test_the_other_modality_is_the_embedded_one(mri: Study, ct: Study) -> None:
    model = function_model(torch.relu)
    found = {study.modality: measured(OTHER, model, study) for study in (mri, ct)}
    assert all(one.item.startswith("ground_truth_test") for one in found["mri"])
    assert len({one.item for one in found["ct"]}) == 1
    assert [one.slice for one in found["mri"]] == [one.slice for one in found["ct"]] == [0, 1]


def test_an_untrained_network_is_built_from_the_seed(knees: Path) -> None:
    study = mri_study(knees, seed=5)
    trained, other = (measured(UNTRAINED, network_model(unet("plain", seed=seed)), study) for seed in (0, 1))
    assert trained == other
    torch.manual_seed(5)
    initial = recon.UNet(channels=CHANNELS, sampling="plain").eval()
    batch = study.batch(Unit("", tuple(range(6))))
    wanted = list(pair_measures(*_undone(batch, initial, study), [False] * 6))
    assert [one.measures["nmse"] for one in trained] == pytest.approx([one["nmse"] for one in wanted])


def test_random_numbers_are_left_as_they_are(mri: Study) -> None:
    model = network_model(unet("plain"))
    state = torch.get_rng_state()
    assert measured(UNTRAINED, model, mri)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_folder_takes_the_place_of_the_photographs(knees: Path, tmp_path: Path) -> None:
    folder = write_images(tmp_path / "imagenet", [(40, 30), (20, 60), (24, 24)])
    study = mri_study(knees)
    study.ood = folder
    found = measured(NATURAL, function_model(torch.relu), study)
    assert [one.item for one in found] == [f"ILSVRC2012_val_{number:08d}.png" for number in range(3)]
    words = OutOfDistributionProtocol().convention(study)
    assert "folder imagenet" in words
    assert str(tmp_path) not in words
    assert "scikit-image" in OutOfDistributionProtocol().convention(mri_study(knees))
    for say in ("real images", "generated", "synthetic CT"):
        assert say in words


def test_sizes_need_not_be_square(knees: Path) -> None:
    study = mri_study(knees)
    study.size = (16, 24)
    for group in (NATURAL, NOISE, OTHER):
        assert inputs(group, study).shape[1:] == (1, 16, 24)


def test_images_are_read_once_for_all_networks(knees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = mri_study(knees)
    study.ood = write_images(tmp_path / "images", [(24, 24)] * 3)
    read: list[object] = []
    usual = ImageFolder.__getitem__

    def counted(folder: ImageFolder, index: int) -> object:
        read.append(index)
        return usual(folder, index)

    monkeypatch.setattr(ImageFolder, "__getitem__", counted)
    protocol = OutOfDistributionProtocol()
    for function in (torch.relu, torch.tanh):
        model = function_model(function)
        for unit in units_of(NATURAL, model, study, protocol):
            assert len(list(protocol.measure(model, unit, study))) == 3
    assert sorted(map(str, read)) == ["0", "1", "2"]


def test_the_progress_of_untrained_networks_is_counted(mri: Study) -> None:
    model, protocol = network_model(unet()), OutOfDistributionProtocol()
    (unit,) = units_of(UNTRAINED, model, mri, protocol)
    counted: list[int] = []
    model.on_pass = counted.append
    list(protocol.measure(model, unit, mri))
    assert sum(counted) == protocol.passes(model, unit, mri) == 12


@pytest.mark.parametrize("modality", ["mri", "ct"])
def test_given_data_of_the_other_modality_take_the_place_of_the_embedded(
    modality: str, knees: Path, chests: Path
) -> None:
    other = CTData(chests, prepared=False) if modality == "mri" else MRIData(knees, clamp=None)
    folder, own = (knees, MRIData) if modality == "mri" else (chests, CTData)
    slices = other.dataset("test")
    study = study_of(own(folder, workers=0), other=slices)
    found = measured(OTHER, function_model(torch.relu), study)
    assert {one.item for one in found} <= {sample.origin.file for sample in _samples(slices)}
    assert len(found) == len(slices)
    assert (
        f"targets of the given {'CT' if modality == 'mri' else 'MRI'} data"
        in OutOfDistributionProtocol().convention(study)
    )
    assert study.fingerprint != study_of(own(folder, workers=0)).fingerprint


def _samples(slices: Slices) -> list[Sample]:
    return [sample for sample in (slices[index] for index in range(len(slices))) if isinstance(sample, Sample)]
