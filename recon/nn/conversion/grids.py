"""Grids: the lattices of pixels on which the tensors of a network lie, and where in a tensor its grid lies."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grid:
    """The pixels of the input, or every stride-th pixel of a finer grid, from a phase that each image chooses.

    All that leaves a grid by the same stride shares one coarser grid, and so one choice.

    Args:
        finer: the grid above; None for the input's.
        stride: along each axis, in pixels of the finer grid.
        enlargement: of the input's grid, along each axis, in networks that give larger images than they take.

    >>> print(Grid(Grid(Grid(), 2), 2))
    input/2/2
    """

    finer: "Grid | None" = None
    stride: int = 1
    enlargement: int = 1

    def __str__(self) -> str:
        """Name the grid by the strides that lead to it."""
        if self.finer is not None:
            return f"{self.finer}/{self.stride}"
        return "input" if self.enlargement == 1 else f"input*{self.enlargement}"

    def above(self, factor: int) -> "tuple[Grid, tuple[Grid, ...]] | None":
        """Give the grid that is finer by that factor, and those left on the way to it, finest first; or None.

        >>> grid, left = Grid(Grid(Grid(), 2), 3).above(6)
        >>> print(grid, *left)
        input input/2 input/2/3
        """
        left: list[Grid] = []
        grid, rest = self, factor
        while rest > 1 and grid.finer is not None:
            if rest % grid.stride:
                return None
            left.insert(0, grid)
            grid, rest = grid.finer, rest // grid.stride
        return Grid(enlargement=grid.enlargement * rest) if rest > 1 else grid, tuple(left)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where in a tensor its pixels lie.

    Args:
        grid: the grid of its pixels; None for a tensor that does not depend on where the image lies.
        axes: the axes of the tensor along which its pixels lie, one for each dimension of the image. Of a tensor
            without grid: along which all its values are equal.
        margin: by how many pixels at the beginning and at the end of each of these axes the network has padded the
            tensor. The padding is left to the convolution that follows.
    """

    grid: Grid | None = None
    axes: tuple[int, ...] = ()
    margin: tuple[tuple[int, int], ...] = ()


NOWHERE = Placement()
