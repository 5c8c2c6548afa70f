"""What an experiment will take: time, memory and disk, from its counts and a few passes that are timed here."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from recon.data.datamodules import CTData
from recon.data.images import image_files
from recon.data.samples import Sample
from recon.errors import ConfigError, DataError
from recon.evaluation.cost import median_seconds, peak_memory
from recon.evaluation.ood import FEW, MOST_NATURAL
from recon.evaluation.session import other_slices
from recon.evaluation.worst import TEN
from recon.experiments.experiment import Branch, Experiment
from recon.nn.unet import UNet
from recon.training.command import built
from recon.training.quiet import silent

PASSES = {"quality": 1, "equivariance": 2, "worst": 1 + TEN}  # of each test slice through a network
_OOD_SETS = 3  # besides the natural images: noise, the other modality, the untrained network
_NATURAL = 30  # embedded photographs, about
_STATES = 4  # times the weights: themselves, their gradients, and Adam's two moments
_KEPT = 2  # checkpoints of a run: the best and the last, each with Adam's moments, and as weights alone
_BYTES = 4
_AS_IT_IS = (
    "--trainer.logger",
    "false",
    "--data.init_args.prepared",
    "false",
)  # nothing need be computed to be counted


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is: slices of each part, their size, images out of the distribution; and how long training is."""

    train: int
    validation: int
    test: int
    size: tuple[int, int]
    natural: int
    epochs: int
    batch_size: int
    parameters: int
    channels: Sequence[int]


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds for one image, forward and in a training step, and the bytes that a training step of one image takes."""

    forward: float
    step: float
    memory: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an experiment takes in all: seconds of training and of measuring, bytes of memory a process and of disk."""

    training: float
    measuring: float
    memory: int
    disk: int


def counts_of(experiment: Experiment) -> Counts:
    """Open the data and build the first network, as training does; nothing is written but embedded data."""
    branch = experiment.branches[0]
    other_slices(branch.modality, branch.other)  # a wrong folder is told now, not after the training
    first_run = experiment.trainings(branch)[0]
    with silent():
        cli = built([*first_run.arguments, *first_run.place, *_AS_IT_IS])
    data, network = cli.datamodule, cli.model.network
    parts = {stage: data.dataset(stage) for stage in ("train", "validation", "test")}
    first = next((s for s in (parts["test"][i] for i in range(len(parts["test"]))) if isinstance(s, Sample)), None)
    if first is None:
        raise DataError(f"the test data in {data.folder} must have a readable slice, got none; run `recon data check`")
    height, width = first.input.shape[-2:]
    natural = _NATURAL if branch.ood is None else len(image_files(branch.ood, count=MOST_NATURAL))
    return Counts(
        len(parts["train"]),
        len(parts["validation"]),
        len(parts["test"]),
        (height, width),
        natural,
        cli.trainer.max_epochs or 1,
        data.batch_size,
        sum(parameter.numel() for parameter in network.parameters()),
        tuple(int(n) for n in network.arguments["channels"]),
    )


def speed_of(counts: Counts, device: str) -> Speed:
    """Time passes of a plain network of this size on white noise, one image at a time (on a GPU, a batch)."""
    place = torch.device(device)
    network = UNet(channels=counts.channels, sampling="plain").to(place).to(memory_format=torch.channels_last)
    images = torch.randn(1 if place.type == "cpu" else counts.batch_size, 1, *counts.size, device=place)

    def step() -> Tensor:
        loss = F.mse_loss(network(images), images)
        loss.backward()
        return loss

    @torch.no_grad()
    def forward() -> object:
        return network(images)

    def seconds(work: Callable[[], object]) -> float:
        return median_seconds(work, place, warm_ups=1, fewest=3, shortest=0.5) / len(images)

    try:
        return Speed(seconds(forward), seconds(step), peak_memory(step, place) // len(images))
    except torch.OutOfMemoryError as error:
        raise ConfigError(
            f"{device} must have room for a training step of {len(images)} images of {counts.size[0]} x "
            f"{counts.size[1]}, got too little memory; lower data.init_args.batch_size by a file given with --config"
        ) from error


def estimate_of(experiment: Experiment, counts: Counts, speed: Speed, *, left: int, gpus: int) -> Estimate:
    """Add up. `left` networks are to be trained, on so many GPUs at once (0: on the CPU, which processes share)."""
    branch = experiment.branches[0]
    images = counts.epochs * counts.train
    checked = counts.epochs * counts.validation
    training = left * (images * speed.step + checked * speed.forward)
    measuring = len(branch.variants) * measured_images(branch, counts) * speed.forward
    weights = counts.parameters * _BYTES
    disk = len(branch.variants) * weights * _KEPT * _STATES + _prepared_bytes(branch, counts)
    memory = weights * _STATES + speed.memory * counts.batch_size
    devices = max(gpus, 1)
    return Estimate(training / devices, measuring / devices, memory, disk)


def measured_images(branch: Branch, counts: Counts) -> int:
    """Count the images that measuring gives each network."""
    total = 0
    for measurement in branch.measurements:
        test = counts.test if measurement.limit is None else min(measurement.limit, counts.test)
        natural = counts.natural if measurement.limit is None else min(measurement.limit, counts.natural)
        for protocol in measurement.protocols:
            total += 2 * (natural + _OOD_SETS * FEW) if protocol == "ood" else PASSES[protocol] * test
    return total


def free_disk(folder: Path) -> int:
    """Give the free bytes where a folder is or will be."""
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    return shutil.disk_usage(there).free


def free_memory(device: str) -> int | None:
    """Give the free bytes of a device's memory; None where that is not known."""
    if device != "cpu":
        return torch.cuda.mem_get_info(torch.device(device))[0]
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else None


def _prepared_bytes(branch: Branch, counts: Counts) -> int:
    """Count the back-projections that training on CT keeps."""
    if branch.modality != CTData.modality:
        return 0
    height, width = counts.size
    return (counts.train + counts.validation + counts.test) * height * width * _BYTES
