"""How far a network's output moves with its input: one random shift an image, as the APS paper measures it."""

from collections.abc import Iterator, Sequence

from torch import Tensor

from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol, place_of
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics.equivariance import disagreement, equivariance_pair
from recon.metrics.quality import ssim

FURTHEST = 16  # pixels, along each axis: Chaman and Dokmanic (2021)


class EquivarianceProtocol(Protocol[Study]):
    """One random circular shift for each image; NMSE and SSIM between T(G(x)) and G(T(x)), by volume and by image."""

    name, title = "equivariance", "one random shift of each image"

    def convention(self, study: Study) -> str:
        """Say how."""
        by = "volume and each image" if study.modality == "mri" else "image"
        return (
            f"NMSE = |G(T x) - T G(x)|^2 / |T G(x)|^2 and SSIM (7 x 7, uniform; data range: the maximum of T G(x), "
            f"less its minimum for CT) of each {by}; T shifts circularly by one uniform random number of pixels in "
            f"[-{FURTHEST}, {FURTHEST}] along each axis, the same for every network; intensities as in the files"
        )

    def units(self, model: Model, study: Study) -> Sequence[Unit]:
        """Take whole volumes."""
        return study.volumes()

    def passes(self, model: Model, unit: Unit, study: Study) -> int:
        """Count the slices, twice."""
        return 2 * len(unit.indices)

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Shift and compare."""
        batch = study.batch(unit)
        shifts = study.shifts(batch, furthest=FURTHEST)
        expected, got = equivariance_pair(model, batch.input, shifts)
        bitwise = [disagreement(*pair).bitwise for pair in zip(expected, got, strict=True)]  # before the scaling
        expected, got = batch.undo(expected.double()), batch.undo(got.double())
        images = list(pair_measures(expected, got, bitwise, by_volume=study.modality == "mri"))
        if study.modality == "mri":
            item, _, group = place_of(batch.origins[0])
            whole = disagreement(expected, got)
            similarity = sum(measures["ssim"] for measures in images) / len(images)
            measures = {"nmse": whole.nmse, "ssim": similarity, "max_abs": whole.max_abs}
            yield Measured("volume", item, measures | {"bitwise": float(all(bitwise))}, group=group)
        for origin, shift, measures in zip(batch.origins, shifts.tolist(), images, strict=True):
            item, number, group = place_of(origin)
            yield Measured("image", item, measures, slice=number, group=group, settings={"shift": shift})


def pair_measures(
    expected: Tensor, got: Tensor, bitwise: Sequence[bool], *, by_volume: bool = False
) -> Iterator[dict[str, float]]:
    """Compare images (B, 1, H, W) one by one: NMSE, SSIM, the largest difference, and whether they are equal.

    The data range of SSIM is the maximum of all expected images (`by_volume`, as fastMRI's), or each one's maximum less
    its minimum; 1 where that is not positive.
    """
    for index in range(len(expected)):
        one, other = expected[index : index + 1], got[index : index + 1]
        reach = float(expected.max()) if by_volume else float(one.max() - one.min())
        error = disagreement(one, other)
        similarity = float(ssim(other, one, reach if reach > 0 else 1.0)) if min(one.shape[2:]) >= 7 else float("nan")
        yield {
            "nmse": error.nmse,
            "ssim": similarity,
            "max_abs": error.max_abs,
            "bitwise": float(bitwise[index]),
        }
