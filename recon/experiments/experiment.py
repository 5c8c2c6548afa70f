"""What an experiment is: for each data set the networks that are trained on it, and what is measured."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from recon.data.sets import SetName
from recon.errors import ConfigError
from recon.recipes import recipe, variant_recipe
from recon.records import Word

UNTOUCHED: dict[SetName, str] = {"mri": "zero-filling", "ct": "fbp"}  # what networks are compared with: their input


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A synthetic data set that is made for an experiment: how many volumes of how many slices of which size."""

    volumes: int
    slices: int
    size: int


@dataclass(frozen=True, slots=True)
class Pictures:
    """A synthetic set of labelled pictures that is made for an experiment: how many of which size."""

    images: int
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
class Transfer:
    """A network that takes over the weights of a trained one, whose sampling is another.

    Args:
        source: the variant that was trained.
        method: the sampling.
        tuned: whether it is trained on, by configs/options/fine-tuning.yaml and the branch's `tuning`, or left as is.
    """

    source: str
    method: str
    tuned: bool = False

    @property
    def variant(self) -> str:
        """What it is called."""
        return f"{self.method}-{'tuned' if self.tuned else 'transferred'}"


@dataclass(frozen=True, slots=True)
class Branch:
    """One data set's part of an experiment.

    Args:
        modality: `mri`, `ct`, `cifar10`, `imagenet` or `voc`.
        data: the data folder; None takes the embedded data.
        variants: names of configs/sampling, one for each network.
        recipes: the configuration that each variant's own file is laid over, in parts.
        measurements: what is measured.
        made: the synthetic data set that is written into `data` first.
        ood: a folder of images out of the training distribution; None takes the embedded photographs.
        other: data of the other modality, out of the distribution too; None takes the embedded ones.
        options: more arguments of `recon train`.
        transfers: networks that take over the weights of trained ones.
        tuning: configurations of how such networks are trained on, laid over configs/options/fine-tuning.yaml.
        start: another branch, whose first network all networks of this one begin with: classifiers, with whose weights
            segmenters' backbones do.
    """

    modality: SetName
    data: Path | None
    variants: Sequence[str]
    recipes: Sequence[Path]
    measurements: Sequence[Measurement]
    made: Synthetic | Pictures | None = None
    ood: Path | None = None
    other: Path | None = None
    options: Sequence[str] = ()
    transfers: Sequence[Transfer] = ()
    tuning: Sequence[Path] = ()
    start: "Branch | None" = None


@dataclass(frozen=True, slots=True)
class Training:
    """One run of `recon train`, or a conversion of another run's network.

    Args:
        modality: of its data.
        variant: of its network.
        folder: where to.
        arguments: how.
        data: the data folder; None for the embedded ones.
        made: what that folder is filled with, if it is made for the experiment.
        after: the run whose weights it begins with.
        method: the sampling that they are converted to, where nothing is trained.
    """

    modality: SetName
    variant: str
    folder: Path
    arguments: tuple[str, ...]
    data: Path | None = None
    made: Synthetic | Pictures | None = None
    after: "Training | None" = None
    method: str | None = None

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
        """The arguments that say where data and weights lie, which may be moved between two parts of a run."""
        data = () if self.data is None else ("--data.init_args.data_dir", str(self.data.absolute()))
        return data if self.after is None else (*data, "--weights", str(self.after.weights.absolute()))

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
        key: dict[str, Word] = {"arguments": words, "configs": contents}
        key["data"] = given if self.made is None else asdict(self.made)
        return key if self.after is None else key | {"after": self.after.key, "method": self.method}


@dataclass(frozen=True, slots=True)
class Experiment:
    """Networks for one or several data sets, trained and measured; all that is written lies in `out`.

    Args:
        name: a word.
        title: of the report.
        out: the folder.
        branches: one for each data set.
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
        """Give the runs of a branch, those that begin with the weights of others last."""
        trained = {variant: self._training(branch, variant) for variant in branch.variants}
        return [*trained.values(), *(self._transfer(branch, one, trained[one.source]) for one in branch.transfers)]

    @property
    def all_trainings(self) -> list[Training]:
        """Give the runs of all branches, those of different data sets in turn."""
        runs = [self.trainings(branch) for branch in self.branches]
        longest = max(map(len, runs))
        return [row[place] for place in range(longest) for row in runs if place < len(row)]

    def _training(self, branch: Branch, variant: str) -> Training:
        folder = self.out / "runs" / branch.modality / variant
        arguments = [word for path in (*branch.recipes, variant_recipe(variant)) for word in ("--config", str(path))]
        arguments += ["--seed_everything", str(self.seed), *branch.options]
        before = None if branch.start is None else self._training(branch.start, branch.start.variants[0])
        return Training(branch.modality, variant, folder, tuple(arguments), branch.data, branch.made, after=before)

    def _transfer(self, branch: Branch, transfer: Transfer, source: Training) -> Training:
        folder = self.out / "runs" / branch.modality / transfer.variant
        if not transfer.tuned:
            return Training(branch.modality, transfer.variant, folder, (), after=source, method=transfer.method)
        configs = [*branch.recipes, variant_recipe(transfer.method), recipe("options/fine-tuning"), *branch.tuning]
        arguments = [word for path in configs for word in ("--config", str(path))]
        arguments += ["--seed_everything", str(self.seed), *branch.options]
        return Training(
            branch.modality, transfer.variant, folder, tuple(arguments), branch.data, branch.made, after=source
        )
