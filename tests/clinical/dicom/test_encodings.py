"""Every encoding of a DICOM file gives the same values."""

import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
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

from recon.errors import DataError
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import expected, only


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


@pytest.mark.parametrize("implicit", [True, False])
def test_file_without_a_preamble_is_read(implicit: bool, tmp_path: Path) -> None:
    dataset = phantoms.slice_of(phantoms.stored(1)[0], 0)
    del dataset.file_meta
    dataset.save_as(tmp_path / "old.dcm", implicit_vr=implicit, little_endian=True)
    assert b"DICM" not in (tmp_path / "old.dcm").read_bytes()
    assert torch.equal(only(tmp_path / "old.dcm").read(), expected(phantoms.stored(1), 1, -1024))


def test_compressed_files_have_a_bound_on_pixels_and_others_have_their_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = phantoms.write_series(tmp_path, values=phantoms.stored(1))
    pixels = phantoms.SIZE[0] * phantoms.SIZE[1]
    monkeypatch.setattr("recon.clinical.dicom.headers.MOST_PIXELS", pixels - 1)
    assert only(file).read().numel() == pixels
    compressed(RLELossless)(file)
    with pytest.raises(DataError, match=rf"at most {pixels - 1} pixels.*export it in parts"):
        only(file)
    monkeypatch.setattr("recon.clinical.dicom.headers.MOST_PIXELS", pixels)
    assert only(file).read().numel() == pixels
