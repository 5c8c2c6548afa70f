"""Networks that are not recon's own: ONNX files, exported programs, and functions by their names."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Foreign:
    """A function from images to images, and what is known of it."""

    function: Callable[[Tensor], Tensor]
    kind: str
    source: str
    weights: str = ""
    parameters: int | None = None
    module: nn.Module | None = None


def onnx_model(path: Path, *, device: str) -> Foreign:
    """Open an ONNX file."""
    raise NotImplementedError


def exported_program(path: Path, *, device: str) -> Foreign:
    """Open a file that `torch.export.save` wrote."""
    raise NotImplementedError


def named_function(spec: str, *, device: str) -> Foreign:
    """Import `module:function`, or call `module:factory()` for its network."""
    raise NotImplementedError
