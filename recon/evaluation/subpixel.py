"""What a network does to shifts by fractions of a pixel, which no layer that keeps whole pixels is made for."""

from collections.abc import Iterator, Mapping, Sequence

from recon.errors import ConfigError
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol, place_of
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics.equivariance import disagreement
from recon.ops.fourier import fourier_shift
from recon.records import Word

FRACTIONS = (1 / 2, 1 / 4, 1 / 3)


class SubpixelProtocol(Protocol[Study]):
    """NMSE between G(S x) and S G(x), where S is a Fourier shift by fractions of a pixel.

    Args:
        fractions: of a pixel; each is a shift along the rows, along the columns, and along both.
    """

    name, title = "subpixel", "shifts by fractions of a pixel"

    def __init__(self, *, fractions: Sequence[float] = FRACTIONS) -> None:
        if not fractions or not all(0 < fraction < 1 for fraction in fractions):
            raise ConfigError(f"fractions must be numbers between 0 and 1, at least one, got {tuple(fractions)!r}")
        self.shifts = [shift for f in fractions for shift in ((f, 0.0), (0.0, f), (f, f))]

    @property
    def settings(self) -> Mapping[str, Word]:
        """Its choices."""
        return {"shifts": [list(shift) for shift in self.shifts]}

    def convention(self, study: Study) -> str:
        """Say how."""
        return (
            "NMSE = |G(S x) - S G(x)|^2 / |S G(x)|^2 and the largest difference, of each image; S multiplies the "
            "Fourier series by the phase ramp of a circular shift by a fraction of a pixel. S keeps real images real "
            "by damping the highest frequency of an even size (by a half pixel to nothing), before G in one and after "
            "G in the other. Networks that are exact for whole pixels are not for these: pointwise nonlinearities "
            "create frequencies that pixels cannot hold; intensities as in the files, computed in float64 around G"
        )

    def units(self, model: Model, study: Study) -> Sequence[Unit]:
        """Take slices, evenly spread."""
        return study.slices(passes=1 + len(self.shifts))

    def passes(self, model: Model, unit: Unit, study: Study) -> int:
        """Count the slices: once as they are, and once for each shift."""
        return len(unit.indices) * (1 + len(self.shifts))

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Shift and compare."""
        batch = study.batch(unit)
        images, outputs = batch.input.double(), model(batch.input).double()
        for shift in self.shifts:
            expected = batch.undo(fourier_shift(outputs, shift))
            got = batch.undo(model(fourier_shift(images, shift).to(batch.input.dtype)).double())
            for origin, one, other in zip(batch.origins, expected, got, strict=True):
                error = disagreement(one, other)
                item, number, group = place_of(origin)
                measures = {"nmse": error.nmse, "max_abs": error.max_abs}
                yield Measured("image", item, measures, slice=number, group=group, settings={"shift": list(shift)})
