"""Weights that other software saved with PyTorch: tensors by their names, and what a checkpoint says beside them."""

from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from torch import Tensor

from recon.errors import DataError
from recon.files import reason_of

SUFFIXES = (".pt", ".pth", ".ckpt")

_DEEPEST = 8  # state dicts lie in one or two others
_INSIDE = ("state_dict", "model", "network", "model_state_dict")  # under which checkpoints keep a state dict
_BEFORE = ("module.", "_orig_mod.", "unet.", "model.", "network.", "net.")  # names of what a network was wrapped in


def read_weights(path: Path) -> tuple[dict[str, Tensor], Mapping[str, object]]:
    """Read a state dict, alone or in a checkpoint, and a checkpoint's hyper-parameters.

    Nothing is unpickled but tensors and plain values, so nothing in the file is run.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"{path} must be a file of weights, got nothing there") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {reason_of(error)}") from error
    except Exception as error:  # whatever torch's reader finds wrong
        raise DataError(
            f"{path} must hold tensors and plain values, which are all that is read of a file, got others "
            f"({next(iter(str(error).splitlines()), '')}); save its state_dict alone"
        ) from error
    told = found.get("hyper_parameters") if isinstance(found, Mapping) else None
    tensors = _state_in(found)
    if tensors is None:
        raise DataError(f"{path} must hold a state dict of tensors, got {type(found).__name__} of other things")
    return tensors, told if isinstance(told, Mapping) else {}


def named_like(tensors: Mapping[str, Tensor], wanted: Collection[str]) -> Mapping[str, Tensor] | None:
    """Name weights as a network does that has these names: without what they begin with because it was wrapped.

    What lies beside the wrapped network is left out. None where they cannot be named so.

    >>> weights = {"model.a": torch.zeros(1), "model.b": torch.ones(1), "loss.a": torch.ones(1)}
    >>> named_like(weights, ["a", "b"])
    {'a': tensor([0.]), 'b': tensor([1.])}
    """
    if wanted and set(wanted) <= set(tensors):
        return tensors
    for prefix in _BEFORE:
        inner = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        if inner and (found := named_like(inner, wanted)) is not None:
            return found
    return None


def _state_in(found: object, deep: int = 0) -> dict[str, Tensor] | None:
    """Find the state dict in what a file holds, which may hold itself."""
    if not isinstance(found, Mapping) or not found or deep > _DEEPEST:
        return None
    if all(isinstance(name, str) and isinstance(value, Tensor) for name, value in found.items()):
        return dict(found)
    return next((state for name in _INSIDE if (state := _state_in(found.get(name), deep + 1)) is not None), None)
