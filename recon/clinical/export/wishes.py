"""What an export is asked for, and what it gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from recon.clinical.export.costing import Cost
from recon.errors import ConfigError, require_at_least, require_known, require_pair
from recon.records import Word

Format = Literal["onnx", "pt2", "torchscript", "bundle"]
Where = Literal["inside", "outside"]
Precision = Literal["float32", "float16"]

FORMATS: tuple[str, ...] = get_args(Format)
ENDINGS: Mapping[str, str] = {"onnx": ".onnx", "pt2": ".pt2", "torchscript": ".ts", "bundle": "-bundle"}
OPSET = 20


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be exported, and how.

    Args:
        out: the folder of the files.
        formats: which.
        scaling: whether the file takes intensities, scales them as in training and scales the result back (`inside`),
            or takes and gives scaled images (`outside`).
        precision: what an ONNX file computes in; it takes and gives float32 in any case.
        force: replace files that are there.
        opset: the version of ONNX's operators.
        size: of the image whose time is taken; None for that of the training data.
        threads: by which the time is taken.
        timing: whether it is.
    """

    out: Path
    formats: Sequence[str] = ("onnx",)
    scaling: str = "inside"
    precision: str = "float32"
    force: bool = False
    opset: int = OPSET
    size: tuple[int, int] | None = None
    threads: int = 1
    timing: bool = True

    def __post_init__(self) -> None:
        """Check the words."""
        if not self.formats:
            raise ConfigError(f"there must be a format, one of {', '.join(FORMATS)}, got none")
        for name in self.formats:
            require_known(name, FORMATS, name="format")
        require_known(self.scaling, get_args(Where), name="scaling")
        require_known(self.precision, get_args(Precision), name="precision")
        if self.precision != "float32" and (others := [name for name in self.formats if name != "onnx"]):
            raise ConfigError(
                f"precision {self.precision} is for onnx, got {', '.join(others)} too; export those in float32, and "
                f"run them under autocast"
            )
        require_at_least(self.threads, 1, name="threads")
        require_pair(self.size, name="size")
        if not 18 <= self.opset <= 23:
            raise ConfigError(f"opset must be from 18 to 23, got {self.opset}; leave it out for {OPSET}")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked of a file in its own runtime.

    Args:
        name: what.
        measured: the number that was found.
        bound: what it may be at most; None where it is told and not judged.
        details: on what, and what else was seen.
    """

    name: str
    measured: float
    bound: float | None
    details: str

    @property
    def passed(self) -> bool:
        """Whether it is within its bound, or has none; a number that is none is not."""
        return self.bound is None or self.measured <= self.bound

    @property
    def words(self) -> dict[str, Word]:
        """What JSON can hold of it."""
        return {
            "name": self.name,
            "measured": self.measured if self.measured < float("inf") else str(self.measured),
            "bound": self.bound,
            "passed": self.passed,
            "details": self.details,
        }


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written, what was checked of it, and what it costs.

    Args:
        path: the file, or the bundle's folder.
        format: its format.
        runtime: what it was checked in, with its version.
        checks: what was found.
        cost: seconds and bytes; None where they were not asked for.
    """

    path: Path
    format: str
    runtime: str
    checks: Sequence[Check]
    cost: Cost | None
