"""The inputs that are hardest to be exact on: those on which phases tie."""

from collections.abc import Iterator, Mapping, Sequence

import torch

from recon.data.hard import hard_images
from recon.errors import ReconError, require_at_least
from recon.evaluation.equivariance import FURTHEST
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol
from recon.evaluation.shifts import passes_of, shift_set, shifted_outputs
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics.equivariance import disagreement
from recon.records import Word

LARGEST = 64  # pixels along each side: every residue counts, not the size


class HardProtocol(Protocol[Study]):
    """Blank, striped, periodic and symmetric images under every shift; the worst of each image.

    Args:
        random: how many random shifts to try where a network is not circular.
    """

    name, title = "hard", "inputs on which phases tie"

    def __init__(self, *, random: int = 64) -> None:
        self.random = require_at_least(random, 1, name="random")
        self._sizes: dict[Model, tuple[int, int]] = {}

    @property
    def settings(self) -> Mapping[str, Word]:
        """Its choices."""
        return {"random": self.random}

    def convention(self, study: Study) -> str:
        """Say how."""
        return (
            f"the largest NMSE = |G(T x) - T G(x)|^2 / |T G(x)|^2 and absolute difference over the shifts T of one "
            f"generated image (0 where both outputs are blank, inf where T G(x) alone is); bitwise is the share of "
            f"shifts without any difference, passes is 1 if that is all of them. For a circular network the period^2 "
            f"shifts below its period are all there are; for others random ones in [-{FURTHEST}, {FURTHEST}]"
        )

    def units(self, model: Model, study: Study) -> Sequence[Unit]:
        """Take one image at a time."""
        return [Unit(name) for name in hard_images(self._size(model, study))]

    def passes(self, model: Model, unit: Unit, study: Study) -> int:
        """Count the shifts."""
        return passes_of(model, self._size(model, study), random=self.random)

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Try all shifts of one image."""
        image = hard_images(self._size(model, study))[unit.name][None].to(study.device)
        random = study.random_shifts("hard", unit.name, count=self.random, furthest=FURTHEST)
        chosen = shift_set(model, image, random=random)
        outputs = [output for batch, _ in shifted_outputs(model, image, chosen.shifts) for output in batch]
        errors = [disagreement(outputs[0], output) for output in outputs]
        worst = max(range(len(errors)), key=lambda number: errors[number].nmse)
        bitwise = [error.bitwise for error in errors]
        yield Measured(
            "image",
            unit.name,
            {
                "nmse": errors[worst].nmse,
                "max_abs": max(error.max_abs for error in errors),
                "bitwise": sum(bitwise) / len(bitwise),
                "passes": float(all(bitwise)),
            },
            settings={
                "shifts": chosen.meaning,
                "tried": len(chosen.shifts),
                "period": chosen.period,
                "shift": chosen.shifts[worst].tolist(),
            },
        )

    def _size(self, model: Model, study: Study) -> tuple[int, int]:
        """Give the size of the images: small, or that of the slices for a network that takes no other."""
        if model not in self._sizes:
            self._sizes[model] = image_size(model, study)
        return self._sizes[model]


def image_size(model: Model, study: Study) -> tuple[int, int]:
    """Give the size of the hard images: at most 64 pixels a side, in whole periods of the network.

    A network of unknown period is tried with it, and gets images of the slices' size if it refuses.
    """
    height, width = (_side(n, model.subject.period) for n in study.size)
    if not model.subject.period and (height, width) != study.size:
        try:
            model(torch.zeros(1, 1, height, width))
        except (ReconError, RuntimeError, ValueError):
            return study.size
    return height, width


def _side(length: int, period: int) -> int:
    """Give the largest multiple of the period up to 64 and the slices' side, or the period where that is larger.

    Where the period is not known, the side is 64, or the slices' where that is smaller.
    """
    most = min(length, LARGEST)
    if not period:
        return most
    return most // period * period or period
