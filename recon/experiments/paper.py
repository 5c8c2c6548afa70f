"""The tables of Chaman and Dokmanic (2021) as experiments: the paper's protocol with its nine variants, and ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from recon.data.sets import SetName
from recon.errors import ConfigError, require_known
from recon.experiments.experiment import Branch, Experiment, Measurement
from recon.recipes import recipe, variants

Scale = Literal["paper", "small"]

PUBLISHED = ("plain", "plain-shifts", "lpf2", "lpf3", "lpf5", "aps", "aps2", "aps3", "aps5")
OURS = ("mass", "mass3", "mass-unpool", "lps")


@dataclass(frozen=True, slots=True)
class PaperTable:
    """One table: its modality, what is measured, and what it is about, in words."""

    modality: SetName
    measurement: Measurement
    about: str


TABLES = {
    "aps-table1": PaperTable("mri", Measurement(("quality", "equivariance")), "equivariance and quality on MRI"),
    "aps-table2": PaperTable("mri", Measurement(("worst",), ten_shifts=True), "worst change of PSNR on MRI"),
    "aps-table3": PaperTable("mri", Measurement(("ood",)), "equivariance of networks for MRI on natural images"),
    "aps-table4": PaperTable("ct", Measurement(("quality", "equivariance")), "equivariance and quality on CT"),
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen of a reproduction.

    Args:
        data: the data folder; None takes the embedded synthetic data.
        ood: the images of table 3; None takes the embedded photographs.
        other: CT data that networks for MRI are tested on beside them; None takes the embedded ones.
        scale: `paper`, or `small`: narrow networks and few epochs (configs/small.yaml).
        variants: which networks; all of the paper and ours if empty.
        configs: more configurations, laid over the recipe.
        limit: at most so many test slices.
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
    """Give the experiment of a table. Those of one modality share their folder, and so their trained networks."""
    table = TABLES[require_known(name, TABLES, name="the table")]
    for option, folder in (("--ood", choices.ood), ("--other", choices.other)):
        if folder is not None and "ood" not in table.measurement.protocols:
            raise ConfigError(f"{option} is for aps-table3 alone, got it with {name}; leave it out")
    for variant in choices.variants:
        require_known(variant, variants(), name="variant")
    for config in choices.configs:
        if not config.is_file():
            raise ConfigError(f"--config must name a file, got {config}, which is none")
    small = choices.scale == "small"
    if table.modality == "ct" and choices.data is None and not small:
        raise ConfigError(
            f"{name} at the paper's scale needs images of 352 x 352, which the embedded ones are not; "
            "give --data, or --scale small"
        )
    place = out or Path("runs") / f"aps-{table.modality}{'-small' if small else ''}"
    recipes = (recipe(table.modality), *([recipe("small")] if small else []), *choices.configs)
    measured = table.measurement
    branch = Branch(
        table.modality,
        data=choices.data,
        variants=tuple(dict.fromkeys(choices.variants)) or (*PUBLISHED, *OURS),
        recipes=recipes,
        measurements=(Measurement(measured.protocols, choices.limit, measured.ten_shifts),),
        ood=choices.ood,
        other=choices.other,
    )
    number = name.removeprefix("aps-table")
    title = f"Table {number} of Chaman and Dokmanić (2021){', at small scale' if small else ''}: {table.about}"
    return Experiment(name, title, place, (branch,), choices.seed, page=f"{name}.html")
