"""How close the outputs are to the targets."""

from collections.abc import Iterator, Sequence

import torch

from recon.errors import DataError
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol, place_of
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics.quality import Quality, image_quality, volume_quality


class QualityProtocol(Protocol[Study]):
    """NMSE, PSNR and SSIM against the targets: volume by volume as fastMRI does, or image by image as dival does."""

    name, title = "quality", "closeness to the target"

    def convention(self, study: Study) -> str:
        """Say how."""
        if study.modality == "mri":
            clamp = study.source.settings.get("clamp")
            ends = f"; targets clamped at {clamp:g} deviations, as in training" if isinstance(clamp, float) else ""
            return (
                "fastMRI: NMSE and PSNR of all pixels of a volume, SSIM (7 x 7, uniform) its slices' mean; the data "
                f"range is the maximum of the target's volume; intensities as in the files{ends}"
            )
        return "dival: NMSE, PSNR and SSIM (7 x 7, uniform) of each image; the data range is the target's max - min"

    def units(self, model: Model, study: Study) -> Sequence[Unit]:
        """Take whole volumes."""
        return study.volumes()

    def passes(self, model: Model, unit: Unit, study: Study) -> int:
        """Count the slices."""
        return len(unit.indices)

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Compare with the targets."""
        batch = study.batch(unit)
        if batch.target is None:
            raise DataError(f"{batch.origins[0].file} must have targets to compare with, got none; evaluate other data")
        output = batch.undo(model(batch.input).double()).cpu()
        target = batch.undo(batch.target.double()).cpu()
        if study.modality == "mri":
            item, _, group = place_of(batch.origins[0])
            stored = float(batch.data_range[0])
            peak = stored if stored > 0 else float(target.max())  # files need not say their maximum
            if peak > 0:  # a blank volume has no data range
                yield Measured("volume", item, _measures(volume_quality(output, target, data_range=peak)), group=group)
            return
        keep = target.flatten(1).amax(1) > target.flatten(1).amin(1)  # a constant target has no data range
        chosen = torch.nonzero(keep)[:, 0].tolist()
        for index, quality in zip(chosen, image_quality(output[keep], target[keep]), strict=True):
            item, number, group = place_of(batch.origins[index])
            yield Measured("image", item, _measures(quality), slice=number, group=group)


def _measures(quality: Quality) -> dict[str, float]:
    return {"nmse": quality.nmse, "psnr": quality.psnr, "ssim": quality.ssim}
