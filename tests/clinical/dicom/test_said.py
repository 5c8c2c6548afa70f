"""What a result says of itself: what made it, from what, in whose words, and nothing that is no longer true."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from recon.clinical.words import RESEARCH_ONLY
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import WEIGHTS, identity, only, written


def test_each_frame_names_its_source(tmp_path: Path) -> None:
    before = phantoms.enhanced(phantoms.stored(), order=[2, 0, 1, 4, 3])
    before.save_as(tmp_path / "all.dcm", enforce_file_format=True)
    (after,) = written(only(tmp_path / "all.dcm"), tmp_path / "out")
    for number, frame in enumerate(after.PerFrameFunctionalGroupsSequence, 1):
        (item,) = frame.DerivationImageSequence
        (source,) = item.SourceImageSequence
        assert (source.ReferencedSOPInstanceUID, source.ReferencedFrameNumber) == (before.SOPInstanceUID, number)
        assert WEIGHTS in item.DerivationDescription
    evidence = after.SourceImageEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert evidence.SeriesInstanceUID == before.SeriesInstanceUID
    assert after.ImageType[:2] == ["DERIVED", "PRIMARY"]
    assert after.SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence[0].FrameType[:2] == ["DERIVED", "PRIMARY"]


def test_result_is_known_as_that_of_its_images_alone(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "one", series="1")
    phantoms.write_series(tmp_path / "other", series="2")
    phantoms.write_series(tmp_path / "fewer", series="1", values=phantoms.stored()[:4])
    phantoms.enhanced(phantoms.stored()).save_as(tmp_path / "frames.dcm", enforce_file_format=True)
    sources = {name: only(tmp_path / name) for name in ("one", "other", "fewer", "frames.dcm")}
    for name, source in sources.items():
        written(source, tmp_path / "out" / name)
        assert [known for known in sources if sources[known].is_source_of(tmp_path / "out" / name)] == [name]


def test_result_says_what_made_it_from_what(tmp_path: Path) -> None:
    before = [pydicom.dcmread(file) for file in phantoms.write_series(tmp_path / "in")]
    for old, new in zip(before, written(only(tmp_path / "in"), tmp_path / "out"), strict=True):
        assert new.ImageType == ["DERIVED", "SECONDARY", "AXIAL"]
        (source,) = new.SourceImageSequence
        assert source.ReferencedSOPInstanceUID == old.SOPInstanceUID
        assert source.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
        assert source.SpatialLocationsPreserved == "YES"
        for text in (new.DerivationDescription, new.ImageComments, new.ContributingEquipmentSequence[-1]):
            assert WEIGHTS in str(text)
            assert "trained on synthetic data" in str(text)
            assert RESEARCH_ONLY in str(text)
        assert new.SeriesDescription.startswith("RESEARCH ONLY recon aps-tri-3")
        assert (new.Manufacturer, new.DeviceSerialNumber) == ("recon", WEIGHTS)
        assert list(new.SoftwareVersions) == ["recon 0.1.0", WEIGHTS]
        assert "research use only" in new.ManufacturerModelName
        assert new.ContentQualification == "RESEARCH"
        assert new.SeriesNumber == 301


def test_scanner_is_still_named(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in", change=lambda dataset, number: setattr(dataset, "SoftwareVersions", "V7"))
    after = written(only(tmp_path / "in"), tmp_path / "out")[0]
    scanner, software = after.ContributingEquipmentSequence
    assert (scanner.Manufacturer, scanner.SoftwareVersions, scanner.StationName) == (
        "Scanner maker",
        "V7",
        "TELLSTATION",
    )
    assert scanner.PurposeOfReferenceCodeSequence[0].CodeMeaning == "Acquisition Equipment"
    assert software.PurposeOfReferenceCodeSequence[0].CodeMeaning == "Processing Equipment"
    assert "StationName" not in after


def test_long_names_are_cut_to_what_a_field_holds(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in")
    source = only(tmp_path / "in")
    source.write(source.read(), identity(variant="a\\n\u00fc" * 700, version="1" * 99), tmp_path / "out")
    after = pydicom.dcmread(tmp_path / "out" / "00001.dcm")
    for name, length in (("SeriesDescription", 64), ("ManufacturerModelName", 64), ("DerivationDescription", 1024)):
        assert 0 < len(after[name].value) <= length
        assert "\\" not in after[name].value
    assert RESEARCH_ONLY in after.DerivationDescription


def test_text_in_any_character_set_is_kept(tmp_path: Path) -> None:
    def change(dataset: Dataset, number: int) -> None:
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.PatientName, dataset.SeriesDescription = "\u5c71\u7530^\u592a\u90ce", "Kn\u00e4ckebr\u00f6d" * 9

    phantoms.write_series(tmp_path / "in", change=change)
    after = written(only(tmp_path / "in"), tmp_path / "out")[0]
    assert after.PatientName == "\u5c71\u7530^\u592a\u90ce"
    assert after.SeriesDescription.startswith("RESEARCH ONLY recon aps-tri-3; source: Kn\u00e4ckebr\u00f6d")
    assert len(after.SeriesDescription) == 64


def test_text_that_its_character_set_does_not_have_stops_nothing(tmp_path: Path) -> None:
    (file,) = phantoms.write_series(tmp_path / "in", values=phantoms.stored(1))
    data = (
        file.read_bytes()
        .replace(b"Tellname^Telltale", b"Tell\xffame^\xe4elltale")
        .replace(b"ISO_IR 100", b"ISO_IR 192")
    )
    file.write_bytes(data)
    (after,) = written(only(file), tmp_path / "out")
    assert np.array_equal(after.pixel_array, phantoms.stored(1)[0])


def test_what_described_the_old_pixels_is_gone(tmp_path: Path) -> None:
    def change(dataset: Dataset, number: int) -> None:
        dataset.add_new((0x6000, 0x0010), "US", 24)
        dataset.add_new((0x6000, 0x3000), "OW", bytes(96))
        dataset.IconImageSequence = phantoms.sequence(Rows=1)
        dataset.DigitalSignaturesSequence = phantoms.sequence(MACIDNumber=1)
        dataset.EncryptedAttributesSequence = phantoms.sequence(EncryptedContent=b"\0\0")
        dataset.ReferencedImageSequence = phantoms.sequence(ReferencedSOPInstanceUID="1.2.3")
        dataset.ReferencedImageSequence[0].private_block(0x0019, "TELL PRIVATE", create=True).add_new(1, "LO", "x")

    phantoms.write_series(tmp_path / "in", change=change)
    for dataset in written(only(tmp_path / "in"), tmp_path / "out"):
        assert not [element for element in dataset.iterall() if element.tag.is_private]
        assert not [element for element in dataset if 0x6000 <= element.tag.group < 0x6020]
        gone = ("SmallestImagePixelValue", "LargestImagePixelValue", "IconImageSequence", "DigitalSignaturesSequence")
        assert [name for name in (*gone, "EncryptedAttributesSequence") if name in dataset] == []
        assert dataset.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2.3"


def test_times_are_in_the_zone_that_the_source_names(tmp_path: Path) -> None:
    for name, zone in (("east", "+1300"), ("west", "-1100")):

        def change(dataset: Dataset, number: int, zone: str = zone) -> None:
            dataset.TimezoneOffsetFromUTC = zone

        phantoms.write_series(tmp_path / name, change=change)
    east, west = (written(only(tmp_path / name), tmp_path / f"{name}-out")[0] for name in ("east", "west"))
    moments = [np.datetime64(f"{d.ContentDate[:4]}-{d.ContentDate[4:6]}-{d.ContentDate[6:]}") for d in (east, west)]
    assert moments[0] - moments[1] == np.timedelta64(1, "D")
