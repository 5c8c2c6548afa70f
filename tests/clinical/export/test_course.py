"""The course of an export: what is refused, what --force replaces, and that nothing half-written is ever left."""

import errno
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from recon import Classifier, save
from recon.clinical.export import Wishes, export_network, exporting, onnx_file
from recon.clinical.export.exporting import size_of
from recon.clinical.export.graphs import Graph
from recon.clinical.export.naming import placed, staged, targets_of
from recon.clinical.export.recorded import exported_program
from recon.clinical.export.runtimes import opened
from recon.clinical.identity import Identity
from recon.clinical.models import ClinicalModel, open_model
from recon.errors import ConfigError, DataError, ReconError, ShapeError
from recon.nn.scaled import Scaling
from recon.records import Word


def identity(variant: str = "aps", *, multiple: int = 1) -> Identity:
    return Identity("UNet", variant, "mri", "0" * 64, multiple, Scaling(), scaled_inside=True)


def script(model: ClinicalModel, out: Path, *, force: bool = False) -> None:
    list(export_network(model, Wishes(out, ("torchscript",), force=force, timing=False)))


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_file_that_is_there_is_kept_unless_forced(small_model: ClinicalModel, tmp_path: Path) -> None:
    (tmp_path / "aps.ts").write_text("mine")
    with pytest.raises(DataError, match="--force"):
        script(small_model, tmp_path)
    assert everything(tmp_path) == ["aps.ts"]
    assert (tmp_path / "aps.ts").read_text() == "mine"
    script(small_model, tmp_path, force=True)
    assert everything(tmp_path) == ["aps.ts", "aps.ts.json"]
    assert (tmp_path / "aps.ts").read_bytes()[:2] == b"PK"


def test_statement_alone_is_kept_too(small_model: ClinicalModel, tmp_path: Path) -> None:
    (tmp_path / "aps.ts.json").write_text("mine")
    with pytest.raises(DataError, match=r"aps\.ts\.json must not be there yet"):
        script(small_model, tmp_path)


@pytest.mark.parametrize("name", ["out", "out/aps.ts"])
def test_what_is_in_the_way_is_refused(name: str, small_model: ClinicalModel, tmp_path: Path) -> None:
    if name == "out":
        (tmp_path / name).write_text("a file")
    else:
        (tmp_path / name).mkdir(parents=True)
    before = everything(tmp_path)
    with pytest.raises(DataError):
        script(small_model, tmp_path / "out", force=True)
    assert everything(tmp_path) == before


def test_interrupted_export_leaves_nothing(
    small_model: ClinicalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        assert everything(tmp_path) != []  # something is written by now
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, "checked", interrupted)
    with pytest.raises(KeyboardInterrupt):
        script(small_model, tmp_path / "out")
    assert everything(tmp_path) == []


def test_what_was_there_stays_where_its_replacement_fails(
    small_model: ClinicalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aps.ts").write_text("mine")

    def broken(*_: object, **__: object) -> None:
        raise ConfigError("broken")

    monkeypatch.setattr(exporting, "checked", broken)
    with pytest.raises(ConfigError):
        script(small_model, tmp_path, force=True)
    assert everything(tmp_path) == ["aps.ts"]
    assert (tmp_path / "aps.ts").read_text() == "mine"


def test_full_disk_is_said_and_leaves_nothing(
    small_model: ClinicalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match="make room"):
        script(small_model, tmp_path / "out")
    assert everything(tmp_path) == []


def test_full_disk_as_torch_tells_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="make room"), staged(tmp_path / "out" / "file"):
        raise RuntimeError("[enforce fail at inline_container.cc:815] . PytorchStreamWriter failed writing file")
    with pytest.raises(RuntimeError, match="another"), staged(tmp_path / "out" / "file"):
        raise RuntimeError("another")
    assert everything(tmp_path) == []


def test_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "aps-bundle"
    (target / "old").mkdir(parents=True)
    with staged(target) as partial:
        (partial / "new").mkdir(parents=True)
        partial.with_name("aps-bundle.json").write_text("{}")
        placed(partial, target)
    assert everything(tmp_path) == ["aps-bundle", "aps-bundle.json", "aps-bundle/new"]


@pytest.mark.parametrize(
    ("variant", "name"), [("aps-tri-3", "aps-tri-3.ts"), ("a/../b c", "a-..-b-c.ts"), ("..", "network.ts")]
)
def test_any_variant_names_a_file_in_the_folder(variant: str, name: str, tmp_path: Path) -> None:
    assert targets_of(identity(variant), Wishes(tmp_path, ("torchscript",))) == {"torchscript": tmp_path / name}


def test_precision_is_in_the_name(tmp_path: Path) -> None:
    wishes = Wishes(tmp_path, ("onnx",), precision="float16")
    assert targets_of(identity(), wishes)["onnx"].name == "aps-float16.onnx"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"formats": ()}, "got none"),
        ({"formats": ("onxx",)}, "did you mean 'onnx'"),
        ({"formats": ("onnx", "pt2"), "precision": "float16"}, "float16 is for onnx, got pt2"),
        ({"precision": "bfloat16"}, "float32, float16"),
        ({"scaling": "around"}, "inside, outside"),
        ({"opset": 7}, "from 18 to 23"),
        ({"threads": 0}, "at least 1"),
        ({"size": (0, 16)}, "at least 1"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(options: dict[str, object], reason: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=reason):
        Wishes(tmp_path, **options)  # type: ignore[arg-type]


def test_size_is_that_of_the_training_data_or_of_knees(small_model: ClinicalModel, mri_model_file: Path) -> None:
    assert size_of(small_model, Wishes(Path("out"))) == (320, 320)
    assert size_of(small_model, Wishes(Path("out"), size=(18, 40))) == (18, 40)
    with pytest.raises(ShapeError, match="multiples of 2, got 17x16"):
        size_of(small_model, Wishes(Path("out"), size=(17, 16)))
    training = {"data": {"settings": {"crop": [362, 362]}}}
    model = open_model(str(mri_model_file))
    object.__setattr__(model.identity, "training", training)
    assert size_of(model, Wishes(Path("out"))) == (364, 364)


@pytest.mark.parametrize("missing", ["onnx", "onnxscript", "onnxruntime"])
def test_missing_library_is_named_before_anything_is_done(
    missing: str, small_model: ClinicalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=rf"needs {missing}, .*pip install '\.\[onnx\]'"):
        list(export_network(small_model, Wishes(tmp_path / "out")))
    assert everything(tmp_path) == []


def test_what_is_no_reconstruction_network_is_refused(tmp_path: Path) -> None:
    data: dict[str, Word] = {"modality": "cifar10", "settings": {}}
    save(Classifier("resnet20", width=8), tmp_path / "labels.safetensors", about={"data": data})
    for spec in ("labels.safetensors", "none", "."):
        with pytest.raises(ReconError):
            open_model(str(tmp_path / spec))


class _Many(nn.Module):
    """The mean of many weighted copies: weights that no exporter computes beforehand."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(0.5, 1, 512).reshape(512, 1, 1, 1), requires_grad=False)

    def forward(self, intensities: torch.Tensor) -> torch.Tensor:
        """Weigh."""
        return torch.conv2d(intensities, self.weight).mean(1, keepdim=True)


def test_weights_that_have_no_room_in_an_onnx_file_lie_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = Graph(_Many(), identity("many"), "intensities", "reconstruction", exact=True, exact_on_ties=True)
    program = exported_program(graph)
    for largest, files in ((onnx_file.LARGEST, 1), (1000, 2)):
        monkeypatch.setattr(onnx_file, "LARGEST", largest)
        target = tmp_path / str(largest) / "many.onnx"
        with staged(target) as partial:
            onnx_file.write_onnx(graph, program, partial, opset=20)
            placed(partial, target)
        assert everything(target.parent) == ["many.onnx", "many.onnx.data"][:files]
        run, _ = opened(target, "onnx")
        images = torch.rand(3, 1, 6, 10)
        torch.testing.assert_close(run(images), graph.module(images))
