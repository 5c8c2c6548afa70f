"""MRD's structures are those of ISMRMRD's own package."""

import ctypes

import ismrmrd
import numpy as np
import pytest
from ismrmrd import hdf5
from ismrmrd.acquisition import AcquisitionHeader
from ismrmrd.image import ImageHeader
from ismrmrd.waveform import WaveformHeader

from recon.clinical.mrd import layout
from recon.errors import DataError


@pytest.mark.parametrize(
    ("own", "theirs", "structure", "size"),
    [
        (layout.ACQUISITION, hdf5.acquisition_header_dtype, AcquisitionHeader, 340),
        (layout.IMAGE, hdf5.image_header_dtype, ImageHeader, 198),
    ],
)
def test_headers_are_those_of_ismrmrd(
    own: np.dtype[np.void], theirs: np.dtype[np.void], structure: type, size: int
) -> None:
    assert own == theirs
    assert own.itemsize == ctypes.sizeof(structure) == size
    for name, *_ in structure._fields_:  # type: ignore[attr-defined]
        assert own.fields is not None
        assert own.fields[name][1] == getattr(structure, name).offset


def test_waveforms_sizes_lie_where_ismrmrd_has_them() -> None:
    assert ctypes.sizeof(WaveformHeader) == layout.WAVEFORM_BYTES
    assert layout.WAVEFORM_SIZES.fields is not None
    assert layout.WAVEFORM_SIZES.fields["samples"][1] == WaveformHeader.number_of_samples.offset
    assert layout.WAVEFORM_SIZES.fields["channels"][1] == WaveformHeader.channels.offset


def test_flags_are_those_of_ismrmrd() -> None:
    assert layout.LAST_IN_SLICE == ismrmrd.ACQ_LAST_IN_SLICE
    assert layout.REVERSE == ismrmrd.ACQ_IS_REVERSE
    assert layout.LAST_IN_MEASUREMENT == ismrmrd.ACQ_LAST_IN_MEASUREMENT
    assert set(layout.NOT_IMAGING) == {
        ismrmrd.ACQ_IS_NOISE_MEASUREMENT,
        ismrmrd.ACQ_IS_PARALLEL_CALIBRATION,
        ismrmrd.ACQ_IS_NAVIGATION_DATA,
        ismrmrd.ACQ_IS_PHASECORR_DATA,
        ismrmrd.ACQ_IS_HPFEEDBACK_DATA,
        ismrmrd.ACQ_IS_DUMMYSCAN_DATA,
        ismrmrd.ACQ_IS_RTFEEDBACK_DATA,
        ismrmrd.ACQ_IS_SURFACECOILCORRECTIONSCAN_DATA,
        ismrmrd.ACQ_IS_PHASE_STABILIZATION_REFERENCE,
        ismrmrd.ACQ_IS_PHASE_STABILIZATION,
    }
    assert set(layout.COMPRESSED) == {getattr(ismrmrd, f"ACQ_COMPRESSION{number}") for number in range(1, 5)}


@pytest.mark.parametrize("flag", [1, 8, 22, 64])
def test_flags_are_read_as_ismrmrd_sets_them(flag: int) -> None:
    head = AcquisitionHeader()
    head.setFlag(flag)
    own = np.frombuffer(head, layout.ACQUISITION)[0]
    assert [number for number in range(1, 65) if layout.has_flag(own, number)] == [flag]


def test_headers_of_files_are_taken_by_name() -> None:
    head = np.zeros(2, layout.ACQUISITION)
    head["idx"]["slice"] = (3, 4)
    head["position"] = 1.5
    names = list(reversed(head.dtype.names or ()))
    other = np.zeros(2, [(name, head.dtype[name].base, head.dtype[name].shape) for name in names])
    for name in names:
        other[name] = head[name]
    assert (layout.as_acquisitions(other) == head).all()


def test_header_without_a_field_is_refused() -> None:
    with pytest.raises(DataError, match="must have the field version"):
        layout.as_acquisitions(np.zeros(1, [("flags", "<u8")]))
