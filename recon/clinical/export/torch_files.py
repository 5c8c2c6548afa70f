"""Writes programs of torch.export (.pt2) and TorchScript (.ts), which need torch alone."""

import io
import zipfile
from pathlib import Path

import torch
from torch.export import ExportedProgram

from recon.clinical.export.graphs import Graph
from recon.clinical.export.recorded import quiet, traced
from recon.clinical.stored import EXTRA

_DEBUG = ".debug_pkl"  # where in the sources a line of TorchScript comes from: folders of this machine


def write_program(graph: Graph, program: ExportedProgram, path: Path) -> None:
    """Write what torch.export recorded, with its words as an extra file."""
    held = io.BytesIO()
    with quiet():
        torch.export.save(program, held, extra_files={EXTRA: graph.identity.text})
    path.write_bytes(held.getvalue())


def write_script(graph: Graph, path: Path) -> None:
    """Trace the network and write it, with its words as an extra file."""
    held = io.BytesIO()
    with quiet():
        torch.jit.save(traced(graph), held, _extra_files={EXTRA: graph.identity.text.encode()})
    path.write_bytes(_without_origins(held))


def _without_origins(held: io.BytesIO) -> bytes:
    rebuilt = io.BytesIO()
    with zipfile.ZipFile(held) as archive, zipfile.ZipFile(rebuilt, "w") as kept:
        for entry in archive.infolist():
            if not entry.filename.endswith(_DEBUG):
                kept.writestr(entry.filename, archive.read(entry))
    return rebuilt.getvalue()
