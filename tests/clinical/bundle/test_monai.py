"""MONAI's own commands run a bundle: they check it, reconstruct with it as recon does, export it and train it on."""

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle.config_parser import ConfigParser
from monai.bundle.scripts import ckpt_export, run, verify_metadata, verify_net_in_out

from recon.clinical.bundle.transforms import inputs_in
from recon.clinical.formats import dicom, nifti
from recon.clinical.models import Opening, open_model
from recon.errors import DataError, ShapeError
from tests.clinical.bundle.conftest import Bundle
from tests.clinical.dicom.phantoms import BRIGHT, COLUMN, NORMAL, ORIGIN, ROW, SPACING, STEP, write_series
from tests.data.files import write_fastmri_folder

pytestmark = pytest.mark.filterwarnings("ignore")  # of MONAI, and of torch's tracing
SCHEMA = Path(__file__).with_name("schema.json")


@pytest.fixture(autouse=True)
def _on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def reconstructed(bundle: Bundle, source: Path, out: Path, **options: object) -> list[Path]:
    """Run the bundle as `python -m monai.bundle run` does, and give the results."""
    files = {"config_file": bundle.config("inference"), "meta_file": bundle.config("metadata")}
    run(**files, bundle_root=str(bundle.folder), input=str(source), output=str(out), **options)  # type: ignore[arg-type]
    return sorted(path for path in out.iterdir() if path.suffix != ".json")


def test_metadata_are_of_the_schema(mri: Bundle, ct: Bundle, tmp_path: Path) -> None:
    schema = shutil.copy(SCHEMA, tmp_path / "schema.json")  # what is there is not fetched
    for bundle in (mri, ct):
        verify_metadata(meta_file=bundle.config("metadata"), filepath=str(schema))


@pytest.mark.parametrize("name", ["version", "intended_use", "network_data_format"])
def test_metadata_without_a_field_are_not_of_the_schema(mri: Bundle, name: str, tmp_path: Path) -> None:
    words = json.loads(Path(mri.config("metadata")).read_text(encoding="utf-8"))
    del words[name]
    (tmp_path / "metadata.json").write_text(json.dumps(words), encoding="utf-8")
    with pytest.raises(ValueError, match="Failed validating"):
        verify_metadata(meta_file=str(tmp_path / "metadata.json"), filepath=str(shutil.copy(SCHEMA, tmp_path)))


def test_network_is_as_the_metadata_say(mri: Bundle, ct: Bundle) -> None:
    for bundle in (mri, ct):
        for n in (1, 6):
            verify_net_in_out(
                "network_def",
                config_file=bundle.config("inference"),
                meta_file=bundle.config("metadata"),
                n=n,
                device="cpu",
            )


def test_network_of_other_channels_is_not_as_the_metadata_say(mri: Bundle) -> None:
    with pytest.raises(ValueError, match="output channel number"):
        verify_net_in_out(
            "network_def",
            config_file=mri.config("inference"),
            meta_file=mri.config("metadata"),
            n=4,
            device="cpu",
            **{"_meta_#network_data_format#outputs#pred#num_channels": 2},  # type: ignore[arg-type]
        )


@pytest.mark.parametrize("shape", [(16, 24), (11, 16, 24), (3, 1, 16, 24)])
def test_array_is_reconstructed_as_recon_does(mri: Bundle, shape: tuple[int, ...], tmp_path: Path) -> None:
    array = np.random.default_rng(0).random(shape, dtype=np.float32) * 900
    np.save(tmp_path / "slices.npy", array)
    (result,) = reconstructed(mri, tmp_path / "slices.npy", tmp_path / "out")
    wanted = mri.model(torch.from_numpy(array).reshape(-1, 1, 16, 24)).numpy().reshape(shape)
    assert result.name == "slices_recon.npy"
    np.testing.assert_allclose(np.load(result), wanted, rtol=1e-4, atol=1e-2)
    told = json.loads((tmp_path / "out" / "slices_recon.npy.json").read_text(encoding="utf-8"))
    assert "research use only" in told["use"]


AFFINES = {
    "axial": np.array([[-2.0, 0, 0, 40], [0, 1.5, 0, -30], [0, 0, 3.0, 5], [0, 0, 0, 1]]),
    "sagittal": np.array([[0, 0, 3.0, -10], [1.5, 0, 0, 20], [0, -2.0, 0, 7], [0, 0, 0, 1]]),
    "oblique": np.array([[0.2, -1.9, 0.1, 3], [1.4, 0.2, 0, -30], [0.1, 0, 2.9, 5], [0, 0, 0, 1]]),
}


@pytest.mark.parametrize("name", AFFINES)
def test_nifti_is_reconstructed_as_shown_and_comes_back_on_its_grid(mri: Bundle, name: str, tmp_path: Path) -> None:
    array = np.random.default_rng(1).random((24, 16, 3), dtype=np.float32) * 900
    source = tmp_path / "volume.nii.gz"
    nibabel.save(nibabel.Nifti1Image(array, AFFINES[name]), source)
    (result,) = reconstructed(mri, source, tmp_path / "out")
    (known,) = nifti.sources(source)
    wanted = known.layout.array(mri.model(known.read()))
    image = nibabel.load(result)
    assert result.name == "volume_recon.nii.gz"
    assert isinstance(image, nibabel.Nifti1Image)
    np.testing.assert_allclose(image.get_fdata(), wanted, rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(image.affine, AFFINES[name], atol=1e-5)
    assert b"research use only" in bytes(image.header["descrip"])


def test_dicom_series_is_reconstructed_upright_and_lies_where_it_lay(ct: Bundle, tmp_path: Path) -> None:
    write_series(tmp_path / "series", "CT", order=[3, 0, 4, 1, 2])
    (result,) = reconstructed(ct, tmp_path / "series", tmp_path / "out")
    (known,) = dicom.sources(tmp_path / "series")
    wanted = ct.model(known.read())[:, 0].permute(1, 2, 0).numpy()
    image = nibabel.load(result)
    assert isinstance(image, nibabel.Nifti1Image)
    assert result.name == "series_recon.nii.gz"
    np.testing.assert_allclose(image.get_fdata(), wanted, rtol=1e-4, atol=0.05)
    number, row, column = BRIGHT
    along = [np.array(axis) for axis in (NORMAL, COLUMN, ROW)]
    steps = (number * STEP, row * SPACING[0], column * SPACING[1])
    patient = np.array(ORIGIN) + sum(axis * step for axis, step in zip(along, steps, strict=True))
    place = image.affine @ [row, column, number, 1]
    np.testing.assert_allclose(place[:3], patient * [-1, -1, 1], atol=1e-3)  # DICOM counts to left and back


def test_folder_of_files_is_reconstructed(mri: Bundle, tmp_path: Path) -> None:
    for name in ("b", "a"):
        np.save(tmp_path / f"{name}.npy", np.ones((8, 8), np.float32))
    (tmp_path / "notes.txt").write_text("no image", encoding="utf-8")
    results = reconstructed(mri, tmp_path, tmp_path.with_name(f"{tmp_path.name}-out"))
    assert [path.name for path in results] == ["a_recon.npy", "b_recon.npy"]


@pytest.mark.parametrize("what", ["nothing", "notes"])
def test_input_without_images_is_refused(what: str, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("no image", encoding="utf-8")
    with pytest.raises(DataError, match="must"):
        inputs_in(str(tmp_path / what))


def test_other_sizes_are_refused_or_padded_as_asked(mri: Bundle, tmp_path: Path) -> None:
    array = np.random.default_rng(0).random((2, 18, 23), dtype=np.float32)
    np.save(tmp_path / "odd.npy", array)
    with pytest.raises((ShapeError, RuntimeError)):
        reconstructed(mri, tmp_path / "odd.npy", tmp_path / "refused")
    options = {"network_def#network#pad": "circular"}
    (result,) = reconstructed(mri, tmp_path / "odd.npy", tmp_path / "out", **options)
    padded = open_model(str(mri.folder), Opening(pad="circular"))
    np.testing.assert_allclose(
        np.load(result), padded(torch.from_numpy(array)[:, None])[:, 0].numpy(), rtol=1e-5, atol=1e-5
    )


def test_exported_script_reconstructs_other_sizes_and_batches(mri: Bundle, tmp_path: Path) -> None:
    ckpt_export(
        "network_def",
        filepath=str(tmp_path / "model.ts"),
        ckpt_file=str(mri.folder / "models" / "model.pt"),
        config_file=mri.config("inference"),
        meta_file=mri.config("metadata"),
        use_trace=True,
        input_shape=[2, 1, 32, 32],
    )
    script = torch.jit.load(tmp_path / "model.ts")
    images = torch.rand(3, 1, 16, 40) * 900
    with torch.no_grad():
        torch.testing.assert_close(script(images), mri.model(images), rtol=1e-4, atol=1e-2)


HEAD = "network.head.conv.weight"


def trained(bundle: Bundle, data: Path, out: Path, **options: object) -> Path:
    """Train for an epoch from another seed than the weights were drawn with, and give the weights."""
    run(
        config_file=bundle.config("train"),
        meta_file=bundle.config("metadata"),
        bundle_root=str(bundle.folder),
        dataset_dir=str(data),
        ckpt_dir=str(out),
        epochs=1,
        batch_size=2,
        seed=5,
        **options,  # type: ignore[arg-type]
    )
    return out / "model.pt"


def test_training_goes_on_from_the_weights_and_leaves_them(mri: Bundle, tmp_path: Path) -> None:
    own = mri.folder / "models" / "model.pt"
    weights, before = own.read_bytes(), torch.load(own, weights_only=True)
    file = trained(mri, write_fastmri_folder(tmp_path / "knees"), tmp_path / "trained")
    after = torch.load(file, weights_only=True)
    assert list(after) == list(before)
    assert 0 < float((after[HEAD] - before[HEAD]).abs().max()) < 0.01  # a few steps of 1e-4 from where it was
    assert own.read_bytes() == weights
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((8, 8), dtype=np.float32))
    results = [
        np.load(reconstructed(mri, tmp_path / "x.npy", tmp_path / name, **options)[0])
        for name, options in (("own", {}), ("other", {"checkpoint": str(file)}))
    ]
    assert not np.array_equal(*results)


def test_smaller_error_is_the_best(mri: Bundle) -> None:
    parser = ConfigParser()
    parser.read_config(mri.config("train"))
    better = parser.get_parsed_content("validate#evaluator#metric_cmp_fn")
    assert better(1.0, 2.0)
    assert not better(2.0, 1.0)


def test_training_begins_anew_where_no_weights_are_named(mri: Bundle, tmp_path: Path) -> None:
    before = torch.load(mri.folder / "models" / "model.pt", weights_only=True)
    file = trained(mri, write_fastmri_folder(tmp_path / "knees"), tmp_path / "trained", checkpoint="")
    after = torch.load(file, weights_only=True)
    assert float((after[HEAD] - before[HEAD]).abs().max()) > 0.1


def test_training_reads_the_data_as_the_first_training_did(mri: Bundle, ct: Bundle) -> None:
    for bundle in (mri, ct):
        parser = ConfigParser()
        parser.read_config(bundle.config("train"))
        data = bundle.model.identity.training["data"]
        assert isinstance(data, dict)
        module = parser.get_parsed_content("data")
        assert (module.modality, module.settings) == (data["modality"], data["settings"])
