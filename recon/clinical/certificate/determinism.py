"""Whether a model gives the same bits when it is opened and run again."""

from collections.abc import Iterator, Sequence

from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol, place_of
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics.equivariance import disagreement


class DeterminismProtocol(Protocol[Study]):
    """The outputs of a model and of the same model opened once more, for the same images.

    Args:
        again: the model, opened once more.
    """

    name, title = "determinism", "two runs"

    def __init__(self, again: Model) -> None:
        self.again = again

    def convention(self, study: Study) -> str:
        """Say how."""
        return (
            "the model is opened twice, and both reconstruct the same images in batches of the same size; bitwise is 1 "
            "where the outputs are equal bit for bit, max_abs their largest difference at the network's scale"
        )

    def units(self, model: Model, study: Study) -> Sequence[Unit]:
        """Take slices, evenly spread."""
        return study.slices(passes=2)

    def passes(self, model: Model, unit: Unit, study: Study) -> int:
        """Count the slices, of one of the two."""
        return len(unit.indices)

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Run both and compare."""
        batch = study.batch(unit)
        for origin, one, other in zip(batch.origins, model(batch.input), self.again(batch.input), strict=True):
            found = disagreement(one, other)
            item, number, group = place_of(origin)
            measures = {"bitwise": float(found.bitwise), "max_abs": found.max_abs}
            yield Measured("image", item, measures, slice=number, group=group)
