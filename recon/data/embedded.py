"""The embedded data sets: synthetic ones that every command falls back to, kept in the cache folder."""

from pathlib import Path

from recon.data.prepared import cache_folder
from recon.data.sets import SetName
from recon.data.synthetic.labels import IMAGES, SIDES
from recon.data.synthetic.make import Chosen, LabelledSet, SyntheticSet, is_whole, make

EMBEDDED: dict[SetName, Chosen] = {
    "mri": SyntheticSet("mri", volumes=20, size=128, slices=16),
    "ct": SyntheticSet("ct", volumes=20, size=128, slices=16),
    "cifar10": LabelledSet("cifar10", images=IMAGES["cifar10"], size=SIDES["cifar10"]),
    "imagenet": LabelledSet("imagenet", images=IMAGES["imagenet"], size=SIDES["imagenet"]),
    "voc": LabelledSet("voc", images=IMAGES["voc"], size=SIDES["voc"]),
}


def embedded_folder(name: SetName, *, cache: Path | None = None) -> Path:
    """Give the folder of the embedded data set in the cache; it is there after `ensure_embedded`."""
    return (cache or cache_folder()) / "embedded" / EMBEDDED[name].name


def ensure_embedded(name: SetName, *, cache: Path | None = None) -> Path:
    """Make the embedded data set unless it is whole already, and give its folder; the caller says that it is used."""
    folder, chosen = embedded_folder(name, cache=cache), EMBEDDED[name]
    if not is_whole(chosen, folder):
        make(chosen, folder)
    return folder
