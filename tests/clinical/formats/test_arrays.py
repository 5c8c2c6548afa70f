"""NumPy's files in and out."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from recon.clinical.formats.arrays import ArraySource, sources
from recon.errors import DataError
from tests.clinical.formats.models import WEIGHTS, known_model


class Running:
    """What makes a folder where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Name the function that unpickling calls."""
        return os.mkdir, (str(self.path),)


def save(path: Path, array: NDArray[np.generic]) -> Path:
    np.save(path, array)
    return path


def only(path: Path) -> ArraySource:
    (source,) = sources(path)
    return source


def values(*shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(len(shape)).uniform(0, 200, shape)


@pytest.mark.parametrize("shape", [(8, 12), (1, 8, 12), (3, 8, 12), (3, 1, 8, 12), (1, 1, 8, 12)])
@pytest.mark.parametrize("kind", ["f4", ">f4", "f8", "f2", "i2", ">u2", "u1", "i8"])
def test_network_that_does_nothing_gives_the_same_shape_and_values(
    tmp_path: Path, shape: tuple[int, ...], kind: str
) -> None:
    array = values(*shape).astype(kind)
    source, model = only(save(tmp_path / "x.npy", array)), known_model()
    source.write(model(source.read()), model.identity, tmp_path / "y.npy")
    found = np.load(tmp_path / "y.npy", allow_pickle=False)
    assert found.shape == shape
    assert found.dtype == np.float32
    assert np.allclose(found, array.astype(np.float64), atol=1e-3)


def test_columns_first_are_read_as_they_are_meant(tmp_path: Path) -> None:
    array = np.asfortranarray(values(3, 8, 12))
    assert np.allclose(only(save(tmp_path / "x.npy", array)).read()[:, 0], array)


def test_slices_are_read_in_order(tmp_path: Path) -> None:
    array = np.stack([np.full((4, 6), number) for number in range(5)])
    images = only(save(tmp_path / "x.npy", array)).read()
    assert images.shape == (5, 1, 4, 6)
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_file_beside_says_which_model_made_it(tmp_path: Path) -> None:
    source = only(save(tmp_path / "x.npy", values(4, 4)))
    target = tmp_path / "out" / "x.npy"
    source.write(torch.zeros(1, 1, 4, 4), known_model().identity, target)
    words = json.loads((tmp_path / "out" / "x.npy.json").read_text())
    assert words["model"] == "aps"
    assert words["weights"] == WEIGHTS == source.made_with(target).weights
    assert words["use"].startswith("For research use only")
    assert source.made_with(tmp_path / "x.npy").weights == ""
    assert sorted(path.name for path in target.parent.iterdir()) == ["x.npy", "x.npy.json"]


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((4, 4), np.complex64), "complex64; give the magnitude"),
        (np.zeros((4, 4), bool), "real numbers, got the type bool"),
        (np.array([["a"]]), "real numbers"),
        (np.zeros(4), r"shape \(H, W\), \(N, H, W\) or \(N, 1, H, W\), got \(4,\)"),
        (np.zeros((2, 3, 4, 4)), r"got \(2, 3, 4, 4\)"),
        (np.zeros((0, 4, 4)), r"got \(0, 4, 4\)"),
        (np.zeros((1, 1, 1, 4, 4)), "shape"),
        (np.float32(1), "shape"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, array: NDArray[np.generic], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        sources(save(tmp_path / "x.npy", array))


def test_python_objects_are_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="Python objects"):
        sources(tmp_path / "x.npy")


def test_pickle_with_the_wrong_ending_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(pickle.dumps(Running(tmp_path / "ran")))
    with pytest.raises(DataError, match="Python objects, or no array"):
        sources(tmp_path / "x.npy")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.9])
def test_cut_file_is_told(tmp_path: Path, share: float) -> None:
    path = save(tmp_path / "x.npy", values(20, 20))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"x\.npy must be a whole \.npy file"):
        sources(path)


def test_archive_with_the_wrong_ending_is_told(tmp_path: Path) -> None:
    with (tmp_path / "x.npy").open("wb") as file:
        np.savez(file, a=values(4, 4))
    with pytest.raises(DataError, match="one array, got an archive"):
        sources(tmp_path / "x.npy")


def test_slice_that_is_not_finite_is_named(tmp_path: Path) -> None:
    array = values(3, 4, 4)
    array[1, 2, 2] = np.nan
    with pytest.raises(DataError, match="slice 1 must be finite"):
        only(save(tmp_path / "x.npy", array)).read()


def test_number_that_float32_has_no_room_for_is_not_finite(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((2, 4, 4), 1e39))
    with pytest.raises(DataError, match="slice 0 must be finite"):
        sources(tmp_path / "x.npy")[0].read()


def test_array_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    source = only(save(tmp_path / "x.npy", values(4, 4)))
    save(tmp_path / "x.npy", values(4, 6))
    with pytest.raises(DataError, match="another size"):
        source.read()


def test_folder_gives_its_arrays_in_order(tmp_path: Path) -> None:
    save(tmp_path / "b.npy", values(4, 4))
    save(tmp_path / "a.npy", values(2, 4, 4))
    (tmp_path / "a.npz").write_bytes(b"-")
    assert [(source.name, source.slices) for source in sources(tmp_path)] == [("a.npy", 2), ("b.npy", 1)]


def test_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "x.npy", values(4, 4))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("numpy.load", refuse)
    with pytest.raises(DataError, match=r"x\.npy cannot be read \(Permission denied\); see its owner and mode"):
        sources(path)
