"""What the XML header of MRD raw data says that a reconstruction needs, and what it may not say."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.etree import ElementTree

from recon.errors import DataError

LARGEST = 4096  # of a matrix: a header of a few bytes must not ask for gigabytes
IMAGES = ("repetition", "set", "phase", "contrast", "slice")  # the counters of which each value is an image
_TRAJECTORIES = ("cartesian", "epi", "radial", "goldenangle", "spiral", "other")
_SAME = 0.05  # share by which a pixel's size may differ between the encoded and the reconstructed space
_WHAT = "MRD header"


class Limits(NamedTuple):
    """The smallest, largest and central value of a counter."""

    minimum: int
    maximum: int
    centre: int


@dataclass(frozen=True, slots=True)
class Encoding:
    """Cartesian 2-D slices of one coil, as a header describes them.

    Args:
        size: samples of a whole readout and phase-encoding lines: rows and columns of the k-space.
        crop: rows and columns of the image, in its middle.
        centre: the counter of the line at the centre of k-space.
        spacing: mm from pixel to pixel along the readout and the phase encoding, and the slice's thickness; 0: unknown.
        limits: of the counters for which they are told.
    """

    size: tuple[int, int]
    crop: tuple[int, int]
    centre: int
    spacing: tuple[float, float, float]
    limits: Mapping[str, Limits] = field(default_factory=dict)

    @property
    def field_of_view(self) -> tuple[float, float, float]:
        """Give mm along the readout, the phase encoding and the slice's direction, of the image."""
        return self.crop[0] * self.spacing[0], self.crop[1] * self.spacing[1], self.spacing[2]


def encoding_of(xml: bytes) -> Encoding:
    """Read a header; what it says of whom is not looked at."""
    root = _root(xml)
    encodings = root.findall("encoding")
    if len(encodings) != 1:
        raise DataError(
            f"the {_WHAT} must have one encoding, got {len(encodings)}; reconstruct measurements of several by "
            f"themselves"
        )
    _require_cartesian(encodings[0])
    encoded, image = _matrix(encodings[0], "encodedSpace"), _matrix(encodings[0], "reconSpace")
    if encoded[2] != 1 or image[2] != 1:
        raise DataError(f"the {_WHAT} must be of 2-D slices (z = 1), got {encoded[2]} partitions; 3-D is not supported")
    size, limits = encoded[:2], _limits(encodings[0])
    # A k-space narrower than its image is cropped to a square, as fastMRI does with its few narrow volumes.
    crop = (size[1], size[1]) if size[1] < image[1] else image[:2]
    if size[0] < crop[0]:
        raise DataError(
            f"the {_WHAT} must encode at least the rows of its image, got {size[0]} for {crop[0]}; raw data that are "
            f"to be interpolated are not supported"
        )
    centre = limits["kspace_encoding_step_1"].centre if "kspace_encoding_step_1" in limits else size[1] // 2
    return Encoding(size, crop, centre, _spacing(encodings[0], encoded, image), limits)


def _root(xml: bytes) -> ElementTree.Element:
    """Parse the header, and take the namespace off its names."""
    root = _parsed(xml)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag != "ismrmrdHeader":
        raise DataError(f"the {_WHAT} must be an ismrmrdHeader, got other XML; send that of the measurement")
    return root


def _parsed(xml: bytes) -> ElementTree.Element:
    try:
        text = xml.rstrip(b"\0").decode()  # in no other encoding, in which definitions would not be seen
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise DataError(f"the {_WHAT} must be plain XML, got one with definitions of its own; leave them out")
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, UnicodeDecodeError) as error:
        raise DataError(f"the {_WHAT} must be XML, got something else ({_reason(error)}); send it whole") from error


def _reason(error: Exception) -> str:
    """Say where XML is broken, without what it says."""
    position = getattr(error, "position", None)
    return f"line {position[0]}, column {position[1]}" if position else type(error).__name__


def _require_cartesian(encoding: ElementTree.Element) -> None:
    word = (encoding.findtext("trajectory") or "cartesian").strip().lower()
    if word != "cartesian":
        said = word if word in _TRAJECTORIES else "another word"
        raise DataError(f"the trajectory must be cartesian, got {said}; grid the data before they are reconstructed")


def _matrix(encoding: ElementTree.Element, space: str) -> tuple[int, int, int]:
    x, y, z = (encoding.findtext(f"{space}/matrixSize/{axis}") for axis in "xyz")
    sizes = [_whole(x), _whole(y), _whole(z if z is not None else "1")]
    if not all(size is not None and 1 <= size <= LARGEST for size in sizes):
        raise DataError(
            f"the {_WHAT} must tell the matrixSize of its {space}, from 1 to {LARGEST} each, got "
            f"{' x '.join('none' if size is None else str(size) for size in sizes)}"
        )
    return sizes[0] or 0, sizes[1] or 0, sizes[2] or 0


def _limits(encoding: ElementTree.Element) -> dict[str, Limits]:
    found = {}
    for element in encoding.findall("encodingLimits/*"):
        if element.tag in ("kspace_encoding_step_1", "kspace_encoding_step_2", "average", *IMAGES):
            values = [_whole(element.findtext(name)) for name in ("minimum", "maximum", "center")]
            if None in values or (values[0] or 0) > (values[1] or 0):
                raise DataError(f"the {_WHAT} must tell the limits of {element.tag} in whole numbers; mend it")
            found[element.tag] = Limits(*(value or 0 for value in values))
    return found


def _spacing(
    encoding: ElementTree.Element, encoded: tuple[int, ...], image: tuple[int, ...]
) -> tuple[float, float, float]:
    """Give the pixels' size in the image, which must be that of the encoded space: nothing is interpolated."""
    fields = [
        [_number(encoding.findtext(f"{space}/fieldOfView_mm/{axis}")) for axis in "xyz"]
        for space in ("encodedSpace", "reconSpace")
    ]
    sizes = [[mm / n for mm, n in zip(*pair, strict=True)] for pair in zip(fields, (encoded, image), strict=True)]
    for axis, of_kspace, of_image in zip("xy", *(size[:2] for size in sizes), strict=True):
        if of_kspace and of_image and abs(of_image - of_kspace) > _SAME * of_kspace:
            raise DataError(
                f"pixels must be as large in the reconSpace as in the encodedSpace, got {of_image:.4g} and "
                f"{of_kspace:.4g} mm along {axis}; raw data that are to be interpolated are not supported"
            )
    x, y, z = sizes[1]
    return x, y, z


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\s*\d{1,6}\s*", text, re.ASCII) else None


def _number(text: str | None) -> float:
    """Give a number of mm, or 0 where there is none that makes sense."""
    return float(text) if text and re.fullmatch(r"\s*\d{1,6}(\.\d{0,20})?\s*", text, re.ASCII) else 0.0


def with_slices(xml: bytes, count: int) -> bytes:
    """Give the header for `count` slices; it stays as it is where it tells no other number."""
    root = _parsed(xml)
    wrong = [
        limit
        for limit in root.iterfind("{*}encoding/{*}encodingLimits/{*}slice")
        if _texts(limit, ("minimum", "maximum")) != ["0", str(count - 1)]
    ]
    if not wrong:
        return xml
    for limit in wrong:
        for name, value in (("minimum", 0), ("maximum", count - 1)):
            for element in limit.iterfind(f"{{*}}{name}"):
                element.text = str(value)
    ElementTree.register_namespace("", "http://www.ismrm.org/ISMRMRD")
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _texts(element: ElementTree.Element, names: Iterable[str]) -> list[str]:
    return [(element.findtext(f"{{*}}{name}") or "").strip() for name in names]
