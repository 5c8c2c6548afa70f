"""How firm the choice of phases is, and what a little noise in the input does to it and to the output."""

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from recon.data.samples import Batch, Origin
from recon.errors import ConfigError
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol, place_of
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics.equivariance import disagreement
from recon.nn.inspection import Selections, recorded_selections, selects
from recon.records import Word

STRENGTHS = (1e-6, 1e-4, 1e-2, 1e-1)


class StabilityProtocol(Protocol[Study]):
    """The margin of each slice's selections, and whether noise of some strengths changes them and the output.

    Networks without down layers of recon's or choices of a conversion, or closed ones, have no `margin`, no `flipped`.

    Args:
        strengths: standard deviations of the noise, in those of the input.
    """

    name, title = "stability", "selections under noise"

    def __init__(self, *, strengths: Sequence[float] = STRENGTHS) -> None:
        if not strengths or not all(math.isfinite(strength) and strength > 0 for strength in strengths):
            raise ConfigError(f"strengths must be one or more positive numbers, got {list(strengths)}")
        self.strengths = tuple(float(strength) for strength in strengths)

    @property
    def settings(self) -> Mapping[str, Word]:
        """Its choices."""
        return {"strengths": list(self.strengths)}

    def convention(self, study: Study) -> str:
        """Say how."""
        return (
            "white Gaussian noise n, its standard deviation `strength` times the input's, the same for every network; "
            "nmse = |f(x + n) - f(x)|^2 / |f(x)|^2 and nmse_input = |n|^2 / |x|^2 at the network's scale; margin is "
            "the smallest relative gap between the two best phase scores of x over all levels (inf where nothing is "
            "selected), flipped is 1 where the noise changes the phase of a level"
        )

    def units(self, model: Model, study: Study) -> Sequence[Unit]:
        """Take slices, evenly spread."""
        return study.slices(passes=1 + len(self.strengths))

    def passes(self, model: Model, unit: Unit, study: Study) -> int:
        """Count the slices, as they are and with each noise."""
        return len(unit.indices) * (1 + len(self.strengths))

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Add noise and compare."""
        for start in range(0, len(unit.indices), model.batch_size):
            yield from self._batch(model, study.batch(Unit("", unit.indices[start : start + model.batch_size])), study)

    def _batch(self, model: Model, batch: Batch, study: Study) -> Iterator[Measured]:
        """Measure slices that make one batch of the model."""
        output, selections = _with_selections(model, batch.input)
        margins = selections.margin(batch.input).tolist()
        for strength in self.strengths:
            noisy = torch.stack(
                [
                    _noisy(image, strength, origin, study)
                    for image, origin in zip(batch.input, batch.origins, strict=True)
                ]
            )
            changed, others = _with_selections(model, noisy)
            flipped = _flipped(selections, others)
            for index, origin in enumerate(batch.origins):
                measures = {
                    "nmse": disagreement(output[index], changed[index]).nmse,
                    "nmse_input": disagreement(batch.input[index], noisy[index]).nmse,
                }
                if flipped is not None:
                    measures |= {"margin": margins[index], "flipped": float(flipped[index])}
                item, number, group = place_of(origin)
                yield Measured("image", item, measures, slice=number, group=group, settings={"strength": strength})


def _with_selections(model: Model, images: Tensor) -> tuple[Tensor, Selections]:
    """Give the outputs of one batch, and what was selected on the way."""
    if model.module is None or not selects(model.module):
        return model(images), Selections()
    with recorded_selections(model.module) as selections:
        return model(images), selections


def _noisy(image: Tensor, strength: float, origin: Origin, study: Study) -> Tensor:
    """Add noise that follows from the seed, the slice and the strength."""
    generator = study.generator("stability", origin.file, origin.slice, repr(strength))
    noise = torch.from_numpy(generator.standard_normal(tuple(image.shape))).to(image.device)
    exact = image.double()
    return (exact + noise * exact.std() * strength).to(image.dtype)


def _flipped(before: Selections, after: Selections) -> list[bool] | None:
    """Tell which images have another phase at some level; None where there are no levels.

    Phases are seen from the level above. Where one differs, the finest that does lies on equal grids, so the pixels
    that are kept differ there too.
    """
    if not before.offsets:
        return None
    pairs = zip(before.offsets, after.offsets, strict=True)
    return torch.stack([(one != other).any(1) for one, other in pairs]).any(0).tolist()
