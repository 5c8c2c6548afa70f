"""Lines that are not those of the header, or not all of them, are refused with words."""

from collections.abc import Callable

import ismrmrd
import numpy as np
import pytest

from recon.clinical.mrd.header import encoding_of
from recon.clinical.mrd.raw import RawImages
from recon.errors import DataError
from tests.clinical.mrd.scans import acquisitions, collected, header, kspace_of, line_of, reshaped

Change = Callable[[ismrmrd.Acquisition], None]


def several_coils(one: ismrmrd.Acquisition) -> None:
    reshaped(one, np.repeat(one.data, 4, 0))


def with_trajectory(one: ismrmrd.Acquisition) -> None:
    data = one.data.copy()
    one.resize(32, 1, 2)
    one.data[:] = data


def with_nan(one: ismrmrd.Acquisition) -> None:
    one.data[0, 5] = np.nan


def longer(one: ismrmrd.Acquisition) -> None:
    reshaped(one, np.zeros((1, 40), np.complex64), center_sample=20)


def off_centre(one: ismrmrd.Acquisition) -> None:
    one.center_sample = 3


def discarded(one: ismrmrd.Acquisition) -> None:
    one.discard_pre = 40


def compressed(one: ismrmrd.Acquisition) -> None:
    one.setFlag(ismrmrd.ACQ_COMPRESSION2)


def counting(name: str, value: int) -> Change:
    def count(one: ismrmrd.Acquisition) -> None:
        setattr(one.idx, name, value)

    return count


def of_encoding(one: ismrmrd.Acquisition) -> None:
    one.encoding_space_ref = 1


def of_another_measurement(one: ismrmrd.Acquisition) -> None:
    if one.idx.slice == 1:
        one.measurement_uid = 8


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (several_coils, "of a single coil.* got 4 channels; combine the coils first"),
        (with_trajectory, "Cartesian grid of the header, got a trajectory"),
        (with_nan, "must be finite"),
        (longer, "must lie in the 32 of the header's matrix, got 40 with the centre at 20"),
        (off_centre, "must lie in the 32 of the header's matrix, got 32 with the centre at 3"),
        (discarded, "more samples than are to be discarded, got 32 and 40"),
        (compressed, "must not be compressed"),
        (counting("slice", 3), "slice must lie from 0 to 2, as the header says, got 3"),
        (counting("average", 1), "must be averaged"),
        (counting("kspace_encode_step_2", 1), "must be of 2-D slices"),
        (counting("kspace_encode_step_1", 20), "lines must lie from 0 to 19 .* got line 20"),
        (counting("kspace_encode_step_1", 5), "got line 5 of slice 0 twice"),
        (of_encoding, "encoding 0, got encoding 1"),
        (of_another_measurement, "of one measurement"),
    ],
)
def test_lines_that_do_not_fit_their_header_are_refused(change: Change, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        collected(header(), acquisitions(kspace_of(), change=change, mark=False))


def test_line_after_the_last_of_its_slice_is_refused() -> None:
    lines = acquisitions(kspace_of())
    with pytest.raises(DataError, match="slice 0 must end with its last line"):
        collected(header(), [*lines[1:], lines[0]])


def test_samples_of_another_number_are_refused() -> None:
    (line,) = map(line_of, acquisitions(kspace_of((1, 32, 1)), columns=[0]))
    with pytest.raises(DataError, match="that its header tells, 32, got 31"):
        RawImages(encoding_of(header())).add(line.head, line.samples[:, 1:])


def test_missing_slices_are_refused() -> None:
    with pytest.raises(DataError, match="from 0 to 4, as the header says, got 2 of them without a line, first slice 3"):
        collected(header(slices=5), acquisitions(kspace_of()))


def test_no_lines_are_refused() -> None:
    with pytest.raises(DataError, match="must be lines of k-space, got none"):
        collected(header(), [])
