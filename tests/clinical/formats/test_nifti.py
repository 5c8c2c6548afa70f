"""NIfTI files in and out, against nibabel; orientations against what DICOM's standard says of rows and columns."""

import gzip
import itertools
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from recon.clinical.formats import find_sources
from recon.clinical.formats.files import Reading
from recon.clinical.formats.nifti import NiftiSource, sources
from recon.errors import ConfigError, DataError
from tests.clinical.dicom.phantoms import COLUMN, NORMAL, ORIGIN, ROW, SPACING, STEP, stored, write_series
from tests.clinical.formats.models import WEIGHTS, known_model

OBLIQUE = np.array([[-1.5, 0.2, 0, 10], [0.2, 2, 0.1, -20], [0, 0.1, 3, 5], [0, 0, 0, 1.0]])
MADE = ("datatype", "bitpix", "descrip", "vox_offset", "scl_slope", "scl_inter")  # of a header, by what is written


def phantom(*shape: int) -> NDArray[np.float32]:
    """Give an array without any symmetry."""
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


def save(path: Path, array: NDArray[np.generic], affine: NDArray[np.float64] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    return path


def loaded(path: Path) -> Any:  # noqa: ANN401  # nibabel's types say too little
    return nibabel.load(path)


def only(path: Path, *, slice_axis: int | None = None) -> NiftiSource:
    (source,) = sources(path)
    return source.adapted(known_model().identity, Reading(slice_axis=slice_axis))


def written(source: NiftiSource, target: Path) -> Any:  # noqa: ANN401
    model = known_model()
    source.write(model(source.read()), model.identity, target)
    return loaded(target)


def test_axial_slices_are_as_dicom_has_them(tmp_path: Path) -> None:
    pixels = phantom(3, 4, 5)  # slices from the feet up, rows to the back, columns to the left: DICOM's 1\0\0\0\1\0
    as_stored = save(tmp_path / "stored.nii", pixels.transpose(2, 1, 0), np.diag([-2.0, -3, 4, 1]))
    turned = save(tmp_path / "turned.nii", pixels[:, ::-1].transpose(2, 1, 0), np.diag([-2.0, 3, 4, 1]))  # common
    canonical = save(tmp_path / "ras.nii", pixels[:, ::-1, ::-1].transpose(2, 1, 0), np.diag([2.0, 3, 4, 1]))
    for path in (as_stored, turned, canonical):
        assert np.array_equal(only(path).read()[:, 0], pixels)


def test_slices_are_those_of_the_same_series_in_dicom(tmp_path: Path) -> None:
    pixels = stored(4)
    (series,) = find_sources(write_series(tmp_path / "series", "MR", values=pixels)[0].parent).sources
    axes = np.array([ROW, COLUMN, NORMAL]) * np.array([SPACING[1], SPACING[0], STEP])[:, None]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes.T, ORIGIN
    path = save(tmp_path / "x.nii", pixels.transpose(2, 1, 0).astype(np.int16), np.diag([-1.0, -1, 1, 1]) @ affine)
    assert torch.equal(only(path).read(), series.read())


def test_coronal_and_sagittal_slices_have_the_head_on_top(tmp_path: Path) -> None:
    volume = phantom(4, 5, 6)  # to the right, to the front, to the head
    path = save(tmp_path / "ras.nii", volume)
    coronal, sagittal = only(path, slice_axis=1).read(), only(path, slice_axis=0).read()
    assert coronal.shape == (5, 1, 6, 4)
    assert coronal[2, 0, 0, 0] == volume[3, 2, 5]  # the patient's right, at the top
    assert sagittal.shape == (4, 1, 6, 5)
    assert sagittal[1, 0, 0, 0] == volume[1, 4, 5]  # the front, at the top
    assert sagittal[1, 0, 5, 4] == volume[1, 0, 0]


def test_slices_do_not_depend_on_how_the_array_is_stored(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(phantom(4, 5, 6), OBLIQUE)
    nibabel.save(image, tmp_path / "first.nii")
    wanted = only(tmp_path / "first.nii", slice_axis=2).read()
    for number, (order, signs) in enumerate(
        itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3))
    ):
        path = tmp_path / f"{number}.nii"
        nibabel.save(image.as_reoriented(np.stack([order, signs], axis=1)), path)
        found = only(path, slice_axis=order[2]).read()
        assert torch.equal(found if signs[2] > 0 else found.flip(0), wanted)


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
@pytest.mark.parametrize("shape", [(8, 12), (8, 12, 1), (8, 12, 3), (8, 12, 3, 2), (8, 12, 1, 2)])
@pytest.mark.parametrize("kind", [np.int16, np.uint8, np.float32, np.float64])
def test_network_that_does_nothing_gives_the_same_grid_and_values(
    tmp_path: Path, name: str, shape: tuple[int, ...], kind: type[np.generic]
) -> None:
    array = (phantom(*shape) * 50 + 100).astype(kind)
    image = written(only(save(tmp_path / "in" / name, array, OBLIQUE)), tmp_path / "out" / name)
    assert image.get_data_dtype() == np.float32
    assert image.shape == shape
    assert np.array_equal(image.affine, loaded(tmp_path / "in" / name).affine)
    assert np.allclose(image.get_fdata(), array, atol=1e-3)


def test_header_is_kept(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.arange(120, dtype=np.int16).reshape(4, 5, 6), None)
    image.header.set_qform(OBLIQUE, code=1, strip_shears=True)
    image.header.set_sform(OBLIQUE + np.eye(4) * 0.1, code=2)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_dim_info(0, 1, 2)
    image.header["cal_max"], image.header["toffset"], image.header["intent_name"] = 300, 2, b"anatomy"
    image.header["descrip"] = b"as the scanner had it"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"first"))
    image = nibabel.Nifti1Image(image.dataobj, None, image.header)
    nibabel.save(image, tmp_path / "in.nii")
    before = loaded(tmp_path / "in.nii").header
    after = written(only(tmp_path / "in.nii"), tmp_path / "out.nii").header
    for key in before:
        if key not in MADE:
            assert np.array_equal(before[key], after[key]), key
    assert after.extensions[0].get_content() == b"first"
    assert b"as the scanner had it" in after.extensions[1].get_content()


def test_model_and_use_are_told(tmp_path: Path) -> None:
    source = only(save(tmp_path / "in.nii.gz", phantom(4, 4, 2)))
    header = written(source, tmp_path / "out.nii.gz").header
    assert bytes(header["descrip"]).decode().startswith("recon ")
    assert "aps 0123456789ab; research use only" in bytes(header["descrip"]).decode()
    assert b"For research use only" in header.extensions[0].get_content()
    assert source.made_with(tmp_path / "out.nii.gz").weights == WEIGHTS
    assert source.made_with(source.path).weights == ""


def test_rescaled_values_are_hu(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.array([[[0], [100]], [[1000], [4095]]], np.int16), np.eye(4))
    image.header.set_slope_inter(0.5, -1024)
    nibabel.save(image, tmp_path / "in.nii")
    found = only(tmp_path / "in.nii").read()
    assert sorted(found.flatten().tolist()) == [-1024.0, -974.0, -524.0, 1023.5]
    out = written(only(tmp_path / "in.nii"), tmp_path / "out.nii")
    assert np.allclose(out.get_fdata(), loaded(tmp_path / "in.nii").get_fdata(), atol=1e-3)


def test_header_tells_the_axis_of_slices(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(phantom(3, 8, 12), np.eye(4))
    image.header.set_dim_info(1, 2, 0)
    nibabel.save(image, tmp_path / "x.nii")
    assert only(tmp_path / "x.nii").slices == 3
    assert only(tmp_path / "x.nii", slice_axis=2).slices == 12


def test_volumes_over_time_follow_each_other(tmp_path: Path) -> None:
    array = phantom(8, 12, 3, 2)
    together = only(save(tmp_path / "x.nii", array)).read()
    apart = [only(save(tmp_path / f"{time}.nii", array[..., time])).read() for time in range(2)]
    assert torch.equal(together, torch.cat(apart))


def test_big_endian_and_nifti_2_files_stay_what_they_are(tmp_path: Path) -> None:
    array = phantom(4, 4, 2)
    header = nibabel.Nifti1Header(endianness=">")
    nibabel.save(nibabel.Nifti1Image(array.astype(">f4"), np.eye(4), header), tmp_path / "big.nii")
    nibabel.save(nibabel.Nifti2Image(array, np.eye(4)), tmp_path / "two.nii")
    for name in ("big.nii", "two.nii"):
        image = written(only(tmp_path / name), tmp_path / "out" / name)
        assert np.allclose(image.get_fdata(), array, atol=1e-5)
        assert type(image) is type(loaded(tmp_path / name))
        assert image.header.endianness == loaded(tmp_path / name).header.endianness


def test_packed_result_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    source = only(save(tmp_path / "in.nii.gz", phantom(4, 4, 2)))
    for name in ("a", "b"):
        written(source, tmp_path / name / "x.nii.gz")
    first, second = ((tmp_path / name / "x.nii.gz").read_bytes() for name in ("a", "b"))
    assert first == second
    assert first[4:8] == bytes(4)  # no time, RFC 1952


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((4, 4, 2), np.complex64), "real numbers, got the type complex64"),
        (np.zeros((4, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")]), "real numbers"),
        (np.zeros((4, 4, 1, 1, 3), np.float32), "two axes, three, or four"),
        (np.zeros(4, np.float32), "two axes"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, array: NDArray[np.generic], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        sources(save(tmp_path / "x.nii", array))


@pytest.mark.parametrize("scale", [0, np.nan, np.inf])
def test_affine_without_directions_is_refused(tmp_path: Path, scale: float) -> None:
    image = nibabel.Nifti1Image(phantom(4, 4, 2), None)
    image.header.set_sform(np.diag([1.0, scale, 1, 1]), code=1)
    nibabel.save(nibabel.Nifti1Image(image.dataobj, None, image.header), tmp_path / "x.nii")
    with pytest.raises(DataError, match="three directions"):
        sources(tmp_path / "x.nii")


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.6])
def test_cut_file_is_told(tmp_path: Path, name: str, share: float) -> None:
    path = save(tmp_path / name, phantom(16, 16, 8))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=f"{name} must be a whole NIfTI file"):
        only(path).read()


@pytest.mark.parametrize(("name", "packed"), [("x.nii", True), ("x.nii.gz", False)])
def test_wrong_ending_is_told(tmp_path: Path, name: str, packed: bool) -> None:
    content = save(tmp_path / "right.nii", phantom(4, 4, 2)).read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(DataError, match="cannot be read"):
        sources(tmp_path / name)


def test_slice_that_is_not_finite_is_named(tmp_path: Path) -> None:
    array = phantom(4, 4, 3)
    array[1, 1, 2] = np.nan
    with pytest.raises(DataError, match=r"x\.nii: slice 2 must be finite"):
        only(save(tmp_path / "x.nii", array)).read()


def test_number_that_float32_has_no_room_for_is_not_finite(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="slice 0 must be finite"):
        only(save(tmp_path / "x.nii", np.full((4, 4, 2), 1e39))).read()


def test_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "x.nii")

    path = save(tmp_path / "x.nii", phantom(4, 4, 2))
    monkeypatch.setattr(nibabel, "load", refuse)
    with pytest.raises(DataError, match=r"x\.nii cannot be read \(Permission denied\); see its owner and mode"):
        sources(path)


def test_unknown_axis_is_refused() -> None:
    with pytest.raises(ConfigError, match="slice_axis must be 0, 1 or 2, got 3"):
        Reading(slice_axis=3)


def test_other_files_are_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("-")
    (tmp_path / "notes.gz").write_text("-")
    assert sources(tmp_path) == []


def test_missing_library_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "x.nii", phantom(4, 4, 2))
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)
    with pytest.raises(ConfigError, match=r"'\.\[clinical\]'"):
        sources(path)
