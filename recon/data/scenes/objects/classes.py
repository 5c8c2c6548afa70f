"""The classes of objects: each is a shape with a pattern, and neither alone tells which one it is."""

from typing import NamedTuple


class ObjectClass(NamedTuple):
    """A class of objects, and what its objects look like."""

    pattern: str
    shape: str

    @property
    def name(self) -> str:
        """The class's name, such as striped disc."""
        return f"{self.pattern} {self.shape}"


# A circle of five shapes and five patterns: every shape has two patterns, and every pattern two shapes.
CLASSES = (
    ObjectClass("striped", "disc"),
    ObjectClass("checked", "disc"),
    ObjectClass("checked", "square"),
    ObjectClass("dotted", "square"),
    ObjectClass("dotted", "triangle"),
    ObjectClass("wavy", "triangle"),
    ObjectClass("wavy", "star"),
    ObjectClass("latticed", "star"),
    ObjectClass("latticed", "ring"),
    ObjectClass("striped", "ring"),
)
