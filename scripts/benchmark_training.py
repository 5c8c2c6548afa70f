"""Measure what the training loop adds to the bare step of a network: forward, backward, clipping, optimiser.

The bare loop and Lightning's, with all that `recon train` puts into it, take turns on the same batches of random images
in one process; every figure is the median over the turns, and the ratio the median of the turns' ratios.

    python scripts/benchmark_training.py --channels 64 128 256 --size 128 --batch 4
"""

import argparse
import logging
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from pytorch_lightning import LightningModule, Trainer

from recon.data.batches import Draw
from recon.data.datamodule import Stage
from recon.data.datamodules import SliceData
from recon.data.samples import Origin, Sample, Slices
from recon.nn.unet import UNet
from recon.records import Word
from recon.training.checkpointing import Checkpoints, WholeCheckpointIO
from recon.training.divergence import StopAtDivergence
from recon.training.metrics_file import MetricsFile
from recon.training.reconstruction import ReconstructionTask

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


class RandomSlices(Slices):
    """So many pairs of one random image, without reading anything."""

    def __init__(self, count: int, size: int) -> None:
        """Draw the image."""
        origin = Origin("random", "random", 0, "random", "", synthetic=True)
        image = torch.randn(1, size, size, generator=torch.Generator().manual_seed(0))
        self.count, self.sample = count, Sample(image, image, 0.0, 1.0, 1.0, origin)

    def __len__(self) -> int:
        """Count the pairs."""
        return self.count

    @property
    def groups(self) -> Sequence[range]:
        """All together."""
        return [range(self.count)]

    def __getitem__(self, key: int | Draw) -> Sample:
        """Give the pair."""
        return self.sample


class RandomData(SliceData):
    """Batches of random slices."""

    kind, modality = "fastmri", "mri"

    def __init__(self, count: int, size: int, batch_size: int) -> None:
        """Keep the sizes."""
        super().__init__(
            None,
            batch_size=batch_size,
            workers=0,
            seed=0,
            cache=None,
            prepared=False,
            shift_augmentation=0,
            on_bad_file="error",
        )
        self.count, self.size = count, size

    @property
    def settings(self) -> Mapping[str, Word]:
        """Nothing is read."""
        return {}

    def dataset(self, stage: Stage) -> RandomSlices:
        """Give the slices."""
        return RandomSlices(self.count, self.size)


class Stopwatch(Checkpoints):
    """Notes when each step ends, and saves nothing."""

    def __init__(self, folder: Path) -> None:
        """Begin without steps."""
        super().__init__(folder, every_steps=0, every_seconds=0)
        self.times: list[float] = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: object, batch: object, batch_idx: int
    ) -> None:
        """Note the time."""
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)  # type: ignore[arg-type]
        _synchronise(pl_module.device)
        self.times.append(time.perf_counter())

    def save(self, trainer: Trainer, pl_module: LightningModule, name: str) -> None:
        """Save nothing: how often is the user's choice."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit status."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    turns = [(_bare(options), _loop(options)) for _ in range(options.turns)]
    bare, loop = (statistics.median(turn[i] for turn in turns) for i in (0, 1))
    ratio = statistics.median(loop / bare for bare, loop in turns)
    print(f"bare step {1e3 * bare:.1f} ms, in the training loop {1e3 * loop:.1f} ms, ratio {ratio:.3f}")
    return 0


def _bare(options: argparse.Namespace) -> float:
    """Give the median seconds of a step of the bare loop."""
    device = torch.device(options.device)
    network = _network(options).to(device).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    sample = RandomSlices(1, options.size)[0]
    images = torch.stack([sample.input] * options.batch).to(device)
    times = []
    for _ in range(options.steps + 1):
        with torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bf16-mixed"):
            loss = F.mse_loss(network(images), images)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        _synchronise(device)
        times.append(time.perf_counter())
    return _median_step(times)


def _loop(options: argparse.Namespace) -> float:
    """Give the median seconds of a step of Lightning's loop as `recon train` has it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        watch = Stopwatch(folder)
        trainer = Trainer(
            accelerator="gpu" if options.device == "cuda" else "cpu",
            devices=1,
            max_epochs=1,
            gradient_clip_val=1.0,
            precision=options.precision,
            limit_val_batches=0,
            num_sanity_val_steps=0,
            log_every_n_steps=10,
            enable_model_summary=False,
            enable_progress_bar=False,
            use_distributed_sampler=False,
            default_root_dir=folder,
            callbacks=[StopAtDivergence(folder), watch],
            logger=MetricsFile(folder),
            plugins=[WholeCheckpointIO()],
        )
        data = RandomData((options.steps + 1) * options.batch, options.size, options.batch)
        trainer.fit(ReconstructionTask(_network(options)), datamodule=data)
    return _median_step(watch.times)


def _network(options: argparse.Namespace) -> UNet:
    torch.manual_seed(0)
    return UNet(channels=options.channels, sampling=options.sampling)


def _median_step(times: Sequence[float]) -> float:
    return statistics.median(after - before for before, after in pairwise(times))


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, nargs="+", default=[64, 128, 256], help="of the U-Net (%(default)s)")
    parser.add_argument("--sampling", default="aps", help="of the U-Net (%(default)s)")
    parser.add_argument("--size", type=int, default=128, help="rows and columns (%(default)s)")
    parser.add_argument("--batch", type=int, default=4, help="slices of a step (%(default)s)")
    parser.add_argument("--steps", type=int, default=8, help="steps of a turn (%(default)s)")
    parser.add_argument("--turns", type=int, default=5, help="turns of each loop (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch (%(default)s)")
    parser.add_argument("--precision", choices=PRECISIONS, default="32-true", help="of both loops (%(default)s)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="of both loops (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
