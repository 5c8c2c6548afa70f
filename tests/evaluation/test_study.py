"""Studies: which slices, which shifts, and what tells one study from another."""

from pathlib import Path
from shutil import copytree

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from recon.data.datamodules import MRIData
from recon.errors import ConfigError, DataError
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study, study_of
from tests.data.files import replace_key, write_fastmri_folder, write_fastmri_volume
from tests.evaluation.small import ct_study, mri_study


def indices(units: list[Unit]) -> list[int]:
    return [index for unit in units for index in unit.indices]


def test_a_study_says_what_its_data_are(mri: Study, ct: Study) -> None:
    assert (mri.source.name, mri.modality, mri.source.synthetic) == ("fastMRI MRI", "mri", False)
    assert (ct.modality, ct.source.synthetic) == ("ct", False)
    assert (mri.size, ct.size) == ((24, 24), (16, 16))
    assert mri.source.settings["mask"] == "random"


def test_synthetic_data_are_called_so(tmp_path: Path) -> None:
    for part in ("train", "val"):
        write_fastmri_volume(tmp_path / f"singlecoil_{part}" / f"{part}.h5", synthetic=True)
    source = mri_study(tmp_path).source
    assert source.synthetic
    assert source.name == "MRI in fastMRI's files (synthetic)"


def test_volumes_are_whole_until_there_are_enough_slices(knees: Path) -> None:
    for limit, wanted in ((None, [3, 3]), (1, [3]), (3, [3]), (4, [3, 3]), (100, [3, 3])):
        units = mri_study(knees, limit=limit).volumes()
        assert [len(unit.indices) for unit in units] == wanted
        assert indices(units) == list(range(sum(wanted)))


@pytest.mark.parametrize("passes", [1, 256, 10_000])
@pytest.mark.parametrize("limit", [None, 1, 2, 3, 4, 5, 6, 50])
def test_slices_are_as_many_as_asked_for_each_once_and_spread(limit: int | None, passes: int, knees: Path) -> None:
    study = mri_study(knees, limit=limit)
    units = study.slices(passes=passes)
    found = indices(units)
    assert len(found) == len(set(found)) == min(limit or 6, 6)
    assert found == sorted(found)
    assert all(len({index // 3 for index in unit.indices}) == 1 for unit in units)  # of one volume
    assert all(len(unit.indices) * passes <= max(passes, 512) for unit in units)
    assert len({unit.name for unit in units}) == len(units)


def test_a_limit_takes_the_middle_of_even_parts(knees: Path) -> None:
    assert indices(mri_study(knees, limit=1).slices(passes=1)) == [3]
    assert indices(mri_study(knees, limit=2).slices(passes=1)) == [1, 4]
    assert indices(mri_study(knees, limit=3).slices(passes=1)) == [1, 3, 5]


def test_a_unit_s_batch_holds_its_slices(mri: Study) -> None:
    batch = mri.batch(Unit("x", (4, 0)))
    assert [origin.slice for origin in batch.origins] == [1, 0]
    assert batch.origins[0].file != batch.origins[1].file


def test_shifts_are_the_same_for_every_unit_and_limit(study: Study, knees: Path, chests: Path) -> None:
    other = mri_study(knees, limit=1) if study.modality == "mri" else ct_study(chests, limit=1)
    everything = tuple(range(len(study.data)))
    whole = study.shifts(study.batch(Unit("all", everything)))
    for index in everything:
        assert torch.equal(other.shifts(other.batch(Unit("one", (index,)))), whole[index : index + 1])
    backwards = study.shifts(study.batch(Unit("back", everything[::-1])))
    assert torch.equal(backwards, whole.flip(0))


def test_shifts_follow_from_the_seed_and_the_slice(knees: Path) -> None:
    units = [Unit("all", tuple(range(6)))]
    found = [study.shifts(study.batch(units[0])) for study in (mri_study(knees), mri_study(knees, seed=1))]
    assert not torch.equal(*found)
    assert len({tuple(row) for row in found[0].tolist()}) == 6


def test_shifts_do_not_touch_or_follow_the_global_random_numbers(mri: Study) -> None:
    batch = mri.batch(Unit("all", (0, 1)))
    torch.manual_seed(5)
    before, first = torch.get_rng_state(), mri.shifts(batch)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert torch.equal(mri.shifts(batch), first)


def test_shifts_are_uniform_up_to_sixteen_both_ways(mri: Study) -> None:
    numbers = [mri.generator("shift", "file", number).integers(-16, 17, size=2) for number in range(6600)]
    for axis in np.stack(numbers).T:
        counts = np.bincount(axis + 16, minlength=33)
        assert len(counts) == 33
        squares = float(((counts - 200.0) ** 2 / 200).sum())
        assert squares < 62.5  # chi-square with 32 degrees of freedom: once in a thousand
    assert abs(np.corrcoef(np.stack(numbers).T)[0, 1]) < 0.05


def test_shifts_reach_as_far_as_asked(mri: Study) -> None:
    batch = mri.batch(Unit("all", tuple(range(6))))
    assert mri.shifts(batch, furthest=0).abs().max() == 0
    assert mri.shifts(batch, furthest=2).abs().max() <= 2
    assert mri.shifts(batch).shape == (6, 2)


def test_generators_of_different_keys_differ(mri: Study) -> None:
    keys: list[tuple[str | int, ...]] = [("a", "b"), ("a,b",), ("ab",), ("a", 1), ("a", "1"), ("a",)]
    drawn = {mri.generator(*key).integers(2**62) for key in keys}
    assert len(drawn) == len(keys)


def test_the_same_files_elsewhere_have_the_same_fingerprint(knees: Path, tmp_path: Path) -> None:
    copytree(knees, tmp_path / "moved")
    assert mri_study(tmp_path / "moved").fingerprint == mri_study(knees).fingerprint


def test_other_data_settings_and_seeds_have_other_fingerprints(knees: Path, tmp_path: Path) -> None:
    copytree(knees, tmp_path / "changed")
    path = sorted((tmp_path / "changed" / "singlecoil_val").iterdir())[0]
    with h5py.File(path) as file:
        values = file["reconstruction_esc"][()]
    replace_key(path, "reconstruction_esc", values * np.float32(1.01))
    write_fastmri_folder(tmp_path / "less", val=1)
    (tmp_path / "images").mkdir()
    keys = []
    for grey in (1, 2):  # another image in the same place
        Image.new("L", (8, 8), grey).save(tmp_path / "images" / "one.png")
        keys.append(study_of(MRIData(knees, workers=0), ood=tmp_path / "images").fingerprint)
    found = {
        *keys,
        mri_study(knees).fingerprint,
        mri_study(knees, seed=1).fingerprint,
        mri_study(tmp_path / "changed").fingerprint,
        mri_study(tmp_path / "less").fingerprint,
        study_of(MRIData(knees, workers=0, accelerations=(8,), center_fractions=(0.04,))).fingerprint,
        study_of(MRIData(knees, workers=0, crop=(16, 16))).fingerprint,
    }
    assert len(found) == 8


def test_a_limit_does_not_change_the_fingerprint(knees: Path) -> None:
    assert mri_study(knees, limit=1).fingerprint == mri_study(knees).fingerprint


def test_numbers_are_checked(knees: Path) -> None:
    with pytest.raises(ConfigError, match="limit must be a whole number of at least 1, got 0"):
        mri_study(knees, limit=0)
    with pytest.raises(ConfigError, match="seed must be a whole number of at least 0, got -1"):
        mri_study(knees, seed=-1)


def test_training_slices_are_those_of_the_training(knees: Path, mri: Study) -> None:
    assert len(mri.training) == 6
    assert mri.training[0] is not None
    assert mri.training is not mri.data


def test_a_folder_without_test_data_is_refused(tmp_path: Path) -> None:
    write_fastmri_folder(tmp_path, val=0)
    with pytest.raises(DataError, match="val"):
        mri_study(tmp_path)
