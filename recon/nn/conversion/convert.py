"""Making any network equivariant: follow it, plan its equivariant form, build that."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn

from recon.errors import ConfigError
from recon.nn.conversion.network import EquivariantNetwork
from recon.nn.conversion.planning import ADDED, Plan
from recon.nn.conversion.recording import Recorder
from recon.nn.conversion.rules import apply_rule
from recon.nn.conversion.steps import Step, Value, leaves, replaced, run
from recon.ops.checks import require_images
from recon.ops.memory import bits
from recon.samplings import Sampling, find_sampling


def make_equivariant(
    network: nn.Module,
    method: str | Sampling = "mass",
    *,
    blur: str | None = None,
    example: Tensor | Sequence[Tensor],
) -> EquivariantNetwork:
    """Give a copy of any network, with the same weights, that commutes exactly with circular shifts of its input.

    - Paddings become circular.
    - Every operation that samples down (strided convolutions and slices, pooling, blur pooling, pixel unshuffling) does
      so at the phase that each image chooses, and all that leave one grid by the same stride share one choice: that of
      the first of them, from its input (mass) or from its result at every pixel (aps, lps).
    - Every operation that samples up (transposed convolutions, interpolation, unpooling, pixel shuffling) returns to
      the grid that its pixels came from.
    - Means over pixels, normalisations, activations and linear layers treat every pixel alike to the bit.

    The network is followed by running it on the example in eval mode: every call of torch that it makes is written
    down, also those of its own functions and loops. What it decides by shapes, options and modes is decided once; sizes
    are computed again from those of each input, and normalisations and dropout follow `train()` and `eval()`. What
    looks at the values of an image, or does not commute with shifts (flattening, cropping, `align_corners=True`,
    convolutions that make an image smaller by their border), is refused, and the error names the operation and its
    place. `recon.Canonical` takes what is refused here.

    The copy has the modules and the keys of the original, and `equivariance` beside them, which has parameters for lps
    and adaptive blurs alone: the weights can be trained on, and loaded into the original. Hooks on modules that are no
    normalisations or dropout do not run. With every phase fixed to 0 (`recon.nn.with_one_phase`) it computes what the
    original does with circular paddings: bit for bit where that is made of pooling, batch normalisation, ReLU and
    convolutions as oneDNN computes them (torch calls it for all from 16 images on), elsewhere but for rounding.

    "Exactly" means what it means for `recon.UNet`: eval mode, float32, bfloat16 or autocast on a CPU, outputs on the
    input's grid, or a whole multiple of it, or without pixels. Outputs on a coarser grid move by their own phases.

    Args:
        network: any network of one image (batch, channels, *spatial), and perhaps other tensors after it. Those of the
            image's spatial size move with it.
        method: how phases are chosen: a name of `recon.SAMPLINGS`, or a `recon.Sampling` of your own, whose selection,
            look, p and largest count. `plain` gives the circular original.
        blur: a filter's name, to be put after every operation that samples down, and after those that sample up; None
            for the method's own.
        example: an image, or a tuple of all inputs, of a size that the network takes and its total stride divides.

    >>> import torch
    >>> from recon.metrics import equivariance_error
    >>> network = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ConvTranspose2d(4, 1, 2, 2)).eval()
    >>> converted = make_equivariant(network, example=torch.rand(1, 1, 8, 8))
    >>> x = torch.rand(1, 1, 16, 24)
    >>> equivariance_error(network, x, (1, 3)).bitwise, equivariance_error(converted, x, (1, 3)).bitwise
    (False, True)
    """
    spec = find_sampling(method)
    spec = spec if blur is None else replace(spec, blur=blur)
    inputs = (example,) if isinstance(example, Tensor) else tuple(example)
    require_images(inputs[0], inputs[0].ndim - 2, name="example")
    if any(name == ADDED for name, _ in network.named_children()):
        raise ConfigError(f"network must not have a module called {ADDED!r}; rename it")
    copy = deepcopy(network).eval()
    steps, values, output = followed(copy, inputs)
    _require_same(copy, inputs, steps, values, output)
    plan = Plan(copy, spec, dims=inputs[0].ndim - 2, slots=len(inputs) + len(steps))
    for value, tensor in zip(values, inputs, strict=True):
        plan.start(value, tensor, moves=tensor.ndim > 2 and tensor.shape[2:] == inputs[0].shape[2:])
    for step in steps:
        apply_rule(plan, step)
    converted = EquivariantNetwork(copy, plan, inputs=values, output=plan.output(output))
    for ours, theirs in zip(copy.modules(), network.modules(), strict=True):
        ours.training = theirs.training
    plan.added.train(network.training)
    converted.training = network.training
    return converted


def followed(network: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[tuple[Step, ...], tuple[Value, ...], object]:
    """Run a network once, and give its steps, the slots of its inputs, and the structure of its output."""
    recorder = Recorder(network)
    inputs = tuple(tensor.detach().clone() for tensor in inputs)
    values = tuple(recorder.input(tensor) for tensor in inputs)
    with torch.no_grad(), recorder.following(), recorder:
        output = network(*inputs)
    return tuple(recorder.steps), values, replaced(output, recorder.reference)


def _require_same(
    network: nn.Module, inputs: tuple[Tensor, ...], steps: tuple[Step, ...], values: tuple[Value, ...], output: object
) -> None:
    """Refuse a network whose steps do not do what it does, on other inputs and one image more."""
    others = tuple(_other(tensor, len(inputs[0])) for tensor in inputs)
    results: dict[int, object] = {v.slot: x.clone() for v, x in zip(values, others, strict=True)}
    with torch.no_grad():
        expected = list(leaves(network(*others)))
        try:
            got = list(leaves(run(network, steps, results, output)))
        except RuntimeError:  # of shapes, as torch raises it
            got = []
    if len(got) != len(expected) or not all(_same(a, b) for a, b in zip(expected, got, strict=True)):
        made = [str(step) for step in steps if any(isinstance(leaf, Tensor) for leaf in leaves(step.arguments))]
        hint = f"; {made[0]} takes a tensor that comes from nowhere" if made else ""
        raise ConfigError(
            "the network cannot be followed: with other inputs it does something else than with the example (it may "
            f"draw random numbers, count its images, or compute outside torch's functions{hint}); wrap it in "
            "recon.Canonical"
        )


def _same(a: object, b: object) -> bool:
    """Whether two leaves of an output are equal, bit for bit; on the meta device in shape and type alone."""
    if isinstance(a, Tensor):
        if not isinstance(b, Tensor) or a.dtype != b.dtype or a.shape != b.shape:
            return False
        return a.is_meta or torch.equal(bits(a), bits(b))
    return True  # sizes and other numbers have no say in what is computed


def _other(tensor: Tensor, batch: int) -> Tensor:
    """Another tensor, of one image more."""
    shape = (batch + 1, *tensor.shape[1:]) if tensor.ndim and len(tensor) == batch else tensor.shape
    if not tensor.is_floating_point():
        return tensor[:1].expand(shape) if shape != tensor.shape else tensor
    if tensor.is_meta:
        return torch.empty(shape, dtype=tensor.dtype, device="meta")
    generator = torch.Generator(device=tensor.device).manual_seed(0)
    return torch.rand(shape, generator=generator, dtype=tensor.dtype, device=tensor.device)
