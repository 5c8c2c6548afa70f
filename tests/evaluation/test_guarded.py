"""Functions that others wrote: their images stay as they are, and their mistakes are told with their place."""

import pytest
import torch
from torch import Tensor

from recon.errors import ConfigError, DataError
from recon.evaluation.guarded import guarded


def test_what_works_in_place_changes_nothing_that_is_measured_next() -> None:
    images = torch.ones(2, 1, 4, 4)
    function = guarded(lambda given: given.mul_(2), "odd:double")
    assert torch.equal(function(images), torch.full((2, 1, 4, 4), 2.0))
    assert torch.equal(function(images), torch.full((2, 1, 4, 4), 2.0))
    assert torch.equal(images, torch.ones(2, 1, 4, 4))


@pytest.mark.parametrize(
    ("error", "words"), [(ValueError("no\nway"), "ValueError: no"), (SystemExit(3), "SystemExit: 3"), (KeyError(), "")]
)
def test_what_a_function_raises_is_told_with_its_place(error: BaseException, words: str) -> None:
    def fail(images: Tensor) -> Tensor:
        raise error

    said = rf"odd:fail must take images of 2 x 1 x 4 x 6, got an error of it: {words}.* \(test_guarded.py, line \d+\)"
    with pytest.raises(ConfigError, match=said):
        guarded(fail, "odd:fail")(torch.ones(2, 1, 4, 6))


def test_recon_s_own_errors_and_interruptions_pass() -> None:
    for error in (DataError("as it was"), KeyboardInterrupt()):

        def fail(images: Tensor, error: BaseException = error) -> Tensor:
            raise error

        with pytest.raises(type(error)):
            guarded(fail, "odd:fail")(torch.ones(1, 1, 4, 4))
