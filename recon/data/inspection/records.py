"""What is said of a data set: counts, sizes, ranges, problems."""

from dataclasses import dataclass

from recon.data.inspection.kinds import Kind


@dataclass(frozen=True, slots=True)
class PartDescription:
    """One part of a data set. `volumes` are fastMRI's readable files, LoDoPaB's pairs, or images."""

    name: str
    files: int
    volumes: int
    slices: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SizeCount:
    """How many volumes (or pairs of files, or images) have a size: (rows, columns), or (angles, detectors)."""

    size: tuple[int, int]
    count: int


@dataclass(frozen=True, slots=True)
class Intensities:
    """The range of the targets' values, over some of the slices: how many of how many."""

    lowest: float
    mean: float
    highest: float
    looked_at: int
    out_of: int


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How many images of each part, in the order of the parts, are of a class, or show it (where pixels have one)."""

    name: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """What a folder holds.

    `targets` are the sizes of the images, `measured` those of the k-space or of the sinograms. Of many images only some
    are looked at: the counts in `targets` then add up to less. `synthetic` counts the volumes that were simulated.
    `classes` are those of labelled images.
    """

    folder: str
    kind: Kind
    name: str
    modality: str
    synthetic: int
    patients: int
    parts: tuple[PartDescription, ...]
    targets: tuple[SizeCount, ...]
    measured: tuple[SizeCount, ...]
    acquisitions: dict[str, int]
    intensities: Intensities | None
    unreadable: tuple[str, ...]
    classes: tuple[ClassCount, ...] = ()

    @property
    def total(self) -> PartDescription:
        """All the parts together."""
        files, volumes, slices, size = (
            sum(column)
            for column in zip(
                *((part.files, part.volumes, part.slices, part.bytes) for part in self.parts), strict=True
            )
        )
        return PartDescription("all", files, volumes, slices, size)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file, in words; a note is worth knowing, and nothing wrong.

    `key` and `slices` say where in the file, as far as that is known.
    """

    file: str
    what: str
    key: str = ""
    slices: tuple[int, ...] = ()
    note: bool = False


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What looking through a file found, and a fingerprint of its content; "" if it has none of its own."""

    problems: tuple[Problem, ...]
    fingerprint: str = ""
