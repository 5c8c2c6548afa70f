"""Images as exported networks want them: as many at once as they were exported for, of the sizes they take."""

import pytest
import torch
from torch import Tensor

from recon.errors import ConfigError, DataError
from recon.evaluation.fitting import Wanted, fitted


@pytest.mark.parametrize(
    ("wanted", "sizes"),
    [
        (Wanted(), [5]),
        (Wanted(1, 1), [1] * 5),
        (Wanted(2, 2), [2, 2, 2]),
        (Wanted(4, 4), [4, 4]),
        (Wanted(8, None), [8]),
        (Wanted(2, 4), [4, 2]),
        (Wanted(1, 4), [4, 1]),
    ],
)
def test_as_many_images_are_given_as_are_wanted(wanted: Wanted, sizes: list[int]) -> None:
    given: list[int] = []

    def watch(images: Tensor) -> Tensor:
        given.append(len(images))
        return 2 * images

    images = torch.randn(5, 1, 4, 6)
    assert torch.equal(fitted(watch, wanted, "x")(images), 2 * images)
    assert given == sizes


@pytest.mark.parametrize("shape", [(1, 2, 4, 6), (1, 1, 5, 6), (1, 1, 4, 5), (1, 4, 6)])
def test_images_of_another_size_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=r"x takes images of 1 x 4 x 6 \(channels, height, width\), got"):
        fitted(torch.relu, Wanted(shape=(1, 4, 6)), "x")(torch.zeros(shape))


def test_any_size_is_any_size() -> None:
    function = fitted(torch.relu, Wanted(shape=(1, None, 6)), "x")
    assert function(torch.zeros(1, 1, 9, 6)).shape == (1, 1, 9, 6)
    with pytest.raises(ConfigError, match="1 x any x 6"):
        function(torch.zeros(1, 1, 9, 7))


def test_errors_of_libraries_are_put_into_words() -> None:
    def broken(images: Tensor) -> Tensor:
        raise IndexError("no such\nrow")

    def refusing(images: Tensor) -> Tensor:
        raise DataError("as it is")

    with pytest.raises(ConfigError, match=r"x must take images of 1 x 4 x 6, got .* IndexError: no such row"):
        fitted(broken, Wanted(), "x")(torch.zeros(1, 1, 4, 6))
    with pytest.raises(DataError, match=r"^as it is$"):
        fitted(refusing, Wanted(), "x")(torch.zeros(1, 1, 4, 6))


def test_what_gives_several_tensors_is_refused() -> None:
    with pytest.raises(ConfigError, match="x must give one tensor, got tuple"):
        fitted(lambda images: (images, images), Wanted(), "x")(torch.zeros(1, 1, 4, 6))
