"""What a bundle says of itself in metadata.json, by MONAI's specification."""

from importlib.metadata import PackageNotFoundError, version

from recon import __version__
from recon.clinical.identity import Identity
from recon.clinical.words import KEY, RESEARCH_ONLY
from recon.errors import ConfigError
from recon.records import Word

SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
COPYRIGHT = "Copyright (c) 2026 The recon developers"

_VERSION = "1.0.0"  # of the bundle; new weights are a new bundle
_REQUIRED = ("fire", "nibabel", "pydicom", "pytorch-ignite", "safetensors")  # beside MONAI, PyTorch and NumPy


def metadata_of(identity: Identity) -> dict[str, Word]:
    """Give the fields of MONAI's schema, and the identity as recon writes it, under a key of its own."""
    kind = "MR" if identity.modality == "mri" else "CT"
    return {
        "schema": SCHEMA,
        "version": _VERSION,
        "changelog": {_VERSION: f"exported by recon {__version__}"},
        "monai_version": _installed("monai"),
        "pytorch_version": _installed("torch"),
        "numpy_version": _installed("numpy"),
        "required_packages_version": {"recon": __version__, **{name: _installed(name) for name in _REQUIRED}},
        "supported_apps": {},
        "name": f"{identity.variant} for {kind} reconstruction",
        "task": f"{kind} image reconstruction, slice by slice",
        "description": f"A {identity.network} with sampling {identity.variant}, of recon. {RESEARCH_ONLY}",
        "authors": "The recon developers",
        "copyright": COPYRIGHT,
        "data_source": data_text(identity),
        "data_type": "dicom, nifti, npy",
        "image_classes": f"single-channel {kind} slices, undersampled or from few measurements",
        "label_classes": f"single-channel {kind} slices, fully measured",
        "pred_classes": f"single-channel {kind} slices, reconstructed",
        "eval_metrics": {},
        "intended_use": RESEARCH_ONLY,
        "references": [
            "A. Chaman and I. Dokmanic, Truly shift-equivariant convolutional neural networks with adaptive polyphase "
            "upsampling, 2021"
        ],
        "network_data_format": {"inputs": {"image": _format(identity)}, "outputs": {"pred": _format(identity)}},
        KEY: identity.text,
    }


def data_text(identity: Identity) -> str:
    """Say in a sentence what a model was trained on."""
    name = "fastMRI's single-coil files" if identity.modality == "mri" else "LoDoPaB-CT's files"
    if identity.synthetic is None:
        return "It is not known what this network was trained on."
    return f"Synthetic images in {name}." if identity.synthetic else f"Images in {name}."


def spatial_shape(multiple: int) -> list[Word]:
    """Give what heights and widths may be, in MONAI's words.

    >>> spatial_shape(16), spatial_shape(1)
    (['16*n', '16*n'], ['*', '*'])
    """
    return [f"{multiple}*n" if multiple > 1 else "*"] * 2


def _format(identity: Identity) -> dict[str, Word]:
    scaling = identity.scaling
    ends: list[Word] = [scaling.mean, scaling.mean + scaling.scale] if scaling.kind == "linear" else []  # [] is unknown
    return {
        "type": "image",
        "format": "hounsfield" if scaling.units == "HU" else "magnitude",
        "modality": "MR" if identity.modality == "mri" else "CT",
        "num_channels": 1,
        "spatial_shape": spatial_shape(identity.multiple),
        "dtype": "float32",
        "value_range": ends,
        "is_patch_data": False,
        "channel_def": {"0": "image"},
    }


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError as error:
        raise ConfigError(
            f"a bundle must say with which {package} it runs, got none installed; pip install '.[clinical,bundle]' in "
            "recon's folder"
        ) from error
