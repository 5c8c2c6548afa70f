"""Contact sheets are written whole, wide enough, and say what they show."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from recon.data.inspection.kinds import data_folder
from recon.data.inspection.sheet import WIDTH, write_sheet
from recon.data.inspection.tiles import tiles_of
from recon.errors import ConfigError, DataError
from tests.data.files import cut, write_fastmri_folder, write_fastmri_volume, write_lodopab_folder, write_lodopab_pair


def test_sheet_is_a_png_of_the_said_width(tmp_path: Path) -> None:
    folder = write_fastmri_folder(tmp_path / "knee $_$ 膝")
    path = tmp_path / "new" / "folder" / "sheet.png"
    assert write_sheet(folder, path) == 10
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.width == WIDTH
        assert np.asarray(image).std() > 10
    assert [entry.name for entry in path.parent.iterdir()] == ["sheet.png"]


def test_tiles_show_targets_and_inputs_in_their_units(tmp_path: Path) -> None:
    write_fastmri_folder(tmp_path)
    tiles = tiles_of(data_folder(tmp_path))
    shown = {tile.name: tile for tile in tiles}
    assert list(shown) == [
        *("train  file1000000.h5", "train  file1000001.h5", "val  file1000002.h5", "test  file1000003.h5")
    ]
    target, given = shown["val  file1000002.h5"].images
    assert target is not None
    assert given is not None
    assert shown["val  file1000002.h5"].about.endswith("PD")
    with h5py.File(tmp_path / "singlecoil_val" / "file1000002.h5") as file:
        stored = file["reconstruction_esc"][int(shown["val  file1000002.h5"].about.split()[1])]
    np.testing.assert_allclose(target, stored, rtol=1e-4, atol=1e-9)
    assert 0.2 < np.linalg.norm(given) / np.linalg.norm(target) < 1.2  # on one scale
    assert shown["test  file1000003.h5"].images[0] is None
    assert not any(tile.synthetic for tile in tiles)


def test_tiles_of_ct_show_back_projections(tmp_path: Path) -> None:
    write_lodopab_pair(tmp_path, synthetic=True)
    tiles = tiles_of(data_folder(tmp_path))
    assert len(tiles) == 3
    assert all(tile.synthetic for tile in tiles)
    for tile in tiles:
        truth, back_projection = tile.images
        assert truth is not None
        assert back_projection is not None
        assert np.linalg.norm(back_projection - truth) < 0.5 * np.linalg.norm(truth)


def test_images_are_shown_as_crops(tmp_path: Path) -> None:
    for number in range(30):
        Image.new("L", (30, 40), number).save(tmp_path / f"{number:02d}.png")
    (tmp_path / "30.png").write_text("no image")
    tiles = tiles_of(data_folder(tmp_path))
    assert [tile.images[0].shape for tile in tiles if tile.images[0] is not None] == [(320, 320)] * len(tiles)
    assert len(tiles) in (23, 24)


def test_bad_files_are_passed_over(tmp_path: Path) -> None:
    write_lodopab_folder(tmp_path / "c")
    cut(tmp_path / "c" / "observation_test_000.hdf5")
    assert len(tiles_of(data_folder(tmp_path / "c"))) == 5
    cut(write_fastmri_volume(tmp_path / "m" / "file1.h5"))
    with pytest.raises(DataError, match="must have slices that can be read, got none; see `recon data check"):
        write_sheet(tmp_path / "m", tmp_path / "sheet.png")


def test_unwritable_paths_are_refused(tmp_path: Path) -> None:
    folder = write_lodopab_folder(tmp_path / "c")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file/sheet.png cannot be written"):
        write_sheet(folder, tmp_path / "file" / "sheet.png")
    with pytest.raises(ConfigError, match=r"ending .png, got .*sheet.jpg"):
        write_sheet(folder, tmp_path / "sheet.jpg")
