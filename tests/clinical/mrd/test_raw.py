"""Lines of k-space become zero-filled magnitudes: fastMRI's bits, NumPy's places, in bounded memory."""

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import ismrmrd
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.clinical.mrd.feeding import feed_of
from recon.clinical.mrd.header import encoding_of
from recon.clinical.mrd.raw import RawImage, RawImages
from recon.data.fastmri import FastMRISlices, readout_images, zero_filled_magnitude
from recon.data.synthetic.mri import Scan, write_volume
from recon.errors import DataError
from recon.ops.intensity import normalise
from tests.clinical.mrd.scans import acquisitions, collected, header, kspace_of, line_of, reshaped, zero_filled
from tests.data.files import write_fastmri_volume


def stacked(images: Sequence[RawImage]) -> Tensor:
    return torch.stack([image.magnitude for image in images])


def test_images_are_what_numpy_gives() -> None:
    kspace = kspace_of()
    found = collected(header(), acquisitions(kspace))
    want = np.stack([zero_filled(plane, (16, 16)) for plane in kspace])
    np.testing.assert_allclose(stacked(found), want, rtol=1e-5, atol=1e-6)
    assert [image.key for image in found] == [(0, 0, 0, 0, index) for index in range(3)]


def test_missing_lines_are_zero() -> None:
    kspace, columns = kspace_of(), [3, 4, 9, 10, 11, 17]
    kept = np.where(np.isin(np.arange(20), columns), kspace, 0)
    found = collected(header(), acquisitions(kspace, columns=columns))
    want = np.stack([zero_filled(plane, (16, 16)) for plane in kept])
    np.testing.assert_allclose(stacked(found), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("test", [False, True])
def test_volume_taken_apart_gives_the_bits_of_fastmris_reader(tmp_path: Path, test: bool) -> None:
    path = tmp_path / "volume.h5"
    write_volume(path, Scan(48, 3, "PD"), seed=(1,), test=test)
    feed = feed_of(path)
    raw = RawImages(encoding_of(feed.xml))
    for line in feed.lines:
        assert raw.wants(line.head)
        raw.add(line.head, line.samples)
    found = [image for part in raw.rest(8) for image in part]
    slices = FastMRISlices(tmp_path, clamp=None)  # which masks volumes that have no mask of their own
    for index, image in enumerate(found):
        if test:
            assert torch.equal(normalise(image.magnitude).image, slices[index].input[0])  # type: ignore[union-attr]
        else:
            kspace = torch.from_numpy(_kspace(path)[index]).t().contiguous()
            width = len(kspace)
            want = zero_filled_magnitude(readout_images(kspace, 48), torch.arange(width), width, 48)
            assert torch.equal(image.magnitude, want)


@pytest.mark.parametrize(("rows", "columns"), [(48, 40), (49, 41), (48, 41)])
def test_lines_in_any_order_give_the_same_bits(tmp_path: Path, rows: int, columns: int) -> None:
    path = write_fastmri_volume(tmp_path / "v.h5", rows=rows, columns=columns)
    lines = list(feed_of(path).lines)
    encoding = encoding_of(feed_of(path).xml)
    outputs = []
    for order in (lines, [lines[n] for n in np.random.default_rng(0).permutation(len(lines))]):
        raw = RawImages(encoding)
        for line in order:
            head = line.head.copy()
            head["flags"] = 0
            raw.add(head, line.samples)
        outputs.append(stacked([image for part in raw.rest(8) for image in part]))
    assert torch.equal(*outputs)


def test_lines_lie_around_the_centre_that_the_header_tells() -> None:
    kspace = kspace_of((1, 32, 20))
    (want,) = collected(header(slices=1), acquisitions(kspace, columns=range(4, 20)))
    made = acquisitions(kspace, columns=range(4, 20))
    for one in made:  # 16 lines, counted from 0, of which number 6 is the centre (column 10)
        one.idx.kspace_encode_step_1 -= 4
    (found,) = collected(header(steps=(0, 15, 6), slices=1), made)
    assert torch.equal(found.magnitude, want.magnitude)  # to the bit: all lines elsewhere are the same to rounding
    assert found.head["idx"]["kspace_encode_step_1"] == 6  # the most central one tells where the image lies


def test_partial_echo_lies_around_its_centre() -> None:
    kspace = kspace_of((1, 32, 20))
    kspace[:, :10, 1::2] = 0

    def cut(one: ismrmrd.Acquisition) -> None:
        if one.idx.kspace_encode_step_1 % 2:  # were all lines moved, the magnitude would stay
            reshaped(one, one.data[:, 10:].copy(), center_sample=6)

    (found,) = collected(header(slices=1), acquisitions(kspace, change=cut))
    np.testing.assert_allclose(found.magnitude, zero_filled(kspace[0], (16, 16)), rtol=1e-5, atol=1e-6)


def test_discarded_samples_are_left_out() -> None:
    kspace = kspace_of((1, 32, 20))

    def spoil(one: ismrmrd.Acquisition) -> None:
        if one.idx.kspace_encode_step_1 % 2:
            data = one.data.copy()
            data[:, :3], data[:, -2:] = 99, 99
            reshaped(one, data, discard_pre=3, discard_post=2)

    (found,) = collected(header(slices=1), acquisitions(kspace, change=spoil))
    kspace[:, :3, 1::2] = kspace[:, -2:, 1::2] = 0
    np.testing.assert_allclose(found.magnitude, zero_filled(kspace[0], (16, 16)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("centre", [15, 16])
def test_reversed_lines_are_turned(centre: int) -> None:
    kspace = kspace_of((1, 32, 20))

    def turn(one: ismrmrd.Acquisition) -> None:
        if one.idx.kspace_encode_step_1 % 2:
            reshaped(one, one.data[:, ::-1].copy(), center_sample=centre)
            one.setFlag(ismrmrd.ACQ_IS_REVERSE)

    (found,) = collected(header(slices=1), acquisitions(kspace, change=turn))
    (want,) = collected(header(slices=1), acquisitions(kspace))
    assert torch.equal(found.magnitude, want.magnitude)


def test_reversed_partial_echo_is_turned() -> None:
    kspace = kspace_of((1, 32, 20))
    kspace[:, :10, 1::2] = 0

    def turn(one: ismrmrd.Acquisition) -> None:
        if one.idx.kspace_encode_step_1 % 2:
            reshaped(one, one.data[:, :9:-1].copy(), center_sample=15)  # 22 samples; the centre is 7th from the end
            one.setFlag(ismrmrd.ACQ_IS_REVERSE)

    (found,) = collected(header(slices=1), acquisitions(kspace, change=turn))
    (want,) = collected(header(slices=1), acquisitions(kspace))
    assert torch.equal(found.magnitude, want.magnitude)


@pytest.mark.parametrize(
    "flag",
    [
        ismrmrd.ACQ_IS_NOISE_MEASUREMENT,
        ismrmrd.ACQ_IS_PARALLEL_CALIBRATION,
        ismrmrd.ACQ_IS_NAVIGATION_DATA,
        ismrmrd.ACQ_IS_PHASECORR_DATA,
        ismrmrd.ACQ_IS_DUMMYSCAN_DATA,
    ],
)
def test_what_is_not_of_an_image_is_left_out(flag: int) -> None:
    lines = acquisitions(kspace_of())
    other = ismrmrd.Acquisition.from_array(np.full((8, 5), np.nan, np.complex64))  # of 8 coils, and not finite
    other.setFlag(flag)
    other.idx.slice, other.idx.kspace_encode_step_1 = 99, 999
    assert torch.equal(
        stacked(collected(header(), [other, *lines[:7], other, *lines[7:]])), stacked(collected(header(), lines))
    )


def test_calibration_that_is_imaging_too_is_kept() -> None:
    lines = acquisitions(kspace_of())
    want = stacked(collected(header(), lines))
    lines[5].setFlag(ismrmrd.ACQ_IS_PARALLEL_CALIBRATION_AND_IMAGING)
    assert torch.equal(stacked(collected(header(), lines)), want)


def test_repetitions_and_contrasts_are_images_of_their_own() -> None:
    first, second = kspace_of((2, 32, 20), seed=1), kspace_of((2, 32, 20), seed=2)
    lines = acquisitions(second, counters={"repetition": 1}) + acquisitions(first, counters={"contrast": 1})
    found = collected(header(slices=2), lines)
    assert [image.key for image in found] == [(0, 0, 0, 1, 0), (0, 0, 0, 1, 1), (1, 0, 0, 0, 0), (1, 0, 0, 0, 1)]
    want = [zero_filled(plane, (16, 16)) for plane in (*first, *second)]
    np.testing.assert_allclose(stacked(found), np.stack(want), rtol=1e-5, atol=1e-6)


def test_images_are_given_when_they_and_those_before_are_whole() -> None:
    raw = RawImages(encoding_of(header(slices=4)))
    lines = acquisitions(kspace_of((4, 32, 20)))
    given = []
    for index in (2, 1, 0, 3):  # as slices are interleaved
        for line in map(line_of, lines[20 * index : 20 * index + 20]):
            raw.add(line.head, line.samples)
        given.append([[image.key[-1] for image in part] for part in raw.ready(2)])
    assert given == [[], [], [[0, 1]], [[2, 3]]]
    assert list(raw.rest(2)) == []


@pytest.mark.parametrize(("slices", "mark"), [(None, True), (3, False)])
def test_images_whose_end_nobody_tells_are_given_at_the_end(slices: int | None, mark: bool) -> None:
    raw = RawImages(encoding_of(header(slices=slices)))
    for line in map(line_of, acquisitions(kspace_of(), mark=mark)):
        raw.add(line.head, line.samples)
    assert list(raw.ready(1)) == []
    assert [len(part) for part in raw.rest(2)] == [2, 1]


def test_repetitions_that_the_header_does_not_announce_do_not_change_the_order() -> None:
    raw = RawImages(encoding_of(header(slices=2)))
    for line in map(line_of, acquisitions(kspace_of((2, 32, 20)), counters={"repetition": 1})):
        raw.add(line.head, line.samples)
    assert list(raw.ready(1)) == []  # those of repetition 0 may still come


def test_images_between_those_that_the_header_announces_do_not_change_the_order() -> None:
    raw = RawImages(encoding_of(header(slices=1, repetitions=2)))
    for repetition in range(2):
        for line in map(line_of, acquisitions(kspace_of((1, 32, 20)), counters={"repetition": repetition})):
            raw.add(line.head, line.samples)
    assert list(raw.ready(1)) == []  # set 1 of repetition 0, of which the header says nothing, may still come


def test_lines_beyond_the_memory_that_is_granted_are_refused() -> None:
    raw = RawImages(encoding_of(header()), max_bytes=10_000)
    lines = [line_of(one) for one in acquisitions(kspace_of())]
    for line in lines[:7]:
        raw.add(line.head, line.samples)
    with pytest.raises(DataError, match="must fit into"):
        raw.add(lines[7].head, lines[7].samples)


def test_memory_of_images_that_were_given_is_free_again() -> None:
    raw = RawImages(encoding_of(header()), max_bytes=30_000)  # a slice takes 25 600 bytes
    for line in map(line_of, acquisitions(kspace_of())):
        raw.add(line.head, line.samples)
        assert len(list(raw.ready(1))) <= 1


def test_lines_of_images_that_were_given_are_let_go() -> None:
    raw = RawImages(encoding_of(header(slices=40)))
    lines = [line_of(one) for one in acquisitions(kspace_of((40, 32, 20)))]
    tracemalloc.start()
    try:
        for line in lines:
            raw.add(line.head, line.samples)
            list(raw.ready(1))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 40 * 20 * 32 * 8 / 2  # half of what all lines take


def _kspace(path: Path) -> NDArray[np.complex64]:
    import h5py

    with h5py.File(path) as file:
        return file["kspace"][()]
