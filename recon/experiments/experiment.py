"""What an experiment is: for each modality its data, the networks that are trained on them, and what is measured."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from recon.errors import ConfigError
from recon.recipes import variant_recipe
from recon.records import Word

Modality = Literal["mri", "ct"]

UNTOUCHED = {"mri": "zero-filling", "ct": "fbp"}  # what networks are compared with: their input as it is


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A synthetic data set that is made for an experiment: how many volumes of how many slices of which size."""

    volumes: int
    slices: int
    size: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """Protocols that are measured together, on at most `limit` slices each (None: on all).

    Args:
        protocols: their names.
        limit: see above.
        ten_shifts: whether the worst case is of the APS-U paper's ten random shifts alone.
        alone: whether nothing else may run meanwhile, since time is measured.
    """

    protocols: Sequence[str]
    limit: int | None = None
    ten_shifts: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """One modality's part of an experiment.

    Args:
        modality: `mri` or `ct`.
        data: the data folder; None takes the embedded data.
        variants: names of configs/sampling, one for each network.
        recipes: the configuration that each variant's own file is laid over, in parts.
        measurements: what is measured.
        made: the synthetic data set that is written into `data` first.
        ood: a folder of images out of the training distribution; None takes the embedded photographs.
        other: data of the other modality, out of the distribution too; None takes the embedded ones.
        options: more arguments of `recon train`.
    """

    modality: Modality
    data: Path | None
    variants: Sequence[str]
    recipes: Sequence[Path]
    measurements: Sequence[Measurement]
    made: Synthetic | None = None
    ood: Path | None = None
    other: Path | None = None
    options: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Training:
    """One run of `recon train`.

    Args:
        modality: of its data.
        variant: of its network.
        folder: where to.
        arguments: how.
        data: the data folder; None for the embedded ones.
        made: what that folder is filled with, if it is made for the experiment.
    """

    modality: Modality
    variant: str
    folder: Path
    arguments: tuple[str, ...]
    data: Path | None = None
    made: Synthetic | None = None

    @property
    def name(self) -> str:
        """What progress and errors call it."""
        return f"{self.variant} ({self.modality.upper()})"

    @property
    def recipe(self) -> Path:
        """The file that says what the run was begun from."""
        return self.folder / "recipe.json"

    @property
    def finished(self) -> Path:
        """The file that is there once the run is done, and says the same."""
        return self.folder / "finished.json"

    @property
    def weights(self) -> Path:
        """The file of the best network."""
        return self.folder / "checkpoints" / "best.safetensors"

    @property
    def place(self) -> tuple[str, ...]:
        """The arguments that say where the data lie, which may be moved between two parts of a run."""
        return () if self.data is None else ("--data.init_args.data_dir", str(self.data.absolute()))

    @property
    def key(self) -> dict[str, Word]:
        """What the run depends on: its arguments, the contents of the configurations among them, and the data.

        Where data lie that are made for the experiment does not matter, so that the whole may be moved.
        """
        pairs = list(zip(("", *self.arguments), self.arguments, strict=False))
        configs = [Path(argument) for before, argument in pairs if before == "--config"]
        words = [argument for before, argument in pairs if before != "--config"]
        try:
            contents = [sha256(path.read_bytes()).hexdigest() for path in configs]
        except OSError as error:
            raise ConfigError(f"the configuration {error.filename} cannot be read: {error.strerror}") from error
        given = None if self.data is None else str(self.data.absolute())
        return {"arguments": words, "configs": contents, "data": given if self.made is None else asdict(self.made)}


@dataclass(frozen=True, slots=True)
class Experiment:
    """Networks of one or two modalities, trained and measured; all that is written lies in `out`.

    Args:
        name: a word.
        title: of the report.
        out: the folder.
        branches: one for each modality.
        seed: of the training, and of what is drawn for measurements.
        page: the report's file in `out`.
    """

    name: str
    title: str
    out: Path
    branches: Sequence[Branch]
    seed: int = 0
    page: str = "report.html"

    @property
    def records(self) -> Path:
        """The folder of the records."""
        return self.out / "evaluation"

    @property
    def report(self) -> Path:
        """The report's page."""
        return self.out / self.page

    def trainings(self, branch: Branch) -> list[Training]:
        """Give the runs of a branch."""
        return [self._training(branch, variant) for variant in branch.variants]

    @property
    def all_trainings(self) -> list[Training]:
        """Give the runs of all branches, those of different modalities in turn."""
        runs = [self.trainings(branch) for branch in self.branches]
        longest = max(map(len, runs))
        return [row[place] for place in range(longest) for row in runs if place < len(row)]

    def _training(self, branch: Branch, variant: str) -> Training:
        folder = self.out / "runs" / branch.modality / variant
        arguments = [word for path in (*branch.recipes, variant_recipe(variant)) for word in ("--config", str(path))]
        arguments += ["--seed_everything", str(self.seed), *branch.options]
        return Training(branch.modality, variant, folder, tuple(arguments), branch.data, branch.made)
