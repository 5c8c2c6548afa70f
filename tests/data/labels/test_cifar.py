"""CIFAR-10's batches: both formats against torchvision's reader and by hand, and what is wrong with them said."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision  # type: ignore[import-untyped]
from torchvision.transforms import v2  # type: ignore[import-untyped]

from recon.data.batches import Draw
from recon.data.labels.augmentation import Augmentation
from recon.data.labels.cifar import CIFAR10Images, read_batches
from recon.data.labels.cifar_files import TEST, TRAIN, cifar_folder
from recon.errors import DataError
from tests.data.labels.files import BATCHES, CIFAR_NAMES, noise, python2_pickle, samples_of, write_cifar, write_manifest

PROTOCOLS = (None, 0, 2, 5)


def opened(folder: Path, names: tuple[str, ...] = TRAIN, augmentation: Augmentation | None = None) -> CIFAR10Images:
    """Open batches of a folder."""
    found = cifar_folder(folder)
    return CIFAR10Images(found, read_batches(found, names, "error"), augmentation=augmentation)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("train", [True, False])
def test_pickles_are_read_as_torchvision_reads_them(
    train: bool, protocol: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "_check_integrity", lambda self: True)  # the md5 of the real ones
    monkeypatch.setattr(torchvision.datasets.cifar, "check_integrity", lambda *arguments: True)
    write_cifar(tmp_path, protocol=protocol)
    reference = torchvision.datasets.CIFAR10(tmp_path, train=train)
    data = opened(tmp_path, TRAIN if train else TEST)
    normalise = v2.Compose(
        [
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
        ]
    )
    assert len(data) == len(reference) == (100 if train else 20)
    assert list(data.classes) == reference.classes
    for index in range(len(data)):
        image, label = reference[index]
        sample = data[index]
        assert sample.target.item() == label
        torch.testing.assert_close(sample.input, normalise(image), rtol=0, atol=1e-6)


def test_bytes_and_pickles_hold_the_same_images(tmp_path: Path) -> None:
    pickled = opened(write_cifar(tmp_path / "py"))
    plain = opened(write_cifar(tmp_path / "bin", ending=".bin"))
    assert list(pickled.classes) == list(plain.classes) == list(CIFAR_NAMES)
    assert len(pickled) == len(plain) == 100
    for a, b in zip(samples_of(pickled), samples_of(plain), strict=True):
        assert a.input.equal(b.input)
        assert a.target.equal(b.target)
        assert (f"{a.origin.file}.bin", a.origin.slice) == (b.origin.file, b.origin.slice)


def test_a_pixel_by_hand(tmp_path: Path) -> None:
    data = opened(write_cifar(tmp_path, ending=".bin"), TEST)
    row = np.frombuffer((tmp_path / "cifar-10-batches-bin" / "test_batch.bin").read_bytes(), np.uint8)[3073 * 2 :]
    image = data[2].input
    assert data[2].target.item() == row[0]
    green = 1 + 1024 + 5 * 32 + 7  # the label, all of red, then green's row 5 and column 7
    assert image[1, 5, 7].item() == pytest.approx((row[green] / 255 - 0.4822) / 0.2435, abs=1e-6)
    assert image.shape == (3, 32, 32)


def test_every_image_has_its_own_origin(tmp_path: Path) -> None:
    data = opened(write_cifar(tmp_path))
    places = [(sample.origin.file, sample.origin.slice) for sample in samples_of(data)]
    assert places == [(name, row) for name in TRAIN for row in range(20)]
    assert [path.name for path in data.files] == list(TRAIN)
    assert list(data.groups) == [range(100)]


def test_chosen_rows_are_those_of_all_batches(tmp_path: Path) -> None:
    data = opened(write_cifar(tmp_path))
    found = cifar_folder(tmp_path)
    chosen = CIFAR10Images(found, read_batches(found, TRAIN, "error"), rows=np.array([0, 19, 20, 99]))
    assert [
        sample.input.equal(data[row].input) for sample, row in zip(samples_of(chosen), (0, 19, 20, 99), strict=True)
    ] == [True] * 4


@pytest.mark.parametrize("place", ["", "cifar-10-batches-py"])
@pytest.mark.parametrize("synthetic", [True, False])
def test_the_root_and_the_folder_of_batches_are_both_found(place: str, synthetic: bool, tmp_path: Path) -> None:
    write_cifar(tmp_path)
    if synthetic:
        write_manifest(tmp_path)
    data = opened(tmp_path / place)
    assert data.synthetic is data[0].origin.synthetic is synthetic


def test_in_the_folder_of_batches_the_manifest_beside_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_manifest(write_cifar(tmp_path))
    monkeypatch.chdir(tmp_path / "cifar-10-batches-py")
    assert cifar_folder(Path()).synthetic


def test_pickles_are_read_where_there_are_both(tmp_path: Path) -> None:
    write_cifar(tmp_path, ending=".bin")
    write_cifar(tmp_path)
    assert cifar_folder(tmp_path).ending == ""


def test_without_meta_the_classes_are_those_of_cifar10(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    (tmp_path / "cifar-10-batches-py" / "batches.meta").unlink()
    assert cifar_folder(tmp_path).classes == CIFAR_NAMES


def test_meta_tells_other_classes(tmp_path: Path) -> None:
    write_cifar(tmp_path, ending=".bin")
    (tmp_path / "cifar-10-batches-bin" / "batches.meta.txt").write_text("disc\nbar\n\n")
    assert cifar_folder(tmp_path).classes == ("disc", "bar")
    with pytest.raises(DataError, match=r"must have classes from 0 to 1, as batches.meta says, got 9"):
        opened(tmp_path)


def test_an_archive_that_is_not_unpacked_is_said(tmp_path: Path) -> None:
    archive = tmp_path / "cifar-10-python.tar.gz"
    archive.write_bytes(b"")
    for given in (tmp_path, archive):
        with pytest.raises(DataError, match=r"not unpacked; run `tar -xzf cifar-10-python.tar.gz` where it lies"):
            cifar_folder(given)


@pytest.mark.parametrize(("made", "got"), [(True, "a folder without them"), (False, "nothing there")])
def test_a_folder_without_batches_is_said(made: bool, got: str, tmp_path: Path) -> None:
    folder = tmp_path if made else tmp_path / "nothing"
    with pytest.raises(DataError, match=f"must be a folder with cifar-10-batches-py or .*, got {got}; unpack"):
        cifar_folder(folder)


def with_fields(**changes: object) -> bytes:
    """Write a batch of two images whose fields are replaced."""
    fields: dict[str, object] = {"labels": [0, 9], "data": noise(2, 3072)}
    return pickle.dumps(fields | changes, protocol=4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (with_fields(labels=[0, 10]), "must have classes from 0 to 9, as batches.meta says, got 10"),
        (with_fields(labels=[0, -1]), "must have classes from 0 to 9, as batches.meta says, got -1"),
        (with_fields(labels=[0, 2**80]), "must have classes from 0 to 9"),
        (with_fields(labels=[0]), "must have as many labels as images, got 1 and 2"),
        (with_fields(labels=[0, "1"]), "must have labels, a list of whole numbers"),
        (with_fields(labels=[0, True]), "must have labels, a list of whole numbers"),
        (with_fields(labels=None), "must have labels, a list of whole numbers, got none"),
        (with_fields(data=noise(2, 3071)), r"must have data of bytes \(N, 3072\), got uint8 of shape \(2, 3071\)"),
        (with_fields(data=noise(2, 3072).astype(np.int64)), "must have data of bytes .*, got int64"),
        (with_fields(data=noise(2, 3, 32, 32)), r"got uint8 of shape \(2, 3, 32, 32\)"),
        (with_fields(data=noise(3072)), r"got uint8 of shape \(3072,\)"),
        (with_fields(data=[1, 2]), r"must have data of bytes .*, got one of another kind \(list\)"),
        (with_fields(labels=[], data=noise(0, 3072)), "must hold images, got none"),
        (pickle.dumps([1]), r"must hold a dictionary, got one of another kind \(list\)"),
        (b"", "0 bytes that are broken or cut off"),
        (b"\x1f\x8b\x08\x00" * 20, "bytes that are broken or cut off|got the opcode"),
        (with_fields()[:-1], "broken or cut off"),
    ],
)
def test_what_is_wrong_with_a_pickle_is_said(content: bytes, message: str, tmp_path: Path) -> None:
    write_cifar(tmp_path)
    path = tmp_path / "cifar-10-batches-py" / "data_batch_2"
    path.write_bytes(with_fields())
    assert len(opened(tmp_path)) == 82  # such as it is, it is read
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        opened(tmp_path)
    assert "data_batch_2" in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-1], "must have 3073 bytes an image, got 61459, of which 3072 are left over"),
        (lambda content: content + b"\0", "of which 1 are left over"),
        (lambda content: b"\x0a" + content[1:], "must have classes from 0 to 9, as batches.meta says, got 10"),
        (lambda content: b"", "must hold images, got none"),
    ],
)
def test_what_is_wrong_with_plain_bytes_is_said(change: Callable[[bytes], bytes], message: str, tmp_path: Path) -> None:
    write_cifar(tmp_path, ending=".bin")
    path = tmp_path / "cifar-10-batches-bin" / "data_batch_3.bin"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=message):
        opened(tmp_path)


@pytest.mark.parametrize(
    "content", [python2_pickle({"num_vis": 3072}), pickle.dumps({"label_names": []}), pickle.dumps({"label_names": 3})]
)
def test_meta_without_classes_is_said(content: bytes, tmp_path: Path) -> None:
    write_cifar(tmp_path)
    (tmp_path / "cifar-10-batches-py" / "batches.meta").write_bytes(content)
    with pytest.raises(DataError, match="must tell the names of the classes, got none"):
        cifar_folder(tmp_path)


def test_a_missing_batch_is_an_error_or_left_out(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    (tmp_path / "cifar-10-batches-py" / "data_batch_4").unlink()
    with pytest.raises(DataError, match="data_batch_4 must be there"):
        opened(tmp_path)
    with pytest.warns(UserWarning, match="skipped 1 files: .*data_batch_4 must be there"):
        assert len(read_batches(cifar_folder(tmp_path), TRAIN, "skip")) == 4
    for name in BATCHES:
        (tmp_path / "cifar-10-batches-py" / name).write_bytes(b"")
    with pytest.raises(DataError, match="must have a readable batch among"):
        read_batches(cifar_folder(tmp_path), TRAIN, "skip")


def test_training_images_are_mirrored_and_shifted_by_the_draw(tmp_path: Path) -> None:
    augmentation = Augmentation(3, furthest=4)
    plain, data = opened(write_cifar(tmp_path)), opened(tmp_path, augmentation=augmentation)
    for index in range(10):
        for epoch in range(3):
            draw = Draw(index, epoch)
            assert data[draw].input.equal(augmentation.move(draw)(plain[index].input))
            assert data[draw].target.equal(plain[index].target)
    assert len({data[Draw(0, epoch)].input.sum(-1).sum(0)[0].item() for epoch in range(20)}) > 5


@pytest.mark.parametrize("index", [-1, 100])
def test_an_index_that_is_none_is_refused(index: int, tmp_path: Path) -> None:
    with pytest.raises(IndexError, match=r"must lie in \[0, 100\)"):
        opened(write_cifar(tmp_path))[index]
