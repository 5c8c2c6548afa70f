"""The course of an export: written beside, opened in its own runtime, checked, measured, and only then named."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from recon.clinical.bundle import write_bundle
from recon.clinical.export.cases import Case, cases_of, noise
from recon.clinical.export.costing import Cost, peak_memory, timed
from recon.clinical.export.graphs import Graph, Rounded, graph_of, side
from recon.clinical.export.naming import placed, require_free, staged, targets_of
from recon.clinical.export.onnx_file import require_onnx, write_onnx
from recon.clinical.export.recorded import exported_program
from recon.clinical.export.runtimes import Runs, opened
from recon.clinical.export.stating import write_statement
from recon.clinical.export.ties import nudged
from recon.clinical.export.torch_files import write_program, write_script
from recon.clinical.export.verifying import ExportFailedError, checked
from recon.clinical.export.wishes import Exported, Wishes
from recon.clinical.models import ClinicalModel
from recon.errors import ConfigError, ShapeError
from recon.nn.scaled import ScaledNetwork

_USUAL = 320  # pixels along each side of fastMRI's knees

Told = Callable[[str], None]


def export_network(model: ClinicalModel, wishes: Wishes, told: Told = lambda step: None) -> Iterator[Exported]:
    """Write a model in each format, one after the other, and give what was checked of each.

    A file that fails a check is not written, and neither are those after it. `told` is called at each step.
    """
    targets = targets_of(model.identity, wishes)
    size = size_of(model, wishes)
    for target in targets.values():
        require_free(target, force=wishes.force)
    if "onnx" in wishes.formats:
        require_onnx()
    course = _Course(model, wishes, size, told)
    for kind, target in targets.items():
        yield course.exported(kind, target)


def size_of(model: ClinicalModel, wishes: Wishes) -> tuple[int, int]:
    """Give the size of the images that a model is for: as asked, else the training data's crop, else 320 x 320."""
    multiple = model.identity.multiple
    if wishes.size is not None:
        if any(length % multiple for length in wishes.size):
            raise ShapeError(
                f"--size must be of multiples of {multiple}, got {wishes.size[0]}x{wishes.size[1]}; choose another"
            )
        return wishes.size
    data = model.identity.training.get("data")
    settings = data.get("settings") if isinstance(data, Mapping) else None
    crop = settings.get("crop") if isinstance(settings, Mapping) else None
    height, width = crop if isinstance(crop, Sequence) and len(crop) == 2 else (_USUAL, _USUAL)
    return side(multiple, int(str(height))), side(multiple, int(str(width)))


class _Course:
    """What the formats of one export share: the recorded program, and what the checkpoint makes of the images."""

    def __init__(self, model: ClinicalModel, wishes: Wishes, size: tuple[int, int], told: Told) -> None:
        self.model, self.wishes, self.size, self.told = model, wishes, size, told
        self._graphs: dict[str, Graph] = {}
        self._cases: dict[str, list[Case]] = {}
        self._programs: dict[str, ExportedProgram] = {}

    def exported(self, kind: str, target: Path) -> Exported:
        """Write, check and name one file."""
        scaling = "inside" if kind == "bundle" else self.wishes.scaling
        graph = self._graphs.setdefault(scaling, graph_of(self.model, replace(self.wishes, scaling=scaling)))
        with staged(target) as partial:
            self.told(f"{target.name}: {'writing it' if kind == 'bundle' else 'recording the network'}")
            self._write(kind, graph, scaling, partial)
            self.told(f"{target.name}: opening it")
            run, runtime = opened(partial, kind, opening=self.model.opening)
            checks = []
            for check in checked(run, graph, self._cases_of(graph, scaling, target.name)):
                self.told(f"{target.name}: checked {check.name}")
                checks.append(check)
            if not all(check.passed for check in checks):
                raise ExportFailedError(target.name, runtime, checks)
            cost = self._cost(kind, graph, partial, target.name) if self.wishes.timing and kind != "bundle" else None
            found = Exported(target, kind, runtime, checks, cost)
            write_statement(found, graph.identity, partial)
            placed(partial, target)
        return found

    def _write(self, kind: str, graph: Graph, scaling: str, partial: Path) -> None:
        if kind == "torchscript":
            write_script(graph, partial)
            return
        if kind == "bundle":
            write_bundle(self.model, self.model.module, partial)
            return
        if scaling not in self._programs:
            self._programs[scaling] = exported_program(graph)
        if kind == "onnx":
            self.told(f"{partial.name}: translating it")
            write_onnx(graph, self._programs[scaling], partial, opset=self.wishes.opset)
        else:
            write_program(graph, self._programs[scaling], partial)

    def _cases_of(self, graph: Graph, scaling: str, name: str) -> list[Case]:
        if scaling not in self._cases:
            self.told(f"{name}: computing what the checkpoint gives")
            given, module = graph.identity.precision, self._module

            def others() -> Iterator[Runs]:
                return (self._eager(graph, copy, given=given) for copy in nudged(module))

            reference = self._eager(graph, module, given=given)
            self._cases[scaling] = list(cases_of(graph, reference, self.size, others))
        return self._cases[scaling]

    @property
    def _module(self) -> nn.Module:
        if self.model.module is None:
            raise ConfigError("a checkpoint must be a network that PyTorch runs, got a closed one")
        return self.model.module

    @staticmethod
    def _eager(graph: Graph, module: nn.Module, *, given: str = "float32") -> Runs:
        """Give a network as it is, in eager PyTorch and float32, of scaled images in the precision `given`."""
        if given == "float16":
            module = Rounded(module, torch.float16)
        whole = ScaledNetwork(module, graph.identity.scaling) if graph.identity.scaled_inside else module

        @torch.no_grad()
        def run(images: Tensor) -> Tensor:
            output: Tensor = whole(images)
            return output

        return run

    def _cost(self, kind: str, graph: Graph, partial: Path, name: str) -> Cost:
        self.told(f"{name}: taking the time on {self.size[0]} x {self.size[1]} pixels")
        threads = self.wishes.threads
        run, _ = opened(partial, kind, threads=threads)
        image = noise(graph, self.size)
        seconds = timed({"eager": self._eager(graph, self._module), "file": run}, image, threads=threads)
        file = self.model.file
        return Cost(
            self.size,
            threads,
            **seconds,
            file_memory=peak_memory(kind, partial, self.size, threads=threads),
            eager_memory=None if file is None else peak_memory("eager", file, self.size, threads=threads),
        )
