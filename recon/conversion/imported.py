"""Checkpoints of other libraries: fastMRI's U-Nets, MONAI's bundles and networks, anybody's state dicts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor, nn

from recon.checkpoints.building import misfit
from recon.checkpoints.libraries import library_network
from recon.conversion.monai_words import network_in, words_in
from recon.conversion.weight_files import SUFFIXES, named_like, read_weights
from recon.data.fastmri import CLAMP
from recon.errors import ConfigError, DataError
from recon.factories import factory as named_factory
from recon.records import Word

FASTMRI = "fastmri.models:Unet"

_METADATA = Path("configs") / "metadata.json"
_CONFIGS = tuple(
    Path("configs") / f"{name}.{kind}" for name in ("inference", "train") for kind in ("json", "yaml", "yml")
)
_WEIGHTS = Path("models") / "model.pt"
_FIRST = "down_sample_layers.0.layers.0.weight"  # of fastMRI's U-Net
_SLACK = 4  # so much larger a network may be than its weights: then it is built, and what is missing is told
_MODALITIES = {"MR": "mri", "MRI": "mri", "CT": "ct"}  # by MONAI's words


@dataclass(frozen=True, slots=True)
class Asking:
    """What a user says of weights that do not say it themselves.

    Args:
        architecture: a file of JSON or YAML with MONAI's words for the network.
        factory: `module:function` that builds it.
        modality: what it is for.
    """

    architecture: Path | None = None
    factory: str | None = None
    modality: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """A network with the weights of a file of other software.

    Args:
        network: with its weights, in eval mode.
        factory: what built it, `module:class` or the user's `module:function`.
        settings: what it was built with; None for the user's.
        about: what is known of its data.
    """

    network: nn.Module
    factory: str
    settings: Mapping[str, object] | None
    about: Mapping[str, Word] = field(default_factory=dict)


def is_imported(path: Path) -> bool:
    """Tell whether a path is a checkpoint of other software, or a bundle's folder that recon did not write."""
    return (path / _METADATA).is_file() if path.is_dir() else path.suffix in SUFFIXES


def imported(path: Path, asking: Asking) -> Imported:
    """Build the network that a checkpoint is of, and give it all of the weights. No code that a file names is run."""
    found, told = read_weights(path / _WEIGHTS if path.is_dir() else path)
    factory, settings = _described(path, found, told, asking)
    most = _SLACK * sum(tensor.numel() for tensor in found.values())
    network = named_factory(factory)() if settings is None else library_network(factory, settings, most=most)
    if not isinstance(network, nn.Module):
        raise ConfigError(f"{factory} must give a network (torch.nn.Module), got {type(network).__name__}")
    tensors = named_like(found, network.state_dict()) or found
    if problem := misfit(network, tensors):
        raise DataError(f"the weights in {path} must be those of {factory}, got others: {problem}")
    network.load_state_dict(tensors)
    return Imported(network.eval(), factory, settings, _about(path, factory, asking.modality))


def fastmri_settings(tensors: Mapping[str, Tensor], told: Mapping[str, object]) -> dict[str, object]:
    """Read off the weights how fastMRI's U-Net was built; its dropout, which acts in training, from what is told."""
    first = tensors[_FIRST]
    levels = len({name.split(".")[1] for name in tensors if name.startswith("down_sample_layers.")})
    last = tensors.get(f"up_conv.{levels - 1}.1.weight")
    if first.ndim != 4 or last is None or last.ndim != 4:
        raise DataError("weights that are called as fastMRI's U-Net's must be all of them, got only some")
    dropout = told.get("drop_prob")
    return {
        "in_chans": first.shape[1],
        "out_chans": last.shape[0],
        "chans": first.shape[0],
        "num_pool_layers": levels,
        "drop_prob": float(dropout) if isinstance(dropout, int | float) else 0.0,
    }


def _described(
    path: Path, tensors: Mapping[str, Tensor], told: Mapping[str, object], asking: Asking
) -> tuple[str, Mapping[str, object] | None]:
    """Find out what builds the network, and with which arguments."""
    if asking.factory is not None:
        if asking.architecture is not None:
            raise ConfigError(f"{path} must be built by one thing, got a factory and an architecture; leave one out")
        return asking.factory, None
    if asking.architecture is not None or path.is_dir():
        config = asking.architecture if asking.architecture is not None else _config_of(path)
        return network_in(words_in(config), where=config)
    if (named := named_like(tensors, [_FIRST])) is not None:
        return FASTMRI, fastmri_settings(named, told)
    raise ConfigError(
        f"{path} does not say what network its weights are of; pass --architecture FILE with MONAI's words for it "
        f"(network_def), or --factory module:function"
    )


def _config_of(bundle: Path) -> Path:
    found = next((bundle / name for name in _CONFIGS if (bundle / name).is_file()), None)
    if found is None:
        raise DataError(
            f"{bundle} must be a bundle with configs/inference.json or configs/train.json, got none of them"
        )
    return found


def _about(path: Path, factory: str, modality: str | None) -> dict[str, Word]:
    """Say what is known of the data: of which modality, and how images are scaled."""
    if modality is None and factory == FASTMRI:
        modality = "mri"
    if modality is None and path.is_dir():
        modality = _MODALITIES.get(_modality_told(words_in(path / _METADATA)))
    if modality is None:
        return {}
    settings: dict[str, Word] = {"clamp": CLAMP} if factory == FASTMRI and modality == "mri" else {}
    return {"data": {"modality": modality, "folder": None, "synthetic": None, "settings": settings}}


def _modality_told(metadata: Mapping[str, object]) -> str:
    """Find the input's modality in a bundle's metadata."""
    found: object = metadata
    for name in ("network_data_format", "inputs", "image", "modality"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found.upper() if isinstance(found, str) else ""
