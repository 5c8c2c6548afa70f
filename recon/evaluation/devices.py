"""Where networks compute, by a word."""

import os

import torch

from recon.errors import ConfigError


def chosen_device(word: str) -> str:
    """Give the device that a word names; `auto` is a GPU where there is one.

    Under torchrun or SLURM each process takes the GPU of its local rank.
    """
    rank = int(os.environ.get("LOCAL_RANK") or os.environ.get("SLURM_LOCALID") or 0)
    there = torch.cuda.is_available()
    if word == "auto":
        return f"cuda:{rank % torch.cuda.device_count()}" if there else "cpu"
    try:
        device = torch.device(word)
    except RuntimeError as error:
        raise ConfigError(f"device must be cpu, cuda, cuda:N or auto, got {word!r}") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device must be cpu, cuda, cuda:N or auto, got {word!r}")
    if device.type == "cuda" and not there:
        raise ConfigError(f"device {word} must be there, got none: torch sees no GPU; pass --device cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device {word} must be there, got {torch.cuda.device_count()} GPUs, counted from cuda:0")
    return word
