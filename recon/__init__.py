"""Shift-equivariant reconstruction networks for MRI and CT; the main names load when they are first used."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recon.checkpoints import load, save
    from recon.metrics import equivariance_error
    from recon.nn import Canonical, Classifier, Segmenter, UNet, make_equivariant, sampling_pair, selection_margin
    from recon.samplings import SAMPLINGS, Sampling, find_sampling

__version__ = "0.1.0"

__all__ = [
    "SAMPLINGS",
    "Canonical",
    "Classifier",
    "Sampling",
    "Segmenter",
    "UNet",
    "__version__",
    "equivariance_error",
    "find_sampling",
    "load",
    "make_equivariant",
    "sampling_pair",
    "save",
    "selection_margin",
]

_MODULES = {
    "Canonical": "recon.nn",
    "Classifier": "recon.nn",
    "SAMPLINGS": "recon.samplings",
    "Sampling": "recon.samplings",
    "Segmenter": "recon.nn",
    "UNet": "recon.nn",
    "equivariance_error": "recon.metrics",
    "find_sampling": "recon.samplings",
    "load": "recon.checkpoints",
    "make_equivariant": "recon.nn",
    "sampling_pair": "recon.nn",
    "save": "recon.checkpoints",
    "selection_margin": "recon.nn",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
