"""Natural images from the installed packages: no network, always the same, one of every photograph first."""

import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from recon.data import natural
from recon.data.images import fit_square, read_grey
from recon.data.natural import PHOTOGRAPHS, natural_images
from recon.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("natural images must not need the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize(("size", "least", "most"), [(128, 24, 72), (320, 24, 48)])
def test_there_are_a_few_dozen_patches_that_differ(size: int, least: int, most: int) -> None:
    images = natural_images(size)
    assert least <= len(images) <= most
    for image in images:
        assert image.values.shape == (size, size)
        assert image.values.dtype == np.float32
        assert 0 <= image.values.min() < image.values.max() <= 1
        assert image.values.std() > 0.01
        assert image.values.flags.c_contiguous
    assert len({image.values.tobytes() for image in images}) == len(images)


@pytest.mark.parametrize("size", [128, 320])
def test_order_interleaves_the_photographs(size: int) -> None:
    images = natural_images(size)
    n_photographs = len({image.file for image in images})
    assert len({image.file for image in images[:n_photographs]}) == n_photographs
    assert [image.slice for image in images] == sorted(image.slice for image in images)
    seen: Counter[str] = Counter()
    for image in images:
        assert image.slice == seen[image.file]
        seen[image.file] += 1
    assert max(seen.values()) == 4


def test_first_patches_are_those_of_the_whole_sequence() -> None:
    images = natural_images(128)
    for count in (1, 5, 17, 40, 1000):
        first = natural_images(128, count=count)
        assert len(first) == min(count, len(images))
        for a, b in zip(first, images, strict=False):
            assert (a.file, a.slice) == (b.file, b.slice)
            assert np.array_equal(a.values, b.values)


def test_every_photograph_is_installed() -> None:
    assert {image.file for image in natural_images(8)} == {name for name, _, _ in PHOTOGRAPHS}


def test_packages_are_not_imported() -> None:
    program = (
        "import sys; from recon.data.natural import natural_images; natural_images(32, count=20); "
        "print(*{'pooch', 'skimage', 'sklearn', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


def test_patches_are_the_photographs_own_pixels() -> None:
    camera = read_grey(Path(str(natural._installed("skimage", "data/camera.png"))))
    patches = {image.slice: image.values for image in natural_images(128) if image.file == "scikit-image/camera"}
    assert camera.shape == (512, 512)
    for number, (top, left) in enumerate([(64, 64), (64, 320), (320, 64), (320, 320)]):  # the middles of the quarters
        assert np.array_equal(patches[number], camera[top : top + 128, left : left + 128])


def test_small_photographs_are_enlarged() -> None:
    coins = read_grey(Path(str(natural._installed("skimage", "data/coins.png"))))
    patches = [image.values for image in natural_images(320) if image.file == "scikit-image/coins"]
    assert coins.shape == (303, 384)
    assert len(patches) == 1
    assert np.array_equal(patches[0], fit_square(coins, 320))
    assert len(natural_images(2000)) == len(PHOTOGRAPHS)


@pytest.mark.parametrize(
    ("length", "starts"),
    [(100, [0]), (101, [0]), (174, [37]), (175, [0, 75]), (200, [0, 100]), (300, [25, 175]), (1000, [200, 700])],
)
def test_starts_by_hand(length: int, starts: list[int]) -> None:
    assert natural._starts(length, 100) == starts


def test_missing_photographs_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = (("nowhere/a", "no_such_package_of_photographs", "a.png"), ("scikit-image/b", "skimage", "data/b.png"))
    monkeypatch.setattr(natural, "PHOTOGRAPHS", (*missing, *PHOTOGRAPHS[:2]))
    assert [image.file for image in natural_images(320)] == [name for name, _, _ in PHOTOGRAPHS[:2]]
    monkeypatch.setattr(natural, "PHOTOGRAPHS", missing)
    with pytest.raises(DataError, match=r"no photograph was found in scikit-image or scikit-learn.*install"):
        natural_images(320)


def test_wrong_size_or_count_is_refused() -> None:
    with pytest.raises(ConfigError, match="size must be a whole number of at least 1, got 0"):
        natural_images(0)
    with pytest.raises(ConfigError, match="count must be a whole number of at least 1, got 0"):
        natural_images(count=0)
