"""What a model says of itself: in its exported file, in the images that it makes, in its certificate."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Literal, get_args

from recon.clinical.words import RESEARCH_ONLY
from recon.data.lodopab import MU_MAX
from recon.errors import ConfigError, DataError, ReconError, require_known
from recon.nn.scaled import Scaling
from recon.records import Subject, Word

FORMAT = "recon model"
VERSION = 1

MU_WATER, MU_AIR = 20.0, 0.02  # 1/m: the attenuation of water and air by which LoDoPaB-CT was made from HU

Modality = Literal["mri", "ct"]


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a model, in words that JSON can hold.

    Args:
        network: the name of its class.
        variant: its sampling, blur and training in a word: `aps-tri-3`.
        modality: what it reconstructs.
        weights: SHA-256 of its weights.
        multiple: what height and width must be divisible by.
        scaling: how intensities become what the network takes.
        scaled_inside: whether an exported file does that itself: then intensities go in, else scaled images.
        precision: what an exported file computes in; what goes in and comes out is float32.
        parameters: how many it has, where that is known.
        arguments: what builds the network again.
        training: how it was trained, on which data; `data.synthetic` says whether those were made.
        recon: the version that wrote it.
        use: what it may be used for.
        processing: how an image was made with it, in an image alone: `processing_of` says it.
    """

    network: str
    variant: str
    modality: Modality
    weights: str
    multiple: int
    scaling: Scaling
    scaled_inside: bool = False
    precision: str = "float32"
    parameters: int | None = None
    arguments: Mapping[str, Word] = field(default_factory=dict)
    training: Mapping[str, Word] = field(default_factory=dict)
    recon: str = ""
    use: str = RESEARCH_ONLY
    processing: str = ""

    def __post_init__(self) -> None:
        """Check the words."""
        require_known(self.modality, get_args(Modality), name="modality")
        if not isinstance(self.multiple, int) or self.multiple < 1:
            raise ConfigError(f"multiple must be a whole number of at least 1, got {self.multiple!r}")

    @property
    def synthetic(self) -> bool | None:
        """Whether the data of its training were generated; None where nobody knows."""
        data = self.training.get("data")
        told = data.get("synthetic") if isinstance(data, Mapping) else None
        return told if isinstance(told, bool) else None

    @property
    def text(self) -> str:
        """All of it as JSON, as an exported file keeps it; `identity_from` reads it."""
        words = {"format": FORMAT, "version": VERSION, **asdict(self), "scaling": self.scaling.words}
        return json.dumps(words, sort_keys=True, allow_nan=False)

    def with_scaling_inside(self) -> "Identity":
        """Give that of the exported file that scales by itself."""
        return replace(self, scaled_inside=True)


def identity_from(text: str, *, where: str) -> Identity:
    """Read what `Identity.text` wrote; `where` is what errors call the file."""
    try:
        words = json.loads(text)
        if words["format"] != FORMAT or type(words["version"]) is not int:
            raise ValueError(f"its format is {words['format']!r}")
        if words["version"] > VERSION:
            raise DataError(f"{where} was written by a later recon ({words.get('recon')}); update recon")
        known = {field.name for field in fields(Identity)}
        kept = {name: value for name, value in words.items() if name in known}
        return Identity(**{**kept, "scaling": Scaling.from_words(words["scaling"])})
    except DataError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, ReconError) as error:
        raise DataError(
            f"{where} must say what it is as `recon export` writes it, got something else ({error}); export it again"
        ) from error


def scaling_of(modality: str, settings: Mapping[str, Word]) -> Scaling:
    """Give the scaling that networks of a modality are trained with; `settings` are those of the training data.

    MRI: each magnitude image's own mean and deviation, bounded by `clamp`. CT: HU, in which LoDoPaB's unit of
    attenuation (MU_MAX) is 4072.001 HU wide and begins at -1001.001 HU, where nothing attenuates.
    """
    if modality == "mri":
        clamp = settings.get("clamp")
        return Scaling("deviation", clamp=float(clamp) if isinstance(clamp, int | float) else None)
    per_unit = 1000.0 / (MU_WATER - MU_AIR)  # HU for each 1/m
    return Scaling("linear", mean=-MU_WATER * per_unit, scale=MU_MAX * per_unit, units="HU")


def identity_of(subject: Subject, modality: str, settings: Mapping[str, Word], *, version: str) -> Identity:
    """Give the identity of a network that was found by its run or file, from what evaluation knows of it."""
    details = subject.details
    return Identity(
        network=subject.kind,
        variant=subject.variant or subject.name,
        modality=require_known(modality, get_args(Modality), name="modality"),  # type: ignore[arg-type]
        weights=subject.weights,
        multiple=max(subject.period, 1),
        scaling=scaling_of(modality, settings),
        parameters=subject.parameters,
        arguments=_mapping(details.get("arguments")),
        training={
            name: details[name] for name in ("training", "conversion", "data", "epoch", "run") if name in details
        },
        recon=version,
    )


def _mapping(words: Word) -> Mapping[str, Word]:
    return words if isinstance(words, Mapping) else {}
