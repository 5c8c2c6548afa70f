"""What is said of an exported file, in a file of JSON beside it."""

import importlib
import json
import platform
from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path

import torch

from recon import __version__
from recon.clinical.export.naming import STATEMENT
from recon.clinical.export.wishes import Exported
from recon.clinical.identity import Identity

FORMAT, VERSION = "recon export", 1


def write_statement(exported: Exported, identity: Identity, partial: Path) -> None:
    """Write what was checked of a file, beside it, and under which circumstances."""
    words = {
        "format": FORMAT,
        "version": VERSION,
        "use": identity.use,
        "file": exported.path.name,
        "kind": exported.format,
        "sha256": _hash_of(partial) if partial.is_file() else None,
        "identity": json.loads(identity.text),
        "runtime": exported.runtime,
        "passed": all(check.passed for check in exported.checks),
        "checks": [check.words for check in exported.checks],
        "cost": {} if exported.cost is None else exported.cost.words,
        "versions": _versions(exported.format),
        "machine": {"processor": platform.machine(), "system": platform.system(), "threads": torch.get_num_threads()},
    }
    path = partial.with_name(f"{partial.name}{STATEMENT}")
    path.write_text(json.dumps(words, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _versions(kind: str) -> Mapping[str, str]:
    versions = {"recon": __version__, "torch": str(torch.__version__), "python": platform.python_version()}
    more = ("onnx", "onnxscript", "onnxruntime") if kind == "onnx" else ()
    return versions | {name: str(importlib.import_module(name).__version__) for name in more}


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
