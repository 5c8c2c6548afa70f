"""Where results go: a file for a file, or a folder that mirrors the one with the inputs."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from recon.clinical.formats.files import FileSource
from recon.clinical.sources import Source
from recon.errors import ConfigError

_SUFFIXES = (".h5", ".hdf5", ".mrd", ".dcm", ".nii", ".nii.gz", ".npy")  # of what is no name for a folder


def targets_of(sources: Sequence[Source], out: Path, inputs: Sequence[Path]) -> list[Path]:
    """Give the target of each volume.

    `out` itself is the file of a single input that is a file, if it ends as that is written. Else it is a folder, in
    which volumes lie as they do in the input folders. Two volumes never share a target, and none lies on an input.
    """
    if _is_file(sources, out, inputs):
        targets = [out]
    else:
        _require_folder(sources, out)
        targets = [out / _relative(source, inputs, part) for source, part in zip(sources, _parts(sources), strict=True)]
        above = {parent for target in targets for parent in target.parents}
        targets = [
            target / source.name if target in above else target  # a folder of one volume alone holds nothing else
            for source, target in zip(sources, targets, strict=True)
        ]
    _require_apart(sources, targets)
    return targets


def name_of(source: Source, inputs: Sequence[Path]) -> str:
    """Give what messages call a volume: its place below the folder that was given, else its name."""
    folder = _folder_of(source, inputs)
    above = source.path.parent if source.path != folder else folder
    return (above.relative_to(folder) / (source.name or source.path.absolute().name)).as_posix()


def files_of(source: Source, target: Path) -> list[Path]:
    """Give what is written for a target: more than one file where a format has no room for words."""
    return source.files_of(target) if isinstance(source, FileSource) else [target]


def is_there(source: Source, target: Path) -> bool:
    """Whether something of a target is there; an empty folder is not."""
    return any(
        any(path.iterdir()) if path.is_dir() else path.exists() or path.is_symlink()
        for path in files_of(source, target)
    )


def _is_file(sources: Sequence[Source], out: Path, inputs: Sequence[Path]) -> bool:
    """Whether `out` names the file of a single volume."""
    alone = len(sources) == 1 and len(inputs) == 1 and inputs[0].is_file()
    return alone and bool(sources[0].suffix) and out.name.endswith(sources[0].suffix) and not out.is_dir()


def _require_folder(sources: Sequence[Source], out: Path) -> None:
    """Refuse what is a file, or is called like one."""
    if out.is_dir():
        return
    volumes = "one volume" if len(sources) == 1 else f"{len(sources)} volumes"
    if out.exists():
        raise ConfigError(f"{out} must be a folder for {volumes}, got a file; name another place")
    if out.name.lower().endswith(_SUFFIXES):
        wanted = sorted({source.suffix or "a folder" for source in sources})
        raise ConfigError(
            f"--out must be a folder, or for one file end as that is written ({', '.join(wanted)}), got {out.name} for "
            f"{volumes}; name a folder"
        )


def _parts(sources: Sequence[Source]) -> list[str]:
    """Number the volumes of a file or folder that holds several."""
    count, numbers = Counter(source.path for source in sources), Counter[Path]()
    parts = []
    for source in sources:
        numbers[source.path] += 1
        parts.append(f"-{numbers[source.path]}" if count[source.path] > 1 else "")
    return parts


def _folder_of(source: Source, inputs: Sequence[Path]) -> Path:
    """Give the folder that was given and holds a volume, or the one that a file lies in."""
    return next((path for path in inputs if path.is_dir() and source.path.is_relative_to(path)), source.path.parent)


def _relative(source: Source, inputs: Sequence[Path], part: str) -> Path:
    """Give the place of a volume below the folder that was given; of a file that was given, its name."""
    place = source.path.relative_to(_folder_of(source, inputs))
    if source.suffix:
        alike = place.name.lower().endswith(source.suffix)
        stem = place.name[: -len(source.suffix)] if alike else place.stem
        return place.with_name(f"{stem}{part}{source.suffix}")
    if source.path.is_file():
        place = place.with_suffix("")
    name = place.name or source.path.absolute().name
    return place.parent / f"{name}{part}" if part else place


def _require_apart(sources: Sequence[Source], targets: Sequence[Path]) -> None:
    """Refuse two volumes with one target, and a target on an input or around it."""
    taken: dict[Path, Source] = {}
    inputs = {source.path.resolve() for source in sources}
    around = inputs | {parent for path in inputs for parent in path.parents}
    for source, target in zip(sources, targets, strict=True):
        for path in files_of(source, target):
            place = path.resolve()
            if place in taken:
                raise ConfigError(
                    f"{taken[place].path} and {source.path} must not both be written to {path}; reconstruct them apart"
                )
            taken[place] = source
            if place in (inputs if source.suffix else around):
                raise ConfigError(f"{path} must not replace an input, got it as a target; choose another --out")
