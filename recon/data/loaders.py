"""A data loader that knows how far it is in its epoch, and goes on from there."""

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader

from recon.data.batches import EvaluationBatches, TrainingBatches


class DrawLoader(DataLoader[Any]):
    """Batches of a data set; after `load_state_dict` the first epoch goes on where another loader stopped.

    What is drawn follows from the seed, the epoch and the place in it, so that two numbers are all of its state.
    Lightning saves and loads them with its checkpoints.
    """

    batches: TrainingBatches | EvaluationBatches

    def __init__(
        self,
        dataset: object,
        batches: TrainingBatches | EvaluationBatches,
        *,
        collate: Callable[[Sequence[Any]], Any],
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        """Load with so many worker processes (0: in this process); `collate` makes a batch of samples."""
        super().__init__(
            dataset,  # type: ignore[arg-type]  # anything that is asked for draws
            batch_sampler=batches,
            num_workers=workers,
            collate_fn=collate,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_leave_signals_alone,
            generator=torch.Generator().manual_seed(seed),
        )
        self.batches = batches
        self.given = 0

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # a generator begins with the first batch asked for
        """Give the batches of an epoch."""
        self.given = self.batches.skip if isinstance(self.batches, TrainingBatches) else 0
        for batch in super().__iter__():
            self.given += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Say how many batches of which epoch have been given."""
        epoch = self.batches.epoch if isinstance(self.batches, TrainingBatches) else 0
        return {"epoch": epoch, "given": self.given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where another loader stopped."""
        if isinstance(self.batches, TrainingBatches):
            self.batches.set_epoch(state["epoch"])
            self.batches.skip = state["given"]


def _leave_signals_alone(worker: int) -> None:
    """Let a worker end when it is told to, and leave Ctrl-C to its parent, whose handlers it would have inherited."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
