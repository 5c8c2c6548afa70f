"""Exported files: they run without recon, compute what the checkpoint computes, and say what they are."""

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import recon
from recon.clinical.export import Exported
from recon.clinical.export.costing import peak_memory
from recon.clinical.identity import identity_from
from recon.clinical.models import ClinicalModel, Opening, Pad, open_model
from recon.clinical.words import RESEARCH_ONLY
from recon.errors import DataError, ShapeError

FILES = ("onnx", "pt2", "torchscript")
pytestmark = pytest.mark.slow  # recording a network with APS takes long

OPENED = ("onnx", "pt2", "bundle")  # by recon: TorchScript is for other software

ALONE = """
import sys
for name in {without}:
    sys.modules[name] = None  # importing it fails
import numpy
images = numpy.load("images.npy")
{code}
numpy.save("output.npy", output)
"""
RUNS = {
    "onnx": (
        ["recon", "torch", "onnx"],
        "import onnxruntime\n"
        "session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])\n"
        "output = session.run(None, {'intensities': images})[0]",
    ),
    "pt2": (
        ["recon", "onnx", "onnxruntime"],
        "import torch\noutput = torch.export.load(sys.argv[1]).module()(torch.from_numpy(images)).numpy()",
    ),
    "torchscript": (
        ["recon", "onnx", "onnxruntime"],
        "import torch\noutput = torch.jit.load(sys.argv[1])(torch.from_numpy(images)).numpy()",
    ),
}


def intensities(count: int, size: tuple[int, int]) -> torch.Tensor:
    """Positive images that are not those of the verification."""
    return 300 * torch.rand(count, 1, *size, generator=torch.Generator().manual_seed(9)) + 20


@pytest.mark.parametrize("kind", FILES)
def test_file_runs_where_recon_cannot_be_imported(
    kind: str, exported: Mapping[str, Exported], small_model: ClinicalModel, tmp_path: Path
) -> None:
    images = intensities(3, (10, 16))
    np.save(tmp_path / "images.npy", images.numpy())
    without, code = RUNS[kind]
    program = ALONE.format(without=without, code=code)
    words = [sys.executable, "-W", "ignore", "-c", program, str(exported[kind].path)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    torch.testing.assert_close(
        torch.from_numpy(np.load(tmp_path / "output.npy")), small_model(images), rtol=1e-5, atol=0
    )


@pytest.mark.parametrize("kind", OPENED)
def test_opened_file_computes_what_the_checkpoint_computes(
    kind: str, opened_files: Mapping[str, ClinicalModel], small_model: ClinicalModel
) -> None:
    model = opened_files[kind]
    for images in (intensities(1, (4, 4)), intensities(9, (12, 20)), intensities(2, (40, 8))):
        torch.testing.assert_close(model(images), small_model(images), rtol=1e-5, atol=0)


@pytest.mark.parametrize("kind", OPENED)
def test_opened_file_is_exact_under_every_shift(kind: str, opened_files: Mapping[str, ClinicalModel]) -> None:
    model, images = opened_files[kind], intensities(1, (6, 8))
    for shift in torch.cartesian_prod(torch.arange(6), torch.arange(8)).tolist():
        assert recon.equivariance_error(model, images, shift).bitwise


@pytest.mark.parametrize("kind", OPENED)
def test_opened_file_is_the_same_model(
    kind: str, opened_files: Mapping[str, ClinicalModel], small_model: ClinicalModel
) -> None:
    identity, original = opened_files[kind].identity, small_model.identity
    for name in ("network", "modality", "weights", "multiple", "scaling", "arguments", "parameters", "use"):
        assert getattr(identity, name) == getattr(original, name), name
    assert identity.scaled_inside == (kind != "bundle")  # a bundle's own network is opened by recon itself


@pytest.mark.parametrize("kind", OPENED)
def test_other_sizes_are_refused(kind: str, opened_files: Mapping[str, ClinicalModel]) -> None:
    with pytest.raises(ShapeError, match=r"multiples of 2, got 9 x 10"):
        opened_files[kind](intensities(1, (9, 10)))


@pytest.mark.parametrize("pad", ["circular", "reflect"])
def test_padding_is_refused_where_it_would_change_the_scaling_inside(
    pad: Pad, exported: Mapping[str, Exported]
) -> None:
    images = intensities(1, (9, 10))
    for kind in ("onnx", "pt2"):
        with pytest.raises(ShapeError, match="export it with --scaling outside"):
            open_model(str(exported[kind].path), Opening(pad=pad))(images)
    assert open_model(str(exported["bundle"].path), Opening(pad=pad))(images).shape == images.shape


def test_program_takes_sides_of_one_multiple(exported: Mapping[str, Exported], small_model: ClinicalModel) -> None:
    program = torch.export.load(exported["pt2"].path).module()
    for size in ((2, 2), (2, 6)):
        images = intensities(2, size)
        torch.testing.assert_close(program(images), small_model(images), rtol=1e-5, atol=0)


@pytest.mark.parametrize("kind", FILES)
def test_file_itself_refuses_other_sizes(kind: str, exported: Mapping[str, Exported]) -> None:
    (check,) = (check for check in exported[kind].checks if check.name == "other sizes")
    assert check.measured == 0


def test_torchscript_is_not_opened_by_recon(exported: Mapping[str, Exported]) -> None:
    with pytest.raises(DataError, match="got a TorchScript file"):
        open_model(str(exported["torchscript"].path))


def test_onnx_file_says_what_it_is(exported: Mapping[str, Exported], small_model: ClinicalModel) -> None:
    model = onnx.load(exported["onnx"].path)
    onnx.checker.check_model(model, full_check=True)
    words = {entry.key: entry.value for entry in model.metadata_props}
    assert identity_from(words["recon"], where="the file").weights == small_model.identity.weights
    assert words["use"] == RESEARCH_ONLY
    assert words["multiple"] == "height and width must be multiples of 2"
    assert words["weights"] == small_model.identity.weights
    assert model.doc_string == RESEARCH_ONLY
    session = onnxruntime.InferenceSession(exported["onnx"].path, providers=["CPUExecutionProvider"])
    for place in (*session.get_inputs(), *session.get_outputs()):
        assert place.shape == ["batch", 1, "2*rows", "2*columns"]
        assert place.type == "tensor(float)"


@pytest.mark.filterwarnings("ignore:.*torch.jit.load:FutureWarning")
def test_torch_files_say_what_they_are(exported: Mapping[str, Exported], small_model: ClinicalModel) -> None:
    of_program, of_script = {"recon.json": ""}, {"recon.json": ""}
    torch.export.load(exported["pt2"].path, extra_files=of_program)
    torch.jit.load(str(exported["torchscript"].path), _extra_files=of_script)
    for words in (of_program["recon.json"], of_script["recon.json"]):
        identity = identity_from(words if isinstance(words, str) else words.decode(), where="the file")
        assert identity.weights == small_model.identity.weights
        assert identity.scaled_inside
        assert identity.use == RESEARCH_ONLY


@pytest.mark.parametrize("kind", FILES)
def test_file_names_no_folder_of_the_machine_that_made_it(
    kind: str, exported: Mapping[str, Exported], small_file: Path
) -> None:
    path = exported[kind].path
    parts = [path.read_bytes()]
    if kind != "onnx":
        with zipfile.ZipFile(path) as archive:
            parts = [archive.read(name) for name in archive.namelist()]
    folders = (str(Path(recon.__file__).parents[1]), str(Path(torch.__file__).parents[1]), str(small_file.parent))
    assert [folder for folder in folders for part in parts if folder.encode() in part] == []


def test_nothing_else_is_written(exported: Mapping[str, Exported]) -> None:
    folder = exported["onnx"].path.parent
    names = ["aps-bundle", "aps-bundle.json", "aps.onnx", "aps.onnx.json", "aps.pt2", "aps.pt2.json", "aps.ts"]
    assert sorted(path.name for path in folder.iterdir()) == [*names, "aps.ts.json"]


@pytest.mark.parametrize("kind", [*FILES, "bundle"])
def test_what_was_checked_is_written_beside(kind: str, exported: Mapping[str, Exported]) -> None:
    path = exported[kind].path
    words = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
    assert words["passed"] is True
    assert words["use"] == RESEARCH_ONLY
    assert [check["name"] for check in words["checks"]] == [check.name for check in exported[kind].checks]
    assert {check["name"]: check["bound"] for check in words["checks"]}["equivariance"] == 0
    if path.is_file():
        assert words["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_time_and_memory_are_told_beside_those_of_eager_torch(exported: Mapping[str, Exported]) -> None:
    cost = exported["torchscript"].cost
    assert cost is not None
    assert cost.size == (32, 48)
    assert cost.ratios["processor"] == pytest.approx(cost.file.processor / cost.eager.processor)
    assert {type(memory) for memory in (cost.file_memory, cost.eager_memory)} == {int}


def test_onnx_runtime_alone_needs_less_memory_than_torch(exported: Mapping[str, Exported]) -> None:
    cost = exported["torchscript"].cost
    assert cost is not None
    assert cost.file_memory is not None
    of_onnx = peak_memory("onnx", exported["onnx"].path, (32, 48), threads=1)
    assert of_onnx is not None
    assert 10**7 < of_onnx < cost.file_memory
