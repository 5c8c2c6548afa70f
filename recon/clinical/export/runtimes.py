"""Opens files that were just written in the runtimes that others will use, without recon's own reading of them."""

import importlib
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from recon.clinical.export.recorded import quiet
from recon.clinical.models import Opening, open_model

Runs = Callable[[Tensor], Tensor]


def opened(path: Path, kind: str, *, threads: int | None = None, opening: Opening | None = None) -> tuple[Runs, str]:
    """Give what a file computes, on the CPU, and the name and version of what computes it.

    Only for files that were just written here: reading TorchScript or a program trusts its maker. A bundle is opened by
    recon, as `opening` says.
    """
    if kind == "onnx":
        return _onnx(path, threads or torch.get_num_threads())
    if kind == "pt2":
        with quiet():
            return torch.export.load(path).module(), f"torch.export on PyTorch {torch.__version__}"
    if kind == "torchscript":
        with quiet():
            return torch.jit.load(str(path)), f"TorchScript on PyTorch {torch.__version__}"
    model = open_model(str(path), opening)
    return model, model.runtime


def _onnx(path: Path, threads: int) -> tuple[Runs, str]:
    library = importlib.import_module("onnxruntime")
    options = library.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what fails is raised, too
    session = library.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0].name

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {given: images.contiguous().numpy()})[0])

    return run, f"ONNX Runtime {library.__version__} (CPUExecutionProvider)"
