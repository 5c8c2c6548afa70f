"""Measurements as ISMRMRD's own package writes them: headers, acquisitions, streams, files."""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import ismrmrd
import ismrmrd.serialization
import numpy as np
from ismrmrd import xsd
from numpy.typing import NDArray

from recon.clinical.mrd.header import encoding_of
from recon.clinical.mrd.layout import ACQUISITION
from recon.clinical.mrd.protocol import Line
from recon.clinical.mrd.raw import RawImage, RawImages

Kspace = NDArray[np.complex64]


def header(
    *,
    size: tuple[int, int] = (32, 20),
    crop: tuple[int, int] = (16, 16),
    slices: int | None = 3,
    steps: tuple[int, int, int] | None = None,
    pixel: float = 2.0,
    trajectory: str = "cartesian",
    repetitions: int | None = None,
) -> bytes:
    """Write a header: rows and columns of k-space and image; `steps` are minimum, maximum, centre of the lines."""
    rows, columns = size
    limits = xsd.encodingLimitsType(
        kspace_encoding_step_1=_limit(*(steps or (0, columns - 1, columns // 2))),
        slice=None if slices is None else _limit(0, slices - 1, slices // 2),
        repetition=None if repetitions is None else _limit(0, repetitions - 1, 0),
    )
    spaces = [
        xsd.encodingSpaceType(
            matrixSize=xsd.matrixSizeType(x=x, y=y, z=1),
            fieldOfView_mm=xsd.fieldOfViewMm(x=x * pixel, y=y * pixel, z=3.0),
        )
        for x, y in ((rows, columns), crop)
    ]
    encoding = xsd.encodingType(
        encodedSpace=spaces[0],
        reconSpace=spaces[1],
        encodingLimits=limits,
        trajectory=xsd.trajectoryType(trajectory),
    )
    whole = xsd.ismrmrdHeader(
        subjectInformation=xsd.subjectInformationType(patientName="Nobody^Ever", patientID="ID-0815"),
        experimentalConditions=xsd.experimentalConditionsType(H1resonanceFrequency_Hz=128000000),
        encoding=[encoding],
    )
    return xsd.ToXML(whole).encode()


def kspace_of(shape: Sequence[int] = (3, 32, 20), *, seed: int = 0) -> Kspace:
    """Give random k-space (slices, rows, columns)."""
    parts = np.random.default_rng(seed).standard_normal((2, *shape))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def acquisitions(
    kspace: Kspace,
    *,
    columns: Sequence[int] | None = None,
    mark: bool = True,
    change: Callable[[ismrmrd.Acquisition], None] | None = None,
    counters: Mapping[str, int] | None = None,
) -> list[ismrmrd.Acquisition]:
    """Measure k-space (slices, rows, columns) line by line; `mark` flags each slice's last line."""
    made = []
    kept = list(range(kspace.shape[2])) if columns is None else list(columns)
    for index, plane in enumerate(kspace):
        for column in kept:
            one = ismrmrd.Acquisition.from_array(
                np.ascontiguousarray(plane[None, :, column]), center_sample=len(plane) // 2
            )
            one.idx.kspace_encode_step_1, one.idx.slice = column, index
            one.measurement_uid = 7
            one.position[:] = (1.0, -2.0, 3.0 * index)
            one.read_dir[:], one.phase_dir[:], one.slice_dir[:] = (0, 1, 0), (0, 0, 1), (1, 0, 0)
            for name, value in (counters or {}).items():
                setattr(one.idx, name, value)
            if mark and column == kept[-1]:
                one.setFlag(ismrmrd.ACQ_LAST_IN_SLICE)
            if change is not None:
                change(one)
            made.append(one)
    return made


def line_of(acquisition: ismrmrd.Acquisition) -> Line:
    """Bring an acquisition of ISMRMRD's package to what recon takes."""
    return Line(
        np.frombuffer(acquisition.getHead(), ACQUISITION)[0], np.array(acquisition.data), acquisition.traj.tobytes()
    )


def reshaped(one: ismrmrd.Acquisition, data: NDArray[np.complex64], **fields: int) -> None:
    """Give an acquisition other samples, and fields."""
    one.resize(data.shape[-1], len(data), one.trajectory_dimensions)
    one.data[:] = data
    for name, value in fields.items():
        setattr(one, name, value)


def collected(xml: bytes, lines: Sequence[ismrmrd.Acquisition]) -> list[RawImage]:
    """Give the images that lines make, two at once."""
    raw = RawImages(encoding_of(xml))
    for line in map(line_of, lines):
        if raw.wants(line.head):
            raw.add(line.head, line.samples)
    return [image for part in raw.rest(2) for image in part]


def written(*messages: object, close: bool = True) -> bytes:
    """Write messages as ISMRMRD's own serializer does."""
    stream = io.BytesIO()
    writer = ismrmrd.serialization.ProtocolSerializer(stream)
    for message in messages:
        writer.serialize(message)
    if close:
        writer.close()
    return stream.getvalue()


def session(xml: bytes, lines: Sequence[ismrmrd.Acquisition], *, close: bool = True) -> bytes:
    """Write a whole session of a scanner."""
    configured = written(ismrmrd.serialization.ConfigFile("recon"), close=False)
    return configured + _text(3, xml) + written(*lines, close=close)


def understood(reply: bytes) -> tuple[list[ismrmrd.Image], list[str]]:
    """Read a server's reply as ISMRMRD's own deserializer does: images and texts; it must end with CLOSE."""
    stream = io.BytesIO(reply)
    found = list(ismrmrd.serialization.ProtocolDeserializer(stream).deserialize())
    assert stream.read() == b""
    images = [one for one in found if isinstance(one, ismrmrd.Image)]
    texts = [one for one in found if isinstance(one, str)]
    assert len(images) + len(texts) == len(found)
    return images, texts


def write_file(path: Path, xml: bytes, lines: Sequence[ismrmrd.Acquisition]) -> Path:
    """Write a file of raw data as ISMRMRD's own package does."""
    with ismrmrd.Dataset(str(path), "dataset", mode="w") as file:
        file.write_xml_header(xml)
        for line in lines:
            file.append_acquisition(line)
    return path


def zero_filled(plane: Kspace, crop: tuple[int, int]) -> NDArray[np.float64]:
    """Give the magnitude of k-space's image, cropped, by NumPy alone and in float64."""
    image = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(plane.astype(np.complex128)), norm="ortho"))
    top, left = ((n - part) // 2 for n, part in zip(image.shape, crop, strict=True))
    return np.abs(image[top : top + crop[0], left : left + crop[1]])


def _limit(minimum: int, maximum: int, centre: int) -> xsd.limitType:
    return xsd.limitType(minimum=minimum, maximum=maximum, center=centre)


def _text(number: int, text: bytes) -> bytes:
    return number.to_bytes(2, "little") + len(text).to_bytes(4, "little") + text
