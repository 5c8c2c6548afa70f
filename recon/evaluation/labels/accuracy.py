"""How right the labels are: accuracy of images, or the overlap of pixels."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F

from recon.evaluation.labels.study import LabelStudy
from recon.evaluation.labels.sums import joined, measured
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol
from recon.evaluation.studies import Unit
from recon.metrics.labels import chosen_labels, confusion_matrix, correct_labels, overlaps


class AccuracyProtocol(Protocol[LabelStudy]):
    """Top-1 and top-5 accuracy and the loss of classifiers; each class's intersection and union of segmenters."""

    name, title = "accuracy", "how right the labels are"

    def convention(self, study: LabelStudy) -> str:
        """Say how."""
        if study.task == "segmentation":
            return (
                "pixels whose target is 255 are not judged; intersection and union count, for each class, the pixels "
                "of which it is truth and choice, or either; mIoU is the mean over classes of their ratio, both summed "
                "over all images, of the classes that are there; the lowest class is chosen of equal logits"
            )
        return (
            "correct: the true class has the largest logit (correct_top5: one of the five largest, or of all if there "
            "are fewer; of equal logits the lower class is taken first); loss: cross-entropy in nats, its sum"
        )

    def units(self, model: Model, study: LabelStudy) -> Sequence[Unit]:
        """Take the images."""
        return study.images()

    def passes(self, model: Model, unit: Unit, study: LabelStudy) -> int:
        """Count the images."""
        return len(unit.indices)

    def measure(self, model: Model, unit: Unit, study: LabelStudy) -> Iterator[Measured]:
        """Compare with the targets."""
        yield _of_pixels(model, unit, study) if study.task == "segmentation" else _of_images(model, unit, study)


def _of_images(model: Model, unit: Unit, study: LabelStudy) -> Measured:
    found = []
    for batch in study.batches(unit, model.batch_size):
        logits = model(batch.input)
        found.append(
            {
                "correct": correct_labels(logits, batch.target),
                "correct_top5": correct_labels(logits, batch.target, 5),
                "loss": F.cross_entropy(logits.double(), batch.target, reduction="none"),
            }
        )
    numbers = joined(found)
    return measured(unit, numbers, arrays={"correct": numbers["correct"]})


def _of_pixels(model: Model, unit: Unit, study: LabelStudy) -> Measured:
    images = 0
    confusion = torch.zeros((), dtype=torch.int64)
    for batch in study.batches(unit, model.batch_size):
        logits = model(batch.input)
        confusion = confusion.to(logits.device) + confusion_matrix(chosen_labels(logits), batch.target, logits.shape[1])
        images += len(batch)
    intersection, union = overlaps(confusion)
    measures = {"images": images, "pixels": float(confusion.sum()), "correct": float(intersection.sum())}
    return Measured("set", unit.name, measures, arrays={"intersection": intersection.tolist(), "union": union.tolist()})
