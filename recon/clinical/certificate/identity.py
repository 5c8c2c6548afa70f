"""Who a certificate is of: the model, its file, and what computed it on which machine."""

import importlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from recon.clinical.certificate.content import DEFINITIONS, content_hash, kind_of, onnx_precision
from recon.clinical.certificate.measuring import Measurements
from recon.clinical.models import ClinicalModel
from recon.clinical.words import RESEARCH_ONLY
from recon.records import Word

_PROCESSORS = Path("/proc/cpuinfo")  # of Linux; elsewhere Python's own word must do
_IDENTITY = {  # where what is said of a model comes from, by whether its file is closed
    False: (
        "derived",
        "recon built this network from its file, and derived from it the hash of the weights, the number of parameters "
        "and the multiple of sizes; what is said of its training is what the training wrote into the file.",
    ),
    True: (
        "stated",
        "Network, hash of the weights, number of parameters, multiple and training are what this file states about "
        "itself: they were not derived from its graph. The hash of its content is of the file as it is, and all "
        "numbers were measured by running it.",
    ),
}
_STATED = ("network", "variant", "modality", "weights", "multiple", "scaled_inside", "parameters", "arguments", "recon")


def what_is_certified(model: ClinicalModel, spec: str) -> dict[str, Word]:
    """Give what a certificate is of: what changes with the model, wherever it runs."""
    identity, path = model.identity, _own_path(model, spec)
    training = {name: value for name, value in identity.training.items() if name != "run"}  # folders have any name
    origin, words = _IDENTITY[model.module is None]
    return {
        "identity": origin,
        "identity_words": words,
        **{name: getattr(identity, name) for name in _STATED},
        "scaling": {name: _word(value) for name, value in identity.scaling.words.items()},
        "training": training,
        "training_synthetic": identity.synthetic,
        "stored_as": path.suffix.removeprefix(".") if kind_of(path) == "file" else kind_of(path),
        "file_sha256": "" if path.is_dir() else model.file_hash,
        "content_sha256": content_hash(path),
        "content": DEFINITIONS[kind_of(path)],
        "precision": precision_of(model),
    }


def how_it_ran(model: ClinicalModel, found: Measurements) -> dict[str, Word]:
    """Give the runtime, versions and processor, which may be others next time."""
    versions: dict[str, Word] = {**found.circumstances.versions, "numpy": np.__version__}
    if model.runtime.startswith("ONNX Runtime"):
        versions["onnxruntime"] = str(importlib.import_module("onnxruntime").__version__)
    return {
        "runtime": model.runtime,
        "versions": versions,
        "device": found.circumstances.device,
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "threads": torch.get_num_threads(),
    }


def precision_of(model: ClinicalModel) -> str:
    """Say in what a model computes; an ONNX file says it by its weights."""
    if model.file is not None and model.file.suffix == ".onnx":
        return onnx_precision(model.file)
    return model.opening.place.precision


def processor() -> str:
    """Name the processor of this machine."""
    try:
        lines = _PROCESSORS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{named or platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def intended_use(certified: Mapping[str, Word], found: Measurements) -> list[str]:
    """Say what the model is for, and what the certificate does not say."""
    source, multiple = found.source, certified["multiple"]
    images = (
        "zero-filled magnitude images of single-coil MRI"
        if source.modality == "mri"
        else "CT images by filtered back-projection, in HU"
    )
    sides = f"with heights and widths that {multiple} divides" if multiple != 1 else "of any size"
    synthetic = "synthetic data, which are of nobody" if source.synthetic else "the data named here"
    training = {
        True: "The network was trained on synthetic data.",
        False: "The network was trained on measured data.",
        None: "It is not known whether the network was trained on measured data.",
    }[certified["training_synthetic"] if isinstance(certified["training_synthetic"], bool) else None]
    return [
        RESEARCH_ONLY,
        f"Use: to reconstruct {images}, one channel, {sides}, measured as its training data were.",
        f"{training} All numbers are of {synthetic}, of {found.size[0]} x {found.size[1]} pixels; other anatomy, "
        f"scanners, sizes or undersampling are not covered.",
        "Equivariance is of circular shifts by whole pixels. Shifts by fractions of a pixel, images whose content "
        "leaves at a border, and objects that move before they are measured are not what such networks are exact for: "
        "their numbers say how far off they are.",
        "It holds for this file, this runtime and this precision; recon certify --verify shows whether another "
        "machine agrees.",
        "It says nothing of diagnostic value: no reader judged an image.",
    ]


def _own_path(model: ClinicalModel, spec: str) -> Path:
    """Give the file that is certified, or the folder of a bundle."""
    path = Path(spec)
    if kind_of(path) == "bundle" or model.file is None:
        return path
    return model.file


def _word(value: object) -> Word:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
