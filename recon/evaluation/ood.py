"""Equivariance out of the training distribution: photographs, noise, the other modality, and networks untrained."""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace

import torch

from recon.data.datamodules import CTData, MRIData
from recon.data.images import GreyImage, fit_square
from recon.data.out_of_distribution import GreySlices, Normalising, Range, grey_images, range_of_targets
from recon.data.samples import Batch, Origin, Sample, Slices, collate
from recon.errors import DataError
from recon.evaluation.equivariance import FURTHEST, pair_measures
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol, place_of
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics.equivariance import disagreement, equivariance_pair
from recon.nn.unet import UNet

NATURAL, NOISE, OTHER, UNTRAINED = "natural", "noise", "other modality", "untrained"
MOST_NATURAL = 1000  # the first images of ImageNet's validation set, as in the APS-U paper's Table 3
FEW = 16  # images of each other set
_UNIT = 16  # images


@dataclass(slots=True)
class _Held:
    """What was read or drawn for a study, so that every network meets it without reading it again."""

    study: Study
    scaling: Normalising | Range
    photographs: Sequence[GreyImage]
    others: Slices
    batches: dict[str, Batch] = field(default_factory=dict)


class OutOfDistributionProtocol(Protocol[Study]):
    """One random circular shift of each image, of sets that no network was trained on."""

    name, title = "ood", "equivariance out of the training distribution"

    def __init__(self) -> None:
        self._held: _Held | None = None

    def convention(self, study: Study) -> str:
        """Say how, and where the images come from."""
        mri = study.modality == "mri"
        folder = "" if study.ood is None else f"the first {MOST_NATURAL} of the folder {study.ood.resolve().name}"
        taken = folder or "photographs embedded in scikit-image and scikit-learn"
        scaled = "its own mean and deviation" if mri else "the range of the training targets"
        synthetic = study.other is None or _is_synthetic(study.other)
        others = f"the {'embedded' if study.other is None else 'given'}{' synthetic' if synthetic else ''}"
        noise = "standard normal" if mri else "uniform in the range of the training targets"
        return (
            f"NMSE = |G(T x) - T G(x)|^2 / |T G(x)|^2 and SSIM (7 x 7, uniform; data range: the maximum of T G(x) less "
            f"its minimum) of each image; T shifts circularly by one uniform random number of pixels in "
            f"[-{FURTHEST}, {FURTHEST}] along each axis, the same for every network. {NATURAL}: real images, {taken}, "
            f"grey, scaled by {scaled}; {NOISE}: generated, white, {noise}; {OTHER}: targets of {others} "
            f"{'CT' if mri else 'MRI'} data, each scaled to [0, 1], then as photographs; {UNTRAINED}: the network with "
            f"its initial random weights, on test slices"
        )

    def units(self, model: Model, study: Study) -> Sequence[Unit]:
        """Take every set in parts."""
        held = self._of(study)
        few = FEW if study.limit is None else min(FEW, study.limit)
        units = _parts(NATURAL, range(len(held.photographs))) + _parts(NOISE, range(few))
        units += _parts(OTHER, _spread(len(held.others), few))
        if isinstance(model.module, UNet):
            units += _parts(UNTRAINED, _spread(len(study.data), few))
        return units

    def passes(self, model: Model, unit: Unit, study: Study) -> int:
        """Count the images, twice."""
        return 2 * len(unit.indices)

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Shift and compare."""
        group = _group(unit)
        measured = _untrained(model, study) if group == UNTRAINED else model
        batch = self._batch(unit, study)
        shifts = study.shifts(batch, furthest=FURTHEST)
        expected, got = equivariance_pair(measured, batch.input, shifts)
        bitwise = [disagreement(*pair).bitwise for pair in zip(expected, got, strict=True)]  # before the scaling
        found = pair_measures(batch.undo(expected.double()), batch.undo(got.double()), bitwise)
        for origin, shift, measures in zip(batch.origins, shifts.tolist(), found, strict=True):
            item, number, _ = place_of(origin)
            yield Measured("image", item, measures, slice=number, group=group, settings={"shift": shift})

    def _of(self, study: Study) -> _Held:
        """Open the photographs and the other modality and find the scaling, once for each study."""
        if self._held is None or self._held.study is not study:
            count = MOST_NATURAL if study.limit is None else min(MOST_NATURAL, study.limit)
            photographs = grey_images(study.ood, size=max(study.size), count=count)
            self._held = _Held(study, _scaling(study), photographs, _other_modality(study))
        return self._held

    def _batch(self, unit: Unit, study: Study) -> Batch:
        held = self._of(study)
        if unit.name not in held.batches:
            held.batches[unit.name] = _read(unit, held).to(study.device)
        return held.batches[unit.name]


def _read(unit: Unit, held: _Held) -> Batch:
    """Read or draw the images of a unit."""
    study, group = held.study, _group(unit)
    if group == UNTRAINED:
        return study.batch(unit)
    if group == NOISE:
        return collate([_noise(number, held) for number in unit.indices])
    images = [held.photographs[index] if group == NATURAL else _own_range(held.others, index) for index in unit.indices]
    fitted = [replace(image, values=fit_square(image.values, study.size)) for image in images]
    slices = GreySlices(fitted, held.scaling)
    return collate([slices[place] for place in range(len(fitted))])


def _scaling(study: Study) -> Normalising | Range:
    """Scale grey images as the inputs of the training are."""
    if study.modality == "ct":
        return range_of_targets(study.training)
    clamp = study.source.settings.get("clamp")
    return Normalising(clamp if isinstance(clamp, int | float) else None)


def _other_modality(study: Study) -> Slices:
    """Open the test slices of the other modality's data: those given, or the embedded ones."""
    if study.other is not None:
        return study.other
    data = CTData(None, prepared=False) if study.modality == "mri" else MRIData(None, clamp=None)
    return data.dataset("test")


def _is_synthetic(slices: Slices) -> bool:
    """Tell whether the first slice says that it is synthetic."""
    first = slices[0]
    return isinstance(first, Sample) and first.origin.synthetic


def _own_range(slices: Slices, index: int) -> GreyImage:
    """Give a slice's target as a grey image from 0 to 1."""
    sample = slices[index]
    if not isinstance(sample, Sample) or sample.target is None:
        raise DataError(
            "the data of the other modality must be whole, got a slice that cannot be read; run `recon data check` on "
            "them (embedded ones are made anew once they are deleted)"
        )
    values = sample.target[0]
    lowest, highest = values.min(), values.max()
    scaled = (values - lowest) / (highest - lowest) if highest > lowest else torch.zeros_like(values)
    return GreyImage(scaled.numpy(), sample.origin.file, sample.origin.slice)


def _noise(number: int, held: _Held) -> Sample:
    """Draw a white image as networks take it: standard normal, or uniform in the range of the training."""
    generator = held.study.generator("noise", number)
    if isinstance(held.scaling, Range):
        values = generator.uniform(held.scaling.lowest, held.scaling.highest, size=held.study.size)
    else:
        values = generator.standard_normal(held.study.size)
    image = torch.from_numpy(values).float()[None]
    return Sample(image, None, 0.0, 1.0, float("nan"), Origin("noise", NOISE, number, "", "", synthetic=True))


def _untrained(model: Model, study: Study) -> Model:
    """Build the network anew, with weights that follow from the seed; random numbers are left as they are."""
    assert isinstance(model.module, UNet)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(study.seed)
        network = UNet.from_arguments(model.module.arguments)
    network.to(model.device).eval()
    untrained = copy(model)
    untrained.function = untrained.module = network
    return untrained


def _spread(total: int, count: int) -> Sequence[int]:
    """Give up to `count` of `total` places, evenly spread.

    >>> _spread(8, 4), _spread(2, 4)
    ([1, 3, 5, 7], [0, 1])
    """
    few = min(count, total)
    return [int((number + 0.5) * total / few) for number in range(few)]


def _parts(group: str, indices: Sequence[int]) -> list[Unit]:
    parts = [tuple(indices[start : start + _UNIT]) for start in range(0, len(indices), _UNIT)]
    return [Unit(f"{group} {part[0]} to {part[-1]}", part) for part in parts]


def _group(unit: Unit) -> str:
    """Give the set that a unit is a part of: its name without the numbers."""
    return unit.name.rsplit(" ", 3)[0]
