"""The embedded data sets: synthetic ones that every command falls back to, kept in the cache folder."""

from pathlib import Path

from recon.data.prepared import cache_folder
from recon.data.synthetic.make import Modality, SyntheticSet, is_whole, make

EMBEDDED = {
    "mri": SyntheticSet("mri", volumes=20, size=128, slices=16),
    "ct": SyntheticSet("ct", volumes=20, size=128, slices=16),
}


def embedded_folder(modality: Modality, *, cache: Path | None = None) -> Path:
    """Give the folder of the embedded data set in the cache; it is there after `ensure_embedded`."""
    chosen = EMBEDDED[modality]
    name = f"{modality}-{chosen.volumes}x{chosen.slices}x{chosen.size}-seed{chosen.seed}"
    return (cache or cache_folder()) / "embedded" / name


def ensure_embedded(modality: Modality, *, cache: Path | None = None) -> Path:
    """Make the embedded data set unless it is whole already, and give its folder; the caller says that it is used."""
    folder, chosen = embedded_folder(modality, cache=cache), EMBEDDED[modality]
    if not is_whole(chosen, folder):
        make(chosen, folder)
    return folder
