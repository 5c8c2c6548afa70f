"""Whether labels stay the same when the camera moves: two crops of an image, S-Cons and mASSC."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recon.data.samples import Origin, Skipped
from recon.errors import DataError, ReconError, require_at_least
from recon.evaluation.labels.study import LabelStudy
from recon.evaluation.labels.sums import joined, measured
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol
from recon.evaluation.studies import Unit
from recon.metrics.consistency import crop_consistency
from recon.records import Word

PAIRS = 5  # of each image
PART = 8  # of the size, and no less, is what crops leave free where an image has no more around it
_PERIOD = 8  # taken for networks that do not say theirs


@dataclass(frozen=True, slots=True)
class Crop:
    """How large crops are, and how many pixels their corners have to move in (rows, columns)."""

    size: tuple[int, int]
    margin: tuple[int, int]


class CropsProtocol(Protocol[LabelStudy]):
    """Pairs of crops of each image at random places: whether the labels agree where both show the same.

    Args:
        pairs: how many an image.
    """

    name, title = "crops", "labels of two crops"

    def __init__(self, *, pairs: int = PAIRS) -> None:
        self.pairs = require_at_least(pairs, 1, name="pairs")
        self._refused: dict[tuple[Model, Crop], str] = {}

    @property
    def settings(self) -> Mapping[str, Word]:
        """Its choices."""
        return {"pairs": self.pairs}

    def convention(self, study: LabelStudy) -> str:
        """Say how."""
        what = (
            "the share of those pixels that both crops show with the same label (mASSC: Zou et al. 2020)"
            if study.task == "segmentation"
            else "pairs with the same label (Zhang 2019; S-Cons: LPS, eq. 27)"
        )
        return (
            f"{self.pairs} pairs of crops an image, of one size, their corners uniform over the margin; agreeing: "
            f"{what}. Crops of the network's input size out of a larger image where the file has one; else out of the "
            f"image itself, less the smallest multiple of the network's period that is at least an {PART}th of it. "
            f"What leaves and enters at the border may change any network's labels"
        )

    def unfit(self, model: Model, study: LabelStudy) -> str:
        """Say that the images are too small, or that the network takes no images of that size."""
        crop = _crop_of(model, study)
        if any(margin >= size for margin, size in zip(crop.margin, crop.size, strict=True)):
            return (
                f"images of {study.size[0]} x {study.size[1]} are too small for crops of more than half of them, by "
                f"its period of {model.subject.period or _PERIOD}"
            )
        if (model, crop) not in self._refused:
            self._refused[model, crop] = _refusal(model, (study.shape[0], *crop.size))
        return self._refused[model, crop]

    def units(self, model: Model, study: LabelStudy) -> Sequence[Unit]:
        """Take the images."""
        return study.images()

    def passes(self, model: Model, unit: Unit, study: LabelStudy) -> int:
        """Count the images, twice for each pair."""
        return 2 * self.pairs * len(unit.indices)

    def measure(self, model: Model, unit: Unit, study: LabelStudy) -> Iterator[Measured]:
        """Crop and compare."""
        crop = _crop_of(model, study)
        numbers = joined(self._batch(model, part, crop, study) for part in _parts(unit, model.batch_size))
        shares = [agreeing / self.pairs for agreeing in numbers["agreeing"]]
        yield measured(
            unit,
            numbers,
            arrays={"agreeing": shares},
            measures={"pairs": float(self.pairs * len(shares))},
            settings={"crop": list(crop.size), "margin": list(crop.margin)},
        )

    def _batch(self, model: Model, indices: Sequence[int], crop: Crop, study: LabelStudy) -> dict[str, Tensor]:
        """Count the pairs of each image that agree."""
        found = [one for index in indices if (one := _image_of(index, crop, study)) is not None]
        if not found:
            raise DataError(f"none of the images {indices[0]} to {indices[-1]} could be read; replace their files")
        images = torch.stack([image for image, _ in found]).to(study.device)
        room = (crop.margin[0] + 1, crop.margin[1] + 1)
        drawn = [study.places(self.name, origin=one, count=2 * self.pairs, size=room) for _, one in found]
        corners = torch.stack(drawn, 1).unflatten(0, (self.pairs, 2))  # (pairs, 2, B, 2)
        shares = [crop_consistency(model, images, first, second, crop.size) for first, second in corners]
        return {"agreeing": torch.stack(shares).sum(0)}


def _parts(unit: Unit, size: int) -> Iterator[tuple[int, ...]]:
    """Cut a unit's indices."""
    for start in range(0, len(unit.indices), size):
        yield unit.indices[start : start + size]


def _crop_of(model: Model, study: LabelStudy) -> Crop:
    """Choose the size: that of the images where there is more around them, else less."""
    if study.wide_size is not None:
        rows, columns = (wide - own for wide, own in zip(study.wide_size, study.size, strict=True))
        return Crop(study.size, (rows, columns))
    period = model.subject.period or _PERIOD
    rows, columns = (period * -(-size // (PART * period)) for size in study.size)
    return Crop((study.size[0] - rows, study.size[1] - columns), (rows, columns))


def _image_of(index: int, crop: Crop, study: LabelStudy) -> tuple[Tensor, Origin] | None:
    """Read an image that is large enough for all crops, and where it comes from; None where it cannot be read."""
    sample = study.data[index]
    if isinstance(sample, Skipped):
        return None
    wide = study.data.wide(index)
    image = sample.input if wide is None else wide
    wanted = tuple(size + margin for size, margin in zip(crop.size, crop.margin, strict=True))
    if tuple(image.shape[1:]) != wanted:
        raise DataError(
            f"all images must be of one size to be cropped alike, got {tuple(image.shape[1:])} in {sample.origin.file} "
            f"and {wanted} in the first; choose one crop for all"
        )
    return image, sample.origin


def _refusal(model: Model, shape: tuple[int, int, int]) -> str:
    """Say why a network takes no images of that shape, or nothing."""
    try:
        model(torch.zeros(1, *shape))
    except ReconError as error:
        return str(error)
    return ""
