"""Bad DICOM is refused with a word on what is wrong and what to do; no message says whose images they are."""

import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from recon.clinical.formats.dicom import sources
from recon.errors import DataError
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import DISK, WHEEL

Make = Callable[[Path], object]


def series(modality: str = "CT", **elements: object) -> Make:
    """Give what writes a series with some elements of its fourth slice other; None removes one."""

    def change(dataset: Dataset, number: int) -> None:
        if number != 3:
            return
        for name, value in elements.items():
            if value is None:
                del dataset[name]
            else:
                setattr(dataset, name, value)

    return lambda folder: phantoms.write_series(folder, modality, change=change)


def multi_frame(change: Callable[[Dataset], object], modality: str = "CT") -> Make:
    def make(folder: Path) -> None:
        dataset = phantoms.enhanced(phantoms.stored(), modality)
        change(dataset)
        dataset.save_as(folder / "all.dcm", enforce_file_format=True)

    return make


def raw(data: bytes, name: str = "file.dcm") -> Make:
    return lambda folder: (folder / name).write_bytes(data)


def cut(keep: float) -> Make:
    """Give what writes a series whose second file ends early."""

    def make(folder: Path) -> None:
        file = phantoms.write_series(folder)[1]
        data = file.read_bytes()
        file.write_bytes(data[: int(len(data) * keep)])

    return make


def without(number: int) -> Make:
    return lambda folder: phantoms.write_series(folder)[number].unlink()


def twice(folder: Path) -> None:
    data = phantoms.write_series(folder)[2].read_bytes()
    (folder / "copy.dcm").write_bytes(data)


def encrypted_pixels(dataset: Dataset) -> None:
    dataset.EncryptedAttributesSequence = phantoms.sequence(EncryptedContentTransferSyntaxUID="1.2.840.10008.1.2.1")


def scrambled(folder: Path) -> None:
    """Write a file that says it is compressed, and whose pixels are noise."""
    (file,) = phantoms.write_series(folder, values=phantoms.stored(1))
    dataset = phantoms.slice_of(phantoms.stored(1)[0], 0)
    dataset.compress("1.2.840.10008.1.2.5", generate_instance_uid=False)
    noise = np.random.default_rng(0).integers(0, 256, len(dataset.PixelData) - 16, dtype=np.uint8).tobytes()
    dataset.PixelData = dataset.PixelData[:16] + noise
    dataset.save_as(file, enforce_file_format=True)


def enormous(dataset: Dataset, number: int) -> None:
    dataset.Rows = dataset.Columns = 65535


def many_pixels(folder: Path) -> None:
    """Write a compressed file of few bytes whose header states more pixels than any memory holds."""
    dataset = phantoms.slice_of(phantoms.stored(1)[0], 0)
    dataset.compress("1.2.840.10008.1.2.5", generate_instance_uid=False)
    enormous(dataset, 0)
    dataset.save_as(folder / "file.dcm", enforce_file_format=True)


def in_a_drawer(dataset: Dataset) -> None:
    dataset.PerFrameFunctionalGroupsSequence.pop()


def no_place(dataset: Dataset) -> None:
    del dataset.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence


def no_rescale(dataset: Dataset) -> None:
    del dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence


def at_one_place(dataset: Dataset, number: int) -> None:
    dataset.ImagePositionPatient = phantoms.position(number // 2)


ENVELOPE = bytes.fromhex("3082010006092a864886f70d010703a0820100") + bytes(600)
BAD: dict[str, tuple[Make, str]] = {
    "encrypted file": (raw(ENVELOPE), "got an encrypted one; decrypt it"),
    "noise": (raw(np.random.default_rng(1).bytes(4000)), "encrypted"),
    "empty file": (raw(b""), "empty"),
    "text": (raw(b"Tellname " * 99), "whole DICOM file"),
    "cut in the header": (cut(0.3), "must"),
    "cut in the pixels": (cut(0.8), "truncated"),
    "uncompressed, with more pixels than any memory": (
        lambda folder: phantoms.write_series(folder, change=enormous),
        "Little Endian: ValueError",  # by pydicom, before it asks for memory
    ),
    "compressed, with more pixels than any memory": (many_pixels, "1 of 65535 x 65535; export it in parts"),
    "scrambled pixels": (scrambled, "decoded"),
    "truncated file of the wheel": (raw((WHEEL / "MR_truncated.dcm").read_bytes()), "truncated"),
    "list of rows": (series(Rows=[24, 24]), "must have Rows"),
    "list of frames": (multi_frame(lambda d: setattr(d, "NumberOfFrames", ["5", "5"])), "must have Number of Frames"),
    "list of classes": (series(SOPClassUID=["1.2.840.10008.5.1.4.1.1.2", "1.2"]), "SOP Class UID"),
    "no image": (raw((WHEEL / "test-SR.dcm").read_bytes()), "Comprehensive SR Storage"),
    "treatment plan": (raw((WHEEL / "rtplan.dcm").read_bytes()), "RT Plan Storage"),
    "photograph": (series(SOPClassUID=SecondaryCaptureImageStorage), "Secondary Capture"),
    "class of someone's own": (series(SOPClassUID="1.2.3.4.TELL"), "not DICOM's"),
    "colours": (series(PhotometricInterpretation="RGB", SamplesPerPixel=3), "grey values"),
    "inverted": (series(PhotometricInterpretation="MONOCHROME1"), "inverted ones"),
    "frames of a plain image": (series(NumberOfFrames=2), "must hold one frame"),
    "bits": (series(HighBit=15), "High Bit"),
    "burned-in text": (series(BurnedInAnnotation="YES"), "text burned"),
    "look-up table": (
        series(ModalityLUTSequence=phantoms.sequence(ModalityLUTType="HU")),
        "slope and intercept",
    ),
    "no position": (series(ImagePositionPatient=None), "Image Position (Patient)"),
    "no orientation": (series(ImageOrientationPatient=None), "Image Orientation (Patient)"),
    "no spacing": (series(PixelSpacing=None), "Pixel Spacing"),
    "no slope": (series(RescaleSlope=None, RescaleIntercept=None), "Rescale Slope, Rescale Intercept"),
    "no rows": (series(Rows=None), "Rows"),
    "no series": (series(SeriesInstanceUID=None), "Series Instance UID"),
    "empty position": (series(ImagePositionPatient=""), "Image Position (Patient)"),
    "short position": (series(ImagePositionPatient=[1.0, 2.0]), "3 finite numbers"),
    "slope of zero": (series(RescaleSlope="0"), "slope that is not 0"),
    "skew axes": (series(ImageOrientationPatient=[1, 0, 0, 1, 0, 0]), "right angle"),
    "not HU": (series(RescaleType="MGML"), "Hounsfield"),
    "no pixels": (series(PixelData=None), "Pixel Data"),
    "localiser": (series(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), "move localisers out"),
    "localiser of one word": (series(ImageType="LOCALIZER"), "move localisers out"),
    "phase image": (series("MR", ImageType=["ORIGINAL", "PRIMARY", "P", "ND"]), "magnitudes alone"),
    "real part": (series("MR", ImageType=["ORIGINAL", "PRIMARY", "R"]), "magnitudes alone"),
    "another size": (series(Rows=16, PixelData=bytes(16 * 32 * 2)), "Rows"),
    "another patient": (series(PatientID="TELLOTHER"), "PatientID"),
    "another frame of reference": (series(FrameOfReferenceUID=f"{phantoms.ROOT}.99"), "FrameOfReferenceUID"),
    "another study": (series(StudyInstanceUID=f"{phantoms.ROOT}.98"), "StudyInstanceUID"),
    "another orientation": (series(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]), "parallel"),
    "another spacing": (series(PixelSpacing=[1, 1]), "pixel spacing"),
    "slice that is missing": (without(2), "even distances"),
    "slice that is moved": (
        series(ImagePositionPatient=[p + d for p, d in zip(phantoms.position(3), (0.5, 0, 0), strict=True)]),
        "even distances",
    ),
    "file that is there twice": (twice, "once"),
    "several at one place": (
        lambda folder: phantoms.write_series(folder, values=phantoms.stored(6), change=at_one_place),
        "several at one place",
    ),
    "frame without description": (multi_frame(in_a_drawer), "each of its 5 frames"),
    "frame without a place": (multi_frame(no_place), "frame 3"),
    "frames without a slope": (multi_frame(no_rescale), "Rescale Slope"),
    "mixed frames": (multi_frame(lambda d: setattr(d, "ComplexImageComponent", "MIXED"), "MR"), "magnitudes"),
    "complex frames": (multi_frame(lambda d: setattr(d, "ComplexImageComponent", "PHASE"), "MR"), "magnitudes"),
}
REAL = {
    ("98892001", "CT2N"): "localiser",
    ("77654033", "CT2"): "even distances",
    ("98892003", "MR2"): "parallel",
    ("98892003", "MR700"): "parallel",
    ("77654033", "CR1"): "Computed Radiography Image Storage",
}
NAMES = [*phantoms.TELLTALES.values(), "Tell", "TELL", phantoms.ROOT]


def outcome(folder: Path) -> DataError:
    """Read what is in a folder, and give the error."""
    with pytest.raises(DataError) as caught:
        [source.read() for source in sources(folder)]
    return caught.value


@pytest.mark.parametrize("folder", REAL)
def test_real_series_that_is_none_is_refused(folder: tuple[str, str]) -> None:
    assert REAL[folder] in str(outcome(DISK.joinpath(*folder)))


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_and_no_patient_named(
    case: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    make, reason = BAD[case]
    folder = tmp_path / "in"
    folder.mkdir()
    make(folder)
    caplog.clear()
    recwarn.clear()
    capsys.readouterr()
    with caplog.at_level(logging.DEBUG):
        error = outcome(folder)
    assert reason in str(error)
    assert "; " in str(error)  # and what to do
    printed = capsys.readouterr()
    told = [str(error), *traceback.format_exception(error), caplog.text, printed.out, printed.err]
    told += [str(warning.message) for warning in recwarn]
    shown = "\n".join(told).replace(str(folder), "")
    code = [line for line in shown.splitlines() if not line.startswith("    ")]  # the source, which a traceback quotes
    assert [line for line in code for name in NAMES if name in line] == []
