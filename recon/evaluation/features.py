"""The features behind every layer of a network, for an image and for that image moved, compared as they come."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product

import torch
from torch import Tensor, nn

from recon.evaluation.models import Model
from recon.metrics.equivariance import disagreement
from recon.nn.convolution import Convolution
from recon.nn.sampling import Down, Up
from recon.ops.periodic import roll_images

LARGEST_PERIOD = 64  # pixels


@dataclass(slots=True)
class Layer:
    """One layer.

    Args:
        kind: its class.
        stride: pixels of the input between two of its features.
        features: (C, h, w), those of the unmoved image.
        power: their sum of squares.
        offset: the pixel of the input where their grid starts.
        errors: the NMSE for each shift.
    """

    kind: str
    stride: int
    features: Tensor
    power: float
    offset: tuple[int, int]
    errors: list[float] = field(default_factory=list)


@dataclass(slots=True)
class LayerErrors:
    """The layers of a network by name, in the order of execution, and its outputs, each under the same shifts."""

    layers: dict[str, Layer]
    outputs: list[float]
    bitwise: list[bool]


def layer_errors(model: Model, image: Tensor, shifts: Tensor) -> LayerErrors:
    """Compare the features behind every layer for an image (1, C, H, W) and for the image under shifts (N, 2)."""
    assert model.module is not None
    size, shifts = (image.shape[2], image.shape[3]), shifts.to(image.device)
    together = min(model.batch_size, len(shifts))  # batches of one size are computed alike
    with _Watch(model.module, size).watching() as watch:
        unmoved = model(image.expand(together, *image.shape[1:]))[0]
        watch.reference = False
        found = LayerErrors({}, [], [])
        for part in shifts.split(together):
            watch.begin(part)
            outputs = roll_images(model(roll_images(image.expand(len(part), *image.shape[1:]), part)), -part)
            for output in outputs:
                error = disagreement(unmoved, output)
                found.outputs.append(error.nmse)
                found.bitwise.append(error.bitwise)
    found.layers = {name: layer for name, layer in watch.layers.items() if len(layer.errors) == len(shifts)}
    return found


def placed_error(reference: Tensor, features: Tensor, distance: Sequence[int], stride: int) -> float:
    """Compare features (C, h, w), each repeated stride x stride times, with the reference moved by some pixels.

    error = |U features - T U reference|^2 / stride^2, U repeating each value and T moving circularly by the distance.
    Neither is done: a pixel of the features meets at most two of the reference along each axis, and the distance says
    how much of it meets which.

    >>> one, other = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.0, 1.0]]])
    >>> [placed_error(one, other, (0, pixels), 2) for pixels in (0, 1, 2)]
    [2.0, 1.0, 0.0]
    """
    error = 0.0
    parts = [[(d // stride, stride - d % stride), (d // stride + 1, d % stride)] for d in distance]
    for (rows, height), (columns, width) in product(*parts):
        if height and width:
            difference = features.double() - torch.roll(reference, (rows, columns), (1, 2)).double()
            error += float(difference.square().sum()) * height * width / stride**2
    return error


def largest_stride(model: Model, image: Tensor) -> int:
    """Find the period of a network that does not say it: the stride of its smallest features.

    Strides above 64 are not counted: they are of what looks at the whole image.
    """
    assert model.module is not None
    with _Watch(model.module, (image.shape[2], image.shape[3])).watching() as watch:
        model(image)
    return max((layer.stride for layer in watch.layers.values() if layer.stride <= LARGEST_PERIOD), default=1)


class _Watch:
    """Hooks on the layers of a network, that keep the features of one pass and compare those of the following."""

    def __init__(self, network: nn.Module, size: tuple[int, int]) -> None:
        self.network, self.size = network, size
        self.layers: dict[str, Layer] = {}
        self.reference = True
        self.begin(torch.zeros(1, 2, dtype=torch.int64))

    def begin(self, shifts: Tensor) -> None:
        """Begin a pass on images moved by the shifts (B, 2)."""
        self.shifts: list[list[int]] = shifts.tolist()
        self.calls: dict[str, int] = {}
        self.offsets: dict[int, list[list[int]]] = {}  # stride to the input: where the grid of each image starts

    @contextmanager
    def watching(self) -> Iterator["_Watch"]:
        """Watch as long as the `with` lasts."""
        hooks = []
        for module, name in _layers(self.network).items():

            def see(layer: nn.Module, inputs: tuple[object, ...], output: object, name: str = name) -> None:
                self._see(name, layer, inputs, output)

            hooks.append(module.register_forward_hook(see))
        try:
            yield self
        finally:
            for hook in hooks:
                hook.remove()

    def _see(self, name: str, layer: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        """Keep or compare what a layer gives; at once, since the next may work in place."""
        features = output[0] if isinstance(output, tuple) else output
        stride = self._stride(features)
        self.calls[name] = self.calls.get(name, 0) + 1
        if stride is None:
            return
        assert isinstance(features, Tensor)  # it has a stride
        if isinstance(layer, Down) and isinstance(output, tuple):
            self._descend(stride, layer.stride, output[1].offset)
        key = name if self.calls[name] == 1 else f"{name}#{self.calls[name]}"
        offsets = self.offsets.get(stride, [[0, 0]] * len(features))
        if self.reference:
            place = (offsets[0][0], offsets[0][1])
            kept = features[0].detach().clone()
            power = float(kept.double().square().sum())
            self.layers[key] = Layer(type(layer).__name__, stride, kept, power, place)
        elif key in self.layers and len(features) == len(self.shifts):
            self._compare(self.layers[key], features, offsets)

    def _compare(self, layer: Layer, features: Tensor, offsets: Sequence[Sequence[int]]) -> None:
        """Note the error of each image."""
        for one, shift, offset in zip(features, self.shifts, offsets, strict=True):
            distance = [at + by - to for at, by, to in zip(layer.offset, shift, offset, strict=True)]
            error = placed_error(layer.features, one, distance, layer.stride)
            layer.errors.append(error / layer.power if layer.power > 0 else (0.0 if error == 0 else math.inf))

    def _descend(self, stride: int, step: int, phases: Tensor) -> None:
        """Note where the grids of a down layer's output start: its phases lie on the grid above."""
        fine = stride // step
        above = self.offsets.get(fine, [[0, 0]] * len(phases))
        self.offsets[stride] = [
            [start + fine * phase for start, phase in zip(*pair, strict=True)]
            for pair in zip(above, phases.tolist(), strict=True)
        ]

    def _stride(self, features: object) -> int | None:
        """Give how many pixels of the input one of the features stands for along each axis, if that is whole."""
        if not isinstance(features, Tensor) or features.ndim != 4 or 0 in features.shape:
            return None
        (height, width), (rows, columns) = self.size, features.shape[2:]
        whole = height % rows == 0 and width % columns == 0 and height // rows == width // columns
        return height // rows if whole else None


def _layers(network: nn.Module) -> dict[nn.Module, str]:
    """Give the layers with their dotted names; what is inside a layer of recon's is no layer."""
    found: dict[nn.Module, str] = {}
    inside: set[nn.Module] = set()
    for name, module in network.named_modules():
        whole = isinstance(module, Convolution | Down | Up)
        if module not in inside and (whole or not any(True for _ in module.children())):
            found[module] = name or "network"
        if whole:
            inside.update(part for part in module.modules() if part is not module)
    return found
