"""The worst that a shift can do to labels: every circular shift that there is."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from recon.data.labels.samples import LabelledBatch
from recon.errors import require_at_least
from recon.evaluation.labels.shifted import logits_by_shift, same_bits
from recon.evaluation.labels.study import LabelStudy
from recon.evaluation.labels.sums import measured
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol
from recon.evaluation.shifts import ShiftSet, passes_of, shift_set
from recon.evaluation.studies import Unit
from recon.metrics.every_shift import correct_within, table_by_shift, variation
from recon.metrics.labels import agreement, chosen_labels, correct_labels, true_probabilities
from recon.records import Word

MOST, FEWEST = 500, 50  # images that are tried unless a limit is given: so many of 32 x 32, fewer of larger ones
_PIXELS = MOST * 32 * 32
_UNIT = {"classification": 25, "segmentation": 4}  # images: each takes as many passes as it has shifts


class AdversaryProtocol(Protocol[LabelStudy]):
    """Labels under every circular shift: accuracy under the worst, its dependence on the shift, and the variation.

    Args:
        every: try each of the H x W shifts, without relying on the network's period.
        random: how many random shifts to try of segmenters that are not circular, for which every one is too many.
    """

    name, title = "adversary", "labels under every shift"

    def __init__(self, *, every: bool = False, random: int = 256) -> None:
        self.every, self.random = every, require_at_least(random, 1, name="random")

    @property
    def settings(self) -> Mapping[str, Word]:
        """Its choices."""
        return {"every": self.every, "random": self.random}

    def convention(self, study: LabelStudy) -> str:
        """Say how."""
        images = f"at most {most_images(study)} images spread over the data" if study.limit is None else "images"
        failing = f"{self.random} random ones" if study.task == "segmentation" else "every one of the H x W shifts"
        shifts = (
            "every one of the H x W circular shifts"
            if self.every
            else "the period^2 circular shifts below its period, which are all there are for a circular network: "
            f"checked on multiples of the period (premise: the largest difference of a logit); {failing} where not"
        )
        how = f"each of {images} is given under {shifts}; bitwise: images all of whose logits are equal to the bit"
        if study.task == "segmentation":
            return f"{how}; lowest: the least share of pixels, over shifts, with the label that they have without one"
        return (
            f"{how}; correct_worst: images that are right under each shift; correct_within: under those of at most so "
            f"many pixels (furthest) along each axis (Zhang 2019, fig. 9); correct_by_shift: at each shift, row after "
            f"row (fig. 11); variation: the standard deviation over shifts of the true class's probability"
        )

    def units(self, model: Model, study: LabelStudy) -> Sequence[Unit]:
        """Take images, evenly spread."""
        return study.images(size=_UNIT[study.task], most=most_images(study))

    def passes(self, model: Model, unit: Unit, study: LabelStudy) -> int:
        """Count the shifts of all images."""
        return len(unit.indices) * passes_of(model, study.size, random=self._random(study), every=self.every)

    def measure(self, model: Model, unit: Unit, study: LabelStudy) -> Iterator[Measured]:
        """Try all shifts of all images."""
        (batch,) = study.batches(unit, len(unit.indices))
        chosen = shift_set(model, batch.input, random=self._drawn(unit, study), every=self.every)
        found = _pixels(model, batch, chosen) if study.task == "segmentation" else _images(model, batch, chosen)
        numbers, arrays = found
        settings: dict[str, Word] = {
            "shifts": chosen.meaning,
            "period": chosen.period,
            "tried": len(chosen.shifts),
            "size": list(batch.input.shape[2:]),
        }
        yield measured(unit, numbers, arrays=arrays, measures={"premise": chosen.largest}, settings=settings)

    def _random(self, study: LabelStudy) -> int | None:
        return self.random if study.task == "segmentation" else None

    def _drawn(self, unit: Unit, study: LabelStudy) -> Tensor | None:
        """Draw shifts for a unit, uniform over all of an image."""
        if self._random(study) is None:
            return None
        drawn = study.generator(self.name, *unit.indices).integers((0, 0), study.size, size=(self.random, 2))
        return torch.from_numpy(drawn)


def most_images(study: LabelStudy) -> int:
    """Say how many images are tried unless a limit is given."""
    height, width = study.size
    return max(FEWEST, min(MOST, _PIXELS // (height * width)))


def _images(
    model: Model, batch: LabelledBatch, chosen: ShiftSet
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Give what is counted of each image, and the arrays of the unit, for a classifier."""
    right, probabilities, first = [], [], None
    equal = torch.ones(len(batch), dtype=torch.bool, device=model.device)
    for logits in logits_by_shift(model, batch.input, chosen.shifts):
        first = logits[0] if first is None else first
        equal &= same_bits(logits, first).all(0)
        right += [correct_labels(one, batch.target) for one in logits]
        probabilities += [true_probabilities(one, batch.target) for one in logits]
    size = (batch.input.shape[2], batch.input.shape[3])
    grid = (chosen.period, chosen.period) if chosen.period else size
    table = table_by_shift(torch.stack(right, 1).unflatten(1, grid), size)  # (B, H, W)
    within = correct_within(table)
    varied = variation(torch.stack(probabilities, 1)).tolist()
    numbers = {
        "correct": table[:, 0, 0].double().tolist(),
        "correct_worst": within[:, -1].double().tolist(),
        "variation": varied,
        "bitwise": equal.double().tolist(),
    }
    arrays = {
        "furthest": [float(furthest) for furthest in range(within.shape[1])],
        "correct_within": within.double().sum(0).tolist(),
        "correct_by_shift": table.double().sum(0).flatten().tolist(),
        "variation": varied,
    }
    return numbers, arrays


def _pixels(
    model: Model, batch: LabelledBatch, chosen: ShiftSet
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Give what is counted of each image, and the arrays of the unit, for a segmenter."""
    first, labels = None, None
    equal = torch.ones(len(batch), dtype=torch.bool, device=model.device)
    lowest = torch.ones(len(batch), dtype=torch.float64, device=model.device)
    for logits in logits_by_shift(model, batch.input, chosen.shifts):
        if first is None or labels is None:
            first, labels = logits[0], chosen_labels(logits[0])
        equal &= same_bits(logits, first).all(0)
        for one in logits:
            lowest = torch.minimum(lowest, agreement(chosen_labels(one), labels))
    numbers = {"lowest": lowest.tolist(), "bitwise": equal.double().tolist()}
    return numbers, {"lowest": lowest.tolist()}
