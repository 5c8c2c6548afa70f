"""Stored values become intensities: slope, intercept, sign, padding and overlays."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydicom.dataset import Dataset

from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import expected, only


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


def test_elements_that_cannot_be_understood_are_passed_over(tmp_path: Path) -> None:
    (file,) = phantoms.write_series(tmp_path, values=phantoms.stored(1))
    data = file.read_bytes()
    smallest = b"\x28\x00\x06\x01US\x02\x00"  # the smallest value, a number of two bytes
    assert data.count(smallest) == 1
    file.write_bytes(data.replace(smallest, smallest.replace(b"US", b"FD")))
    assert torch.equal(only(file).read(), expected(phantoms.stored(1), 1, -1024))
