"""Processes that train and come to an end in the middle: killed, stopped by a signal, or with the disk full."""

import multiprocessing
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import BinaryIO

import torch
from pytorch_lightning import LightningModule, Trainer

from recon.cli import main
from recon.training.checkpointing import Checkpoints
from recon.training.reconstruction import ReconstructionTask
from recon.training.task import AnyBatch, Task

Sabotage = Callable[[int, int], None]  # takes a signal's number and the step at which it comes


def run_victim(
    arguments: Sequence[str], log: Path, *, sabotage: Sabotage | None = None, number: int = 0, step: int = -1
) -> int:
    """Train in a process of its own, and give its exit status; what it says goes to a file."""
    return _joined(_started(arguments, log, sabotage, number, step, {}))


def run_ranks(
    arguments: Sequence[str], log: Path, *, sabotage: Sabotage | None = None, number: int = 0, step: int = -1
) -> list[int]:
    """Train in two processes that are told of each other as torchrun does; only the second one is sabotaged."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "test"}
    processes = []
    for rank in range(2):
        environment = {**common, "RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0", "LOCAL_WORLD_SIZE": "2"}
        own = sabotage if rank == 1 else None
        processes.append(_started(arguments, log.with_suffix(f".{rank}"), own, number, step, environment))
    return [_joined(process) for process in processes]


def _started(
    arguments: Sequence[str],
    log: Path,
    sabotage: Sabotage | None,
    number: int,
    step: int,
    environment: Mapping[str, str],
) -> BaseProcess:
    """Start a process; a fork server imports the libraries once for all of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["recon.training.command"])
    process = context.Process(target=_victim, args=(list(arguments), sabotage, number, step, log, dict(environment)))
    process.start()
    return process


def _joined(process: BaseProcess) -> int:
    process.join(120)
    if process.exitcode is None:
        process.kill()
    assert process.exitcode is not None
    return process.exitcode


def _victim(
    arguments: list[str],
    sabotage: Sabotage | None,
    number: int,
    step: int,
    log: Path,
    environment: Mapping[str, str],
) -> None:
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.update(environment)
    torch.set_num_threads(1)
    if sabotage is not None:
        sabotage(number, step)
    sys.exit(main(["train", *arguments]))


def signal_in_step(number: int, step: int) -> None:
    """Send this process a signal during the training step after so many."""
    ordinary = ReconstructionTask.training_step

    def training_step(self: ReconstructionTask, batch: AnyBatch, batch_idx: int) -> torch.Tensor:
        if self.global_step == step:
            os.kill(os.getpid(), number)
        return ordinary(self, batch, batch_idx)

    ReconstructionTask.training_step = training_step  # type: ignore[method-assign]


def signal_in_step_to_all(number: int, step: int) -> None:
    """Send this process and its loader's workers a signal, as a terminal does, during the step after so many."""
    os.setsid()
    ordinary = ReconstructionTask.training_step

    def training_step(self: ReconstructionTask, batch: AnyBatch, batch_idx: int) -> torch.Tensor:
        if self.global_step == step:
            os.killpg(0, number)
        return ordinary(self, batch, batch_idx)

    ReconstructionTask.training_step = training_step  # type: ignore[method-assign]


def signal_in_validation(number: int, step: int) -> None:
    """Send this process a signal during the validation after so many steps."""
    ordinary = ReconstructionTask.validation_step

    def validation_step(self: Task, batch: AnyBatch, batch_idx: int) -> None:
        if self.global_step == step:
            os.kill(os.getpid(), number)
        ordinary(self, batch, batch_idx)

    ReconstructionTask.validation_step = validation_step  # type: ignore[method-assign]


def signal_in_checkpoint(number: int, step: int) -> None:
    """Send this process a signal when half of the checkpoint after so many steps is on the disk."""
    save, write = Checkpoints.save, torch.save
    steps = [0]

    def save_noting_the_step(self: Checkpoints, trainer: Trainer, pl_module: LightningModule, name: str) -> None:
        steps[0] = trainer.global_step
        save(self, trainer, pl_module, name)

    def write_half(checkpoint: object, file: BinaryIO) -> None:
        write(checkpoint, file)
        if steps[0] == step:
            file.truncate(file.tell() // 2)
            file.flush()
            os.kill(os.getpid(), number)

    Checkpoints.save = save_noting_the_step  # type: ignore[method-assign]
    torch.save = write_half  # type: ignore[assignment]
