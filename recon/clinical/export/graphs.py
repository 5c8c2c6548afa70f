"""What is exported of a model: a module on the CPU that takes and gives float32, and what the file says of itself."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from recon.clinical.export.wishes import Wishes
from recon.clinical.identity import Identity
from recon.clinical.models import ClinicalModel
from recon.errors import ConfigError
from recon.nn.scaled import ScaledNetwork, Scaling

MOST = 2**16  # images at once, and multiples along a side


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """What a file holds.

    Args:
        module: from (B, 1, H, W) to the same, in eval mode.
        identity: what the file says of itself.
        given, made: what its input and its output are called.
        exact: whether a circular shift of any image must shift the result, bit for bit.
        exact_on_ties: whether it must do that on blank and periodic images too.
    """

    module: nn.Module
    identity: Identity
    given: str
    made: str
    exact: bool
    exact_on_ties: bool

    @property
    def props(self) -> Mapping[str, str]:
        """What people read of it where a file can hold words."""
        identity = self.identity
        units = {"any": "any; each image is scaled by itself", "HU": "HU"}.get(identity.scaling.units, "")
        return {
            "use": identity.use,
            "network": f"{identity.network} {identity.variant}",
            "modality": identity.modality,
            "input": f"{self.given} (batch, 1, height, width), float32",
            "units": units if identity.scaled_inside else "scaled as in training",
            "multiple": f"height and width must be multiples of {identity.multiple}",
            "precision": identity.precision,
            "weights": identity.weights,
        }


def graph_of(model: ClinicalModel, wishes: Wishes) -> Graph:
    """Take a copy of the model's network as it is to be exported."""
    if model.module is None:
        raise ConfigError(f"{model.file} is exported already; give the run or the network's .safetensors")
    network = _copied(model.module)
    if getattr(network, "pad", None) is not None:
        network.pad = None  # type: ignore[assignment]  # a recorded graph would pad every size as that of the example
    network = InPrecision(network, torch.float16) if wishes.precision == "float16" else network
    inside = wishes.scaling == "inside"
    module = ScaledNetwork(network, model.identity.scaling) if inside else network
    sampling = getattr(model.module, "sampling", None)
    exact = bool(getattr(sampling, "equivariant", False)) and getattr(model.module, "padding", "circular") == "circular"
    return Graph(
        module=module.eval(),
        identity=replace(model.identity, scaled_inside=inside, precision=wishes.precision),
        given="intensities" if inside else "images",
        made="reconstruction",
        exact=exact,
        exact_on_ties=exact and getattr(model.module, "ties", "image") == "image",
    )


def _copied(module: nn.Module) -> nn.Module:
    """Give a copy on the CPU that nothing trains, its weights in the usual order.

    Recorded graphs take torch's own convolutions, which with weights channels last treat the last pixels of a small
    image otherwise: they would not be exact.
    """
    return deepcopy(module).cpu().requires_grad_(False).to(memory_format=torch.contiguous_format)


def example_of(graph: Graph) -> Tensor:
    """Give images on which a graph is recorded: of two different sides, neither of which is one multiple."""
    multiple = graph.identity.multiple
    images = torch.randn(2, 1, side(multiple, 16), side(multiple, 24), generator=torch.Generator().manual_seed(0))
    return natural(images, graph.identity)


def sizes_of(graph: Graph) -> Sequence[dict[int, object]]:
    """Give the axes of any length, as torch.export takes them: images, and multiples of rows and columns."""
    batch, rows, columns = (torch.export.Dim(name, min=1, max=MOST) for name in ("batch", "rows", "columns"))
    multiple = graph.identity.multiple
    if multiple == 1:
        return [{0: batch, 2: rows, 3: columns}]
    return [{0: batch, 2: multiple * rows, 3: multiple * columns}]


def side(multiple: int, least: int, *, fewest: int = 2) -> int:
    """Give the least multiple that is at least `least`, and at least `fewest` of them.

    >>> side(4, 24), side(16, 24), side(32, 24)
    (24, 32, 64)
    """
    return multiple * max(fewest, -(-least // multiple))


def natural(images: Tensor, identity: Identity) -> Tensor:
    """Give images of mean 0 and deviation 1 as the file takes them: in HU, in a scanner's numbers, or as they are."""
    if not identity.scaled_inside:
        return images
    scaling: Scaling = identity.scaling
    return images * scaling.scale + scaling.mean if scaling.kind == "linear" else 250 * images + 1000


class InPrecision(nn.Module):
    """A network that computes in another precision than its input and output have."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.dtype = network.to(dtype), dtype

    def forward(self, images: Tensor) -> Tensor:
        """Compute, and give float32."""
        output: Tensor = self.network(images.to(self.dtype))
        return output.float()


class Rounded(nn.Module):
    """A network in its own precision, of images that are rounded to another.

    It is what a network in that precision is compared with: ties between phases are broken by the bits of the image, so
    that another image, however near, would have others chosen where they tie.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.dtype = network, dtype

    def forward(self, images: Tensor) -> Tensor:
        """Round and compute."""
        output: Tensor = self.network(images.to(self.dtype).to(images.dtype))
        return output
