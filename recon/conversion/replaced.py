"""What was replaced in a network, with places that people on other machines know, too."""

import re
import sys
from dataclasses import astuple
from pathlib import Path

from recon.conversion.originals import AnyNetwork
from recon.nn.conversion import EquivariantNetwork, replacements
from recon.nn.unet import UNet

_HEAD = ("where", "operation", "stride", "grid", "phase")
_PLACE = re.compile(r"(?:(?P<module>[^()]+) \()?(?P<file>.+):(?P<line>\d+)\)?")


def replaced_rows(network: AnyNetwork, *, sampling: bool = False) -> list[tuple[str, ...]]:
    """Give a table of the operations that were replaced, its head first; with `sampling` of those alone that sample.

    A UNet is built of pairs and not converted: its table is empty.
    """
    found = [module for module in network.modules() if isinstance(module, EquivariantNetwork)]
    rows = [astuple(row) for module in found for row in replacements(module)]
    short = [(shortened(where), *rest) for where, *rest in rows]
    return [_HEAD, *(row for row in short if row[-1] or not sampling)] if rows else []


def pairs_of(network: AnyNetwork) -> int:
    """Count the pairs of down and up layers that a UNet is built of."""
    return len(network.downs) if isinstance(network, UNet) else 0


def shortened(where: str) -> str:
    """Name a place without the folders of this machine: files as they are imported.

    >>> shortened("encoder.0"), shortened("")
    ('encoder.0', 'the network itself')
    """
    found = _PLACE.fullmatch(where)
    if found is None:
        return where or "the network itself"
    file, module = Path(found["file"]), found["module"]
    place = f"{_as_imported(file)}:{found['line']}"
    return f"{module} ({place})" if module else place


def _as_imported(file: Path) -> str:
    """Give the path of a file from where Python imported it, or else its name alone."""
    for name, module in list(sys.modules.items()):
        found = getattr(module, "__file__", None)
        if found is not None and Path(found) == file and name != "__main__":
            inner = "/__init__" if file.stem == "__init__" else ""
            return f"{name.replace('.', '/')}{inner}{file.suffix}"
    return file.name
