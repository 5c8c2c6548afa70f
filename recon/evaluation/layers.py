"""Which layer breaks equivariance: the features behind every layer, compared under every shift below the period."""

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from recon.errors import require_at_least
from recon.evaluation.features import largest_stride, layer_errors
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol
from recon.evaluation.shifts import grid_of, shifted_outputs
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics.equivariance import disagreement
from recon.records import Word

BROKEN = 1e-10  # NMSE above which a layer is no longer equivariant; rounding stays far below
OUTPUT = "output"  # stands for the network's output where no layer is broken before it


class LayersProtocol(Protocol[Study]):
    """The equivariance error behind every layer, and the first layer that has one.

    Gives one result for the network, with an empty `item`: the largest `nmse` of its outputs, the share of shifts that
    are `bitwise` equal, and in its settings the `first` layer that breaks. `first` is empty where every output is equal
    bit for bit (no layer is looked at then), or where nothing exceeds rounding; it is `output` where the error arises
    after the last layer. For a network that is not exact, one result follows for each layer in the order of execution:
    `item` is the layer's dotted name (from its second call on in one pass, `name#2`), `nmse` the largest error over
    shifts and slices, and the array `nmse` the mean over slices for the shifts row by row.

    Layers are modules without parts, and recon's convolutions, down and up layers as wholes; those whose output is not
    an image of the input's size over a whole number are left out.

    Args:
        count: on how many slices, evenly spread.
    """

    name, title = "layers", "which layer breaks equivariance"

    def __init__(self, *, count: int = 2) -> None:
        self.count = require_at_least(count, 1, name="count")

    @property
    def settings(self) -> Mapping[str, Word]:
        """Its choices."""
        return {"count": self.count}

    def convention(self, study: Study) -> str:
        """Say how."""
        return (
            "NMSE = |F(T x) - T F(x)|^2 / |T F(x)|^2 of the features F behind a layer, repeated up to the input's size "
            "(nearest) and placed where the phases chosen above put them, for all circular shifts T below the "
            f"network's period; broken is more than 10^{math.log10(BROKEN):.0f}. After Zhang (2019), who takes the "
            "cosine distance"
        )

    def unfit(self, model: Model, study: Study) -> str:
        """Closed models have no layers to look at, and those of a padded image lie on another grid."""
        if model.module is None:
            return "it is closed, and its layers cannot be seen"
        period = model.subject.period or 1
        if any(n % period for n in study.size):
            height, width = study.size
            return (
                f"it pads {height} x {width} to whole periods of {period}, and its features lie on no grid of the input"
            )
        return ""

    def units(self, model: Model, study: Study) -> Sequence[Unit]:
        """Take a few slices, evenly spread, all at once."""
        there = [index for unit in study.slices(passes=1) for index in unit.indices]
        count = min(self.count, len(there))
        chosen = tuple(there[int((number + 0.5) * len(there) / count)] for number in range(count))
        return [Unit(f"slices {', '.join(map(str, chosen))}", chosen)]

    def passes(self, model: Model, unit: Unit, study: Study) -> int:
        """Count the shifts that an exact network takes, and what shows that it has phases."""
        return len(unit.indices) * (1 + (model.subject.period or 16) ** 2)

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Look at the outputs, then into the network if they are not exact."""
        images = [study.batch(Unit(unit.name, (index,))).input for index in unit.indices]
        period = model.subject.period or largest_stride(model, images[0])
        shifts = grid_of(max(period, 2), max(period, 2))  # a network without phases may still break at its borders
        if all(_is_exact(model, image, shifts) for image in images):
            yield Measured("set", "", {"nmse": 0.0, "bitwise": 1.0}, settings={"first": "", "period": period})
            return
        found = [layer_errors(model, image, shifts) for image in images]
        layers = [name for name in found[0].layers if all(name in one.layers for one in found)]
        errors = {name: torch.tensor([one.layers[name].errors for one in found]).double() for name in layers}
        outputs = torch.tensor([one.outputs for one in found]).double()
        bitwise = sum(sum(one.bitwise) for one in found) / outputs.numel()
        broken = [name for name in layers if bool(errors[name].max() > BROKEN)]
        first = broken[0] if broken else (OUTPUT if bool(outputs.max() > BROKEN) else "")
        whole = {"nmse": float(outputs.max()), "bitwise": bitwise}
        yield Measured("set", "", whole, settings={"first": first, "period": period, "layers": len(layers)})
        for index, name in enumerate(layers):
            layer = found[0].layers[name]
            yield Measured(
                "set",
                name,
                {"nmse": float(errors[name].max()), "mean_nmse": float(errors[name].mean())},
                settings={"index": index, "stride": layer.stride, "kind": layer.kind},
                arrays={"nmse": errors[name].mean(0).tolist()},
            )


def _is_exact(model: Model, image: Tensor, shifts: Tensor) -> bool:
    """Whether every output moves with the image bit for bit; asked until one does not."""
    unmoved: Tensor | None = None
    for outputs, _ in shifted_outputs(model, image, shifts):
        unmoved = outputs[0] if unmoved is None else unmoved
        if not all(disagreement(unmoved, output).bitwise for output in outputs):
            return False
    return True
