"""Certificates inside ONNX files and bundles."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import pytest

from recon.clinical.certificate.certify import prepared
from recon.clinical.certificate.content import content_hash
from recon.clinical.certificate.embedding import embed, embedded
from recon.clinical.certificate.identity import what_is_certified
from recon.clinical.certificate.measuring import measured
from recon.clinical.certificate.quantities import QUANTITIES
from recon.clinical.certificate.sealing import sealed
from recon.clinical.certificate.settings import Places
from recon.clinical.certificate.words import FORMAT, KEY, VERSION
from recon.clinical.models import Opening, open_model
from recon.errors import ConfigError, DataError
from recon.records import Word
from tests.clinical.certificate.conftest import SETTINGS, Certified


@pytest.fixture(scope="session")
def onnx_file(tmp_path_factory: pytest.TempPathFactory, aps: Certified) -> Path:
    """Write a closed file of a small pointwise function, which says of itself what recon's exports say."""
    path = tmp_path_factory.mktemp("exported") / "closed.onnx"
    identity = open_model(str(aps.model)).identity.with_scaling_inside()
    images = onnx.helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, ["n", 1, "h", "w"])
    outputs = onnx.helper.make_tensor_value_info("outputs", onnx.TensorProto.FLOAT, ["n", 1, "h", "w"])
    weight = onnx.numpy_helper.from_array(np.array([0.5], dtype=np.float32), "weight")
    nodes = [
        onnx.helper.make_node("Mul", ["images", "weight"], ["scaled"]),
        onnx.helper.make_node("Tanh", ["scaled"], ["outputs"]),
    ]
    graph = onnx.helper.make_graph(nodes, "closed", [images], [outputs], [weight])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9)
    model.metadata_props.add(key="recon", value=identity.text)
    onnx.save(model, str(path))
    return path


def certificate_of(path: Path) -> dict[str, Word]:
    """Give the words of a certificate, as far as embedding looks at them."""
    certified: Word = {"content_sha256": content_hash(path)}
    words: dict[str, Word] = {"format": FORMAT, "version": VERSION, "certified": certified}
    return sealed({**words, "verdict": "pass", "use": "research"})


def test_onnx_file_keeps_its_graph_and_its_content(onnx_file: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(onnx_file, tmp_path))
    before, content, words = onnx.load(str(path)), content_hash(path), certificate_of(path)
    embed(words, path)
    embed(words, path)  # one stands there, not two
    after = onnx.load(str(path))
    assert after.graph.SerializeToString(deterministic=True) == before.graph.SerializeToString(deterministic=True)
    assert [entry.key for entry in after.metadata_props].count(KEY) == 1
    assert content_hash(path) == content
    assert embedded(path) == words
    assert open_model(str(path)).identity.modality == "mri"


def test_altered_onnx_file_has_another_content(onnx_file: Path, tmp_path: Path) -> None:
    path, before = tmp_path / "other.onnx", content_hash(onnx_file)
    model = onnx.load(str(onnx_file))
    data = bytearray(model.graph.initializer[0].raw_data)
    data[0] ^= 1
    model.graph.initializer[0].raw_data = bytes(data)
    onnx.save(model, str(path))
    assert content_hash(path) != before
    with pytest.raises(DataError, match="certify it itself"):
        embed(certificate_of(onnx_file), path)


def test_closed_file_says_what_cannot_be_measured(onnx_file: Path, aps: Certified, tmp_path: Path) -> None:
    places = Places(str(onnx_file), aps.data, tmp_path)
    ready = prepared(places, Opening(), SETTINGS)
    found = measured(ready.bench, places, SETTINGS)
    rows = {name: quantity.words_of(found) for name, quantity in QUANTITIES.items()}
    for name in ("selection-margin", "flipped", "memory"):
        assert (rows[name]["value"], rows[name]["reason"]) == (None, "not measured: closed file")
    assert rows["worst-nmse"]["value"] == 0
    assert rows["worst-bitwise"]["value"] == rows["deterministic"]["value"] == 1
    told = what_is_certified(ready.model, str(onnx_file))
    assert (told["stored_as"], told["precision"]) == ("onnx", "float32")
    assert told["identity"] == "stated"
    assert "not derived from its graph" in str(told["identity_words"])


def test_onnx_file_without_certificate_is_refused(onnx_file: Path) -> None:
    with pytest.raises(DataError, match="got none"):
        embedded(onnx_file)


def test_other_files_have_no_place_for_one(aps: Certified) -> None:
    with pytest.raises(ConfigError, match="recon export"):
        embed(aps.words, aps.model)


def test_bundle_keeps_its_content_and_names_its_certificate(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    for name, text in (("configs/metadata.json", '{"name": "x"}'), ("models/model.pt", "weights")):
        (bundle / name).parent.mkdir(parents=True)
        (bundle / name).write_text(text, encoding="utf-8")
    words = certificate_of(bundle)
    embed(words, bundle)
    assert embedded(bundle) == words
    assert certificate_of(bundle) == words
    metadata = json.loads((bundle / "configs/metadata.json").read_text(encoding="utf-8"))
    assert metadata["name"] == "x"
    assert metadata[KEY]["verdict"] == "pass"
    (bundle / "models/model.pt").write_text("others", encoding="utf-8")
    assert certificate_of(bundle) != words


def test_whatever_lies_in_a_bundle_is_part_of_its_content(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    (bundle / "configs").mkdir(parents=True)
    (bundle / "configs" / "metadata.json").write_text("{}", encoding="utf-8")
    before = content_hash(bundle)
    (bundle / "scripts" / "__pycache__").mkdir(parents=True)
    (bundle / "scripts" / "__pycache__" / "x.pyc").write_bytes(b"code")
    assert content_hash(bundle) != before
    (bundle / "linked").symlink_to(tmp_path)
    with pytest.raises(DataError, match="got a link"):
        content_hash(bundle)
