"""The geometry of a parallel-beam scan, and that of the LoDoPaB data."""

import math
from dataclasses import dataclass

from recon.errors import ConfigError, require_at_least


@dataclass(frozen=True, slots=True)
class ParallelBeam:
    """A parallel-beam scan in the plane: how the image lies, and which lines are measured.

    The middle of the image is the origin. y runs with the rows (down) and x with the columns (to the right), so that
    the middle of pixel (r, c) of an image of H x W pixels of height h and width w is at

        y = (r - (H - 1) / 2) h,  x = (c - (W - 1) / 2) w.

    Angle i is theta = (i + 1/2) pi / n_angles, and cell d of the detector has its middle at

        s = (d + 1/2) detector_extent / n_detectors - detector_extent / 2.

    Sample (i, d) is the integral along the line y cos(theta) + x sin(theta) = s: at theta near 0 a row is summed, and
    theta turns from y towards x. These are the conventions of `odl.tomo.parallel_beam_geometry`.

    Args:
        image_shape: rows and columns.
        image_extent: height and width of the whole image in metres; pixels need not be square.
        n_angles: number of angles, equidistant over half a turn.
        n_detectors: number of cells of the detector.
        detector_extent: width of the whole detector in metres; what lies outside it is not measured.

    >>> geometry = ParallelBeam((2, 2), (1.0, 1.0), n_angles=2, n_detectors=3, detector_extent=1.5)
    >>> geometry.pixel_pitch, geometry.detector_pitch
    ((0.5, 0.5), 0.5)
    """

    image_shape: tuple[int, int]
    image_extent: tuple[float, float]
    n_angles: int
    n_detectors: int
    detector_extent: float

    def __post_init__(self) -> None:
        for pair, name in ((self.image_shape, "image_shape"), (self.image_extent, "image_extent")):
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise ConfigError(f"{name} must be a pair for rows and columns, got {pair!r}; for instance (362, 362)")
        for size, axis in zip(self.image_shape, ("rows", "columns"), strict=True):
            require_at_least(size, 1, name=f"image_shape ({axis})")
        require_at_least(self.n_angles, 1, name="n_angles")
        require_at_least(self.n_detectors, 1, name="n_detectors")
        _require_length(self.image_extent[0], name="image_extent (height)")
        _require_length(self.image_extent[1], name="image_extent (width)")
        _require_length(self.detector_extent, name="detector_extent")

    @property
    def pixel_pitch(self) -> tuple[float, float]:
        """Height and width of a pixel in metres."""
        return self.image_extent[0] / self.image_shape[0], self.image_extent[1] / self.image_shape[1]

    @property
    def detector_pitch(self) -> float:
        """Width of a cell of the detector in metres."""
        return self.detector_extent / self.n_detectors


def lodopab_like(size: int, *, n_angles: int | None = None) -> ParallelBeam:
    """Give LoDoPaB's field of view, 26 cm x 26 cm, at another size: size x size pixels.

    The detector is as wide as the image's diagonal and has 2 ceil(size / sqrt(2)) + 1 cells, odl's choice. The angles
    are as many for each pixel as LoDoPaB has, 1000 / 362, rounded to an even number.

    >>> geometry = lodopab_like(64)
    >>> geometry.n_angles, geometry.n_detectors
    (176, 93)
    """
    require_at_least(size, 1, name="size")
    if n_angles is None:
        n_angles = max(2 * round(500 * size / 362), 2)
    n_detectors = 2 * math.ceil(size / math.sqrt(2)) + 1
    return ParallelBeam((size, size), (0.26, 0.26), n_angles, n_detectors, 0.26 * math.sqrt(2))


def _require_length(value: float, *, name: str) -> None:
    """Raise an error unless value is a positive finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigError(f"{name} must be a positive length in metres, got {value!r}")


LODOPAB = lodopab_like(362)
