"""What MRD's XML headers say, and which are refused; nothing of a patient is in an error."""

import re
from collections.abc import Callable

import ismrmrd
import pytest

from recon.clinical.mrd.header import Limits, encoding_of, with_slices
from recon.data.synthetic.header import ismrmrd_header
from recon.errors import DataError
from tests.clinical.mrd.scans import header


def replaced(pattern: str, by: str) -> Callable[[bytes], bytes]:
    def replace(xml: bytes) -> bytes:
        text, count = re.subn(pattern, by, xml.decode(), flags=re.DOTALL)
        assert count
        return text.encode()

    return replace


def test_header_of_ismrmrds_package_is_understood() -> None:
    found = encoding_of(header(size=(64, 40), crop=(32, 30), slices=5, steps=(0, 30, 12), pixel=1.5))
    assert (found.size, found.crop, found.centre) == ((64, 40), (32, 30), 12)
    assert found.spacing == (1.5, 1.5, 3.0)
    assert found.field_of_view == (48, 45, 3)
    assert found.limits["slice"] == Limits(0, 4, 2)


def test_header_of_synthetic_volumes_is_understood() -> None:
    xml = ismrmrd_header(shape=(4, 128, 74), size=64, spacing=2.5, thickness=3, protocol="CORPD_FBK", version="0")
    found = encoding_of(xml.encode())
    assert (found.size, found.crop, found.centre) == ((128, 74), (64, 64), 37)


def test_kspace_narrower_than_its_image_is_cropped_to_a_square() -> None:
    assert encoding_of(header(size=(64, 28), crop=(32, 32))).crop == (28, 28)


def test_zeros_at_the_end_are_left_out() -> None:
    assert encoding_of(header() + b"\0\0").size == (32, 20)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda xml: b"", "must be XML"),
        (lambda xml: xml[:-40], "must be XML"),
        (lambda xml: xml.decode().encode("utf-16"), "must be XML"),
        (lambda xml: xml.decode().encode("utf-16-le"), "must be XML"),
        (lambda xml: b"<a/>", "must be an ismrmrdHeader, got other XML"),
        (lambda xml: b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "must be plain XML"),
        (replaced("<encoding>.*</encoding>", ""), "one encoding, got 0"),
        (replaced("(<encoding>.*</encoding>)", r"\1\1"), "one encoding, got 2"),
        (replaced("cartesian", "spiral"), "must be cartesian, got spiral"),
        (replaced("cartesian", "Nobody"), "must be cartesian, got another word"),
        (replaced("<x>32</x>", "<x>70000</x>"), "matrixSize of its encodedSpace, from 1 to 4096 each, got 70000"),
        (replaced("<x>32</x>", ""), "matrixSize of its encodedSpace, from 1 to 4096 each, got none"),
        (replaced("<x>32</x>", "<x>-1</x>"), "got none"),
        (replaced("<z>1</z>", "<z>8</z>"), "2-D slices .* got 8"),
        (replaced("<x>32</x>", "<x>12</x>"), "at least the rows of its image, got 12 for 16"),
        (replaced("<x>64.0</x>", "<x>80.0</x>"), "pixels must be as large .* got 2 and 2.5 mm along x"),
        (replaced("<maximum>2</maximum>", "<maximum>two</maximum>"), "limits of slice in whole numbers"),
        (replaced("<minimum>0</minimum>", "<minimum>3</minimum>"), "limits of"),
    ],
)
def test_header_that_cannot_be_used_is_refused(change: Callable[[bytes], bytes], reason: str) -> None:
    with pytest.raises(DataError, match=reason) as refusal:
        encoding_of(change(header()))
    assert "Nobody" not in str(refusal.value)
    assert "0815" not in str(refusal.value)


def test_number_of_slices_is_put_right() -> None:
    xml = with_slices(header(slices=9), 4)
    assert encoding_of(xml).limits["slice"][:2] == (0, 3)
    assert ismrmrd.xsd.CreateFromDocument(xml).encoding[0].encodingLimits.slice.maximum == 3


def test_header_with_the_right_number_of_slices_stays_as_it_is() -> None:
    assert with_slices(header(slices=4), 4) == header(slices=4)
    assert with_slices(header(slices=None), 4) == header(slices=None)
