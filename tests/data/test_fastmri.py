"""fastMRI's volumes read as fastMRI reads them, and what is wrong with one said in words."""

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from fastmri.data.mri_data import SliceDataset
from fastmri.data.subsample import create_mask_for_mask_type
from fastmri.data.transforms import UnetDataTransform

from recon.data.batches import Draw
from recon.data.fastmri import FastMRISlices, hybrid_recipe
from recon.data.masks import ColumnMask, MaskKind
from recon.data.preparation import preparation_of, prepare_all
from recon.data.prepared import prepared_file
from recon.data.samples import Sample, Skipped, collate
from recon.data.volumes import parts_of, read_volume, volume_files
from recon.errors import ConfigError, DataError
from tests.data.files import cut, middle, replace_key, write_fastmri_folder, write_fastmri_volume

ACCELERATIONS = [(4, 0.08), (8, 0.04)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of three volumes, whose k-spaces have different widths."""
    parent = tmp_path / "fästMRI with space" / "singlecoil_val"
    for number, columns in enumerate((40, 37, 44)):
        acquisition = ("CORPD_FBK", "CORPDFS_FBK")[number % 2]
        write_fastmri_volume(
            parent / f"file100000{number}.h5", slices=2 + number, columns=columns, acquisition=acquisition, seed=number
        )
    return parent


def read(dataset: FastMRISlices, key: int | Draw) -> Sample:
    """Read a sample that is there."""
    found = dataset[key]
    assert isinstance(found, Sample)
    return found


def assert_relatively_close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    """Check that ours differs from theirs by at most 1e-5 of theirs in norm."""
    assert ours.shape == theirs.shape
    assert (ours - theirs).norm() <= 1e-5 * theirs.norm()


@pytest.mark.parametrize("kind", ["random", "equispaced", "equispaced_fraction", "magic"])
@pytest.mark.parametrize(("acceleration", "fraction"), ACCELERATIONS)
def test_samples_are_those_of_fastmri(folder: Path, kind: MaskKind, acceleration: int, fraction: float) -> None:
    mask = create_mask_for_mask_type(kind, [fraction], [acceleration])
    theirs = SliceDataset(folder, "singlecoil", UnetDataTransform("singlecoil", mask))
    ours = FastMRISlices(folder, mask=ColumnMask(kind, (acceleration,), (fraction,)))
    assert len(ours) == len(theirs) == 9
    for index, expected in enumerate(theirs):
        sample = read(ours, index)
        assert_relatively_close(sample.input[0], expected.image)
        assert sample.target is not None
        assert_relatively_close(sample.target[0], expected.target)
        assert sample.mean == pytest.approx(expected.mean.item(), rel=1e-5)
        assert sample.scale == pytest.approx(expected.std.item() + 1e-11, rel=1e-5)
        assert sample.data_range == pytest.approx(expected.max_value)
        assert (sample.origin.file, sample.origin.slice) == (expected.fname, expected.slice_num)


@pytest.mark.parametrize("target", [(24, 24), (30, 20), (25, 23)])
def test_odd_and_other_sizes_are_those_of_fastmri(tmp_path: Path, target: tuple[int, int]) -> None:
    write_fastmri_volume(tmp_path / "a.h5", rows=51, columns=33, target=target)
    transform = UnetDataTransform("singlecoil", create_mask_for_mask_type("random", [0.08], [4]))
    expected = SliceDataset(tmp_path, "singlecoil", transform)[1]
    assert_relatively_close(read(FastMRISlices(tmp_path), 1).input[0], expected.image)


def test_k_space_narrower_than_the_target_is_cropped_as_fastmri_does(tmp_path: Path) -> None:
    write_fastmri_volume(tmp_path / "a.h5", rows=48, columns=24)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        wide = np.pad(file["reconstruction_esc"][()], ((0, 0), (2, 2), (2, 2)))
        del file["reconstruction_esc"]
        file["reconstruction_esc"] = wide
    transform = UnetDataTransform("singlecoil", create_mask_for_mask_type("random", [0.08], [4]))
    expected, sample = SliceDataset(tmp_path, "singlecoil", transform)[0], read(FastMRISlices(tmp_path), 0)
    assert sample.input.shape == (1, 24, 24)
    assert_relatively_close(sample.input[0], expected.image)
    assert sample.target is not None
    assert_relatively_close(sample.target[0], expected.target)


def test_undone_target_is_the_stored_one(folder: Path) -> None:
    batch = collate([read(FastMRISlices(folder, clamp=None), index) for index in range(4)])
    assert batch.target is not None
    stored = []
    for number, count in ((0, 2), (1, 2)):
        with h5py.File(folder / f"file100000{number}.h5") as file:
            stored.append(torch.from_numpy(file["reconstruction_esc"][:count]))
    torch.testing.assert_close(batch.undo(batch.target)[:, 0], torch.cat(stored), rtol=1e-5, atol=1e-9)


def test_evaluation_has_one_mask_and_training_one_for_each_draw(folder: Path) -> None:
    fixed, drawn = FastMRISlices(folder), FastMRISlices(folder, training=True)
    assert read(fixed, Draw(0, 0)).input.equal(read(fixed, Draw(0, 1)).input)
    assert read(drawn, Draw(0, 0)).input.equal(read(FastMRISlices(folder, training=True), Draw(0, 0)).input)
    inputs = {read(drawn, Draw(0, epoch)).input.sum().item() for epoch in range(5)}
    assert len(inputs) == 5
    other = FastMRISlices(folder, training=True, seed=1)
    assert not read(other, Draw(0, 0)).input.equal(read(drawn, Draw(0, 0)).input)


def test_prepared_files_give_the_same_samples(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert prepare_all(preparation_of(folder), cache) == (3, ())
    plain, prepared = FastMRISlices(folder), FastMRISlices(folder, cache=cache)
    for index in range(len(plain)):
        assert_relatively_close(read(prepared, index).input, read(plain, index).input)
    with pytest.raises(DataError, match="must be prepared"):
        FastMRISlices(folder, cache=tmp_path / "empty")


def test_prepared_files_are_not_read_for_other_data(folder: Path, tmp_path: Path) -> None:
    prepare_all(preparation_of(folder), tmp_path)
    (folder / "file1000001.h5").unlink()
    write_fastmri_volume(folder / "file1000001.h5", columns=37, slices=3, seed=9)
    with pytest.raises(DataError, match=r"file1000001.h5 must be prepared"):
        FastMRISlices(folder, cache=tmp_path)


def test_volumes_keep_together_and_origins_tell_where_from(folder: Path) -> None:
    dataset = FastMRISlices(folder)
    assert [len(group) for group in dataset.groups] == [2, 3, 4]
    for group, volume in zip(dataset.groups, dataset.volumes, strict=True):
        origins = [read(dataset, index).origin for index in group]
        assert {origin.volume for origin in origins} == {volume.path.stem}
        assert [origin.slice for origin in origins] == list(range(volume.n_slices))
        assert {origin.acquisition for origin in origins} == {volume.acquisition}
        assert not any(origin.synthetic for origin in origins)


def test_acquisitions_are_told_apart(folder: Path) -> None:
    assert [v.path.stem for v in FastMRISlices(folder, acquisition="PDFS").volumes] == ["file1000001"]
    assert len(FastMRISlices(folder, acquisition="PD")) == 6
    with pytest.raises(ConfigError, match="acquisition must be one of PD, PDFS, got 'PDF'"):
        FastMRISlices(folder, acquisition="PDF")  # type: ignore[arg-type]


def test_a_folder_without_the_acquisition_is_refused(tmp_path: Path) -> None:
    write_fastmri_volume(tmp_path / "a.h5", acquisition="CORPD_FBK")
    with pytest.raises(DataError, match="must have volumes of the acquisition PDFS, got PD"):
        FastMRISlices(tmp_path, acquisition="PDFS")


def test_crop_is_of_inputs_and_targets_before_they_are_normalised(folder: Path) -> None:
    sample = read(FastMRISlices(folder, crop=(16, 20), clamp=None), 0)
    whole = collate([read(FastMRISlices(folder, clamp=None), 0)])
    expected = whole.undo(whole.input)[0, :, 4:20, 2:22]
    torch.testing.assert_close(sample.input, (expected - expected.mean()) / expected.std(), rtol=1e-4, atol=1e-4)
    assert sample.target is not None
    assert sample.target.shape == (1, 16, 20)
    with pytest.raises(ConfigError, match=r"crop must fit into every image, got 32 x 32 for file1000000.h5 of 24 x 24"):
        FastMRISlices(folder, crop=(32, 32))


def test_test_split_keeps_its_own_mask(tmp_path: Path) -> None:
    mask = np.arange(40) % 3 == 2
    write_fastmri_volume(tmp_path / "a.h5", target=None, size=(24, 20), mask=mask)
    sample = read(FastMRISlices(tmp_path), 0)
    assert sample.target is None
    assert np.isnan(sample.data_range)
    expected = SliceDataset(tmp_path, "singlecoil", UnetDataTransform("singlecoil"))[0]
    assert_relatively_close(sample.input[0], expected.image)


def test_blank_slice_becomes_zero(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["kspace"][1] = 0
        file["reconstruction_esc"][1] = 0
    sample = read(FastMRISlices(tmp_path), 1)
    assert sample.input.abs().max() == 0
    assert sample.target is not None
    assert sample.target.abs().max() == 0


@pytest.mark.parametrize("key", ["kspace", "reconstruction_esc"])
def test_nan_is_refused_by_file_slice_and_key(tmp_path: Path, key: str) -> None:
    path = write_fastmri_volume(tmp_path / "a.h5", slices=3)
    with h5py.File(path, "r+") as file:
        file[key][1, 20, 20] = np.nan
    dataset = FastMRISlices(tmp_path, mask=ColumnMask("random", (1,), (1.0,)))
    read(dataset, 0)
    with pytest.raises(DataError, match=rf"a.h5: slice 1 of {key} must be finite"):
        dataset[1]
    skipping = FastMRISlices(tmp_path, mask=ColumnMask("random", (1,), (1.0,)), on_bad_file="skip")
    assert isinstance(skipping[1], Skipped)
    assert "slice 1" in collate([skipping[0], skipping[1]]).skipped[0]


def test_bad_files_stop_the_reading_or_are_counted(folder: Path) -> None:
    (folder / "file2.h5").write_text("not HDF5")
    cut(write_fastmri_volume(folder / "file3.h5"))
    with pytest.raises(DataError, match=r"file2.h5 cannot be read: it is not an HDF5 file.*--on-bad-file skip"):
        FastMRISlices(folder)
    with pytest.warns(UserWarning, match="skipped 2 files"):
        dataset = FastMRISlices(folder, on_bad_file="skip")
    assert len(dataset) == 9
    assert len(dataset.skipped_files) == 2
    assert "truncated" in dataset.skipped_files[1]


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("kspace", None, "kspace must be there, got a file with ismrmrd_header, reconstruction_esc"),
        (
            "kspace",
            np.zeros((3, 48), np.complex64),
            r"kspace must have the shape \(slices, rows, columns\), got \(3, 48\)",
        ),
        ("kspace", np.zeros((3, 48, 40), np.float32), "kspace must be of a complex type, got float32"),
        ("kspace", np.zeros((3, 2, 48, 40), np.complex64), "single coil.*got multi-coil data"),
        ("kspace", np.zeros((2, 48, 40), np.complex64), "as many slices, got 2 and 3"),
        ("kspace", np.zeros((3, 20, 40), np.complex64), "at least the 24 rows of its target, got 20"),
        ("reconstruction_esc", np.zeros((3, 24), np.float32), "reconstruction_esc must have the shape"),
        ("reconstruction_esc", np.zeros((0, 24, 24), np.float32), r"got \(0, 24, 24\)"),
        ("mask", np.array([b"yes"] * 40), "mask must be an array of numbers"),
        ("mask", np.ones(39), r"mask must have one value for each of the 40 columns of kspace, got \(39,\)"),
    ],
)
def test_what_is_wrong_with_a_volume_is_said(tmp_path: Path, key: str, values: object, words: str) -> None:
    path = replace_key(write_fastmri_volume(tmp_path / "a.h5"), key, values)
    with pytest.raises(DataError, match=words):
        read_volume(path)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (None, "must have an ismrmrd_header"),
        (b"<a", "must be XML"),
        (b"<a></a>", "must tell the matrixSize"),
        (
            b"<h><encoding><reconSpace><matrixSize><x>0</x><y>9</y></matrixSize></reconSpace></encoding></h>",
            "must tell the matrixSize",
        ),
    ],
)
def test_a_volume_without_target_needs_its_header(tmp_path: Path, header: bytes | None, words: str) -> None:
    path = replace_key(write_fastmri_volume(tmp_path / "a.h5", target=None), "ismrmrd_header", header)
    with pytest.raises(DataError, match=words):
        read_volume(path)


def test_folders_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must be a folder of fastMRI volumes .* got nothing"):
        volume_files(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"must hold fastMRI volumes \(\*.h5\), got none"):
        volume_files(tmp_path)
    with pytest.raises(DataError, match="must be a fastMRI folder with singlecoil_train, singlecoil_val"):
        parts_of(tmp_path)


def test_parts_are_found_from_the_folder_or_one_of_them(tmp_path: Path) -> None:
    folder = write_fastmri_folder(tmp_path / "knee")
    assert parts_of(folder)["val"] == folder / "singlecoil_val"
    assert parts_of(folder / "singlecoil_val") == parts_of(folder)


def test_a_data_set_goes_to_workers(folder: Path) -> None:
    dataset = FastMRISlices(folder)
    first = read(dataset, 0)
    copy = pickle.loads(pickle.dumps(dataset))
    assert read(copy, 0).input.equal(first.input)
    loader = torch.utils.data.DataLoader(dataset, batch_size=3, num_workers=2, collate_fn=collate)
    inputs = torch.cat([batch.input for batch in loader])
    assert inputs.equal(torch.stack([read(dataset, index).input for index in range(len(dataset))]))


def test_big_endian_files_are_read(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "a.h5")
    expected = read(FastMRISlices(tmp_path), 1)
    with h5py.File(path) as file:
        arrays = {key: file[key][()] for key in ("kspace", "reconstruction_esc")}
    other = write_fastmri_volume(tmp_path / "big" / "a.h5")
    replace_key(other, "kspace", arrays["kspace"].astype(">c8"))
    replace_key(other, "reconstruction_esc", arrays["reconstruction_esc"].astype(">f4"))
    sample = read(FastMRISlices(tmp_path / "big"), 1)
    assert sample.input.equal(expected.input)
    assert sample.target is not None
    assert expected.target is not None
    assert sample.target.equal(expected.target)


def test_a_file_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "a.h5", seed=0)
    before = read(FastMRISlices(tmp_path), 0).input
    write_fastmri_volume(tmp_path / "elsewhere" / "b.h5", seed=1).replace(path)
    assert not read(FastMRISlices(tmp_path), 0).input.equal(before)


def test_bright_targets_and_inputs_are_clamped(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["reconstruction_esc"][0, 5, 5] = 1.0
    sample = read(FastMRISlices(tmp_path), 0)
    assert sample.target is not None
    assert sample.target.max() == 6
    unclamped = read(FastMRISlices(tmp_path, clamp=None), 0)
    assert unclamped.target is not None
    assert unclamped.target.max() > 100


def test_training_masks_differ_between_volumes_and_slices(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_fastmri_volume(tmp_path / f"{name}.h5", slices=2, seed=0)  # the same data twice
    dataset = FastMRISlices(tmp_path, training=True)
    inputs = {read(dataset, index).input.sum().item() for index in (0, 2)}
    assert len(inputs) == 2


def test_prepared_file_is_the_inverse_transform_along_the_rows(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "a.h5", rows=51, target=(25, 23))
    prepare_all(preparation_of(tmp_path), tmp_path / "cache")
    prepared = prepared_file(path, hybrid_recipe(25), tmp_path / "cache")
    with h5py.File(path) as source, h5py.File(prepared) as made:
        kspace, hybrid = source["kspace"][1], made["hybrid"][1]
    whole = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(kspace, 0), axis=0, norm="ortho"), 0)
    np.testing.assert_allclose(hybrid, whole[13:38].T, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize(
    ("attribute", "words"),
    [("abc", "max must be a number, got 'abc'"), (np.ones(2), "max must be a number, got array")],
)
def test_a_maximum_that_is_no_number_is_refused(tmp_path: Path, attribute: object, words: str) -> None:
    path = write_fastmri_volume(tmp_path / "a.h5", attributes={"max": attribute})
    with pytest.raises(DataError, match=words):
        read_volume(path)


def test_long_names_can_be_prepared(tmp_path: Path) -> None:
    write_fastmri_volume(tmp_path / "data" / f"{'x' * 250}.h5")
    assert prepare_all(preparation_of(tmp_path / "data"), tmp_path / "cache") == (1, ())


def test_max_volumes_takes_the_first(folder: Path) -> None:
    assert [v.path.stem for v in FastMRISlices(folder, max_volumes=2).volumes] == ["file1000000", "file1000001"]


def test_a_file_that_is_written_over_is_read_anew(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "a.h5", seed=0)
    before = read(FastMRISlices(tmp_path), 0).input
    path.write_bytes(write_fastmri_volume(tmp_path / "elsewhere" / "b.h5", seed=1).read_bytes())
    assert not read(FastMRISlices(tmp_path), 0).input.equal(before)


@pytest.mark.parametrize("index", [-1, 9, 100])
def test_an_index_outside_is_refused(folder: Path, index: int) -> None:
    with pytest.raises(IndexError, match=r"index must lie in \[0, 9\)"):
        FastMRISlices(folder)[index]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_volumes": 0}, "max_volumes must be a whole number of at least 1"),
        ({"clamp": 0.0}, "clamp must be positive"),
        ({"crop": (5,)}, "crop must be two whole numbers"),
        ({"crop": (1.5, 2)}, "crop must be two whole numbers"),
        ({"crop": (0, 2)}, "crop must be two whole numbers"),
    ],
)
def test_options_that_make_no_sense_are_refused(folder: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        FastMRISlices(folder, **options)


def test_any_seed_draws_masks(folder: Path) -> None:
    samples = [read(FastMRISlices(folder, training=True, seed=seed), 0).input for seed in (2**40, 2**40 + 1)]
    assert not samples[0].equal(samples[1])


def test_inputs_and_targets_are_float32_whatever_the_file_has(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "a.h5")
    with h5py.File(path) as file:
        arrays = {key: file[key][()] for key in ("kspace", "reconstruction_esc")}
    replace_key(path, "kspace", arrays["kspace"].astype(np.complex128))
    replace_key(path, "reconstruction_esc", arrays["reconstruction_esc"].astype(np.float64))
    sample = read(FastMRISlices(tmp_path), 0)
    assert sample.target is not None
    assert sample.input.dtype == sample.target.dtype == torch.float32


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (0, 1), (3, -5), (-13, 17)])
def test_a_moved_object_is_what_numpy_makes_of_it(folder: Path, shift: tuple[int, int]) -> None:
    dataset = FastMRISlices(folder, clamp=None)
    with h5py.File(dataset.volumes[1].path) as file:
        kspace = np.asarray(file["kspace"][2])
    mask = dataset.mask.columns_of_file(kspace.shape[1], dataset.volumes[1].path.name).numpy()
    whole = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(np.where(mask, kspace, 0)), norm="ortho"))
    expected = middle(np.roll(np.abs(whole), shift, (0, 1)), (24, 24))
    sample = dataset.measured_again(4, shift)
    assert isinstance(sample, Sample)
    assert_relatively_close(sample.input[0] * sample.scale + sample.mean, torch.from_numpy(expected))
    assert sample.mean == pytest.approx(expected.mean(), rel=1e-5)
    assert sample.scale == pytest.approx(expected.std(ddof=1), rel=1e-5)


@pytest.mark.parametrize("prepared", [False, True])
def test_an_object_that_does_not_move_gives_the_slice_itself(folder: Path, tmp_path: Path, prepared: bool) -> None:
    cache = tmp_path / "cache" if prepared else None
    if cache:
        prepare_all(preparation_of(folder), cache)
    dataset = FastMRISlices(folder, clamp=1.5, crop=(20, 22), cache=cache)
    again, sample = dataset.measured_again(3, (0, 0)), read(dataset, 3)
    moved, expected = (
        one.measured_again(3, (2, 1)) for one in (dataset, FastMRISlices(folder, clamp=1.5, crop=(20, 22)))
    )
    assert isinstance(moved, Sample)
    assert isinstance(expected, Sample)
    assert moved.input.equal(expected.input)
    assert isinstance(again, Sample)
    torch.testing.assert_close(again.input, sample.input, rtol=0, atol=1e-5 if prepared else 0)
    assert again.input.max() == 1.5
    assert again.target is None
    assert (again.origin, again.data_range) == (sample.origin, sample.data_range)


def test_a_moved_test_volume_keeps_its_own_mask(tmp_path: Path) -> None:
    write_fastmri_volume(tmp_path / "a.h5", target=None, size=(24, 20), mask=np.arange(40) % 3 == 2)
    dataset = FastMRISlices(tmp_path, clamp=None)
    still, moved = dataset.measured_again(0, (0, 0)), dataset.measured_again(0, (2, 0))
    assert isinstance(still, Sample)
    assert isinstance(moved, Sample)
    before, after = (sample.input * sample.scale + sample.mean for sample in (still, moved))
    assert_relatively_close(after[:, 2:], before[:, :-2])


def test_a_moved_slice_that_is_broken_is_refused_or_skipped(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["kspace"][1] = np.nan
    with pytest.raises(DataError, match=r"a.h5: slice 1 of kspace must be finite"):
        FastMRISlices(tmp_path).measured_again(1, (1, 0))
    assert isinstance(FastMRISlices(tmp_path, on_bad_file="skip").measured_again(1, (1, 0)), Skipped)
    with pytest.raises(IndexError):
        FastMRISlices(tmp_path).measured_again(3, (1, 0))
