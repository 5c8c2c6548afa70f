"""Before and after on data: a network and its conversion measured side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from recon.conversion.convert import Conversion
from recon.conversion.originals import Original
from recon.data.datamodule import DataModule
from recon.errors import ConfigError, require_at_least
from recon.evaluation.choosing import DATA, LABEL_DATA, data_of, modalities_of
from recon.evaluation.loading import Found, Place
from recon.evaluation.modalities import IMAGES, KNOWN, LABELS
from recon.evaluation.models import Model
from recon.evaluation.session import Outcome, Wishes, run
from recon.evaluation.studies import first_readable
from recon.factories import words_of
from recon.nn.converted import Converted
from recon.nn.labels import Classifier, Segmenter
from recon.nn.unet import UNet
from recon.records import Record, Subject
from recon.report.page import write_page
from recon.report.writing import composed, with_command

BEFORE, AFTER = "original", "converted"
RECORDS, REPORT = "evaluation", "report.html"
_IMAGES = (("quality", "equivariance"), ("worst",))  # what is measured on all images, and on a few: every shift
_LABELS = (("accuracy", "consistency"), ("adversary",))
_FEW = {"cpu": 2, "cuda": 8}  # images that are tried under every shift, unless a limit is given
_FEW_SMALL = 100  # of the small ones of CIFAR-10
MODALITIES_FOR: Mapping[type, Sequence[str]] = {
    UNet: IMAGES,
    Classifier: ("cifar10", "imagenet"),
    Segmenter: ("voc",),
}


@dataclass(frozen=True, slots=True)
class Data:
    """On which data to measure, and how.

    Args:
        folder: the data folder; None takes that of the training, or the embedded data.
        modality: for networks that do not say what they are for.
        limit: at most so many images; None takes all, and a few under every shift.
        seed: of the shifts.
        place: where networks compute.
    """

    folder: Path | None = None
    modality: str | None = None
    limit: int | None = None
    seed: int = 0
    place: Place = Place()  # noqa: RUF009  # it is frozen

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        if self.limit is not None:
            require_at_least(self.limit, 1, name="limit")
        require_at_least(self.seed, 0, name="seed")
        require_at_least(self.place.batch_size, 1, name="batch size")


def chosen_data(original: Original, data: Data) -> DataModule[Any] | None:
    """Give the data that a network is measured on, read as it knows them; None where nothing says which.

    It refuses data of another modality, and those of a training that are not where they were.
    """
    if original.data is None and data.modality is None and data.folder is None:
        return None
    wishes = Wishes(specs=(), out=Path(), data=data.folder, modality=data.modality)
    found = _found(original)
    (modality, *_) = modalities_of([found], wishes)
    return data_of(modality, [found], wishes, {**DATA, **LABEL_DATA})


def require_taken(conversion: Conversion, data: DataModule[Any]) -> None:
    """Refuse data whose images a network of the user's own, or its conversion, does not take."""
    if not isinstance(conversion.network, Converted):
        return
    data.prepare_data()
    data.setup("test")
    sample = first_readable(data.datasets["test"])
    size = " x ".join(map(str, sample.input.shape))
    for name, network in (("", conversion.original.network), ("the conversion of ", conversion.network)):
        try:
            with torch.no_grad():
                network(sample.input[None].clone())
        except Exception as error:  # whatever the network's code does
            raise ConfigError(
                f"{name}{conversion.original.spec} must take images of {size}, as these data have them, got an error "
                f"of it: {words_of(error)}; choose other --data, or wrap the network"
            ) from error


def measured(
    original: Original, files: Mapping[str, Path | str], out: Path, data: Data, modality: str, command: Sequence[str]
) -> Outcome:
    """Measure both networks on test data: quality, one random shift of all, every shift of a few; and write a report.

    What was measured before, in the same folder, is not measured again. `files` name the networks by what they are
    called; `command` is what the report says it was made by.
    """
    whole, few = _LABELS if modality in LABELS else _IMAGES
    kind = data.place.device.partition(":")[0]
    limit = data.limit or (_FEW_SMALL if modality == "cifar10" else _FEW[kind])
    records: list[Record] = []
    left_out: dict[tuple[str, str], str] = {}
    for protocols, at_most in ((whole, data.limit), (few, limit)):
        wishes = Wishes(
            specs=[f"{name}={file}" for name, file in files.items()],
            out=out / RECORDS,
            protocols=protocols,
            data=data.folder,
            modality=modality,
            limit=at_most,
            seed=data.seed,
            factory=original.factory,
            place=data.place,
        )
        outcome = run(wishes)
        records += outcome.records
        left_out |= outcome.left_out
    made = composed(records, [out / RECORDS], title="A network, and its conversion")
    write_page(with_command(made, command), out / REPORT)
    return Outcome(records, left_out)


def _found(original: Original) -> Found:
    """Say of a network what evaluation asks to choose data for it."""
    network = original.network
    model = Model(Subject(original.spec, type(network).__name__), lambda images: images)
    known = (
        (str(original.data["modality"]),)
        if original.data is not None
        else tuple(MODALITIES_FOR.get(type(network), KNOWN))
    )
    return Found(model, original.data, known)
