"""`recon train`: LightningCLI with a run folder around it."""

import contextlib
import re
from argparse import ArgumentError
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import LearningRateMonitor
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities import rank_zero_only

from recon.errors import ConfigError, ReconError
from recon.files import written_whole
from recon.training.checkpointing import RESUME_STATE, Checkpoints, WholeCheckpointIO
from recon.training.divergence import StopAtDivergence
from recon.training.metrics_file import MetricsFile
from recon.training.progress import SliceProgress
from recon.training.quiet import quiet
from recon.training.run_folder import RECORD, RunRecord
from recon.training.start import start_from
from recon.training.tracks import ForeignNetwork, Track, chosen_track, for_own_network, options_of

CONFIG = "config.yaml"
CHECKPOINTS = "checkpoints"
_DEFAULTS = {
    "use_distributed_sampler": False,  # recon's batches are shared out already, none repeated and none lost
    "num_sanity_val_steps": 0,
    "log_every_n_steps": 10,
}


_UNKNOWN_KEYS = (  # how jsonargparse says that a key is unknown, and which one it then is
    (r"class_path .* Option '([\w.]+)' is not accepted", "data.init_args.{}"),
    (r"Group '([\w.]+)' does not accept option '([\w.]+)'", "{}.{}"),
    (r"Option '([\w.]+)' is not accepted", "{}"),
    (r"unrecognized arguments: --([\w.]+)", "{}"),
)


class TrainingCLI(LightningCLI):
    """Lightning's command line for a network, a task, data and a trainer; the run folder gets all that is written."""

    def __init__(self, track: Track, *, foreign: bool, arguments: Sequence[str]) -> None:
        """Build what the arguments say; with `foreign` the network is one of the user's own."""
        self.track, self.foreign = track, foreign
        super().__init__(
            track.task,
            track.data,
            subclass_mode_data=True,
            run=False,
            args=list(arguments),
            seed_everything_default=0,
            save_config_callback=None,
            trainer_defaults=_DEFAULTS,
            parser_kwargs={"exit_on_error": False, "prog": "recon train", "allow_abbrev": False},
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the task, the network, the weights it begins with, the run folder, and what is saved and watched."""
        track = self.track
        parser.add_argument("--task", default=track.name, help="reconstruction, classification or segmentation")
        parser.add_class_arguments(ForeignNetwork if self.foreign else track.network, "network", sub_configs=True)
        parser.link_arguments("network", "model.network", apply_on="instantiate")
        parser.link_arguments("seed_everything", "data.init_args.seed")
        parser.add_argument("--weights", type=str | None, default=None, help="a file of weights to begin with")
        parser.add_argument("--run", type=str | None, default=None, help="the run's folder (runs/<what it is>)")
        parser.add_class_arguments(Checkpoints, "checkpoints", skip={"folder"}, instantiate=False)
        parser.add_class_arguments(track.watch, "watch", skip={"folder"}, instantiate=False)
        parser.set_defaults({"checkpoints.monitor": track.monitor})

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:  # noqa: ANN401
        """Parse, and refuse in words."""
        try:
            super().parse_arguments(parser, args)
        except ArgumentError as error:
            known = [*(action.dest for action in parser._actions), *options_of(self.track)]
            raise ConfigError(_in_words(str(error), known)) from error

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.config.run or Path("runs") / _name(self.config, self.track))

    def instantiate_trainer(self, **kwargs: object) -> Trainer:
        """Make the trainer, with all that it writes in the run's folder."""
        folder = self.folder
        chosen = self.config.as_dict()
        options = self._get(self.config_init, "trainer", default={})
        extra = [
            *([] if options.get("enable_progress_bar") is False else [SliceProgress(noun=self.track.noun)]),
            StopAtDivergence(folder / CHECKPOINTS),
            self.track.watch(folder, **chosen["watch"]),  # type: ignore[call-arg]  # each has its own options
            LearningRateMonitor("epoch"),
            RunRecord(folder, seed=int(self.config.seed_everything or 0)),
            Checkpoints(folder / CHECKPOINTS, **chosen["checkpoints"]),
        ]
        loggers = [TensorBoardLogger(folder, name="", version="tensorboard"), MetricsFile(folder)]
        return self._instantiate_trainer(
            {**options, "default_root_dir": folder, "logger": loggers, "plugins": [WholeCheckpointIO()], **kwargs},
            extra,
        )


def train(arguments: Sequence[str], callbacks: Sequence[Callback] = ()) -> Path:
    """Train as the arguments say, and give the run's folder; `--resume RUN` goes on with one.

    `callbacks` are added to those of every run.
    """
    arguments, resumed = _resumed(list(arguments))
    with quiet():
        cli = built(arguments)
        cli.trainer.callbacks.extend(callbacks)  # type: ignore[attr-defined]  # a list, as Lightning makes it
        folder = cli.folder
        if resumed is None:
            _take_weights(cli)
            _begin(cli, folder)
        state = folder / CHECKPOINTS / RESUME_STATE
        start = state if resumed is not None and state.exists() else None
        cli.model.steps_seed = int(cli.config.seed_everything or 0)
        with _in_our_words(MisconfigurationException):
            cli.trainer.fit(cli.model, datamodule=cli.datamodule, ckpt_path=start, weights_only=True)
    return folder


def built(arguments: Sequence[str]) -> TrainingCLI:
    """Build network, task, data and trainer as the arguments say; nothing is written yet."""
    track, foreign = chosen_track(arguments)
    arguments = for_own_network(arguments, track) if foreign else arguments
    with quiet(), _in_our_words(MisconfigurationException, ValueError):
        return TrainingCLI(track, foreign=foreign, arguments=arguments)


def print_options(arguments: Sequence[str] = ()) -> None:
    """Print all options of Lightning's parser for the task that the arguments choose."""
    with contextlib.suppress(SystemExit):
        built([*arguments, "--help"])


def _resumed(arguments: list[str]) -> tuple[list[str], Path | None]:
    """Take `--resume RUN` out of the arguments, and put the run's configuration in."""
    for place, argument in enumerate(arguments):
        if argument == "--resume" or argument.startswith("--resume="):
            value = argument.partition("=")[2] or (arguments[place + 1] if place + 1 < len(arguments) else "")
            rest = arguments[:place] + arguments[place + (1 if "=" in argument else 2) :]
            folder = Path(value)
            if not value or not (folder / CONFIG).is_file():
                raise ConfigError(f"--resume must name the folder of a run, got {value!r} without a {CONFIG}")
            return ["--config", str(folder / CONFIG), *rest, "--run", value], folder
    return arguments, None


@rank_zero_only
def _begin(cli: TrainingCLI, folder: Path) -> None:
    """Write the configuration into a new folder; the other processes of a run find it there."""
    if (folder / RECORD).exists():  # a run whose data could not be opened has none, and may be begun again
        raise ConfigError(
            f"{folder} must be a new run folder, got one with a run; go on with --resume {folder}, or choose another "
            f"with --run"
        )
    text = cli.parser.dump(cli.config, skip_none=False, skip_link_targets=False)
    with written_whole(folder / CONFIG) as path:
        path.write_text(text)


@contextlib.contextmanager
def _in_our_words(*complaints: type[Exception]) -> Iterator[None]:
    """Take Lightning's complaints about a choice for ours."""
    try:
        yield
    except ReconError:
        raise
    except complaints as error:
        raise ConfigError(str(error)) from error


def _take_weights(cli: TrainingCLI) -> None:
    """Begin with the weights that are asked for."""
    if cli.config.weights is not None:
        cli.model.start = start_from(cli.model.network, Path(cli.config.weights))


def _name(config: Any, track: Track) -> str:  # noqa: ANN401  # jsonargparse's namespace
    """Name a run by what it is: the data, the network, the sampling and the blur, and the seed."""
    found = [kind for kind in track.data_modules if config.data.class_path.endswith(kind.__name__)]
    network = config.network
    architecture = getattr(network, "architecture", None) or getattr(network, "factory", None) or ""
    words = (
        found[0].modality if found else "data",
        re.sub(r"[^\w.-]+", "-", str(architecture)).strip("-"),
        str(getattr(network.sampling, "name", network.sampling)),  # an own one has a name
        network.blur,
        "tuned" if config.weights is not None else "",
        f"seed{config.seed_everything}",
    )
    return "-".join(word for word in words if word)


def _in_words(message: str, known: Sequence[str]) -> str:
    """Add to a complaint about an unknown key the nearest one that is known."""
    plain = " ".join(message.split())
    for pattern, key in _UNKNOWN_KEYS:
        if found := re.search(pattern, plain):
            unknown = key.format(*found.groups())
            near = get_close_matches(unknown, known, n=1)
            return f"{unknown} is no option" + (f"; did you mean {near[0]}?" if near else "; see --options")
    return plain
