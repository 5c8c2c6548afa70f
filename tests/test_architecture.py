"""Imports point down only, and what a clinical pipeline takes needs torch alone."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "recon"

# From the bottom up. Parts on one floor are siblings, which do not import each other.
FLOORS = (
    ("errors",),
    ("factories", "files", "filters", "recipes", "samplings"),
    ("locks",),
    ("records",),
    ("ops",),
    ("data", "metrics", "nn"),
    ("checkpoints",),
    ("evaluation", "report", "training"),
    ("clinical", "conversion"),
    ("experiments",),
    ("cli",),
    ("__main__",),
)
FLOOR_OF = {part: number for number, floor in enumerate(FLOORS) for part in floor}
TORCH_ONLY = ("ops", "nn", "metrics")
HEAVY = (
    *("dival", "fastmri", "h5py", "jsonargparse", "lightning", "matplotlib", "monai", "odl", "onnx", "pandas", "PIL"),
    *("pytorch_lightning", "rich", "safetensors", "scipy", "skimage", "sklearn", "tensorboard", "torchmetrics"),
    *("torchvision", "yaml"),
)

PRINT_HEAVY = """
import sys
{code}
print(*sorted(set(sys.modules) & {{{names}}}))
"""


def imported_modules(source: str) -> Iterator[str]:
    """Give every module that the source imports, at its top, inside functions or by a name in a string."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(level=level) if level:
                yield "." * level
            case ast.ImportFrom(module="recon", names=names):
                yield from (f"recon.{alias.name}" for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module
            case ast.Call(
                func=ast.Name(id=called) | ast.Attribute(attr=called), args=[ast.Constant(value=str(module)), *_]
            ):
                if called in ("import_module", "__import__"):
                    yield module


def part_of(module: str) -> str:
    """Give the part of recon that holds a module: `nn` for `recon.nn.unet`."""
    return module.split(".")[1]


def wrong_imports(module: str, source: str) -> list[str]:
    """Say which imports of a module of recon do not point down."""
    own = part_of(module)
    wrong = []
    for imported in imported_modules(source):
        if imported.startswith("."):
            wrong.append(f"{module}: a relative import")
        elif imported == "recon":
            wrong.append(f"{module}: the package itself, which hands on names from above")
        elif imported.startswith("recon."):
            part = part_of(imported)
            if part in ("__version__", own):
                continue
            if part not in FLOOR_OF:
                wrong.append(f"{module}: {imported}, which is on no floor (main names come from their own modules)")
            elif FLOOR_OF[part] >= FLOOR_OF[own]:
                wrong.append(f"{module}: {imported}, which is not below")
    return wrong


def foreign_imports(source: str) -> list[str]:
    """Give the imported modules that are neither torch, nor of the standard library, nor our own."""
    tops = (imported.partition(".")[0] for imported in imported_modules(source))
    return [top for top in tops if top not in {"torch", "recon", *sys.stdlib_module_names}]


def sources(*parts: str) -> dict[str, str]:
    """Give the modules of recon, or of some of its parts, with their sources."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        if module != "recon" and (not parts or part_of(module) in parts):
            found[module] = path.read_text(encoding="utf-8")
    return found


def heavy_modules(code: str) -> list[str]:
    """Give the heavy libraries that a fresh Python has loaded after running the code."""
    program = PRINT_HEAVY.format(code=code, names=", ".join(map(repr, HEAVY)))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_every_part_has_a_floor() -> None:
    assert {part_of(module) for module in sources()} <= set(FLOOR_OF)


def test_imports_point_down() -> None:
    assert [wrong for module, source in sources().items() for wrong in wrong_imports(module, source)] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("recon.ops.phases", "import recon.nn"),
        ("recon.ops.phases", "from recon.nn.unet import UNet"),
        ("recon.ops.phases", "from recon import metrics"),
        ("recon.ops.phases", "from recon import UNet"),
        ("recon.ops.phases", "import recon"),
        ("recon.nn.unet", "from recon.metrics import equivariance_error"),
        ("recon.evaluation.protocols", "def f():\n    from recon.training import task"),
        ("recon.evaluation.protocols", "if TYPE_CHECKING:\n    import recon.training.task"),
        ("recon.evaluation.protocols", "import importlib\nimportlib.import_module('recon.training')"),
        ("recon.report.html", "from recon import cli"),
        ("recon.errors", "from recon.samplings import SAMPLINGS"),
        ("recon.nn.unet", "from . import blurs"),
        ("recon.nn.unet", "from ..ops import phases"),
    ],
)
def test_import_that_does_not_point_down_is_found(module: str, source: str) -> None:
    assert len(wrong_imports(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("recon.nn.unet", "import torch\nfrom recon.nn.blurs import Blur\nfrom recon.ops import phases"),
        ("recon.samplings", "from recon.errors import ConfigError"),
        ("recon.cli", "from recon import __version__, report\nfrom recon.training import task"),
    ],
)
def test_import_that_points_down_passes(module: str, source: str) -> None:
    assert wrong_imports(module, source) == []


def test_ops_nn_and_metrics_import_torch_and_the_standard_library_alone() -> None:
    found = sources(*TORCH_ONLY)
    assert {part_of(module) for module in found} == set(TORCH_ONLY)
    assert {module: foreign for module, source in found.items() if (foreign := foreign_imports(source))} == {}


def test_foreign_import_is_found() -> None:
    source = (
        "import math\nimport torch.nn\nimport recon.errors\ndef f():\n    import numpy.fft\n    from h5py import File"
    )
    assert foreign_imports(source) == ["numpy", "h5py"]


def test_importing_ops_nn_and_metrics_loads_no_heavy_library() -> None:
    assert heavy_modules("import torch; import recon.ops, recon.nn, recon.metrics") == heavy_modules("import torch")


def test_importing_checkpoints_loads_torch_and_safetensors_alone() -> None:
    assert set(heavy_modules("import recon.checkpoints")) - set(heavy_modules("import torch")) == {"safetensors"}


def test_heavy_library_is_found() -> None:
    assert "yaml" in heavy_modules("import yaml")


def test_importing_recon_loads_the_standard_library_alone() -> None:
    program = "import sys; before = set(sys.modules); import recon; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded <= {"recon", *sys.stdlib_module_names}
    assert "recon.nn" not in done.stdout.split()
