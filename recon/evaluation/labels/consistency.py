"""Whether labels stay the same under circular shifts: the papers' circular consistency, and mASCC."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from recon.data.labels.samples import LabelledBatch
from recon.errors import require_at_least
from recon.evaluation.labels.shifted import same_bits
from recon.evaluation.labels.study import LabelStudy
from recon.evaluation.labels.sums import joined, measured
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol
from recon.evaluation.studies import Unit
from recon.metrics.consistency import circular_pair
from recon.metrics.labels import agreement, chosen_labels, correct_labels
from recon.records import Word

PAIRS = 5  # of each image: Rojas-Gomez et al. (2022)


class ConsistencyProtocol(Protocol[LabelStudy]):
    """Pairs of random circular shifts of each image: whether the labels agree, and all bits of the logits.

    Args:
        pairs: how many an image.
    """

    name, title = "consistency", "labels under circular shifts"

    def __init__(self, *, pairs: int = PAIRS) -> None:
        self.pairs = require_at_least(pairs, 1, name="pairs")

    @property
    def settings(self) -> Mapping[str, Word]:
        """Its choices."""
        return {"pairs": self.pairs}

    def convention(self, study: LabelStudy) -> str:
        """Say how."""
        how = (
            f"{self.pairs} pairs of circular shifts an image, rows and columns of both uniform over all of the image, "
            f"the same for every network"
        )
        if study.task == "segmentation":
            return (
                f"{how}; agreeing: the share of all pixels, judged or not, with the same label after both maps are "
                f"shifted back (mASCC: Zou et al. 2020; MASS, eq. 5), summed over pairs; bitwise: pairs all of whose "
                f"logits are equal to the bit"
            )
        return (
            f"{how}; agreeing: pairs with the same label (MASS, eq. 4; LPS, eq. 26); bitwise: pairs all of whose "
            f"logits are equal to the bit; correct_shifted: images that are right under the first shift (Zhang 2019)"
        )

    def units(self, model: Model, study: LabelStudy) -> Sequence[Unit]:
        """Take the images."""
        return study.images()

    def passes(self, model: Model, unit: Unit, study: LabelStudy) -> int:
        """Count the images, twice for each pair."""
        return 2 * self.pairs * len(unit.indices)

    def measure(self, model: Model, unit: Unit, study: LabelStudy) -> Iterator[Measured]:
        """Shift and compare."""
        numbers = joined(self._batch(model, batch, study) for batch in study.batches(unit, model.batch_size))
        shares = [agreeing / self.pairs for agreeing in numbers["agreeing"]]
        pairs = float(self.pairs * len(shares))
        yield measured(unit, numbers, arrays={"agreeing": shares}, measures={"pairs": pairs})

    def _batch(self, model: Model, batch: LabelledBatch, study: LabelStudy) -> dict[str, Tensor]:
        """Count the pairs of each image that agree, and are equal to the bit."""
        size = (batch.input.shape[2], batch.input.shape[3])
        drawn = [study.places(self.name, origin=one, count=2 * self.pairs, size=size) for one in batch.origins]
        shifts = torch.stack(drawn, 1).to(batch.input.device).unflatten(0, (self.pairs, 2))  # (pairs, 2, B, 2)
        pairs = [circular_pair(model, batch.input, first, second) for first, second in shifts]
        found = {
            "agreeing": torch.stack([agreement(*map(chosen_labels, pair)) for pair in pairs]).sum(0),
            "bitwise": torch.stack([same_bits(*pair) for pair in pairs]).sum(0),
        }
        return (
            found
            if study.task == "segmentation"
            else found | {"correct_shifted": correct_labels(pairs[0][0], batch.target)}
        )
