"""Programs of torch.export, loaded without running anything that is in their files."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.export.passes import move_to_device_pass

from recon.errors import ConfigError, DataError
from recon.evaluation.exported_archive import checked_archive
from recon.evaluation.fitting import Wanted


@dataclass(frozen=True, slots=True)
class Program:
    """A loaded program, what images it takes, and how many parameters it has."""

    function: Callable[[Tensor], object]
    wanted: Wanted
    parameters: int


def load_program(data: bytes, *, where: str, device: str) -> Program:
    """Load the bytes of a file that `torch.export.save` wrote, checked first: see `checked_archive`.

    The program must take one tensor (B, C, H, W). It is moved to the device, wherever it was exported.
    """
    archive = checked_archive(data, where=where)
    try:
        exported = torch.export.load(io.BytesIO(archive))
        if torch.device(device).type != "cpu":
            exported = move_to_device_pass(exported, device)
        wanted = _wanted(exported, where)
        parameters = sum(parameter.numel() for parameter in exported.parameters())
        return Program(exported.module(), wanted, parameters)
    except ConfigError:
        raise
    except Exception as error:  # a description that does not fit together fails in many ways
        said = " ".join(str(error).split())[-300:]
        raise DataError(
            f"{where} must be a program that this torch ({torch.__version__}) can load, got an error: {said}; export "
            f"it again"
        ) from error


def _wanted(exported: ExportedProgram, where: str) -> Wanted:
    """Find which sizes are fixed, and how many images it takes."""
    names = [spec.arg.name for spec in exported.graph_signature.input_specs if spec.kind is InputKind.USER_INPUT]
    given = [node.meta.get("val") for node in exported.graph.nodes if node.op == "placeholder" and node.name in names]
    if len(names) != 1 or not isinstance(given[0], Tensor) or given[0].ndim != 4:
        raise ConfigError(f"{where} must take one tensor of images (B, C, H, W), got other arguments; export it so")
    number, channels, height, width = (size if isinstance(size, int) else None for size in given[0].shape)
    if number is not None:
        return Wanted(number, number, (channels, height, width))
    limits = exported.range_constraints.get(given[0].shape[0].node.expr)
    fewest = 1 if limits is None else max(1, int(limits.lower))
    most = None if limits is None or limits.upper > 2**31 else int(limits.upper)
    return Wanted(fewest, most, (channels, height, width))
