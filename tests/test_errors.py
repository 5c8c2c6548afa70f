"""The errors of a user's mistake, and the checks that raise them."""

import pytest

from recon.errors import ConfigError, DataError, ReconError, ShapeError, require_at_least, require_known

WORDS = ("plain", "aps", "mass-unpool")


@pytest.mark.parametrize("error", [ShapeError, DataError, ConfigError])
def test_every_error_is_caught_as_ours_and_as_a_value_error(error: type[ReconError]) -> None:
    assert issubclass(error, ReconError)
    assert issubclass(error, ValueError)
    assert str(error("what must hold")) == "what must hold"


@pytest.mark.parametrize("word", WORDS)
def test_known_word_is_returned(word: str) -> None:
    assert require_known(word, WORDS, name="sampling") == word
    assert require_known(word, dict.fromkeys(WORDS), name="sampling") == word
    assert require_known(word, iter(WORDS), name="sampling") == word


@pytest.mark.parametrize(
    ("wrong", "meant"), [("Plain", "plain"), ("plane", "plain"), ("ps", "aps"), ("mass_unpool", "mass-unpool")]
)
def test_unknown_word_is_refused_with_the_nearest(wrong: str, meant: str) -> None:
    message = rf"^sampling must be one of plain, aps, mass-unpool, got '{wrong}'; did you mean '{meant}'\?$"
    with pytest.raises(ConfigError, match=message):
        require_known(wrong, WORDS, name="sampling")


@pytest.mark.parametrize("wrong", ["", "zzzz"])
def test_word_unlike_any_other_is_refused_without_a_guess(wrong: str) -> None:
    with pytest.raises(ConfigError, match=f"^mode must be one of plain, aps, mass-unpool, got '{wrong}'$"):
        require_known(wrong, WORDS, name="mode")


@pytest.mark.parametrize("wrong", [None, 3])
def test_value_that_is_no_word_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigError, match=f"^mode must be one of plain, aps, mass-unpool, got {wrong}$"):
        require_known(wrong, WORDS, name="mode")  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "least"), [(2, 2), (3, 2), (0, -1), (-1, -1), (10**20, 1)])
def test_number_that_is_large_enough_is_returned(value: int, least: int) -> None:
    assert require_at_least(value, least, name="stride") == value


@pytest.mark.parametrize("value", [0, -5, 1.0, 2.5, True, False, "2", None])
def test_other_numbers_are_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=f"^stride must be a whole number of at least 1, got {value!r}$"):
        require_at_least(value, 1, name="stride")  # type: ignore[arg-type]
