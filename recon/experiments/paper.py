"""The papers' tables as experiments: Chaman and Dokmanic (2021) with its nine variants and ours, and MASS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from recon.data.sets import SetName
from recon.errors import ConfigError, require_known
from recon.evaluation.modalities import LABELS
from recon.experiments.experiment import Branch, Experiment, Measurement, Transfer
from recon.recipes import recipe, variants

Scale = Literal["paper", "small"]

PUBLISHED = ("plain", "plain-shifts", "lpf2", "lpf3", "lpf5", "aps", "aps2", "aps3", "aps5")
OURS = ("mass", "mass3", "mass-unpool", "lps")
CLASSIFIERS = ("plain", "aps", "mass", "lpf3", "aps3", "mass3", "ddac3", "aps-ddac3", "mass-ddac3")
SEGMENTERS = ("plain", "aps", "lps", "mass")

_WHOLE, _LABELS = Measurement(("quality", "equivariance")), Measurement(("accuracy", "consistency"))
_UNTRAINED = (Transfer("plain", "aps-keep"), Transfer("plain", "mass"))
_TUNED = (Transfer("plain", "mass"), Transfer("plain", "mass", tuned=True))


@dataclass(frozen=True, slots=True)
class PaperTable:
    """One table.

    Args:
        modality: of its data.
        measurement: what is measured.
        about: what it is about, in words.
        variants: the networks that are trained.
        transfers: those that take over their weights.
        network: a configuration of configs/networks; nothing for the modality's own network.
    """

    modality: SetName
    measurement: Measurement
    about: str
    variants: Sequence[str] = (*PUBLISHED, *OURS)
    transfers: Sequence[Transfer] = ()
    network: str = ""


TABLES: Mapping[str, PaperTable] = {
    "aps-table1": PaperTable("mri", _WHOLE, "equivariance and quality on MRI"),
    "aps-table2": PaperTable("mri", Measurement(("worst",), ten_shifts=True), "worst change of PSNR on MRI"),
    "aps-table3": PaperTable("mri", Measurement(("ood",)), "equivariance of networks for MRI on natural images"),
    "aps-table4": PaperTable("ct", _WHOLE, "equivariance and quality on CT"),
    "mass-table2": PaperTable("cifar10", _LABELS, "ResNet-18 on CIFAR-10", CLASSIFIERS),
    "mass-table2-resnet20": PaperTable("cifar10", _LABELS, "ResNet-20 on CIFAR-10", CLASSIFIERS, network="resnet20"),
    "mass-table3": PaperTable(
        "imagenet", _LABELS, "weights taken over without training on ImageNet", ("plain",), _UNTRAINED
    ),
    "mass-table4": PaperTable("imagenet", _LABELS, "weights trained on on ImageNet", ("plain",), _TUNED),
    "mass-table5": PaperTable("voc", _LABELS, "segmentation on PASCAL VOC", SEGMENTERS),
}
_PAPERS = {"aps": "Chaman and Dokmanić (2021)", "mass": "MASS"}


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen of a reproduction.

    Args:
        data: the data folder; None takes the embedded synthetic data.
        ood: the images of APS-U's table 3; None takes the embedded photographs.
        other: CT data that networks for MRI are tested on beside them; None takes the embedded ones.
        scale: `paper`, or `small`: narrow networks and few epochs (configs/small.yaml, configs/demo for labels).
        variants: which networks; all of the paper and ours if empty.
        configs: more configurations, laid over the recipe.
        limit: at most so many test slices, or labelled images.
        seed: of the training and of what is drawn.
    """

    data: Path | None = None
    ood: Path | None = None
    other: Path | None = None
    scale: Scale = "paper"
    variants: Sequence[str] = ()
    configs: Sequence[Path] = ()
    limit: int | None = None
    seed: int = 0


def reproduction(name: str, choices: Choices, *, out: Path | None = None) -> Experiment:
    """Give the experiment of a table. Those of one paper, data set and network share their folder and their runs."""
    table = TABLES[require_known(name, TABLES, name="the table")]
    _require_fitting(name, table, choices)
    small = choices.scale == "small"
    paper, _, number = name.partition("-table")
    folder = "-".join([paper, table.modality, *([table.network] if table.network else []), *["small"] * small])
    branch = Branch(
        table.modality,
        data=choices.data,
        variants=tuple(dict.fromkeys(choices.variants)) or tuple(table.variants),
        recipes=(*_recipes(table, small=small), *choices.configs),
        measurements=(replace(table.measurement, limit=choices.limit),),
        ood=choices.ood,
        other=choices.other,
        transfers=table.transfers,
    )
    of_paper = f"Table {number.partition('-')[0]} of {_PAPERS[paper]}"
    title = f"{of_paper}{', at small scale' if small else ''}: {table.about}"
    return Experiment(name, title, out or Path("runs") / folder, (branch,), choices.seed, page=f"{name}.html")


def _recipes(table: PaperTable, *, small: bool) -> list[Path]:
    """Give the recipe of a table's networks."""
    narrow = f"demo/{table.modality}" if table.modality in LABELS else "small"
    names = [table.modality, *([f"networks/{table.network}"] if table.network else []), *[narrow] * small]
    return [recipe(name) for name in names]


def _require_fitting(name: str, table: PaperTable, choices: Choices) -> None:
    """Refuse what a table has no use for, and data that it cannot be of."""
    for option, folder in (("--ood", choices.ood), ("--other", choices.other)):
        if folder is not None and "ood" not in table.measurement.protocols:
            raise ConfigError(f"{option} is for aps-table3 alone, got it with {name}; leave it out")
    if choices.variants and table.transfers:
        raise ConfigError(
            f"--variants is for tables all of whose networks are trained, got it with {name}, whose networks have the "
            "weights of plain; leave it out"
        )
    for variant in choices.variants:
        require_known(variant, variants(), name="variant")
    for config in choices.configs:
        if not config.is_file():
            raise ConfigError(f"--config must name a file, got {config}, which is none")
    if choices.data is not None or choices.scale == "small":
        return
    if table.modality == "ct":
        raise ConfigError(
            f"{name} at the paper's scale needs images of 352 x 352, which the embedded ones are not; "
            "give --data, or --scale small"
        )
    if table.modality in LABELS:
        raise ConfigError(
            f"{name} at the paper's scale needs the pictures of the paper, which the embedded ones are not; "
            "give --data, or --scale small"
        )
