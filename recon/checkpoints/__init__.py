"""A network in one file: its weights in safetensors' format, and in the header what it takes to build it again."""

from recon.checkpoints.building import Network
from recon.checkpoints.format import FORMAT, IN_BUNDLE, SUFFIX, VERSION, Checkpoint, weights_hash
from recon.checkpoints.loading import load, read_about
from recon.checkpoints.saving import save

__all__ = [
    "FORMAT",
    "IN_BUNDLE",
    "SUFFIX",
    "VERSION",
    "Checkpoint",
    "Network",
    "load",
    "read_about",
    "save",
    "weights_hash",
]
