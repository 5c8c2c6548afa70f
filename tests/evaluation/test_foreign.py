"""Networks that are not recon's own: the same numbers as the network itself, and mistakes in words."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import pytest
import torch
from torch import Tensor, nn

import recon
from recon.checkpoints import read_about
from recon.cli import main
from recon.errors import ConfigError, DataError
from recon.evaluation.foreign import exported_program, named_function, onnx_model
from recon.evaluation.models import Model
from recon.records import Record, Subject, read_records
from tests.data.files import cut
from tests.evaluation.small import unet

CHANNELS = (4, 8)
KERNEL = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3) / 9
FLOAT, HALF, DOUBLE, INTEGER = (getattr(onnx.TensorProto, name) for name in ("FLOAT", "FLOAT16", "DOUBLE", "INT64"))
CODE = """
import torch
from torch import nn
import recon

def half(images):
    return images / 2

class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0))
        self.dropout = nn.Dropout()

    def forward(self, images):
        return self.dropout(self.factor * images)

def network():
    return recon.load({network!r})

def broken():
    raise KeyError("weights")

def needy(path):
    return half

twice = Twice()
number = 3
"""


@pytest.fixture(scope="module")
def network() -> recon.UNet:
    return unet("lpf", channels=CHANNELS)


@pytest.fixture(scope="module")
def exports(network: recon.UNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the network as its own file, as a program for any number of images, and as an ONNX file for one."""
    folder = tmp_path_factory.mktemp("exports")
    recon.save(network, folder / "own.safetensors")
    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    exported = torch.export.export(network, (torch.randn(2, 1, 24, 24),), dynamic_shapes=(batch,))
    torch.export.save(exported, folder / "program.pt2")
    images = torch.randn(1, 1, 24, 24)
    torch.onnx.export(network, (images,), folder / "network.onnx", dynamo=True, external_data=False, verbose=False)
    return folder


@pytest.fixture
def folder(tmp_path: Path, exports: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Go to a folder with a module in it, which is forgotten afterwards."""
    (tmp_path / "my_networks.py").write_text(CODE.replace("{network!r}", repr(str(exports / "own.safetensors"))))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("my_")]:
        del sys.modules[name]


def write_onnx(
    path: Path,
    shape: list[int | str] | None = None,
    *,
    element: int = FLOAT,
    operator: str = "Conv",
    inputs: int = 1,
    outputs: int = 1,
    external: bool = False,
) -> Path:
    """Write a convolution, or a function of every pixel."""
    given = shape or ["batch", 1, "height", "width"]
    names = [f"images{number}" for number in range(inputs)]
    results = [f"output{number}" for number in range(outputs)]
    kernel = KERNEL.astype(onnx.helper.tensor_dtype_to_np_dtype(element))
    arguments = ["images0", "kernel"] if operator == "Conv" else ["images0"]
    nodes = [onnx.helper.make_node(operator, arguments, [name]) for name in results]
    for node in nodes if operator == "Conv" else []:
        node.attribute.append(onnx.helper.make_attribute("pads", [1, 1, 1, 1]))
    graph = onnx.helper.make_graph(
        nodes,
        "convolution",
        [onnx.helper.make_tensor_value_info(name, element, given) for name in names],
        [onnx.helper.make_tensor_value_info(name, element, None) for name in results],
        [onnx.numpy_helper.from_array(kernel, "kernel")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.save_model(model, path, save_as_external_data=external, location="kernel.bin", size_threshold=0)
    return path


def convolved(images: Tensor) -> Tensor:
    return nn.functional.conv2d(images, torch.from_numpy(KERNEL), padding=1)


def of_subject(records: list[Record], name: str) -> list[Record]:
    return [record for record in records if record.subject.name == name]


def test_exports_are_measured_as_their_network_is(exports: Path, folder: Path, knees: Path) -> None:
    specs = [exports / "own.safetensors", exports / "program.pt2", exports / "network.onnx", "my_networks:network()"]
    names = ["own", "program", "onnx", "named"]
    words = [f"{name}={spec}" for name, spec in zip(names, specs, strict=True)]
    options = ["--data", str(knees), "--protocol", "quality,equivariance", "--out", str(folder / "out")]
    assert main(["evaluate", *words, *options, "--device", "cpu"]) == 0
    records = read_records(folder / "out")
    own = of_subject(records, "own")
    assert len(own) == 2 + 2 + 6
    for name in names[1:]:
        for record, wanted in zip(of_subject(records, name), own, strict=True):
            assert (record.protocol, record.item, record.slice) == (wanted.protocol, wanted.item, wanted.slice)
            if name == "named":  # whose weights are not laid out channels last
                assert record.measures == pytest.approx(wanted.measures, rel=1e-4)
            for measure in set(wanted.measures) - {"bitwise"}:
                assert record.measures[measure] == pytest.approx(wanted.measures[measure], rel=1e-3, abs=1e-6)
    kinds = {record.subject.name: record.subject.kind for record in records}
    assert kinds == {"own": "UNet", "program": "torch.export", "onnx": "onnx", "named": "UNet"}


@torch.no_grad()
@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_exports_give_what_their_network_gives(batch_size: int, exports: Path, network: recon.UNet) -> None:
    images = torch.randn(5, 1, 24, 24)
    for foreign in (
        exported_program(exports / "program.pt2", device="cpu"),
        onnx_model(exports / "network.onnx", device="cpu"),
    ):
        model = Model(Subject("x", foreign.kind), foreign.function, module=foreign.module, batch_size=batch_size)
        torch.testing.assert_close(model(images), network(images), rtol=1e-4, atol=1e-5)
        assert foreign.module is None
        assert len(foreign.weights) == 64
    assert exported_program(exports / "program.pt2", device="cpu").parameters == sum(
        parameter.numel() for parameter in network.parameters()
    )


def test_programs_of_other_arguments_are_refused(tmp_path: Path) -> None:
    class Sum(nn.Module):
        def forward(self, first: Tensor, second: Tensor) -> Tensor:
            return first + second

    image = torch.zeros(1, 1, 4, 4)
    torch.export.save(torch.export.export(Sum(), (image, image)), tmp_path / "sum.pt2")
    torch.export.save(torch.export.export(nn.ReLU(), (image[0],)), tmp_path / "flat.pt2")
    for name in ("sum", "flat"):
        with pytest.raises(ConfigError, match=rf"{name}\.pt2 must take one tensor of images \(B, C, H, W\)"):
            exported_program(tmp_path / f"{name}.pt2", device="cpu")


@torch.no_grad()
@pytest.mark.parametrize("number", [1, 4])
def test_programs_for_a_number_of_images_are_given_that_many(number: int, tmp_path: Path) -> None:
    network = nn.Conv2d(1, 1, 3, padding=1)
    torch.export.save(torch.export.export(network, (torch.zeros(number, 1, 8, 6),)), tmp_path / "x.pt2")
    function = exported_program(tmp_path / "x.pt2", device="cpu").function
    images = torch.randn(5, 1, 8, 6)
    torch.testing.assert_close(function(images), network(images))
    with pytest.raises(ConfigError, match=r"x\.pt2 takes images of 1 x 8 x 6 .*, got 1 x 8 x 8; evaluate it on such"):
        function(torch.zeros(5, 1, 8, 8))


@pytest.mark.parametrize("shape", [["batch", 1, "height", "width"], [1, 1, 8, 6], [4, 1, 8, 6], ["batch", 1, 8, 6]])
def test_onnx_files_take_any_number_of_images(shape: list[int | str], tmp_path: Path) -> None:
    foreign = onnx_model(write_onnx(tmp_path / "x.onnx", shape), device="cpu")
    images = torch.randn(6, 1, 8, 6)
    torch.testing.assert_close(foreign.function(images), convolved(images))
    assert foreign.source == "x.onnx (CPUExecutionProvider)"


@pytest.mark.parametrize(("element", "tolerance"), [(HALF, 1e-3), (DOUBLE, 0)])
def test_onnx_files_have_a_precision_of_their_own(element: int, tolerance: float, tmp_path: Path) -> None:
    foreign = onnx_model(write_onnx(tmp_path / "x.onnx", element=element, operator="Relu"), device="cpu")
    images = torch.randn(2, 1, 8, 6)
    output = Model(Subject("x", "onnx"), foreign.function)(images)
    torch.testing.assert_close(output.float(), images.relu(), rtol=tolerance, atol=tolerance)
    with pytest.raises(ConfigError, match="evaluate it with --precision float32"):
        Model(Subject("x", "onnx"), foreign.function, precision="bfloat16")(images)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (
            lambda path: write_onnx(path, ["n", 8, 8], operator="Relu"),
            "must take images .* got tensor.float. of n x 8 x 8",
        ),
        (lambda path: write_onnx(path, element=INTEGER, operator="Abs"), "must take images .* got tensor.int64. of"),
        (lambda path: write_onnx(path, inputs=2), "must have one input of images, got 2 .images0, images1"),
        (lambda path: write_onnx(path, outputs=2), "must have one output of images, got 2 .output0, output1"),
    ],
)
def test_onnx_files_of_other_arguments_are_refused(write: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    with pytest.raises((ConfigError, DataError), match=words):
        onnx_model(write(tmp_path / "x.onnx"), device="cpu")


def test_sizes_that_an_onnx_file_cannot_take_are_said(tmp_path: Path) -> None:
    function = onnx_model(write_onnx(tmp_path / "x.onnx", ["n", 1, 8, 8]), device="cpu").function
    with pytest.raises(ConfigError, match=r"x\.onnx takes images of 1 x 8 x 8 .*, got 1 x 9 x 8"):
        function(torch.zeros(1, 1, 9, 8))
    function = onnx_model(write_onnx(tmp_path / "y.onnx", ["n", "c", "h", "w"]), device="cpu").function
    with pytest.raises(ConfigError, match=r"y\.onnx must take images of 3 x 8 x 8, got an error of it"):
        function(torch.zeros(1, 3, 8, 8))


def test_hashes_are_those_of_all_files(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "x.onnx", external=True)
    (tmp_path / "unrelated.bin").write_bytes(b"1")
    images = torch.randn(1, 1, 8, 8)
    first = onnx_model(path, device="cpu")
    torch.testing.assert_close(first.function(images), convolved(images))
    (tmp_path / "unrelated.bin").write_bytes(b"2")
    assert onnx_model(path, device="cpu").weights == first.weights
    (tmp_path / "kernel.bin").write_bytes((2 * KERNEL).tobytes())
    second = onnx_model(path, device="cpu")
    torch.testing.assert_close(second.function(images), 2 * convolved(images))
    assert second.weights != first.weights


@pytest.mark.parametrize(("load", "name"), [(onnx_model, "network.onnx"), (exported_program, "program.pt2")])
def test_files_that_are_none_are_refused(load: Callable[..., object], name: str, exports: Path, tmp_path: Path) -> None:
    path = tmp_path / name
    with pytest.raises(DataError, match=f"{name} must be a file, got none"):
        load(path, device="cpu")
    for content in (b"", b"not a network at all", b"\x00" * 1000):
        path.write_bytes(content)
        with pytest.raises(DataError, match=f"{name} must be a whole"):
            load(path, device="cpu")
    path.write_bytes((exports / name).read_bytes())
    cut(path)
    with pytest.raises(DataError, match=f"{name} must be "):
        load(path, device="cpu")
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match=f"{name} must be a file, got a folder"):
        load(path, device="cpu")


def test_onnx_files_need_onnxruntime_and_nothing_else_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_onnx(tmp_path / "x.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match="pip install onnxruntime"):
        onnx_model(path, device="cpu")
    importlib.reload(sys.modules["recon.evaluation.onnx_files"])


def test_functions_are_found_by_name(folder: Path) -> None:
    foreign = named_function("my_networks:half", device="cpu")
    assert (foreign.kind, foreign.parameters, foreign.module) == ("function", None, None)
    assert foreign.source == "my_networks:half"
    images = torch.randn(2, 1, 4, 4)
    assert torch.equal(Model(Subject("x", "function"), foreign.function)(images), images / 2)
    assert torch.equal(named_function("torch.nn.functional:relu", device="cpu").function(images), images.relu())


def test_a_change_of_the_code_is_another_hash(folder: Path) -> None:
    before = [named_function(f"my_networks:{name}", device="cpu").weights for name in ("half", "twice")]
    (folder / "my_networks.py").write_text((folder / "my_networks.py").read_text() + "\n")
    after = [named_function(f"my_networks:{name}", device="cpu").weights for name in ("half", "twice")]
    assert len({*before, *after}) == 4


def test_networks_are_put_into_eval_mode_and_known_by_their_weights(folder: Path, exports: Path) -> None:
    foreign = named_function("my_networks:twice", device="cpu")
    assert foreign.module is not None
    assert not foreign.module.training
    assert (foreign.kind, foreign.parameters) == ("Twice", 1)
    assert torch.equal(foreign.function(torch.ones(1, 1, 2, 2)), torch.full((1, 1, 2, 2), 2.0))
    assert named_function("my_networks:Twice()", device="cpu").weights == foreign.weights
    with torch.no_grad():
        foreign.module.factor.fill_(3.0)  # type: ignore[operator]
    assert named_function("my_networks:twice", device="cpu").weights != foreign.weights
    own = named_function("my_networks:network()", device="cpu")
    assert isinstance(own.module, recon.UNet)
    assert own.weights == read_about(exports / "own.safetensors").sha256


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("my_network:half", "there must be a module my_network, got none"),
        (
            "my_package.networks:half",
            "there must be a module my_package.networks, got none: no my_package is installed",
        ),
        ("my_networks:halve", "my_networks must have what is named, got 'halve', .* did you mean 'half'"),
        ("my_networks:", "a function must be named as module:function, got 'my_networks:'"),
        ("my_networks:number", "my_networks:number must be a function or a network, got int"),
        ("my_networks:number()", "my_networks:number.. must call a function that gives a network, got int"),
        ("my_networks:Twice", r"got a class; write my_networks:Twice\(\) to make one"),
        ("my_networks:broken()", "cannot be called without arguments: KeyError: 'weights'"),
        ("my_networks:needy()", "cannot be called without arguments: TypeError: .*path"),
        ("my_networks:Twice()()", "must have what is named"),
        ("my_error:half", r"my_error cannot be imported: ZeroDivisionError: division by zero"),
        ("my_exit:half", "my_exit cannot be imported: SystemExit: 3"),
        ("my_syntax:half", "my_syntax cannot be imported: SyntaxError"),
        ("my_needs:half", "my_needs cannot be imported: it needs my_missing, which is not installed"),
        (":half", "a module must have a name such as package.module, got ''"),
        ("..my:half", "a module must have a name"),
    ],
)
def test_mistakes_in_names_are_said(spec: str, words: str, folder: Path) -> None:
    (folder / "my_error.py").write_text("1 / 0")
    (folder / "my_exit.py").write_text("raise SystemExit(3)")
    (folder / "my_syntax.py").write_text("def half(")
    (folder / "my_needs.py").write_text("import my_missing")
    with pytest.raises(ConfigError, match=words):
        named_function(spec, device="cpu")


def test_what_a_factory_gives_must_be_a_function(folder: Path) -> None:
    (folder / "my_factories.py").write_text("def three():\n    return 3\n")
    with pytest.raises(ConfigError, match=r"my_factories:three\(\) must be a function or a network, got int"):
        named_function("my_factories:three()", device="cpu")
