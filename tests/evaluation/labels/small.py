"""What is small enough to be labelled in a moment: images in memory, networks of a few channels, plain functions."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from recon.checkpoints import save
from recon.data.batches import Draw, draw_of
from recon.data.labels.samples import IGNORED, Labelled, LabelledSample
from recon.data.samples import Origin, Skipped
from recon.evaluation.labels.study import LabelStudy
from recon.evaluation.models import Model
from recon.evaluation.outputs import Task
from recon.evaluation.protocol import Measured, Protocol
from recon.nn import Classifier, Segmenter
from recon.records import Source, Subject, Word

CLASSES = 3
NetworkT = TypeVar("NetworkT", Classifier, Segmenter)


class InMemory(Labelled):
    """Images drawn from a seed, with targets drawn too; some may be unreadable, or have a margin around them."""

    def __init__(self, images: Tensor, targets: Tensor, *, margin: int = 0, broken: Sequence[int] = ()) -> None:
        self.images, self.targets, self.margin, self.broken = images, targets, margin, broken
        self.classes, self.synthetic = [f"class {number}" for number in range(CLASSES)], True

    def __len__(self) -> int:
        """Count the images."""
        return len(self.images)

    def __getitem__(self, key: int | Draw) -> LabelledSample | Skipped:
        """Give one."""
        index = draw_of(key).index
        if index in self.broken:
            return Skipped(f"image {index} is broken")
        inside = slice(self.margin // 2, -(self.margin // 2) or None)
        image = self.images[index][:, inside, inside]
        return LabelledSample(image, self.targets[index], Origin("made", "memory", index, "", "", synthetic=True))

    def wide(self, index: int) -> Tensor | None:
        """Give one with its margin."""
        return self.images[index] if self.margin else None

    @property
    def files(self) -> Sequence[Path]:
        """There are none."""
        return []


def images_of(count: int, size: tuple[int, int], *, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((count, 3, *size))).float()


def classes_of(count: int, *, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng((seed, 1)).integers(CLASSES, size=count))


def maps_of(count: int, size: tuple[int, int], *, seed: int = 0) -> Tensor:
    """Draw classes of pixels, an eighth of which are not judged."""
    generator = np.random.default_rng((seed, 2))
    maps = generator.integers(CLASSES, size=(count, *size))
    maps[generator.random(maps.shape) < 1 / 8] = IGNORED
    return torch.from_numpy(maps)


def study_of_images(
    count: int = 10,
    size: tuple[int, int] = (8, 8),
    *,
    task: Task = "classification",
    seed: int = 0,
    limit: int | None = None,
    margin: int = 0,
    broken: Sequence[int] = (),
) -> LabelStudy:
    """Give a study of images in memory; with a margin, the images are so much larger in all."""
    images = images_of(count, (size[0] + margin, size[1] + margin))
    targets = maps_of(count, size) if task == "segmentation" else classes_of(count)
    data = InMemory(images, targets, margin=margin, broken=broken)
    source = Source("made", "voc" if task == "segmentation" else "cifar10", synthetic=True, fingerprint="made")
    return LabelStudy(data, source, task=task, seed=seed, limit=limit)


def model_of(
    function: Callable[[Tensor], Tensor],
    *,
    task: Task = "classification",
    name: str = "function",
    batch_size: int = 4,
    period: int = 0,
) -> Model:
    """Give a model of any function."""
    return Model(Subject(name, "function", name, period=period), function, batch_size=batch_size, task=task)


def classifier(sampling: str = "plain", *, classes: int = CLASSES, seed: int = 0) -> Classifier:
    """Give a small network of period 4 with random weights and statistics, in eval mode."""
    torch.manual_seed(seed)
    return _settled(Classifier("resnet20", width=4, classes=classes, sampling=sampling))


def segmenter(sampling: str = "plain", *, classes: int = CLASSES, seed: int = 0) -> Segmenter:
    """Give a small network of period 16 with random weights and statistics, in eval mode."""
    torch.manual_seed(seed)
    return _settled(Segmenter(width=4, classes=classes, sampling=sampling))


def network_model(network: Classifier | Segmenter, *, name: str = "network", batch_size: int = 4) -> Model:
    """Give a model of a network."""
    task: Task = "segmentation" if isinstance(network, Segmenter) else "classification"
    subject = Subject(name, type(network).__name__, name, weights=f"weights of {name}", period=network.multiple)
    return Model(subject, network, module=network, batch_size=batch_size, task=task)


def write_label_run(
    run: Path,
    network: Classifier | Segmenter,
    *,
    modality: str,
    folder: Path | None,
    settings: dict[str, Word] | None = None,
    **about: Word,
) -> Path:
    """Write a run's folder as training leaves it, with a network in it that says on which data it was trained."""
    data: dict[str, Word] = {
        "folder": None if folder is None else str(folder.absolute()),
        "modality": modality,
        "synthetic": True,
        "settings": settings or {},
    }
    words: dict[str, Word] = {"data": data, "training": {"seed": 0}, "epoch": 1, **about}
    save(network, run / "checkpoints" / "best.safetensors", about=words)
    return run


def measured(protocol: Protocol[LabelStudy], model: Model, study: LabelStudy) -> list[Measured]:
    """Measure all units."""
    return [found for unit in protocol.units(model, study) for found in protocol.measure(model, unit, study)]


def total(found: Sequence[Measured], measure: str) -> float:
    return sum(one.measures[measure] for one in found)


def of_images(found: Sequence[Measured], array: str) -> list[float]:
    return [value for one in found for value in one.arrays[array]]


def brightness(images: Tensor) -> Tensor:
    """Classify by the channel that is largest somewhere: no circular shift changes a bit of it."""
    return images.flatten(2).amax(2)


def corner(images: Tensor) -> Tensor:
    """Classify by the upper left pixel, which every shift changes."""
    return images[..., 0, 0]


def pixelwise(images: Tensor) -> Tensor:
    """Label each pixel by its largest channel, wherever it lies."""
    return images * 2


def tilted(images: Tensor) -> Tensor:
    """Label each pixel by its largest channel, and by where in the image it lies."""
    height, width = images.shape[2:]
    tilt = torch.linspace(-2, 2, height * width).reshape(height, width)
    return images + tilt * torch.tensor([1.0, 0.0, -1.0])[:, None, None]


def _settled(network: NetworkT) -> NetworkT:
    """Let the statistics of batch normalisation follow images, so that logits are neither huge nor alike."""
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(8, 3, 32, 32))
    return network.eval()
