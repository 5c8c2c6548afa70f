"""The blur filters against the table of Zhang (2019), typed out by hand."""

from math import comb, fsum

import pytest

from recon.errors import ConfigError
from recon.filters import FILTERS, filter_taps

PUBLISHED: dict[str, list[float]] = {
    "delta-1": [1],
    "rect-2": [1, 1],
    "rect-3": [1, 1, 1],
    "rect-4": [1, 1, 1, 1],
    "rect-5": [1, 1, 1, 1, 1],
    "rect-6": [1, 1, 1, 1, 1, 1],
    "rect-7": [1, 1, 1, 1, 1, 1, 1],
    "tri-3": [1, 2, 1],
    "tri-5": [1, 2, 3, 2, 1],
    "tri-7": [1, 2, 3, 4, 3, 2, 1],
    "bin-4": [1, 3, 3, 1],
    "bin-5": [1, 4, 6, 4, 1],
    "bin-6": [1, 5, 10, 10, 5, 1],
    "bin-7": [1, 6, 15, 20, 15, 6, 1],
    "window-3": [1, 1.57, 1],
    "window-6": [-1, 1.67, 5, 5, 1.67, -1],
    "window-7": [-1, 0, 3, 4.71, 3, 0, -1],
    "ls-3": [1, 1.63, 1],
    "ls-7": [-1, 0, 3.80, 6.13, 3.80, 0, -1],
}
OTHER_LENGTHS = ["rect-1", "rect-16", "tri-1", "tri-31", "bin-1", "bin-2", "bin-3", "bin-999"]
NO_FILTERS = [
    *("", "box-3", "delta-3", "ls-5", "rect-1000"),
    *("tri", "tri-", "tri-0", "tri-03", "tri--3", "tri-3.0", "tri-3 ", "tri-٣"),
]


def convolution(a: tuple[float, ...], b: tuple[float, ...]) -> list[float]:
    return [fsum(a[i] * b[n - i] for i in range(len(a)) if 0 <= n - i < len(b)) for n in range(len(a) + len(b) - 1)]


def test_names_are_the_published_ones_in_order() -> None:
    assert list(FILTERS) == list(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_taps_are_the_published_ones_over_their_sum(name: str) -> None:
    weights = PUBLISHED[name]
    assert filter_taps(name) == pytest.approx([weight / sum(weights) for weight in weights], rel=1e-15)


@pytest.mark.parametrize("name", [*FILTERS, *OTHER_LENGTHS])
def test_taps_sum_to_one_are_symmetric_and_as_many_as_the_name_says(name: str) -> None:
    taps = filter_taps(name)
    assert fsum(taps) == pytest.approx(1, abs=1e-15)
    assert taps == taps[::-1]
    assert len(taps) == int(name.split("-")[1])


@pytest.mark.parametrize("n", [1, 2, 3, 4, 8])
def test_triangle_is_a_box_convolved_with_itself(n: int) -> None:
    box = filter_taps(f"rect-{n}")
    assert filter_taps(f"tri-{2 * n - 1}") == pytest.approx(convolution(box, box))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 8])
def test_binomial_row_is_the_row_before_convolved_with_two_ones(n: int) -> None:
    assert filter_taps(f"bin-{n + 1}") == pytest.approx(convolution(filter_taps(f"bin-{n}"), (0.5, 0.5)))
    assert filter_taps(f"bin-{n + 1}")[n // 2] == comb(n, n // 2) / 2**n


@pytest.mark.parametrize("name", ["rect-2", "tri-3", "bin-4", "bin-5"])
def test_highest_frequency_is_removed(name: str) -> None:
    assert fsum(tap * (-1) ** k for k, tap in enumerate(filter_taps(name))) == 0


@pytest.mark.parametrize("name", NO_FILTERS)
def test_unknown_name_is_refused_with_the_names_that_exist(name: str) -> None:
    with pytest.raises(ConfigError, match=r"delta-1, rect-N, tri-N .* window-3, window-6, window-7, ls-3, ls-7, got '"):
        filter_taps(name)


def test_near_miss_is_answered_with_the_name_that_was_meant() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'window-3'\?$"):
        filter_taps("windw-3")


def test_even_triangle_is_refused_with_what_to_take() -> None:
    with pytest.raises(ConfigError, match="tri-N needs an odd N, got 'tri-4'; take 'tri-5' or 'bin-4'"):
        filter_taps("tri-4")
