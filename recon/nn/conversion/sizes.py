"""Sizes of tensors that know where they come from, so that a followed network works for other sizes and batches."""

import operator
from collections.abc import Callable

from recon.nn.conversion.steps import Computed, Size


class FollowedSize(int):
    """A whole number that remembers of which sizes it was computed.

    Comparisons are those of the number; sums, differences, products, floor divisions and remainders remember.

    Args:
        number: the number.
        origin: what it is.
    """

    origin: Size | Computed

    def __new__(cls, number: int, origin: Size | Computed) -> "FollowedSize":
        """Make the number."""
        size = super().__new__(cls, number)
        size.origin = origin
        return size

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        """Give copies the number alone."""
        return int, (int(self),)

    def _computed(self, function: Callable[[int, int], int], *numbers: object) -> "FollowedSize":
        """Compute, of this number and another, in that order."""
        plain = [int(n) for n in numbers]  # type: ignore[call-overload]
        origins = tuple(n.origin if isinstance(n, FollowedSize) else n for n in numbers)
        return FollowedSize(function(*plain), Computed(function, origins))


def _forward(function: Callable[[int, int], int]) -> Callable[[FollowedSize, object], object]:
    def method(self: FollowedSize, other: object) -> object:
        return self._computed(function, self, other) if isinstance(other, int) else NotImplemented

    return method


def _reflected(function: Callable[[int, int], int]) -> Callable[[FollowedSize, object], object]:
    def method(self: FollowedSize, other: object) -> object:
        return self._computed(function, other, self) if isinstance(other, int) else NotImplemented

    return method


for _name in ("add", "sub", "mul", "floordiv", "mod"):
    setattr(FollowedSize, f"__{_name}__", _forward(getattr(operator, _name)))
    setattr(FollowedSize, f"__r{_name}__", _reflected(getattr(operator, _name)))
