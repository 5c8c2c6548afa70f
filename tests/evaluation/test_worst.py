"""The worst case over every shift: against brute force over every one, and by scikit-image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from recon.data.batches import Draw
from recon.data.datamodules import CTData, MRIData
from recon.data.samples import Batch, Origin, Sample, Slices
from recon.errors import ConfigError, DataError
from recon.evaluation.models import Model
from recon.evaluation.pictures import PICTURES
from recon.evaluation.protocol import Measured
from recon.evaluation.quality import QualityProtocol
from recon.evaluation.running import evaluate
from recon.evaluation.shifts import PREMISE_PASSES, ROUNDING, grid_of, shift_set, shifted_outputs
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study, study_of
from recon.evaluation.worst import WorstProtocol, under_shifts
from recon.records import Source, Subject
from tests.data.files import replace_key, write_fastmri_folder, write_fastmri_volume, write_lodopab_folder
from tests.evaluation.small import ct_study, function_model, mri_study, network_model, unet

ADAPTIVE = ["aps", "mass", "lps", "mass-unpool"]
Shift = tuple[int, int]


@dataclass(frozen=True)
class Brute:
    """PSNR and SSIM of one slice under every one of the H x W shifts, by a loop, numpy and scikit-image."""

    psnr: dict[Shift, float]
    ssim: dict[Shift, float]

    def changes(self, shifts: Sequence[Shift]) -> list[float]:
        """Give the changes of PSNR."""
        height, width = (max(key[axis] for key in self.psnr) + 1 for axis in (0, 1))
        return [self.psnr[row % height, column % width] - self.psnr[0, 0] for row, column in shifts]


def brute_force(model: Model, batch: Batch, *, similarity: bool = False) -> Brute:
    """Try every shift."""
    assert batch.target is not None
    scale, mean, peak = (float(x) for x in (batch.scale, batch.mean, batch.data_range))
    target = batch.target[0, 0].double().numpy() * scale + mean
    psnr, ssim = {}, {}
    shifts = [(row, column) for row in range(target.shape[0]) for column in range(target.shape[1])]
    outputs = model(torch.cat([torch.roll(batch.input, shift, (2, 3)) for shift in shifts])).double().numpy()
    for (row, column), output in zip(shifts, outputs[:, 0], strict=True):
        moved = np.roll(output, (-row, -column), (0, 1)) * scale + mean
        psnr[row, column] = float(peak_signal_noise_ratio(target, moved, data_range=peak))
        if similarity:
            ssim[row, column] = float(structural_similarity(target, moved, data_range=peak))
    return Brute(psnr, ssim)


class OneSlice(Slices):
    """A data set of one slice."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __len__(self) -> int:
        """One."""
        return 1

    def __getitem__(self, key: int | Draw) -> Sample:
        """Give it."""
        one = self.batch
        assert one.target is not None
        return Sample(one.input[0], one.target[0], 0.0, 1.0, float(one.data_range), one.origins[0])

    @property
    def groups(self) -> Sequence[range]:
        """One of one."""
        return [range(1)]


def measured(model: Model, study: Study, protocol: WorstProtocol | None = None) -> list[Measured]:
    protocol = protocol or WorstProtocol()
    return [found for unit in protocol.units(model, study) for found in protocol.measure(model, unit, study)]


def largest(changes: Sequence[float]) -> float:
    return max(changes, key=abs)


def drawn(study: Study, batch: Batch, count: int) -> list[Shift]:
    origin = batch.origins[0]
    rows = study.generator("worst", origin.file, origin.slice).integers(-16, 17, size=(256, 2))
    return [(int(row), int(column)) for row, column in rows[:count]]


def slices_of(study: Study) -> list[Batch]:
    return [study.batch(Unit("one", (index,))) for index in range(len(study.data))]


@pytest.mark.parametrize("sampling", ["plain", "lpf"])
def test_the_worst_is_that_of_brute_force_over_every_shift(sampling: str, chests: Path) -> None:
    study = ct_study(chests)  # 16 x 16: 256 shifts, 16 residues
    model = network_model(unet(sampling))
    residues, everything = (measured(model, study, WorstProtocol(every=every)) for every in (False, True))
    for batch, one, whole in zip(slices_of(study), residues, everything, strict=True):
        brute = brute_force(model, batch, similarity=True)
        wanted = largest(brute.changes(list(brute.psnr)))
        assert abs(wanted) > 1e-3
        for found, tried, meaning in ((one, 16, "all residues"), (whole, 256, "every shift")):
            assert (found.settings["tried"], found.settings["shifts"]) == (tried, meaning)
            assert found.measures["delta_psnr"] == pytest.approx(wanted, rel=1e-4)
            assert found.measures["psnr"] == pytest.approx(brute.psnr[0, 0], rel=1e-5)
            assert found.measures["ssim"] == pytest.approx(brute.ssim[0, 0], rel=1e-5)
            assert found.measures["lowest_psnr"] == pytest.approx(min(brute.psnr.values()), rel=1e-5)
            assert found.measures["highest_psnr"] == pytest.approx(max(brute.psnr.values()), rel=1e-5)
            changes = [value - brute.ssim[0, 0] for value in brute.ssim.values()]
            assert found.measures["delta_ssim"] == pytest.approx(largest(changes), rel=1e-4)
            ten = brute.changes(drawn(study, batch, 10))
            assert found.measures["delta_psnr_ten"] == pytest.approx(largest(ten), rel=1e-4)
            shift = found.settings["shift"]
            assert isinstance(shift, list)
            assert brute.changes([(shift[0], shift[1])])[0] == pytest.approx(wanted, rel=1e-4)
        assert (one.settings["period"], whole.settings["period"]) == (4, 0)
        assert one.measures["premise_nmse"] <= ROUNDING


def test_arrays_hold_every_shift_that_was_tried(ct: Study) -> None:
    model = network_model(unet("plain"))
    for batch, found in zip(slices_of(ct), measured(model, ct), strict=True):
        shifts = list(zip(found.arrays["rows"], found.arrays["columns"], strict=True))
        assert shifts == [(row, column) for row in range(4) for column in range(4)]
        wanted = brute_force(model, batch).changes([(int(row), int(column)) for row, column in shifts])
        assert found.arrays["delta_psnr"] == pytest.approx(wanted, rel=1e-4, abs=1e-6)
        assert (found.arrays["delta_psnr"][0], found.arrays["nmse"][0]) == (0.0, 0.0)
        assert max(found.arrays["nmse"]) == found.measures["nmse"] > 1e-6


@pytest.mark.parametrize(("every", "most"), [(False, 0.0), (True, 15 / 255)])
def test_no_shift_is_not_among_those_that_change_nothing(every: bool, most: float, ct: Study) -> None:
    """Of plain's shifts others leave the output as it is at most where they are multiples of its period of 4."""
    for found in measured(network_model(unet("plain")), ct, WorstProtocol(every=every)):
        errors = found.arrays["nmse"][1:]
        assert found.measures["bitwise"] == errors.count(0.0) / len(errors) <= most


def test_shifts_by_the_whole_image_are_no_shifts(ct: Study) -> None:
    """Random ones up to 16 pixels, of images of 16 x 16: some stand for none."""
    model = network_model(unet("plain", padding="zeros"))
    for found in measured(model, ct, WorstProtocol(random=3000)):
        still = [
            rows % 16 == columns % 16 == 0
            for rows, columns in zip(found.arrays["rows"], found.arrays["columns"], strict=True)
        ]
        assert sum(still) > 1
        assert found.measures["bitwise"] == 0.0


@pytest.mark.parametrize("batch_size", [1, 3, 8, 64])
@pytest.mark.parametrize("sampling", ADAPTIVE)
def test_exact_networks_have_no_change_at_all(sampling: str, batch_size: int, study: Study) -> None:
    for found in measured(network_model(unet(sampling), batch_size=batch_size), study):
        for name in ("delta_psnr", "delta_ssim", "delta_psnr_ten", "nmse", "max_abs", "premise_nmse"):
            assert found.measures[name] == 0.0
        assert found.measures["bitwise"] == 1.0
        assert found.settings["shift"] == [0, 0]
        assert found.measures["lowest_psnr"] == found.measures["highest_psnr"] == found.measures["psnr"]


def test_what_leaves_its_input_has_one_residue(study: Study) -> None:
    model = Model(Subject("identity", "built-in", parameters=0, period=1), lambda images: images)
    for found in measured(model, study):
        assert (found.settings["tried"], found.settings["period"]) == (1, 1)
        assert (found.measures["delta_psnr"], found.measures["bitwise"]) == (0.0, 1.0)


@pytest.mark.parametrize("sampling", ["plain", "aps"])
def test_a_network_that_is_not_circular_is_tried_at_random(sampling: str, chests: Path) -> None:
    study = ct_study(chests, limit=1)
    model = network_model(unet(sampling, padding="zeros"))
    (batch,) = [study.batch(unit) for unit in study.slices(passes=1)]
    brute = brute_force(model, batch)
    (found,) = measured(model, study)
    shifts = drawn(study, batch, 256)
    assert found.measures["premise_nmse"] > ROUNDING
    assert (found.settings["shifts"], found.settings["tried"], found.settings["period"]) == ("random", 257, 0)
    assert found.arrays["rows"] == [0, *(row for row, _ in shifts)]
    assert found.measures["delta_psnr"] == pytest.approx(largest([0.0, *brute.changes(shifts)]), rel=1e-4)
    assert found.measures["delta_psnr_ten"] == pytest.approx(largest(brute.changes(shifts[:10])), rel=1e-4)


def test_every_shift_of_a_network_that_is_not_circular(chests: Path) -> None:
    study = ct_study(chests, limit=1)
    model = network_model(unet("plain", padding="zeros"))
    (found,) = measured(model, study, WorstProtocol(every=True))
    (batch,) = [study.batch(unit) for unit in study.slices(passes=1)]
    brute = brute_force(model, batch)
    assert found.measures["delta_psnr"] == pytest.approx(largest(brute.changes(list(brute.psnr))), rel=1e-4)
    ten = brute.changes(drawn(study, batch, 10))
    assert found.measures["delta_psnr_ten"] == pytest.approx(largest(ten), rel=1e-4)
    assert np.isnan(found.measures["premise_nmse"])


@pytest.mark.parametrize("sampling", ["plain", "aps", "lpf"])
def test_the_premise_holds_for_circular_networks(sampling: str, mri: Study) -> None:
    random = torch.zeros(10, 2, dtype=torch.int64)
    for batch in slices_of(mri)[:2]:
        chosen = shift_set(network_model(unet(sampling)), batch.input, random=random)
        assert (chosen.meaning, chosen.period, len(chosen.shifts)) == ("all residues", 4, 16)
        assert chosen.premise <= ROUNDING


def test_a_period_that_is_not_told_is_found() -> None:
    def network(images: Tensor) -> Tensor:
        """Take away every row that 32 does not divide."""
        return images * (torch.arange(images.shape[2]) % 32 == 0)[:, None]

    image, random = torch.randn(1, 1, 64, 64), torch.zeros(10, 2, dtype=torch.int64)
    chosen = shift_set(function_model(network), image, random=random)
    assert (chosen.period, chosen.premise, len(chosen.shifts)) == (32, 0.0, 32 * 32)
    assert shift_set(function_model(network), image[..., :48], random=random).meaning == "random"


def test_a_period_that_is_told_wrong_is_found_out(mri: Study) -> None:
    model = network_model(unet("plain"))
    model.subject = replace(model.subject, period=2)
    batch = slices_of(mri)[0]
    assert shift_set(model, batch.input, random=torch.zeros(10, 2, dtype=torch.int64)).meaning == "random"


def test_sizes_that_the_period_does_not_divide_are_tried_at_random(knees: Path) -> None:
    study = study_of(MRIData(knees, workers=0, crop=(22, 20)), limit=1)
    model = function_model(lambda images: images * (torch.arange(images.shape[2]) % 3)[:, None])
    model.subject = replace(model.subject, period=4)
    (found,) = measured(model, study, WorstProtocol(random=12))
    assert (found.settings["shifts"], found.settings["tried"]) == ("random", 13)
    assert np.isnan(found.measures["premise_nmse"])
    (batch,) = [study.batch(unit) for unit in study.slices(passes=1)]
    ten = brute_force(model, batch).changes(drawn(study, batch, 10))
    assert found.measures["delta_psnr_ten"] == pytest.approx(largest(ten), rel=1e-4)


@pytest.mark.parametrize("padding", ["circular", "zeros"])
def test_batch_size_does_not_matter(padding: str, ct: Study) -> None:
    one, other = (
        measured(network_model(unet("plain", padding=padding), batch_size=size), ct, WorstProtocol(random=10))
        for size in (1, 7)
    )
    for first, second in zip(one, other, strict=True):
        assert first.measures == pytest.approx(second.measures, rel=1e-3, abs=1e-5)
        assert first.arrays["rows"] == second.arrays["rows"]


def test_shifts_follow_from_the_slice_alone(knees: Path) -> None:
    zeros = network_model(unet("plain", padding="zeros"))
    protocol = WorstProtocol(random=10)
    whole = {(one.item, one.slice): one for one in measured(zeros, mri_study(knees), protocol)}
    (one,) = measured(zeros, mri_study(knees, limit=1), protocol)
    assert one == whole[one.item, one.slice]


def test_a_blank_target_gives_nan(tmp_path: Path) -> None:
    folder = write_lodopab_folder(tmp_path / "chests")
    path = next(folder.glob("ground_truth_test*"))
    with h5py.File(path) as file:
        values = file["data"][()]
    values[0] = 0
    replace_key(path, "data", values)
    blank, other = measured(network_model(unet("plain")), study_of(CTData(folder, workers=0)))
    for name in ("psnr", "ssim", "delta_psnr", "delta_ssim", "delta_psnr_ten", "lowest_psnr", "highest_psnr"):
        assert np.isnan(blank.measures[name]), name
        assert np.isfinite(other.measures[name]), name
    assert blank.settings["shift"] == [0, 0]
    assert blank.measures["nmse"] > 0


def test_a_perfect_output_can_only_get_worse() -> None:
    origin = Origin("x", "file", 0, "volume", "", False)
    image, one = torch.rand(1, 1, 16, 16), torch.ones(1, 1, 1, 1)
    batch = Batch(image, image, one * 0, one, torch.tensor([1.0]), (origin,))
    study = Study(OneSlice(batch), Source("x", "ct", True, ""))
    still, moved = (
        next(WorstProtocol(random=10).measure(function_model(function), Unit("x", (0,)), study))
        for function in (lambda images: images, lambda images: images * (images[:, :, :1, :1] == image[0, 0, 0, 0]))
    )
    assert (still.measures["psnr"], still.measures["delta_psnr"]) == (np.inf, 0.0)
    assert (moved.measures["psnr"], moved.measures["delta_psnr"]) == (np.inf, -np.inf)
    assert moved.settings["shift"] != [0, 0]


def test_an_unknown_data_range_gives_nan() -> None:
    origin = Origin("x", "file", 0, "volume", "", False)
    image, one = torch.randn(1, 1, 8, 8), torch.ones(1, 1, 1, 1)
    batch = Batch(image, image, one * 0, one, torch.tensor([float("nan")]), (origin,))
    found = under_shifts(function_model(torch.relu), batch, grid_of(2, 2))
    assert np.isnan(found["psnr"]).all()
    assert found["nmse"].tolist() == [0.0] * 4


def test_data_without_targets_are_refused(tmp_path: Path) -> None:
    folder = write_fastmri_folder(tmp_path, val=0)
    write_fastmri_volume(folder / "singlecoil_val" / "x.h5", target=None)
    with pytest.raises(DataError, match=r"x\.h5 must have targets to compare with"):
        measured(function_model(torch.relu), mri_study(folder))


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("padding", ["circular", "zeros"])
def test_passes_are_foretold(padding: str, every: bool, ct: Study) -> None:
    model, passes = network_model(unet("plain", padding=padding)), list[int]()
    model.on_pass = passes.append
    protocol = WorstProtocol(every=every, random=20)
    for unit in protocol.units(model, ct):
        passes.clear()
        list(protocol.measure(model, unit, ct))
        foretold = protocol.passes(model, unit, ct)
        if padding == "circular" or every:
            assert sum(passes) == foretold == len(unit.indices) * (256 if every else PREMISE_PASSES + 16)
    assert sum(len(unit.indices) for unit in protocol.units(model, ct)) == 2


def test_outputs_are_moved_back(mri: Study) -> None:
    image = slices_of(mri)[0].input
    shifts = torch.tensor([[0, 0], [3, -5], [100, 7]])
    found = list(shifted_outputs(function_model(torch.relu, batch_size=2), image, shifts))
    assert [part.tolist() for _, part in found] == [[[0, 0], [3, -5]], [[100, 7]]]
    assert all(torch.equal(output, torch.relu(image).expand_as(output)) for output, _ in found)


def test_settings_tell_what_results_depend_on() -> None:
    assert WorstProtocol(every=True, random=20).settings == {"every": True, "random": 20}
    with pytest.raises(ConfigError, match="random must be a whole number of at least 10, got 9"):
        WorstProtocol(random=9)


@pytest.mark.gpu
@pytest.mark.parametrize("padding", ["circular", "zeros"])
def test_networks_are_measured_on_a_gpu(padding: str, knees: Path) -> None:
    study = study_of(MRIData(knees, workers=0), device="cuda", limit=1)
    model = network_model(unet("aps", padding=padding).cuda())
    model.device = torch.device("cuda")
    (found,) = measured(model, study)
    assert found.measures["bitwise"] == 1.0 or padding == "zeros"


def test_the_worst_case_is_drawn_of_all_networks(knees: Path, tmp_path: Path) -> None:
    models, study = [network_model(unet(name), name) for name in ("plain", "aps")], mri_study(knees, limit=1)
    evaluate(models, study, [WorstProtocol(ten=True)], tmp_path)
    with np.load(tmp_path / PICTURES / "worst-mri.npz") as pictures:
        assert pictures["names"].tolist() == ["plain", "aps"]
    evaluate(models, study, [QualityProtocol()], tmp_path / "other")
    assert not (tmp_path / "other" / PICTURES).exists()


def test_ten_shifts_are_those_of_the_longer_search(knees: Path) -> None:
    study = mri_study(knees)
    model = network_model(unet("plain"))
    few = measured(model, study, WorstProtocol(ten=True))
    many = measured(model, study, WorstProtocol())
    for one, other in zip(few, many, strict=True):
        assert one.settings["tried"] == 11
        assert one.settings["shifts"] == "random"
        assert one.measures["delta_psnr"] == one.measures["delta_psnr_ten"]
        assert one.measures["delta_psnr_ten"] == pytest.approx(other.measures["delta_psnr_ten"], abs=1e-4)
        assert np.isnan(one.measures["premise_nmse"])
    assert any(one.measures["delta_psnr"] != 0 for one in few)


def test_ten_and_every_shift_exclude_each_other(mri: Study) -> None:
    with pytest.raises(ConfigError, match="every one or ten, got both"):
        WorstProtocol(every=True, ten=True)
    assert "10 random shifts" in WorstProtocol(ten=True).convention(mri)
    assert "premise_nmse" in WorstProtocol().convention(mri)
