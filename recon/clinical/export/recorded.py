"""Records networks as graphs that need no code of recon."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule

from recon.clinical.export.graphs import Graph, example_of, sizes_of
from recon.errors import ConfigError, ReconError
from recon.factories import words_of

_OF_THIS_MACHINE = ("stack_trace", "nn_module_stack", "source_fn_stack", "from_node", "torch_fn", "fwd_source_fn_stack")


def exported_program(graph: Graph) -> ExportedProgram:
    """Record with torch.export: any number of images, of any multiples of rows and columns.

    The images of the recording are not kept: with them torch would refuse all sizes that its own reckoning of strides
    would treat otherwise, such as sides of one multiple, though the operators take them.
    """
    with _refused("torch.export"), quiet(), torch.no_grad():
        program = torch.export.export(graph.module, (example_of(graph),), dynamic_shapes=tuple(sizes_of(graph)))
    program.example_inputs = None
    for module in program.graph_module.modules():
        if isinstance(module, GraphModule):
            for node in module.graph.nodes:
                for name in _OF_THIS_MACHINE:  # such as the folders in which the code lies
                    node.meta.pop(name, None)
    return program


def traced(graph: Graph) -> torch.jit.ScriptModule:
    """Record with torch.jit.trace, whose graphs are of any size where no branch depends on it."""
    with _refused("TorchScript"), quiet(), torch.no_grad():
        found: torch.jit.ScriptModule = torch.jit.trace(graph.module, (example_of(graph),), check_trace=False)
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """Keep torch's warnings about its own workings from people."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _refused(what: str) -> Iterator[None]:
    """Say that a network cannot be recorded, whatever torch says about it."""
    try:
        yield
    except ReconError:
        raise
    except Exception as error:  # of many kinds, and long
        raise ConfigError(
            f"the network must be one that {what} can record for any size, got an error of it: "
            f"{words_of(error)[:400]}; choose another format, or convert the network with `recon convert`"
        ) from error
