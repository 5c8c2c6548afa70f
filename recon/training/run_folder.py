"""What a run leaves behind beside its checkpoints: what it was, on which data, and how to go on with it."""

import json
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from recon import __version__
from recon.data.datamodule import DataModule
from recon.files import written_whole
from recon.records import Word
from recon.training.metrics_file import MetricsFile
from recon.training.task import Task

RECORD = "run.json"
LIBRARIES = ("torch", "pytorch-lightning", "numpy", "fastmri", "h5py", "dival")

_HOW_TO = """This is a training run of recon {version}.

  resume       recon train --resume {folder}
  go on longer recon train --resume {folder} --trainer.max_epochs N
  watch        tensorboard --logdir {folder}
  evaluate     recon evaluate {folder} --out {folder}/evaluation
               recon report {folder}/evaluation --out {folder}/evaluation/report.html
  use          network = recon.load("{folder}/checkpoints/best.safetensors")
  export       torch.export.save(torch.export.export(network, (torch.zeros(1, 1, 128, 128),)), "network.pt2")

config.yaml             everything that was chosen
run.json                seed, versions, data
metrics.csv             losses, learning rate and figures of merit
panels/                 input, output, target, error and shift error of fixed validation slices
checkpoints/best.*      the network with the lowest validation loss
checkpoints/last.*      the last one; last.ckpt is what --resume goes on from
"""


class RunRecord(Callback):
    """Writes run.json and HOW-TO.txt when the run begins."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self.folder, self.seed = folder, seed

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what the run is."""
        if not trainer.is_global_zero:
            return
        about = {
            "recon": __version__,
            "python": platform.python_version(),
            "libraries": {name: found for name in LIBRARIES if (found := _version(name))},
            "device": str(pl_module.device),
            "processes": trainer.world_size,
            "seed": self.seed,
            "command": sys.argv,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "parameters": sum(p.numel() for p in pl_module.parameters()),
            "data": data_description(trainer),
        }
        with written_whole(self.folder / RECORD) as path:
            path.write_text(json.dumps(about, indent=2) + "\n")
        with written_whole(self.folder / "HOW-TO.txt") as path:
            path.write_text(_HOW_TO.format(version=__version__, folder=self.folder))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget what a killed run logged beyond the checkpoint that this one goes on from."""
        for logger in trainer.loggers:
            if isinstance(logger, MetricsFile):
                logger.keep_until(trainer.global_step - 1)


def data_description(trainer: Trainer) -> dict[str, Word]:
    """Say which data a trainer trains on (the folder is None for the embedded ones), and whether they are synthetic."""
    data = trainer.datamodule  # type: ignore[attr-defined]
    if not isinstance(data, DataModule):
        return {}
    origin = getattr(data.datasets["train"][0], "origin", None)  # none of a sample that cannot be read
    counts: dict[str, Word] = {stage: len(dataset) for stage, dataset in data.datasets.items()}
    return {
        "folder": None if data.given_folder is None else str(data.given_folder.absolute()),
        "modality": data.modality,
        "synthetic": None if origin is None else origin.synthetic,
        "slices": counts,
        "settings": data.settings,
    }


def training_description(trainer: Trainer, task: Task) -> dict[str, Word]:
    """Say how a network is trained, as far as it tells one variant from another."""
    data = trainer.datamodule  # type: ignore[attr-defined]
    start: dict[str, Word] = {"start": dict(task.start)} if task.start else {}
    return start | {
        "seed": data.seed,
        "epochs": trainer.max_epochs,
        "batch_size": data.batch_size,
        "shift_augmentation": data.shift_augmentation,
        "loss": task.loss,
        "equivariance_weight": task.equivariance_weight,
        "optimizer": task.optimizer,
        "lr": task.lr,
        "schedule": task.schedule,
        "precision": str(trainer.precision),
    }


def _version(name: str) -> str | None:
    if name == "torch":
        return str(torch.__version__)
    try:
        return version(name)
    except PackageNotFoundError:
        return None
