"""The named samplings in one table: what each chooses, from what it chooses, and how it samples.

A sampling is a matched pair of a down and an up layer, described on three axes: which phase is kept (selection), what
is done there (operation and its partner), and the blur around it. The table holds words alone and needs no torch.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

from recon.errors import ConfigError, require_known

Selection = Literal["fixed", "norm", "learned"]
Look = Literal["input", "result"]
DownOperation = Literal["keep", "max", "average", "conv"]
UpOperation = Literal["zeros", "transposed", "unpool", "nearest", "bilinear"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """A matched pair of down and up layers, in words.

    Args:
        name: what the pair is called.
        meaning: one sentence for people.
        selection: `fixed` always keeps phase 0, `norm` the phase of the largest norm, `learned` asks a small network.
        look: what the selection looks at: the layer's `input` (MASS), or the `result` of the dense, stride-1 operation
            and blur, of which one phase is then kept (APS, LPS).
        down: the operation when sampling down; `keep` takes the samples as they are.
        up: its partner when sampling up; `transposed` is a transposed convolution whose kernel is its stride.
        blur: a filter's name, `adaptive-3` (or another size) for content-adaptive filters, or None.
        p: the norm's order (1, 2 or infinity).
        largest: keep the phase of the largest norm; False keeps that of the smallest.
        blur_first: blur before the operation instead of after it (Zhang's order is after).
    """

    name: str
    meaning: str
    selection: Selection = "fixed"
    look: Look = "input"
    down: DownOperation = "max"
    up: UpOperation = "transposed"
    blur: str | None = None
    p: float = 2.0
    largest: bool = True
    blur_first: bool = False

    def __post_init__(self) -> None:
        require_known(self.selection, get_args(Selection), name="selection")
        require_known(self.look, get_args(Look), name="look")
        require_known(self.down, get_args(DownOperation), name="down")
        require_known(self.up, get_args(UpOperation), name="up")
        if self.p not in (1, 2, float("inf")):
            raise ConfigError(f"p must be 1, 2 or infinity, got {self.p!r}")
        if self.up == "unpool" and self.down != "max":
            raise ConfigError(f"up='unpool' needs down='max', whose maxima it puts back, got down={self.down!r}")

    @property
    def equivariant(self) -> bool:
        """Whether the pair commutes with circular shifts."""
        return self.selection != "fixed"


SAMPLINGS: dict[str, Sampling] = {
    sampling.name: sampling
    for sampling in (
        Sampling("plain", "Max-pooling and transposed convolution on a fixed grid, as in most U-Nets."),
        Sampling("lpf", "Plain with a low-pass filter between pooling and subsampling (Zhang 2019).", blur="tri-3"),
        Sampling(
            "aps",
            "Keeps the phase of largest norm of the dense maximum (Chaman and Dokmanic 2021).",
            selection="norm",
            look="result",
        ),
        Sampling(
            "aps-keep",
            "As aps, with the samples themselves in the place of pooling (Chaman and Dokmanic 2020).",
            selection="norm",
            look="result",
            down="keep",
        ),
        Sampling(
            "lps",
            "As aps, with the phase chosen by a small trained network (Rojas-Gomez et al. 2022).",
            selection="learned",
            look="result",
        ),
        Sampling("mass", "Max-pools from the phase of largest norm of the layer's input (MASS).", selection="norm"),
        Sampling(
            "mass-unpool",
            "As mass, and puts every maximum back where it was found (MASS, max-pool and unpool).",
            selection="norm",
            up="unpool",
        ),
    )
}


def find_sampling(sampling: str | Sampling) -> Sampling:
    """Return the sampling of that name, or the sampling itself; an unknown name is an error that names the nearest.

    >>> find_sampling("mass").selection
    'norm'
    """
    if isinstance(sampling, Sampling):
        return sampling
    return SAMPLINGS[require_known(sampling, SAMPLINGS, name="sampling")]


def sampling_in_words(sampling: Sampling) -> str | dict[str, str | float | bool | None]:
    """Give a sampling as JSON can hold it: its name where the table has it, or else all of its fields.

    >>> sampling_in_words(SAMPLINGS["aps"])
    'aps'
    """
    if SAMPLINGS.get(sampling.name) == sampling:
        return sampling.name
    words = asdict(sampling)
    return words | {"p": "inf" if words["p"] == float("inf") else words["p"]}  # JSON has no infinity


def sampling_from_words(words: str | Mapping[str, object]) -> Sampling:
    """Give the sampling that `sampling_in_words` described; an unknown name or field is an error.

    >>> sampling_from_words({"name": "own", "meaning": "By the largest value.", "selection": "norm", "p": "inf"}).p
    inf
    """
    if isinstance(words, str):
        return find_sampling(words)
    known = [field.name for field in fields(Sampling)]
    for name in words:
        require_known(name, known, name="field of a sampling")
    for name in ("name", "meaning"):
        if not isinstance(words.get(name), str):
            raise ConfigError(f"a sampling must have a {name} in words, got {words.get(name)!r}")
    given = dict(words) | ({"p": float("inf")} if words.get("p") == "inf" else {})
    return Sampling(**given)  # type: ignore[arg-type]  # it checks its fields itself
