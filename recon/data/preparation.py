"""What is to be prepared of a folder of data, and the doing of it."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import torch

from recon.data.fastmri import hybrid_recipe
from recon.data.inspection.kinds import NAMES, DataFolder, data_folder
from recon.data.inspection.pair_problems import pairs_of
from recon.data.lodopab import fbp_recipe, read_pair
from recon.data.prepared import Recipe, is_fresh, prepare, prepared_file
from recon.data.scanning import OnBadFile, scan
from recon.data.volumes import read_volume
from recon.errors import ConfigError
from recon.ops.filtered_back_projection import Filter


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is to be prepared: sources by recipe; and the reasons why files are left out."""

    works: tuple[tuple[Recipe, tuple[Path, ...]], ...]
    skipped: tuple[str, ...]

    def due(self, cache: Path) -> int:
        """Count the sources whose prepared files are missing or stale."""
        return sum(not is_fresh(source, recipe, cache) for recipe, sources in self.works for source in sources)

    def needed(self, cache: Path) -> int:
        """Count the bytes that the missing and stale files will take."""
        return sum(
            recipe.size(source)
            for recipe, sources in self.works
            for source in sources
            if not is_fresh(source, recipe, cache)
        )

    def count(self) -> int:
        """Count the sources."""
        return sum(len(sources) for _, sources in self.works)

    def bytes(self, cache: Path) -> int:
        """Count the bytes of the prepared files that are there."""
        paths = [prepared_file(source, recipe, cache) for recipe, sources in self.works for source in sources]
        return sum(path.stat().st_size for path in paths if path.exists())


def preparation_of(
    folder: Path,
    *,
    filter: Filter | None = None,
    frequency_scaling: float | None = None,
    device: str = "cpu",
    on_bad_file: OnBadFile = "error",
) -> Preparation:
    """Say what is to be prepared of a folder: hybrid-space files of MRI, filtered back-projections of CT.

    `filter` (Hann, unless chosen), `frequency_scaling` (1, unless chosen) and `device` are for CT. A file of LoDoPaB's
    without its partner is always left out.
    """
    found = data_folder(folder)
    if found.kind not in ("fastmri", "lodopab"):
        raise ConfigError(f"{folder} must hold MRI or CT data, got {NAMES[found.kind]}, which are used as they are")
    if found.kind == "fastmri":
        if filter is not None or frequency_scaling is not None or device != "cpu":
            raise ConfigError(
                f"filter, frequency_scaling and device are for CT, got MRI data in {folder}; leave them out"
            )
        return _volumes(found, on_bad_file)
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device must be one that is there, got cuda without a CUDA device; choose cpu")
    scaling = 1.0 if frequency_scaling is None else frequency_scaling
    return _pairs(found, fbp_recipe(filter or "hann", scaling, device=device), on_bad_file)


def prepare_all(
    preparation: Preparation, cache: Path, *, on_bad_file: OnBadFile = "error"
) -> tuple[int, tuple[str, ...]]:
    """Make what is missing or stale; count it, and say what was left out because it could not be read."""
    skipped: list[str] = []
    made = 0
    for recipe, sources in preparation.works:
        title = f"preparing ({recipe.name})"
        made += prepare(sources, recipe, cache, title=title, skipped=skipped if on_bad_file == "skip" else None)
    return made, (*preparation.skipped, *skipped)


def _volumes(found: DataFolder, on_bad_file: OnBadFile) -> Preparation:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of skipped files, which are given
        volumes, skipped = scan(found.files, read_volume, on_bad_file)
    rows = sorted({volume.crop[0] for volume in volumes})
    works = tuple((hybrid_recipe(n), tuple(v.path for v in volumes if v.crop[0] == n)) for n in rows)
    return Preparation(works, skipped)


def _pairs(found: DataFolder, recipe: Recipe, on_bad_file: OnBadFile) -> Preparation:
    truths, alone = pairs_of(found.files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs, skipped = scan(truths, read_pair, on_bad_file)
    left_out = [f"{problem.file} {problem.what}" for problem in alone]
    return Preparation(((recipe, tuple(pair.observation for pair in pairs)),), (*left_out, *skipped))
