"""How intensities become stored values: steps, bits, padding, and what is told of loss."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian

from recon.clinical.dicom.derived import derived
from recon.clinical.dicom.headers import read_header
from recon.clinical.dicom.planes import planes_of
from recon.clinical.dicom.uids import uid_of
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import WHEEL, identity, only, slices_of, written


@pytest.mark.parametrize(
    ("least", "most", "bits", "signed"),
    [(0, 4095, 12, 0), (0, 4096, 16, 0), (-5, 4000, 16, 1), (0, 65535, 16, 0), (-32768, 32767, 16, 1)],
)
def test_values_are_stored_in_the_sources_steps_with_more_bits_where_needed(
    least: int, most: int, bits: int, signed: int, tmp_path: Path
) -> None:
    phantoms.write_series(tmp_path / "in")
    source = only(tmp_path / "in")
    images = source.read()
    images[1, 0, 2, 3], images[4, 0, 6, 7] = least - 1024.0, most - 1024.0
    files = written(source, tmp_path / "out", images)
    assert np.array_equal(np.stack([slices_of(dataset) for dataset in files]), images[:, 0].numpy())
    assert {(dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation) for dataset in files} == {
        (bits, bits - 1, signed)
    }


@pytest.mark.parametrize("frames", ["one file each", "one file"])
def test_values_beyond_16_bits_are_stored_in_coarser_steps(frames: str, tmp_path: Path) -> None:
    if frames == "one file":
        (tmp_path / "in").mkdir()
        phantoms.enhanced(phantoms.stored(), "MR").save_as(tmp_path / "in" / "all", enforce_file_format=True)
    else:
        phantoms.write_series(tmp_path / "in", "MR")
    images = only(tmp_path / "in").read()
    images[1, 0, 2, 3], images[4, 0, 6, 7] = -7000.0, 150_000.0
    written(only(tmp_path / "in"), tmp_path / "out", images)
    again = only(tmp_path / "out").read()
    assert (again - images).abs().max() < 5  # a range of 157 000 in 32 768 steps and one


def test_padding_stays_padding_and_nothing_else_becomes_it(tmp_path: Path) -> None:
    values = phantoms.stored()
    values[:, :4] = 300 - 277

    def change(dataset: Dataset, number: int) -> None:
        dataset.PixelPaddingValue = 23

    phantoms.write_series(tmp_path / "in", values=values, change=change)
    source = only(tmp_path / "in")
    images = torch.full_like(source.read(), 23.0 - 1024.0)  # which is what padding is stored as
    files = written(source, tmp_path / "out", images)
    for dataset in files:
        assert (dataset.pixel_array[:4] == 23).all()
        assert (dataset.pixel_array[4:] == 24).all()
        assert dataset["PixelPaddingValue"].VR == "US"


def test_paddings_kind_follows_the_pixels(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in", change=lambda dataset, number: setattr(dataset, "PixelPaddingValue", 23))
    source = only(tmp_path / "in")
    images = source.read()
    images[0, 0, 0, 0] = -1100
    dataset = written(source, tmp_path / "out", images)[0]
    assert (dataset["PixelPaddingValue"].VR, dataset.PixelPaddingValue) == ("SS", 23)
    assert slices_of(dataset)[0, 0] == -1100


def test_loss_is_told_of(tmp_path: Path) -> None:
    (lossy,) = written(only(WHEEL / "693_J2KI.dcm"), tmp_path / "lossy")
    assert lossy.LossyImageCompression == "01"
    (lossless,) = written(only(WHEEL / "MR_small_jp2klossless.dcm"), tmp_path / "lossless")
    assert lossless.get("LossyImageCompression", "00") == "00"


def test_loss_that_the_header_forgot_is_told_of(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(WHEEL / "693_J2KI.dcm")
    for name in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if name in dataset:
            del dataset[name]
    dataset.save_as(tmp_path / "in.dcm")
    (after,) = written(only(tmp_path / "in.dcm"), tmp_path / "out")
    assert (after.LossyImageCompression, after.LossyImageCompressionMethod) == ("01", "ISO_15444_1")
    assert float(after.LossyImageCompressionRatio) > 1


@pytest.mark.parametrize(("syntax", "told", "lossy"), [("81", "00", "01"), ("91", "00", "00"), ("80", "00", "00")])
def test_loss_is_believed_as_far_as_the_encoding_allows(syntax: str, told: str, lossy: str, tmp_path: Path) -> None:
    header = read_header(phantoms.write_series(tmp_path, values=phantoms.stored(1))[0])
    header.dataset.LossyImageCompression = told
    header.dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(f"1.2.840.10008.1.2.4.{syntax}")
    result = derived(header, planes_of(header), identity(), uid=uid_of("1"), series=uid_of("2"))
    assert result.LossyImageCompression == lossy
    assert ("LossyImageCompressionRatio" in result) == (lossy == "01")


def test_words_of_two_bytes_are_turned_round(tmp_path: Path) -> None:
    dataset, plain = phantoms.slice_of(phantoms.stored(1)[0], 0), Dataset()
    for element in dataset:
        plain.add(element)
    plain.PixelData = phantoms.stored(1).astype(">u2").tobytes()
    plain.VOILUTSequence = phantoms.sequence(LUTDescriptor=[3, 0, 16])
    plain.VOILUTSequence[0].add_new("LUTData", "OW", np.array([1, 2, 770], ">u2").tobytes())
    plain.file_meta = dataset.file_meta
    plain.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    plain.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    (after,) = written(only(tmp_path / "in.dcm"), tmp_path / "out")
    assert np.frombuffer(after.VOILUTSequence[0].LUTData, "<u2").tolist() == [1, 2, 770]
    assert np.array_equal(after.pixel_array, phantoms.stored(1)[0])


def test_loss_in_the_past_stays(tmp_path: Path) -> None:
    def change(dataset: Dataset, number: int) -> None:
        dataset.LossyImageCompression, dataset.LossyImageCompressionRatio = "01", "12"

    phantoms.write_series(tmp_path / "in", change=change)
    assert {d.LossyImageCompressionRatio for d in written(only(tmp_path / "in"), tmp_path / "out")} == {12}
