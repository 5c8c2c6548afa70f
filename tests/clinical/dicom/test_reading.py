"""DICOM series become volumes: the right values, in the right order, whatever their encoding."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
import torch
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from recon.clinical.formats.dicom import sources
from recon.errors import ConfigError
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import DISK, only

ORDERS = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]]


def expected(values: npt.NDArray[np.int64], slope: float, intercept: float) -> torch.Tensor:
    return torch.from_numpy(values * slope + intercept).float()[:, None]


def with_gdcm(file: Path) -> None:
    """Compress a file with JPEG lossless, which pydicom only decodes."""
    gdcm = importlib.import_module("gdcm")
    reader, writer, change = gdcm.ImageReader(), gdcm.ImageWriter(), gdcm.ImageChangeTransferSyntax()
    reader.SetFileName(str(file))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(file))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


def compressed(syntax: str) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        dataset = pydicom.dcmread(file)
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(file)

    return change


def re_encoded(syntax: str) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        dataset, plain = pydicom.dcmread(file), Dataset()
        for element in dataset:
            plain.add(element)
        if syntax == ExplicitVRBigEndian:
            plain.PixelData = np.frombuffer(plain.PixelData, "<u2").astype(">u2").tobytes()
        plain.file_meta = dataset.file_meta
        plain.file_meta.TransferSyntaxUID = UID(syntax)
        plain.save_as(file, enforce_file_format=True)

    return change


ENCODINGS = {
    "RLE": (RLELossless, compressed(RLELossless)),
    "JPEG 2000": (JPEG2000Lossless, compressed(JPEG2000Lossless)),
    "JPEG-LS": (JPEGLSLossless, compressed(JPEGLSLossless)),
    "JPEG lossless": ("1.2.840.10008.1.2.4.70", with_gdcm),
    "implicit": (ImplicitVRLittleEndian, re_encoded(ImplicitVRLittleEndian)),
    "big-endian": (ExplicitVRBigEndian, re_encoded(ExplicitVRBigEndian)),
    "deflated": (DeflatedExplicitVRLittleEndian, re_encoded(DeflatedExplicitVRLittleEndian)),
}


@pytest.mark.parametrize("order", ORDERS)
def test_slices_are_sorted_along_their_normal_not_by_name(order: list[int], tmp_path: Path) -> None:
    phantoms.write_series(tmp_path, order=order)
    assert torch.equal(only(tmp_path).read(), expected(phantoms.stored(), 1, -1024))


ORIENTATIONS = {  # the axes of rows and columns, and what is at a right angle to both
    "axial": ([1, 0, 0, 0, 1, 0], (0, 0, 1)),
    "axial, from above": ([1, 0, 0, 0, -1, 0], (0, 0, -1)),
    "coronal": ([1, 0, 0, 0, 0, -1], (0, 1, 0)),
    "sagittal": ([0, 1, 0, 0, 0, -1], (-1, 0, 0)),
}


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_slices_of_any_orientation_are_sorted(name: str, tmp_path: Path) -> None:
    axes, normal = ORIENTATIONS[name]

    def change(dataset: Dataset, number: int) -> None:
        dataset.ImageOrientationPatient = axes
        dataset.ImagePositionPatient = [5 + 2 * number * along for along in normal]

    phantoms.write_series(tmp_path, change=change, order=[3, 1, 4, 0, 2])
    assert torch.equal(only(tmp_path).read(), expected(phantoms.stored(), 1, -1024))


def test_instance_numbers_do_not_matter(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path, change=lambda dataset, number: setattr(dataset, "InstanceNumber", 9 - number))
    assert torch.equal(only(tmp_path).read(), expected(phantoms.stored(), 1, -1024))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("modality", "slope", "intercept"), [("CT", 1, -1024), ("MR", 0.5, 2)])
def test_frames_of_one_file_are_sorted(
    modality: str, slope: float, intercept: float, order: list[int], tmp_path: Path
) -> None:
    values = phantoms.stored()
    phantoms.enhanced(values, modality, order=order).save_as(tmp_path / "file", enforce_file_format=True)
    source = only(tmp_path / "file")
    assert torch.equal(source.read(), expected(values, slope, intercept))
    assert (source.modality, source.slices) == ("ct" if modality == "CT" else "mri", 5)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("frames", ["one file each", "one file"])
def test_every_encoding_gives_the_same_values(encoding: str, frames: str, tmp_path: Path) -> None:
    values = phantoms.stored(5, (40, 48))  # JPEG 2000 needs 32 pixels
    if frames == "one file":
        files = [tmp_path / "all.dcm"]
        phantoms.enhanced(values).save_as(files[0], enforce_file_format=True)
    else:
        files = phantoms.write_series(tmp_path, values=values, order=[1, 0, 3, 4, 2])
    syntax, change = ENCODINGS[encoding]
    for file in files:
        change(file)
        assert pydicom.dcmread(file).file_meta.TransferSyntaxUID == syntax
    assert torch.equal(only(tmp_path).read(), expected(values, 1, -1024))


@pytest.mark.parametrize(("slope", "intercept"), [("2", "-100"), ("0.25", "12.5"), ("-1", "500")])
def test_intensities_are_slope_times_stored_value_plus_intercept(slope: str, intercept: str, tmp_path: Path) -> None:
    def change(dataset: Dataset, number: int) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept

    phantoms.write_series(tmp_path, change=change)
    assert torch.equal(only(tmp_path).read(), expected(phantoms.stored(), float(slope), float(intercept)))


def test_each_slice_has_its_own_slope(tmp_path: Path) -> None:
    def change(dataset: Dataset, number: int) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = str(number + 1), "0"

    phantoms.write_series(tmp_path, "MR", change=change)
    slopes = np.arange(1, 6)[:, None, None]
    assert torch.equal(only(tmp_path).read(), expected(phantoms.stored() * slopes, 1, 0))


def test_magnitudes_without_a_slope_are_the_stored_values(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path, "MR")
    assert torch.equal(only(tmp_path).read(), expected(phantoms.stored(), 1, 0))


def test_negative_stored_values_are_read(tmp_path: Path) -> None:
    values = phantoms.stored() - 2000

    def change(dataset: Dataset, number: int) -> None:
        dataset.PixelRepresentation = 1
        dataset.BitsStored, dataset.HighBit = 16, 15
        dataset.PixelData = values[number].astype("<i2").tobytes()
        del dataset.SmallestImagePixelValue, dataset.LargestImagePixelValue

    phantoms.write_series(tmp_path, change=change)
    assert torch.equal(only(tmp_path).read(), expected(values, 1, -1024))


@pytest.mark.parametrize(("modality", "outside"), [("CT", -1000.0), ("MR", 0.0)])
def test_padding_is_read_as_air_or_no_signal(modality: str, outside: float, tmp_path: Path) -> None:
    values = phantoms.stored()
    values[:, :, -3:] = 60
    values[:, :, -5:-3] = 63

    def change(dataset: Dataset, number: int) -> None:
        dataset.PixelPaddingValue, dataset.PixelPaddingRangeLimit = 60, 63

    phantoms.write_series(tmp_path, modality, values=values, change=change)
    images = only(tmp_path).read()
    assert (images[..., -5:] == outside).all()
    assert torch.equal(images[..., :-5], expected(values[..., :-5], 1, -1024 if modality == "CT" else 0))


def test_padding_that_was_written_unsigned_is_understood(tmp_path: Path) -> None:
    values = phantoms.stored()
    values[:, 0] = -2000

    def change(dataset: Dataset, number: int) -> None:
        dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit = 1, 16, 15
        dataset.PixelData = values[number].astype("<i2").tobytes()
        del dataset.SmallestImagePixelValue, dataset.LargestImagePixelValue
        dataset.add_new("PixelPaddingValue", "US", 63536)

    shown = phantoms.stored()
    phantoms.write_series(tmp_path, values=shown, change=change)
    assert (only(tmp_path).read()[:, :, 0] == -1000).all()


def test_overlays_in_the_upper_bits_are_no_signal(tmp_path: Path) -> None:
    values = phantoms.stored()

    def change(dataset: Dataset, number: int) -> None:
        marked = values[number].copy()
        marked[2:5, 3:9] |= 1 << 12
        dataset.PixelData = marked.astype("<u2").tobytes()
        dataset.add_new((0x6000, 0x0100), "US", 16)
        dataset.add_new((0x6000, 0x0102), "US", 12)

    phantoms.write_series(tmp_path, change=change)
    assert torch.equal(only(tmp_path).read(), expected(values, 1, -1024))


def test_several_series_of_a_folder_are_several_volumes(tmp_path: Path) -> None:
    first, second = phantoms.stored(), phantoms.stored(3, seed=1)
    phantoms.write_series(tmp_path, values=first)
    phantoms.write_series(tmp_path / "other", values=second, series="2")
    for file in (tmp_path / "other").iterdir():
        file.rename(tmp_path / f"other-{file.name}")
    (tmp_path / "other").rmdir()
    found = sources(tmp_path)
    assert [source.slices for source in found] == [5, 3]
    assert len({source.name for source in found}) == 2
    assert torch.equal(found[1].read(), expected(second, 1, -1024))


@pytest.mark.parametrize("name", ["EchoNumbers", "TemporalPositionIdentifier", "AcquisitionNumber"])
def test_images_at_one_place_are_parted_by_what_tells_them_apart(name: str, tmp_path: Path) -> None:
    for part in (1, 2):

        def change(dataset: Dataset, number: int, part: int = part) -> None:
            setattr(dataset, name, part)
            dataset.SOPInstanceUID += f".{part}"

        phantoms.write_series(tmp_path / str(part), "MR", values=phantoms.stored(seed=part), change=change)
        for file in (tmp_path / str(part)).iterdir():
            file.rename(tmp_path / f"{part}-{file.name}")
        (tmp_path / str(part)).rmdir()
    volumes = sources(tmp_path)
    assert [source.slices for source in volumes] == [5, 5]
    for part, source in enumerate(volumes, 1):
        assert torch.equal(source.read(), expected(phantoms.stored(seed=part), 1, 0))


def test_elements_that_cannot_be_understood_are_passed_over(tmp_path: Path) -> None:
    (file,) = phantoms.write_series(tmp_path, values=phantoms.stored(1))
    data = file.read_bytes()
    smallest = b"\x28\x00\x06\x01US\x02\x00"  # the smallest value, a number of two bytes
    assert data.count(smallest) == 1
    file.write_bytes(data.replace(smallest, smallest.replace(b"US", b"FD")))
    assert torch.equal(only(file).read(), expected(phantoms.stored(1), 1, -1024))


def test_real_series_of_the_wheel_is_read() -> None:
    source = only(DISK / "98892001" / "CT5N")
    files = [pydicom.dcmread(file) for file in (DISK / "98892001" / "CT5N").iterdir()]
    files.sort(key=lambda dataset: dataset.ImagePositionPatient[2])
    values = np.stack([dataset.pixel_array for dataset in files]).astype(np.int64)
    assert source.slices == len(files) == 5
    assert torch.equal(source.read(), expected(values, 1, float(files[0].RescaleIntercept)))


def test_one_slice_is_a_volume(tmp_path: Path) -> None:
    (file,) = phantoms.write_series(tmp_path, values=phantoms.stored(1))
    assert only(file).read().shape == (1, 1, *phantoms.SIZE)
    assert only(file).name == "000.dcm"


def test_files_need_no_suffix_and_others_are_left_alone(tmp_path: Path) -> None:
    for file in phantoms.write_series(tmp_path):
        file.rename(file.with_suffix(""))
    (tmp_path / "notes.txt").write_text("a note")
    (tmp_path / ".hidden.dcm").write_bytes(b"x")
    assert only(tmp_path).slices == 5


def test_what_is_no_dicom_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "volume.npy").write_bytes(b"\x93NUMPY")
    assert sources(tmp_path) == []
    assert sources(tmp_path / "volume.npy") == []
    assert sources(tmp_path / "none") == []


def test_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phantoms.write_series(tmp_path)
    monkeypatch.setitem(sys.modules, "recon.clinical.dicom.source", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[clinical\]'"):
        sources(tmp_path)


def test_directory_of_a_disk_is_passed_over(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path)
    (tmp_path / "DICOMDIR").write_bytes((DISK / "DICOMDIR").read_bytes())
    assert only(tmp_path).slices == 5


@pytest.mark.parametrize("implicit", [True, False])
def test_file_without_a_preamble_is_read(implicit: bool, tmp_path: Path) -> None:
    dataset = phantoms.slice_of(phantoms.stored(1)[0], 0)
    del dataset.file_meta
    dataset.save_as(tmp_path / "old.dcm", implicit_vr=implicit, little_endian=True)
    assert b"DICM" not in (tmp_path / "old.dcm").read_bytes()
    assert torch.equal(only(tmp_path / "old.dcm").read(), expected(phantoms.stored(1), 1, -1024))
