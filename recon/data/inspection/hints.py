"""What a person may have meant whose folder is no data set."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from recon.data.inspection.labelled_parts import is_labelled

PACKED = (".zip", ".tar", ".gz", ".tgz", ".xz", ".bz2")
_DATA = (".h5", ".hdf5")
_LEVELS = 3  # that are searched for data below a folder
_SEEN = 2000  # entries of folders that are looked at in a search


def hint_for_missing(folder: Path) -> str:
    """Say what is there instead of a folder: a file, or the nearest folder above and what it holds of that name."""
    if folder.exists():
        return (
            "got a packed file; unpack it, and give that folder" if _packed(folder) else "got a file; give its folder"
        )
    if folder.is_symlink():
        return f"got a link to {folder.readlink()}, which is not there"
    above = next(parent for parent in folder.absolute().parents if parent.is_dir())
    missing = folder.absolute().relative_to(above).parts[0]
    try:
        names = [path.name for path in above.iterdir() if path.is_dir()]
    except OSError:
        names = []
    folded = {name.casefold(): name for name in names}
    near = get_close_matches(missing.casefold(), folded, n=1, cutoff=0.5)
    hint = f"; did you mean {above / folded[near[0]]}?" if near else ""
    return f"got nothing there: {above} has no folder {missing!r}{hint}"


def hint_for(folder: Path) -> str:
    """Say what a folder suggests that holds no data with targets itself; nothing if it may be one of images."""
    if multicoil := [path.name for path in sorted(folder.iterdir()) if "multicoil" in path.name]:
        return f"got {multicoil[0]}; only fastMRI's single-coil data are read (singlecoil_train, _val and _test)"
    below = sorted(set(_folders_of_data(folder)))
    if not below:
        return ""
    places = ", ".join(map(str, below[:3]))
    if len(below) > 1 and {path.suffix for place in below for path in place.iterdir()} == {".hdf5"}:
        return f"got its files in {places}; move them into one folder, as LoDoPaB-CT is kept, and give that"
    return f"got no data in it, but in {places}; give {'that folder' if len(below) == 1 else 'one of them'}"


def hint_for_files(folder: Path) -> str:
    """Say what the files of a folder suggest that are no data as they are; nothing if they suggest nothing."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if packed := [name for name in names if _packed(folder / name)]:
        return f"got {packed[0]}, which is still packed; unpack it first"
    if odd := [name for name in names if name.endswith(_DATA)]:
        return f"got {odd[0]}, whose name is none of theirs; keep the names that the files came with"
    return ""


def _packed(path: Path) -> bool:
    return path.name.lower().endswith(PACKED) and not path.is_dir()


def _folders_of_data(folder: Path) -> Iterator[Path]:
    """Give folders below that hold HDF5 files (of fastMRI's parts the folder that has them) or labelled images."""
    budget, labelled = _SEEN, set[Path]()
    level = [folder]
    for _ in range(_LEVELS):
        level = [path for place in level if place not in labelled for path in _folders(place)]
        for place in level:
            try:
                entries = [path for _, path in zip(range(budget), place.iterdir(), strict=False)]
            except OSError:
                continue
            budget -= len(entries)
            if any(path.suffix in _DATA for path in entries):
                yield place.parent if place.name.startswith("singlecoil_") else place
            elif is_labelled(place):
                labelled.add(place)
                yield place


def _folders(place: Path) -> list[Path]:
    try:
        return sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))[:100]
    except OSError:
        return []
