"""Files of torch.export: what could run code of its own is refused or left out, and never run."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from recon.errors import DataError
from recon.evaluation.exported import load_program
from recon.evaluation.exported_archive import checked_archive

Description = dict[str, Any]
HEIGHT = torch.export.Dim("height", min=2, max=64)


class Small(nn.Module):
    """A convolution, and a size in the program that is a symbol."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        """Convolve twice the image, a row longer."""
        longer = torch.cat([images, images[:, :, -1:]], 2).expand(-1, -1, images.shape[2] + 1, -1)
        output: Tensor = self.inner(longer)[:, :, : images.shape[2]].relu()
        return output


@pytest.fixture(scope="module")
def network() -> Small:
    torch.manual_seed(0)
    return Small().eval()


@pytest.fixture(scope="module")
def program(network: Small) -> bytes:
    sizes = ({0: torch.export.Dim("batch", min=1, max=64), 2: HEIGHT},)
    exported = torch.export.export(network, (torch.randn(2, 1, 8, 6),), dynamic_shapes=sizes)
    written = io.BytesIO()
    torch.export.save(exported, written, extra_files={"note.txt": "anything"})
    return written.getvalue()


def changed(
    program: bytes,
    edit: Callable[[Description], object] = lambda _: None,
    *,
    part: str = "models/model.json",
    add: dict[str, bytes] | None = None,
) -> bytes:
    """Edit one of the descriptions in an archive, and put further parts into it."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(program)) as old, zipfile.ZipFile(written, "w") as new:
        root = old.namelist()[0].partition("/")[0]
        for name in old.namelist():
            content = old.read(name)
            if name == f"{root}/{part}":
                description = json.loads(content)
                edit(description)
                content = json.dumps(description).encode()
            if name.partition("/")[2] not in (add or {}):
                new.writestr(name, content)
        for name, content in (add or {}).items():
            new.writestr(f"{root}/{name}", content)
    return written.getvalue()


def everything(value: object) -> Iterator[Description]:
    """Give every mapping inside a description."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from everything(entry)


def node_of(description: Description, operator: str) -> Description:
    """Find the first node of an operator."""
    nodes: list[Description] = description["graph_module"]["graph"]["nodes"]
    return next(node for node in nodes if operator in node["target"])


def touching(file: Path) -> str:
    return f"__import__('pathlib').Path({str(file)!r}).touch()"


@torch.no_grad()
def test_a_program_gives_what_its_network_gives(program: bytes, network: Small) -> None:
    loaded = load_program(program, where="x.pt2", device="cpu")
    for size in ((1, 1, 8, 6), (3, 1, 11, 6)):
        images = torch.randn(size)
        output = loaded.function(images)
        assert isinstance(output, Tensor)
        torch.testing.assert_close(output, network(images))
    assert loaded.parameters == 10
    assert loaded.wanted.shape == (1, None, 6)
    assert (loaded.wanted.fewest, loaded.wanted.most) == (1, 64)


def test_what_is_not_needed_is_left_out(program: bytes, tmp_path: Path) -> None:
    run = tmp_path / "run"

    def put_guards(description: Description) -> None:
        description["guards_code"] = [f"{touching(run)} is None"]
        description["graph_module"]["metadata"] = {"custom": "anything"}

    edited = changed(program, put_guards, add={"data/sample_inputs/model.pt": b"cposix\nabort\n(tR."})
    loaded = load_program(edited, where="x.pt2", device="cpu")
    loaded.function(torch.zeros(1, 1, 8, 6))
    assert not run.exists()
    with zipfile.ZipFile(io.BytesIO(checked_archive(edited, where="x"))) as archive:
        assert archive.read("program/data/sample_inputs/model.pt") == b""
        assert not [name for name in archive.namelist() if "extra" in name]


def test_sizes_that_are_code_are_refused(program: bytes, tmp_path: Path) -> None:
    run = tmp_path / "run"

    def put_code(description: Description) -> None:
        for one in everything(description):
            if "expr_str" in one:
                one["expr_str"] = touching(run)

    with pytest.raises(DataError, match=r"x\.pt2 holds a size that could run code"):
        load_program(changed(program, put_code), where="x.pt2", device="cpu")
    assert not run.exists()


@pytest.mark.parametrize(
    "text",
    [
        "os",
        "Symbol('s0').func",
        "Symbol('a b')",
        "Symbol('__import__(\\'os\\')')",
        "lambda: 0",
        "[1]",
        "AddMul",
        "getattr(1, 2)",
        "Add(1); Mul",
        "1" * 10000 + "!",
    ],
)
def test_sizes_are_numbers_and_symbols_alone(text: str, program: bytes) -> None:
    def put(description: Description) -> None:
        next(one for one in everything(description) if "expr_str" in one)["expr_str"] = text

    with pytest.raises(DataError, match="holds a size"):
        checked_archive(changed(program, put), where="x")


@pytest.mark.parametrize(
    "target",
    [
        "torch.os.mkdir",
        "torch.load",
        "torch.ops.load_library",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.save.default",
        "torch.ops.aten.relu",
        "torch.ops.aten.relu.nothing",
        "torch.ops.aten.relu.default.__call__",
        "torch.ops.aten.__class__.mro",
        "torch.ops.aten.relu.__init__",
        "torch.ops.mine.relu.default",
        "torch.ops.higher_order.triton_kernel_wrapper_mutation",
        "_operator.methodcaller",
        "_operator.call",
        "math.sin.__call__",
        "builtins.exec",
        "#aten:relu",
    ],
)
def test_operators_are_those_of_aten(target: str, program: bytes) -> None:
    def put(description: Description) -> None:
        node_of(description, "relu")["target"] = target

    with pytest.raises(DataError, match="holds an operator that could run code of its own, or is unknown"):
        checked_archive(changed(program, put), where="x")


@pytest.mark.parametrize("name", ["a b", "x); import os; (", "a.b", "'", "a\nb", "é"])
def test_names_are_names(name: str, program: bytes) -> None:
    def put(description: Description) -> None:
        node_of(description, "relu")["outputs"][0]["as_tensor"]["name"] = name

    with pytest.raises(DataError, match="holds a name"):
        checked_archive(changed(program, put), where="x")


@pytest.mark.parametrize("path", ["__class__.forward", "inner.0.weight'", "inner..weight", 'a")'])
def test_weights_have_paths(path: str, program: bytes) -> None:
    def put(description: Description) -> None:
        config = description["config"]
        config[path] = config.pop("inner.0.weight")

    with pytest.raises(DataError, match="holds a name"):
        checked_archive(changed(program, put, part="data/weights/model_weights_config.json"), where="x")


def test_pickles_are_refused(program: bytes) -> None:
    def mark(description: Description) -> None:
        description["config"]["inner.0.weight"]["use_pickle"] = True

    def rename(description: Description) -> None:
        description["config"]["inner.0.weight"]["path_name"] = "opaque_obj_0"

    for edit in (mark, rename):
        with pytest.raises(DataError, match="holds an object"):
            checked_archive(changed(program, edit, part="data/weights/model_weights_config.json"), where="x")
    for name in ("data/weights/model.pt", "data/constants/model.pt", "data/constants/../x", "models/other.json"):
        with pytest.raises(DataError, match="holds a part"):
            checked_archive(changed(program, add={name: b"anything"}), where="x")


@pytest.mark.parametrize(
    "spec",
    [
        '[1, {"type": "torch.Size", "context": "null", "children_spec": []}]',
        '[1, {"type": "builtins.dict", "context": "[\\"a b\\"]", "children_spec": []}]',
        '[1, {"type": "builtins.dict", "context": "{\\"__enum__\\": true}", "children_spec": []}]',
        '[2, {"type": null, "context": null, "children_spec": []}]',
        "[1, 2]",
        "code",
    ],
)
def test_arguments_are_tuples_lists_and_dictionaries(spec: str, program: bytes) -> None:
    def put(description: Description) -> None:
        description["graph_module"]["module_call_graph"][0]["signature"]["in_spec"] = spec

    with pytest.raises(DataError, match=r"x (holds|has)"):
        checked_archive(changed(program, put), where="x")


def test_programs_of_a_gpu_are_loaded_anywhere(program: bytes) -> None:
    def move(description: Description) -> None:
        for one in everything(description):
            if one.keys() == {"type", "index"}:
                one |= {"type": "cuda", "index": 0}

    weights = changed(program, move, part="data/weights/model_weights_config.json")
    loaded = load_program(changed(weights, move), where="x", device="cpu")
    output = loaded.function(torch.zeros(1, 1, 8, 6))
    assert isinstance(output, Tensor)
    assert output.device.type == "cpu"


def test_compiled_and_older_programs_are_named(program: bytes) -> None:
    with pytest.raises(DataError, match="holds compiled code"):
        checked_archive(changed(program, add={"data/aotinductor/model/x.so": b""}), where="x")
    older = io.BytesIO()
    with zipfile.ZipFile(older, "w") as archive:
        archive.writestr("version", "8.3")
        archive.writestr("serialized_exported_program.json", "{}")
    with pytest.raises(DataError, match=r"torch 2\.9 or later"):
        checked_archive(older.getvalue(), where="x")


@pytest.mark.parametrize("how", ["packed", "overlapping"])
def test_archive_that_unpacks_to_more_than_it_is_is_refused_before_it_is_read(
    how: str, program: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO(program)
    with zipfile.ZipFile(written, "a") as archive:
        if how == "packed":
            archive.writestr("program/data/weights/weight_99", bytes(64), zipfile.ZIP_DEFLATED)
        else:
            (large,) = (part for part in archive.infolist() if part.filename.endswith("models/model.json"))
            for number in range(9):
                twin = copy(large)
                twin.filename = f"program/data/weights/weight_{90 + number}"
                archive.filelist.append(twin)
            archive.comment = b"changed"  # so that the list of parts is written anew
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was read"))
    with pytest.raises(DataError, match="packed, or are larger than the file"):
        checked_archive(written.getvalue(), where="x")


def test_checkpoints_are_no_programs() -> None:
    written = io.BytesIO()
    torch.save({"weight": torch.zeros(2)}, written)
    with pytest.raises(DataError, match=r"must be a program that torch\.export\.save"):
        checked_archive(written.getvalue(), where="x")


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_cut_files_are_refused(share: float, program: bytes) -> None:
    with pytest.raises(DataError, match=r"x\.pt2 must be .*; copy or export it again"):
        load_program(program[: int(len(program) * share)], where="x.pt2", device="cpu")


def test_flipped_bytes_are_found(program: bytes) -> None:
    place = program.index(b'"graph_module"') + 40
    with pytest.raises(DataError, match=r"x\.pt2 must be a whole file"):
        load_program(program[:place] + b"#" + program[place + 1 :], where="x.pt2", device="cpu")


def test_descriptions_that_do_not_fit_together_are_refused(program: bytes) -> None:
    def lose(description: Description) -> None:
        del description["graph_module"]["graph"]["tensor_values"]

    with pytest.raises(DataError, match=r"x must be a program that this torch \(.*\) can load"):
        load_program(changed(program, lose), where="x", device="cpu")
    with pytest.raises(DataError, match="holds a description that cannot be understood"):
        checked_archive(changed(program, add={"models/model.json": b"{"}), where="x")
