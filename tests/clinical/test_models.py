"""A model computes the same whatever it is opened from, scales as in training, and refuses what it is not for."""

import zipfile
from pathlib import Path

import onnx
import pytest
import torch

import recon
from recon.clinical.identity import identity_from, scaling_of
from recon.clinical.models import ClinicalModel, Opening, open_model
from recon.clinical.words import RESEARCH_ONLY
from recon.errors import ConfigError, DataError, ReconError, ShapeError
from recon.evaluation.loading import Place
from recon.ops.intensity import normalise

IMAGES = 1000 + 250 * torch.randn(3, 1, 16, 24, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def mri(mri_model_file: Path) -> ClinicalModel:
    return open_model(str(mri_model_file))


def test_mri_is_scaled_as_in_training_and_back(mri: ClinicalModel, mri_model_file: Path) -> None:
    network = recon.load(mri_model_file)
    for image, got in zip(IMAGES, mri(IMAGES), strict=True):
        scaled, mean, scale = normalise(image)
        with torch.no_grad():
            expected = network(scaled.clamp(-6, 6)[None])[0] * scale + mean
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-2)


def test_hounsfield_units_become_those_of_lodopab() -> None:
    images, mean, scale = scaling_of("ct", {})(torch.tensor([3071.0, 0.0, -1000.0]).reshape(1, 1, 1, 3))
    by_hand = torch.tensor([81.35858, 20.0, 0.02]) / 81.35858  # 1/m of the densest there is, of water and of air
    torch.testing.assert_close(images.flatten(), by_hand, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close((images * scale + mean).flatten(), torch.tensor([3071.0, 0.0, -1000.0]))


@pytest.mark.parametrize("file", ["mri_model_file", "ct_model_file"])
def test_shifted_intensities_give_shifted_intensities(file: str, request: pytest.FixtureRequest) -> None:
    model = open_model(str(request.getfixturevalue(file)))
    whole = model(IMAGES)
    for shift in ((1, 0), (2, 3), (15, 23)):
        assert torch.equal(model(IMAGES.roll(shift, (2, 3))), whole.roll(shift, (2, 3)))


def test_run_and_its_file_are_one_model(mri_model_file: Path, mri: ClinicalModel, tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "best.safetensors").write_bytes(mri_model_file.read_bytes())
    run = open_model(str(tmp_path / "run"))
    assert torch.equal(run(IMAGES), mri(IMAGES))
    assert run.identity.weights == mri.identity.weights
    assert run.file_hash == mri.file_hash
    assert len(run.file_hash) == 64


def test_batches_do_not_matter(mri_model_file: Path, mri: ClinicalModel) -> None:
    counted: list[int] = []
    one = open_model(str(mri_model_file), Opening(Place(batch_size=2)))
    one.on_images = counted.append
    assert torch.equal(one(IMAGES), mri(IMAGES))
    assert counted == [2, 1]


@pytest.mark.parametrize("pad", ["circular", "reflect"])
def test_padding_takes_any_size_and_gives_it_back(pad: str, mri_model_file: Path, mri: ClinicalModel) -> None:
    model = open_model(str(mri_model_file), Opening(pad=pad))  # type: ignore[arg-type]
    assert model(IMAGES[..., :15, :22]).shape == (3, 1, 15, 22)
    assert torch.equal(model(IMAGES), mri(IMAGES))


def test_other_sizes_are_refused(mri: ClinicalModel) -> None:
    with pytest.raises(ShapeError, match="multiples of 4, got 15 x 24; pass --pad circular"):
        mri(IMAGES[..., :15, :])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(value: float, mri: ClinicalModel) -> None:
    images = IMAGES.clone()
    images[1, 0, 2, 3] = value
    with pytest.raises(DataError, match="must be finite"):
        mri(images)


@pytest.mark.parametrize("shape", [(16, 24), (1, 2, 16, 24), (0, 1, 16, 24)])
def test_other_shapes_are_refused(shape: tuple[int, ...], mri: ClinicalModel) -> None:
    with pytest.raises(ShapeError, match=r"must be \(N, 1, H, W\)"):
        mri(torch.zeros(shape))


def test_network_that_does_not_say_what_it_is_for_needs_to_be_told(tmp_path: Path) -> None:
    recon.save(recon.UNet(1, 1, channels=(4, 8)), tmp_path / "own.safetensors")
    with pytest.raises(ConfigError, match="pass --modality mri or --modality ct"):
        open_model(str(tmp_path / "own.safetensors"))
    assert open_model(str(tmp_path / "own.safetensors"), Opening(modality="ct")).identity.scaling.units == "HU"


def test_modality_that_is_another_is_refused(ct_model_file: Path) -> None:
    with pytest.raises(ConfigError, match="must be for mri, as --modality says, got a network that was trained on ct"):
        open_model(str(ct_model_file), Opening(modality="mri"))


def test_network_of_two_channels_is_refused(tmp_path: Path) -> None:
    recon.save(recon.UNet(2, 2, channels=(4, 8)), tmp_path / "complex.safetensors")
    with pytest.raises(ConfigError, match="one channel"):
        open_model(str(tmp_path / "complex.safetensors"), Opening(modality="mri"))


@pytest.mark.parametrize("name", ["none.onnx", "none.pt2", "folder.onnx", "text.onnx", "text.pt2", "script.ts", "none"])
def test_what_is_no_model_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    for written in ("text.onnx", "text.pt2", "script.ts"):
        (tmp_path / written).write_text("no model")
    with pytest.raises(ReconError, match=name.partition(".")[0]):
        open_model(str(tmp_path / name))


def test_onnx_file_of_someone_else_is_refused(tmp_path: Path) -> None:
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["b", 1, "h", "w"])
    other = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["b", 1, "h", "w"])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "other", [value], [other])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "other.onnx")
    with pytest.raises(DataError, match="does not say what it is"):
        open_model(str(tmp_path / "other.onnx"))


def test_words_of_an_archive_that_unpack_to_more_than_words_are_not_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.pt2", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/extra/recon.json", b'""' + 11_000_000 * b" ")
    with pytest.raises(DataError, match="does not say what it is"):
        open_model(str(tmp_path / "bomb.pt2"))


def test_identity_is_kept_in_words(mri: ClinicalModel) -> None:
    again = identity_from(mri.identity.text, where="a file")
    assert again == mri.identity
    assert again.synthetic is True
    assert again.use == RESEARCH_ONLY


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "other", "version": 1}', "nonsense", '{"format": 3}'])
def test_words_of_something_else_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="a file must say what it is"):
        identity_from(text, where="a file")


def test_words_of_a_later_version_ask_for_an_update(mri: ClinicalModel) -> None:
    with pytest.raises(DataError, match="update recon"):
        identity_from(mri.identity.text.replace('"version": 1', '"version": 2'), where="a file")


def test_numbers_that_are_none_are_not_given_out(mri_model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = open_model(str(mri_model_file))
    monkeypatch.setattr(model, "function", lambda images: images * float("inf"))
    with pytest.raises(DataError, match="must give finite images"):
        model(IMAGES)


def test_padding_never_changes_an_exported_scaling(mri: ClinicalModel) -> None:
    inside = ClinicalModel(
        mri.identity.with_scaling_inside(),
        lambda images: images,
        file=None,
        runtime="none",
        module=None,
        opening=Opening(pad="reflect"),
    )
    assert inside(IMAGES).shape == IMAGES.shape
    with pytest.raises(ShapeError, match="export it with --scaling outside"):
        inside(IMAGES[..., :15, :])
