"""Tolerances that are stated before anything is measured: read from YAML, and what they say of numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

import yaml

from recon.clinical.certificate.quantities import QUANTITIES, SHARE, Drift
from recon.clinical.certificate.words import number, rows, text
from recon.errors import ConfigError, DataError, ReconError, require_known
from recon.records import Word

SHIPPED = "recon's own (tolerances.yaml)"
Direction = Literal["at least", "at most"]
PASS, FAIL, NONE = "pass", "fail", "not measured"

_SIGNED = ("psnr", "ssim", "psnr-gain", "ssim-gain")  # numbers that may lie below 0
_KEYS = ("direction", "bound", "words", "required", "drift")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """One requirement: a quantity's name, on which side of which bound it must be, and what that means.

    Args:
        name: of the quantity.
        direction: `at least` or `at most`.
        bound: the number itself is allowed, too.
        words: what is required, in a sentence.
        required: whether the whole certificate depends on it.
        drift: how far the number may be from this one when it is measured again; None for recon's own value.
    """

    name: str
    direction: Direction
    bound: float
    words: str
    required: bool = True
    drift: float | None = None

    def __post_init__(self) -> None:
        """Check the words and numbers."""
        require_known(self.name, QUANTITIES, name="a tolerance's name")
        require_known(str(self.direction), get_args(Direction), name=f"the direction of {self.name}")
        if not _is_number(self.bound):
            raise ConfigError(f"the bound of {self.name} must be a finite number, got {self.bound!r}")
        most = 1.0 if QUANTITIES[self.name].unit == SHARE else math.inf
        if self.name not in _SIGNED and not 0 <= self.bound <= most:
            range_ = "from 0 to 1" if most == 1 else "at least 0"
            raise ConfigError(f"the bound of {self.name} must be {range_}, as the number itself is, got {self.bound!r}")
        if not isinstance(self.words, str) or not self.words.strip():
            raise ConfigError(f"{self.name} must say in words what it requires, got {self.words!r}")
        if not isinstance(self.required, bool):
            raise ConfigError(f"required of {self.name} must be true or false, got {self.required!r}")
        if self.drift is not None and (not _is_number(self.drift) or self.drift < 0):
            raise ConfigError(f"the drift of {self.name} must be a number of at least 0, got {self.drift!r}")

    def verdict(self, value: float | None) -> str:
        """Judge a number."""
        if value is None or math.isnan(value):
            return NONE
        return PASS if (value >= self.bound if self.direction == "at least" else value <= self.bound) else FAIL

    @property
    def allowed(self) -> Drift | None:
        """How far the number may be from itself when it is measured again."""
        return QUANTITIES[self.name].drift if self.drift is None else Drift(self.drift)

    @property
    def words_of(self) -> dict[str, Word]:
        """What JSON can hold of it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Tolerances:
    """A file of tolerances: its name, its SHA-256, what it states, and whether it was seen or only told of."""

    file: str
    sha256: str
    stated: Sequence[Tolerance]
    seen: bool = field(default=True, compare=False)

    @property
    def words(self) -> dict[str, Word]:
        """What JSON can hold of it; `tolerances_from` reads it."""
        return {"file": self.file, "sha256": self.sha256, "stated": [one.words_of for one in self.stated]}


def read_tolerances(path: Path | None = None) -> Tolerances:
    """Read a file, or recon's own."""
    where = SHIPPED if path is None else path.name
    try:
        data = (files("recon.clinical.certificate") / "tolerances.yaml" if path is None else path).read_bytes()
        found = yaml.load(data.decode("utf-8"), _Once)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the tolerances {where} cannot be read: {error}; see docs/certificate.md") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"the tolerances {where} must be YAML, got: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict) or not found:
        raise ConfigError(f"{where} must state tolerances by name, got {type(found).__name__}; see docs/certificate.md")
    stated = [_stated(str(name), entry, where) for name, entry in found.items()]
    if not any(one.required for one in stated):
        raise ConfigError(
            f"{where} must state at least one required tolerance, got none; what else would be certified?"
        )
    return Tolerances(where, sha256(data).hexdigest(), stated)


def tolerances_from(words: Mapping[str, Word]) -> Tolerances:
    """Read what `Tolerances.words` gave."""
    try:
        stated = [
            Tolerance(
                name=text(row, "name"),
                direction=text(row, "direction"),  # type: ignore[arg-type]  # it is checked there
                bound=_required_number(row, "bound"),
                words=text(row, "words"),
                required=row.get("required") is True,
                drift=number(row, "drift"),
            )
            for row in rows(words, "stated")
        ]
    except ReconError as error:
        raise DataError(f"the tolerances of a certificate cannot be understood: {error}") from error
    return Tolerances(text(words, "file"), text(words, "sha256"), stated, seen=False)


class _Once(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
    """YAML in which a name stands once: of two, one would be silently dropped."""


def _mapping_once(loader: _Once, node: yaml.MappingNode) -> dict[object, object]:
    pairs = loader.construct_pairs(node, deep=True)
    names = [name for name, _ in pairs]
    if not all(isinstance(name, str | int | float) for name in names):
        raise yaml.constructor.ConstructorError(problem="a name is no word", problem_mark=node.start_mark)
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise yaml.constructor.ConstructorError(problem=f"{twice[0]} is stated twice", problem_mark=node.start_mark)
    return dict(pairs)


_Once.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_once)


def _stated(name: str, entry: object, where: str) -> Tolerance:
    require_known(name, QUANTITIES, name=f"a tolerance in {where}")
    if not isinstance(entry, dict):
        raise ConfigError(f"{name} in {where} must have direction, bound and words, got {entry!r}")
    for key in entry:
        require_known(str(key), _KEYS, name=f"what {name} states in {where}")
    missing = [key for key in ("direction", "bound", "words") if key not in entry]
    if missing:
        raise ConfigError(f"{name} in {where} must state {' and '.join(missing)}, got nothing")
    numbers = {key: _as_number(entry[key]) for key in ("bound", "drift") if key in entry}
    return Tolerance(**{"name": name, **entry, **numbers})


def _as_number(value: object) -> object:
    """Give a number as float; 1e-10, too, which in YAML is a word."""
    try:
        return float(value) if isinstance(value, str | int) and not isinstance(value, bool) else value
    except (ValueError, OverflowError):
        return value


def _required_number(row: Mapping[str, Word], name: str) -> float:
    found = number(row, name)
    if found is None:
        raise DataError(f"a tolerance must have a {name}, got none")
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
