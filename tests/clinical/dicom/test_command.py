"""`recon reconstruct` on folders of series: each becomes a folder, and what is there is safe."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from recon.cli import main
from tests.clinical.conftest import write_network
from tests.clinical.dicom import phantoms


def study(folder: Path) -> Path:
    """Write a folder with a folder of one series and a folder of two."""
    phantoms.write_series(folder / "head")
    for series in ("2", "3"):
        for file in phantoms.write_series(folder / "neck" / series, values=phantoms.stored(3), series=series):
            file.rename(folder / "neck" / f"{series}-{file.name}")
        (folder / "neck" / series).rmdir()
    return folder


def test_each_series_becomes_a_folder(ct_model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["reconstruct", str(ct_model_file), str(study(tmp_path / "in")), "-o", str(tmp_path / "out")]
    assert main(command) == 0
    found = {folder: sorted(file.name for file in folder.glob("*.dcm")) for folder in (tmp_path / "out").rglob("*")}
    counts = {str(folder.relative_to(tmp_path / "out")): len(names) for folder, names in found.items() if names}
    assert sorted(counts.values()) == [3, 3, 5]
    series = {pydicom.dcmread(file).SeriesInstanceUID for file in (tmp_path / "out").rglob("*.dcm")}
    assert len(series) == 3
    assert main(command) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0
    assert {pydicom.dcmread(file).SeriesInstanceUID for file in (tmp_path / "out").rglob("*.dcm")} == series


def test_series_of_another_network_is_not_gone_on_with(
    ct_model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [str(study(tmp_path / "in")), "-o", str(tmp_path / "out")]
    assert main(["reconstruct", str(ct_model_file), *command]) == 0
    assert main(["reconstruct", str(ct_model_file), *command, "--resume"]) == 0
    other = write_network(tmp_path / "other.safetensors", "ct", seed=1)
    assert main(["reconstruct", str(other), *command, "--resume"]) == 2
    assert "from the same weights to go on" in capsys.readouterr().err


def test_localiser_beside_good_series_fails_alone(
    ct_model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(tmp_path / "in")
    for file in phantoms.write_series(tmp_path / "scout", series="9"):
        dataset = pydicom.dcmread(file)
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        dataset.save_as(tmp_path / "in" / "neck" / f"9-{file.name}")
    command = ["reconstruct", str(ct_model_file), str(tmp_path / "in"), "-o", str(tmp_path / "out")]
    assert main(command) == 1
    told = capsys.readouterr()
    assert "3 of 4 volumes" in told.out
    assert "localiser" in told.err
    assert len({file.parent for file in (tmp_path / "out").rglob("*.dcm")}) == 3
    alone = ["reconstruct", str(ct_model_file), str(tmp_path / "in" / "neck"), "-o", str(tmp_path / "again")]
    for file in (tmp_path / "in" / "neck").glob("[23]-*"):
        file.unlink()
    assert main(alone) == 2
    assert "localiser" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def test_sizes_that_do_not_fit_are_refused_or_padded(
    ct_model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phantoms.write_series(tmp_path / "in", values=phantoms.stored(2, (23, 29)))
    command = ["reconstruct", str(ct_model_file), str(tmp_path / "in"), "-o", str(tmp_path / "out")]
    assert main(command) != 0
    assert "--pad" in "".join(capsys.readouterr())
    assert not (tmp_path / "out").exists()
    assert main([*command, "--pad", "reflect"]) == 0
    shapes = {pydicom.dcmread(file).pixel_array.shape for file in (tmp_path / "out").rglob("*.dcm")}
    assert shapes == {(23, 29)}


def test_images_of_another_modality_are_refused(
    ct_model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phantoms.write_series(tmp_path / "in", "MR")
    assert main(["reconstruct", str(ct_model_file), str(tmp_path / "in"), "-o", str(tmp_path / "out")]) != 0
    assert "MRI" in "".join(capsys.readouterr())


def test_network_sees_hounsfield_units(ct_model_file: Path, tmp_path: Path) -> None:
    """The same anatomy in two codings of HU gives the same HU."""
    values = phantoms.stored()

    def recoded(dataset: pydicom.Dataset, number: int) -> None:
        dataset.RescaleIntercept = "-1000"
        dataset.PixelData = (values[number] - 24).astype("<u2").tobytes()

    phantoms.write_series(tmp_path / "one", values=values)
    phantoms.write_series(tmp_path / "two", values=values, change=recoded)
    images = []
    for name in ("one", "two"):
        out = tmp_path / f"{name}-out"
        assert main(["reconstruct", str(ct_model_file), str(tmp_path / name), "-o", str(out)]) == 0
        files = [pydicom.dcmread(file) for file in sorted(out.rglob("*.dcm"))]
        images.append(np.stack([d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in files]))
    assert np.array_equal(*images)
