"""What an experiment will take: time, memory and disk, from its counts and a few passes that are timed here."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from recon.data.datamodules import CTData
from recon.data.images import image_files
from recon.data.samples import Skipped
from recon.errors import ConfigError, DataError
from recon.evaluation.cost import median_seconds, peak_memory
from recon.evaluation.labels.consistency import PAIRS
from recon.evaluation.modalities import IMAGES
from recon.evaluation.ood import FEW, MOST_NATURAL
from recon.evaluation.session import other_slices
from recon.evaluation.worst import TEN
from recon.experiments.experiment import Branch, Experiment, Training
from recon.nn.labels import Classifier, Segmenter
from recon.nn.unet import UNet
from recon.recipes import recipe
from recon.training.command import built
from recon.training.quiet import silent

PASSES = {"quality": 1, "equivariance": 2, "worst": 1 + TEN, "accuracy": 1, "consistency": 2 * PAIRS}  # of each image
_OOD_SETS = 3  # besides the natural images: noise, the other modality, the untrained network
_NATURAL = 30  # embedded photographs, about
_STATES = 4  # times the weights: themselves, their gradients, and Adam's two moments
_KEPT = 2  # checkpoints of a run: the best and the last, each with Adam's moments, and as weights alone
_BYTES = 4
_TUNING, _TUNED_EPOCHS = "options/fine-tuning", 3  # by which networks are trained on, and how long
_QUIET = ("--trainer.logger", "false")
_AS_IT_IS = ("--data.init_args.prepared", "false")  # nothing need be computed to be counted


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is: images of each part, their size, images out of the distribution; and how long training is.

    `kind` and `network` are the class and the arguments of the first network.
    """

    train: int
    validation: int
    test: int
    size: tuple[int, int]
    natural: int
    epochs: int
    batch_size: int
    parameters: int
    network: Mapping[str, object]
    kind: type[UNet] | type[Classifier] | type[Segmenter] = UNet
    in_channels: int = 1

    @property
    def words(self) -> str:
        """Say how large the network is."""
        channels = self.network.get("channels")
        if isinstance(channels, list | tuple):
            return f"channels {', '.join(map(str, channels))}"
        return f"{self.network['architecture']}, width {self.network['width']}"


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
        as_it_is = _AS_IT_IS if branch.modality in IMAGES else ()
        cli = built([*first_run.arguments, *first_run.place, *_QUIET, *as_it_is])
    data, network = cli.datamodule, cli.model.network
    if not isinstance(network, UNet | Classifier | Segmenter):
        raise ConfigError(f"a table's networks must be recon's own, got a {type(network).__name__}; use recon train")
    parts = {stage: data.dataset(stage) for stage in ("train", "validation", "test")}
    first = next((s for s in (parts["test"][i] for i in range(len(parts["test"]))) if not isinstance(s, Skipped)), None)
    if first is None:
        raise DataError(f"the test data in {data.folder} must have a readable image, got none; run `recon data check`")
    in_channels, height, width = first.input.shape
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
        network.arguments,
        type(network),
        in_channels,
    )


def speed_of(counts: Counts, device: str) -> Speed:
    """Time passes of a plain network of this size on white noise, few images at a time (on a GPU, a batch)."""
    place = torch.device(device)
    plain = counts.kind.from_arguments({**counts.network, "sampling": "plain", "blur": None})
    network = plain.to(place).to(memory_format=torch.channels_last)
    few = 1 if counts.kind is UNet else 2  # normalisations over a batch need two
    batch = few if place.type == "cpu" else counts.batch_size
    images = torch.randn(batch, counts.in_channels, *counts.size, device=place)

    def step() -> Tensor:
        loss: Tensor = network(images).square().mean()  # any loss takes no time beside the network
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


def whole_trainings(left: Sequence[Training], counts: Counts) -> float:
    """Count runs as whole trainings: what is converted takes no time, what is trained on a few epochs of it."""
    tuned = min(1.0, _TUNED_EPOCHS / counts.epochs)
    lengths = [tuned if str(recipe(_TUNING)) in one.arguments else 1.0 for one in left if one.method is None]
    return sum(lengths)


def estimate_of(experiment: Experiment, counts: Counts, speed: Speed, *, left: float, gpus: int) -> Estimate:
    """Add up. `left` trainings are to be done, on so many GPUs at once (0: on the CPU, which processes share)."""
    branch = experiment.branches[0]
    images = counts.epochs * counts.train
    checked = counts.epochs * counts.validation
    training = left * (images * speed.step + checked * speed.forward)
    networks = len(branch.variants) + len(branch.transfers)
    measuring = networks * measured_images(branch, counts) * speed.forward
    weights = counts.parameters * _BYTES
    disk = networks * weights * _KEPT * _STATES + _prepared_bytes(branch, counts)
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
