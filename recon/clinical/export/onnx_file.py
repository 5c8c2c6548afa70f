"""Writes ONNX files: weights inside, any number of images, and words about what they are."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch.export import ExportedProgram

from recon.clinical.export.graphs import Graph
from recon.clinical.export.recorded import quiet
from recon.clinical.words import KEY
from recon.errors import ConfigError
from recon.factories import words_of

LARGEST = 2_000_000_000  # bytes of weights: protocol buffers have no room for more


def require_onnx() -> None:
    """Raise an error unless everything is there that writes and runs ONNX files."""
    for name in ("onnx", "onnxscript", "onnxruntime"):
        _library(name)


def write_onnx(graph: Graph, program: ExportedProgram, path: Path, *, opset: int) -> None:
    """Write a file, or one and `path.data` beside it where the weights are too large for one."""
    model = _translated(graph, program, opset)
    _name_axes(model, graph)
    _forget(model)
    entries = {KEY: graph.identity.text, **graph.props}
    for key, value in entries.items():
        model.metadata_props.add(key=key, value=value)
    model.doc_string = graph.identity.use
    if sum(len(tensor.raw_data) for tensor in model.graph.initializer) > LARGEST:
        _library("onnx").save_model(
            model, str(path), save_as_external_data=True, location=f"{path.name}.data", size_threshold=1024
        )
    else:
        path.write_bytes(model.SerializeToString())


def _translated(graph: Graph, program: ExportedProgram, opset: int) -> Any:  # noqa: ANN401  # onnx.ModelProto
    """Translate a program; torch prints what it does, which is for its makers."""
    with _refused(), quiet(), redirect_stdout(StringIO()), torch.no_grad():
        made = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=opset,
            input_names=[graph.given],
            output_names=[graph.made],
            external_data=False,
            verbose=False,
        )
    if made is None:
        raise ConfigError("torch.onnx.export must give a model, got none; update torch")
    return made.model_proto


def _name_axes(model: Any, graph: Graph) -> None:  # noqa: ANN401
    """Call the axes of any length by words, for people: `16*rows`."""
    times = "" if graph.identity.multiple == 1 else f"{graph.identity.multiple}*"
    names = {0: "batch", 2: f"{times}rows", 3: f"{times}columns"}
    for value in (*model.graph.input, *model.graph.output):
        for axis, name in names.items():
            value.type.tensor_type.shape.dim[axis].dim_param = name
        value.type.tensor_type.shape.dim[1].dim_value = 1


def _forget(model: Any) -> None:  # noqa: ANN401
    """Leave out how torch came to the graph, which names the folders of this machine."""
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    model.graph.doc_string = ""
    held = [model.graph, *model.functions]
    while held:
        part = held.pop()
        for node in part.node:
            node.doc_string = ""
            del node.metadata_props[:]
            held += [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        value.doc_string = ""
        del value.metadata_props[:]


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"exporting to ONNX needs {name}, got: {error}; pip install '.[onnx]' in recon's folder"
        ) from error


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # torch's exporter wraps whatever went wrong
        raise ConfigError(
            f"the network must be one that torch.onnx can translate, got an error of it: {words_of(error)[:400]}; "
            f"choose another opset or format"
        ) from error
