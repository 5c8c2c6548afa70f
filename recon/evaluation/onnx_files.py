"""ONNX files, run by ONNX Runtime."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Protocol as Structure
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.errors import ConfigError, DataError
from recon.evaluation.fitting import Wanted

Numbers: TypeAlias = NDArray[np.float16] | NDArray[np.float32] | NDArray[np.float64]

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


class _Place(Structure):
    """One input or output."""

    name: str
    type: str
    shape: list[int | str | None]


class _Runtime(Structure):
    """What is used of onnxruntime.InferenceSession, which has no type information."""

    def get_inputs(self) -> list[_Place]: ...
    def get_outputs(self) -> list[_Place]: ...
    def get_providers(self) -> list[str]: ...
    def run(self, names: list[str], feeds: dict[str, Numbers]) -> list[Numbers]: ...


class Session:
    """An opened file; `run` gives the output for as many images as are `wanted`, computed by `provider`."""

    def __init__(self, runtime: _Runtime, given: _Place, wanted: Wanted) -> None:
        self.wanted, self.provider = wanted, runtime.get_providers()[0]
        self._runtime, self._given, self._output = runtime, given.name, runtime.get_outputs()[0].name
        self._type = _TYPES[given.type]

    def run(self, images: Tensor) -> Tensor:
        """Compute in the precision of the file, whatever the images' own."""
        if torch.is_autocast_enabled(images.device.type):
            raise ConfigError("an ONNX file computes in the precision it has; evaluate it with --precision float32")
        feeds = {self._given: images.cpu().numpy().astype(self._type)}
        return torch.from_numpy(self._runtime.run([self._output], feeds)[0]).to(images.device)


def open_session(path: Path, device: str) -> Session:
    """Open a file; it must have one input (B, C, H, W) of floating-point numbers, and one output."""
    library = _onnxruntime()
    options = library.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors: warnings are of how it could be faster
    wished = ["CUDAExecutionProvider"] if torch.device(device).type == "cuda" else []
    known = [name for name in wished if name in library.get_available_providers()]
    try:
        runtime = library.InferenceSession(str(path), options, providers=[*known, "CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own kinds, which differ between versions
        said = " ".join(str(error).split())
        raise DataError(
            f"{path} must be a whole ONNX file that this ONNX Runtime can run, got an error of it: {said}; copy or "
            f"export it again"
        ) from error
    given = _only(runtime.get_inputs(), "input", path)
    _only(runtime.get_outputs(), "output", path)
    return Session(runtime, given, _wanted(given, path))


def _onnxruntime() -> ModuleType:
    try:
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        raise ConfigError(f"an ONNX file needs onnxruntime, got: {error}; pip install onnxruntime") from error


def _only(places: list[_Place], kind: str, path: Path) -> _Place:
    if len(places) != 1:
        names = ", ".join(place.name for place in places) or "none"
        raise ConfigError(f"{path} must have one {kind} of images, got {len(places)} ({names}); export it so")
    return places[0]


def _wanted(given: _Place, path: Path) -> Wanted:
    """Understand an input's shape, in which words and None stand for any number."""
    if given.type not in _TYPES or len(given.shape) != 4:
        shape = " x ".join(map(str, given.shape))
        raise ConfigError(
            f"{path} must take images (B, C, H, W) of floating-point numbers, got {given.type} of {shape}; export it so"
        )
    number, channels, height, width = (size if isinstance(size, int) and size > 0 else None for size in given.shape)
    return Wanted(number or 1, number, (channels, height, width))
