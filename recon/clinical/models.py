"""A model as the clinic uses it: intensities in, reconstructed intensities out, whatever it is stored as."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recon import __version__
from recon.clinical.identity import Identity, identity_of
from recon.clinical.nearby import require_model
from recon.clinical.stored import SUFFIXES, bundled_network, exported_model, require_same_weights
from recon.errors import ConfigError, DataError, ShapeError, require_known
from recon.evaluation.loading import Found, Place, find_models
from recon.evaluation.modalities import IMAGES
from recon.records import Word

Pad = Literal["refuse", "circular", "reflect"]


@dataclass(frozen=True, slots=True)
class Opening:
    """How a model is opened.

    Args:
        place: device, precision, images at once, and which checkpoint of a run.
        pad: what to do with sizes that the model's multiple does not divide: refuse them, or pad at the end and crop.
        modality: what a network is for whose file does not say it.
        factory: what builds a network of the user's own, `module:function`.
    """

    place: Place = field(default_factory=Place)
    pad: Pad = "refuse"
    modality: str | None = None
    factory: str | None = None

    def __post_init__(self) -> None:
        """Check the words."""
        require_known(self.pad, get_args(Pad), name="pad")


class ClinicalModel:
    """Images of intensities (N, 1, H, W) in float32 in, reconstructed ones out: any for MRI, HU for CT.

    Args:
        identity: what it says of itself.
        function: what it does: from scaled images, or from intensities where `identity.scaled_inside`.
        file: what it was opened from, for messages; `None` for what has no file.
        runtime: what computes it, with its version.
        module: the network, for what looks inside; None for what is closed.
        opening: how it was opened.
    """

    def __init__(
        self,
        identity: Identity,
        function: Callable[[Tensor], Tensor],
        *,
        file: Path | None,
        runtime: str,
        module: nn.Module | None,
        opening: Opening,
    ) -> None:
        self.identity, self.function, self.file, self.runtime = identity, function, file, runtime
        self.module, self.opening = module, opening
        self.on_images: Callable[[int], None] = lambda count: None  # called after each batch, for a progress bar

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.identity.variant

    @property
    def file_hash(self) -> str:
        """Give the SHA-256 of its file, or nothing where it has none of its own."""
        if self.file is None or not self.file.is_file():
            return ""
        with self.file.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()

    @torch.no_grad()
    def __call__(self, intensities: Tensor) -> Tensor:
        """Reconstruct images, in batches; the result is on the CPU, in float32."""
        if intensities.ndim != 4 or intensities.shape[1] != 1 or 0 in intensities.shape:
            raise ShapeError(
                f"images must be (N, 1, H, W), got {tuple(intensities.shape)}; give one channel, and pixels"
            )
        require_size(intensities.shape[-2:], self)
        if not bool(intensities.isfinite().all()):
            raise DataError("images must be finite, got NaN or infinity; mend them before they are reconstructed")
        outputs = []
        for batch in intensities.float().split(self.opening.place.batch_size):
            output = self._whole(batch.to(self.opening.place.device)).cpu()
            if not bool(output.isfinite().all()):
                raise DataError(
                    f"{self.name} must give finite images, got NaN or infinity; pass --precision float32, or look at "
                    f"the intensities"
                )
            outputs.append(output)
            self.on_images(len(batch))
        return torch.cat(outputs)

    @torch.no_grad()
    def scaled(self, images: Tensor) -> Tensor:
        """Give what the network makes of images that are scaled already, as in training; a multiple in size."""
        if not self.identity.scaled_inside:
            return self._computed(images)
        scaling = self.identity.scaling
        if scaling.kind == "deviation":  # each image is scaled by itself, also the one that is scaled already
            return self._computed(images)
        return (self._computed(images * scaling.scale + scaling.mean) - scaling.mean) / scaling.scale

    def _whole(self, intensities: Tensor) -> Tensor:
        """Scale, pad, compute, crop, scale back."""
        size = intensities.shape[-2:]
        if self.identity.scaled_inside:
            output = self._computed(self._padded(intensities))
            return output[..., : size[0], : size[1]]
        images, mean, scale = self.identity.scaling(intensities)
        output = self._computed(self._padded(images))[..., : size[0], : size[1]]
        return output * scale + mean

    def _computed(self, images: Tensor) -> Tensor:
        place = self.opening.place
        with torch.autocast(images.device.type, getattr(torch, place.precision), enabled=place.precision != "float32"):
            output = self.function(images)
        if not isinstance(output, Tensor) or output.shape != images.shape:
            got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ConfigError(f"{self.name} must give images of its input's shape {tuple(images.shape)}, got {got}")
        return output.float()

    def _padded(self, images: Tensor) -> Tensor:
        missing = [-length % self.identity.multiple for length in images.shape[-2:]]
        if not any(missing):
            return images
        widths = (0, missing[1], 0, missing[0])
        mode = "circular" if self.opening.pad == "circular" else "reflect"
        if any(miss >= length for miss, length in zip(missing, images.shape[-2:], strict=True)):
            raise ShapeError(
                f"images must have more pixels than padding needs, got {images.shape[-2]} x {images.shape[-1]} for "
                f"multiples of {self.identity.multiple}"
            )
        return F.pad(images, widths, mode)


def require_size(size: tuple[int, int] | torch.Size, model: ClinicalModel) -> None:
    """Refuse a size that the model's multiple does not divide, unless it is to be padded and can be."""
    identity, multiple = model.identity, model.identity.multiple
    if not any(length % multiple for length in size):
        return
    must = f"images must have heights and widths that are multiples of {multiple}, got {size[0]} x {size[1]}"
    if model.opening.pad == "refuse":
        raise ShapeError(
            f"{must}; pass --pad circular or --pad reflect, with which equivariance is approximate along those axes"
        )
    if identity.scaled_inside and identity.scaling.kind == "deviation":
        raise ShapeError(
            f"{must}: this file takes each image's own mean and deviation inside, which padding would change; give the "
            f"run, or export it with --scaling outside"
        )


def open_model(spec: str, opening: Opening | None = None) -> ClinicalModel:
    """Open a run's folder, a network's .safetensors, an exported .onnx or .pt2, or a MONAI bundle that recon wrote.

    Exported files must say what they are, as `recon export` writes it. Nothing that is in a file is run.
    """
    path, opening = Path(spec), opening or Opening()
    require_model(path)
    if path.suffix in SUFFIXES and path.is_file():
        return _exported(path, opening)
    network = bundled_network(path)
    file = network or path
    place = str(file) if file.is_absolute() else f"./{file}"  # so that no name is taken for one of evaluation's words
    (found,) = find_models([place], opening.place, factory=opening.factory)
    model = _own(found, file, opening)
    if network is not None:
        require_same_weights(path, model.module)
    return model


def _exported(path: Path, opening: Opening) -> ClinicalModel:
    if opening.place.precision != "float32":
        raise ConfigError(f"{path} computes in the precision that it was exported in; leave --precision out")
    identity, function, runtime = exported_model(path, device=opening.place.device)
    _require_modality(identity.modality, path, opening)
    return ClinicalModel(identity, function, file=path, runtime=runtime, module=None, opening=opening)


def _own(found: Found, path: Path, opening: Opening) -> ClinicalModel:
    """Take a network that evaluation found by its run or file."""
    subject, module = found.model.subject, found.model.module
    assert module is not None  # since the path is that of a run or a file of a network
    modality = _modality(found, path, opening)
    if getattr(module, "in_channels", 1) != 1 or getattr(module, "out_channels", 1) != 1:
        raise ConfigError(f"{path} must take and give images of one channel, got another network; train one that does")
    data = found.data if found.data is not None else {}
    settings = data.get("settings")
    identity = identity_of(subject, modality, settings if isinstance(settings, Mapping) else {}, version=__version__)
    file = path if path.is_file() else path / "checkpoints" / f"{opening.place.checkpoint}.safetensors"
    return ClinicalModel(
        identity,
        found.model.function,
        file=file,
        runtime=f"PyTorch {torch.__version__}",
        module=module,
        opening=opening,
    )


def _modality(found: Found, path: Path, opening: Opening) -> str:
    """Find what a network is for: what its file says, or what the user says where it does not."""
    told: Word = found.data.get("modality") if found.data is not None else None
    if told is None:
        if opening.modality is None:
            raise ConfigError(f"{path} does not say what it was trained on; pass --modality mri or --modality ct")
        return require_known(opening.modality, IMAGES, name="modality")
    if told not in IMAGES:
        raise ConfigError(f"{path} must reconstruct images (mri, ct), got a network for {told}")
    _require_modality(str(told), path, opening)
    return str(told)


def _require_modality(told: str, path: Path, opening: Opening) -> None:
    """Refuse a network of another kind than the user's images."""
    if opening.modality not in (None, told):
        raise ConfigError(
            f"{path} must be for {opening.modality}, as --modality says, got a network that was trained on {told}; "
            f"give another network, or images that it is for"
        )
