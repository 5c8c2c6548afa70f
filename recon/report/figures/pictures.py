"""Reads what an evaluation kept of the worst case: its images, and which networks of it are drawn."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from recon.errors import DataError
from recon.records import BUILT_IN
from recon.report.selection import Group

MOST = 6  # networks
FOLDER = "pictures"

Image = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pictures:
    """What the evaluation kept of the worst case: images (H, W), outputs (N, H, W), names and what they are of."""

    input: Image
    shifted_input: Image
    target: Image
    outputs: Image
    shifted_outputs: Image
    names: Sequence[str]
    shift: tuple[int, int]
    item: str
    slice: int | None
    source: str
    changes: Sequence[float]

    def exact(self, index: int) -> bool:
        """Say whether a network's two outputs are equal."""
        return bool(np.array_equal(self.outputs[index], self.shifted_outputs[index]))


def read_pictures(path: Path) -> Pictures:
    """Read the archive of a worst case."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            held = {name: archive[name] for name in archive.files}
        about = json.loads(str(held["about"]))
        names = [str(name) for name in held["names"].tolist()]
        first, second = (int(pixels) for pixels in about["shift"])
        found = Pictures(
            **{name: held[name] for name in ("input", "shifted_input", "target", "outputs", "shifted_outputs")},
            names=names,
            shift=(first, second),
            item=str(about["item"]),
            slice=about["slice"],
            source=str(about["source"]),
            changes=[float(value) for value in about["delta_psnr"]],
        )
    except (OSError, KeyError, TypeError, ValueError, BadZipFile, EOFError) as error:
        raise DataError(f"{path} must hold the pictures of a worst case, got: {error}; evaluate again") from error
    shapes = {found.input.shape, found.shifted_input.shape, found.target.shape}
    shapes |= {found.outputs.shape[1:], found.shifted_outputs.shape[1:]}
    counts = {len(names), len(found.outputs), len(found.shifted_outputs), len(found.changes)}
    if len(shapes) != 1 or len(counts) != 1 or found.input.ndim != 2 or not names:
        raise DataError(f"{path} must hold images of one size and as many outputs as names; evaluate again")
    return found


def find_pictures(group: Group, folders: Sequence[Path]) -> Pictures | None:
    """Give the pictures of a data set from the first folder that has them; None where none has."""
    for folder in folders:
        path = folder / FOLDER / f"worst-{group.source.modality}.npz"
        if path.is_file():
            pictures = read_pictures(path)
            if pictures.source == group.source.name and set(pictures.names) & set(group.names):
                return pictures
    return None


def chosen_networks(pictures: Pictures, group: Group) -> list[int]:
    """Choose at most six: the plain network, then the worst of the others, then exact ones."""
    kinds = {subject.name: subject for subject in group.subjects}
    known = [index for index, name in enumerate(pictures.names) if name in kinds and kinds[name].kind != BUILT_IN]
    plain = [index for index in known if kinds[pictures.names[index]].variant == "plain"][:1]
    exact = [index for index in known if pictures.exact(index) and index not in plain]
    others = [index for index in known if not pictures.exact(index) and index not in plain]
    others.sort(key=lambda index: -abs(pictures.changes[index]))
    room = MOST - len(plain)
    kept = min(len(exact), max(2, room - len(others)))
    others = others[: room - kept]
    return [*plain, *others, *exact[: room - len(others)]]
