"""Models whose answer is known beforehand."""

from collections.abc import Callable

from torch import Tensor

from recon.clinical.identity import Identity, Modality, scaling_of
from recon.clinical.models import ClinicalModel, Opening, Pad
from recon.evaluation.loading import Place
from recon.evaluation.models import Precision
from recon.records import Word

WEIGHTS = "0123456789abcdef" * 4


def known_model(
    modality: Modality = "mri",
    function: Callable[[Tensor], Tensor] = lambda images: images,
    *,
    settings: dict[str, Word] | None = None,
    multiple: int = 1,
    weights: str = WEIGHTS,
    pad: Pad = "refuse",
    precision: Precision = "float32",
) -> ClinicalModel:
    """Give a model that does nothing, or what a function does to scaled images."""
    identity = Identity(
        network="UNet",
        variant="aps",
        modality=modality,
        weights=weights,
        multiple=multiple,
        scaling=scaling_of(modality, settings or {}),
        training={} if settings is None else {"data": {"settings": settings}},
    )
    opening = Opening(Place(precision=precision), pad)
    return ClinicalModel(identity, function, file=None, runtime="by hand", module=None, opening=opening)
