"""Descriptions count what was written."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recon.data.inspection import description
from recon.data.inspection.description import describe
from recon.data.inspection.records import PartDescription, SizeCount
from tests.data.files import (
    cut,
    replace_key,
    write_fastmri_folder,
    write_fastmri_volume,
    write_lodopab_folder,
    write_lodopab_pair,
)


def test_volumes_are_counted(tmp_path: Path) -> None:
    write_fastmri_folder(tmp_path)
    write_fastmri_volume(
        tmp_path / "singlecoil_val" / "file2.h5", slices=5, columns=41, target=(20, 22), synthetic=True
    )
    found = describe(tmp_path)
    train, val, test = found.parts
    assert (found.modality, found.kind, found.synthetic) == ("MRI", "fastmri", 1)
    assert (train.name, train.files, train.volumes, train.slices) == ("train", 2, 2, 6)
    assert (val.volumes, val.slices, test.volumes, test.slices) == (2, 8, 1, 3)
    assert found.total == PartDescription("all", 5, 5, 17, sum(p.stat().st_size for p in tmp_path.rglob("*.h5")))
    assert found.targets == (SizeCount((24, 24), 4), SizeCount((20, 22), 1))
    assert found.measured == (SizeCount((48, 40), 4), SizeCount((48, 41), 1))
    assert found.acquisitions == {"PD": 4, "PDFS": 1}
    assert found.patients == 4
    assert found.unreadable == ()


def test_pairs_are_counted(tmp_path: Path) -> None:
    write_lodopab_folder(tmp_path)
    write_lodopab_pair(tmp_path, "test", 1, size=8, synthetic=True)
    (tmp_path / "patient_ids_rand_train.csv").write_text("7\n7\n8\n9\n")
    found = describe(tmp_path)
    assert (found.modality, found.synthetic, found.patients) == ("CT", 1, 2)
    assert [(part.name, part.files, part.volumes, part.slices) for part in found.parts] == [
        *(("train", 2, 1, 3), ("validation", 2, 1, 2), ("test", 4, 2, 5)),
    ]
    assert found.targets == (SizeCount((16, 16), 3), SizeCount((8, 8), 1))


def test_images_are_counted(tmp_path: Path) -> None:
    for number, size in enumerate([(6, 4), (6, 4), (5, 7)]):
        Image.new("L", size, 51 * number).save(tmp_path / f"{number}.png")
    found = describe(tmp_path)
    assert (found.kind, found.total.files, found.total.slices) == ("images", 3, 3)
    assert found.targets == (SizeCount((4, 6), 2), SizeCount((7, 5), 1))
    assert found.intensities is not None
    assert found.intensities.highest == pytest.approx(0.4)


def test_intensities_are_those_of_the_targets(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "file1.h5", slices=3)
    values = np.linspace(2, 5, 3 * 24 * 24).reshape(3, 24, 24).astype(np.float32)
    replace_key(path, "reconstruction_esc", values)
    found = describe(tmp_path).intensities
    assert found is not None
    assert (found.lowest, found.highest, found.looked_at, found.out_of) == (2, 5, 3, 3)
    assert found.mean == pytest.approx(3.5)


def test_a_sample_of_many_slices_is_said_to_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(description, "SAMPLE", 2)
    write_fastmri_volume(tmp_path / "file1.h5", slices=7)
    sample, every = describe(tmp_path).intensities, describe(tmp_path, full=True).intensities
    assert sample is not None
    assert every is not None
    assert (sample.looked_at, sample.out_of, every.looked_at) == (2, 7, 7)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    write_fastmri_volume(tmp_path / "file1.h5")
    cut(write_fastmri_volume(tmp_path / "file2.h5"))
    (tmp_path / "file3.h5").write_text("not HDF5")
    found = describe(tmp_path)
    assert (found.total.files, found.total.volumes, len(found.unreadable)) == (3, 1, 2)
    assert "file2.h5 cannot be read: it is truncated" in found.unreadable[0]
    assert "file3.h5 cannot be read: it is not an HDF5 file" in found.unreadable[1]


def test_test_split_alone_has_no_intensities(tmp_path: Path) -> None:
    write_fastmri_volume(tmp_path / "file1.h5", target=None, mask=np.arange(40) % 2 == 0)
    assert describe(tmp_path).intensities is None
