"""The conversion itself: the same weights in a network with another sampling."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from recon import checkpoints
from recon.conversion.originals import Original, find_original
from recon.errors import ConfigError
from recon.nn.conversion import EquivariantNetwork, summary
from recon.nn.converted import Converted
from recon.nn.labels import Classifier, Segmenter, transfer_weights
from recon.nn.unet import UNet
from recon.records import Word
from recon.samplings import find_sampling

AnyNetwork: TypeAlias = UNet | Classifier | Segmenter | Converted


def converted(original: Original, method: str, *, blur: str | None = None) -> tuple[AnyNetwork, Sequence[str]]:
    """Give a network with the weights of the original and the sampling `method`, and the names of weights that are new.

    Paddings become circular. Weights that are new, of learned samplings and adaptive blurs, are not trained.
    """
    find_sampling(method)
    network = original.network
    if isinstance(network, Converted):
        made = Converted(network.factory, network.network, sampling=method, blur=blur, example=network.example)
        known = network.state_dict()
        return made.eval(), [name for name in made.state_dict() if name not in known]
    arguments = {**network.arguments, "sampling": method, "blur": blur, "padding": "circular"}
    target = type(network).from_arguments(arguments)
    if target.arguments == network.arguments:
        raise ConfigError(f"{original.spec} has the sampling {method} already; choose another --method")
    new = transfer_weights(network.state_dict(), target)
    return target.eval(), new


def conversion_words(original: Original, method: str, new: Sequence[str]) -> dict[str, Word]:
    """Say of a converted network what it was made from, and whether all of its weights are trained."""
    words = original.network.arguments
    return {
        "from": str(words.get("sampling", "none")),
        "method": method,
        "weights": original.weights,
        "untrained": list(new),
    }


def about_converted(original: Original, method: str, new: Sequence[str]) -> Mapping[str, Word]:
    """Give what a converted network's file says of it: all that the original's said, and the conversion."""
    return {**original.about, "conversion": conversion_words(original, method, new)}


def convert_file(source: Path, method: str, target: Path) -> None:
    """Convert the network of a file and write the result to another."""
    original = find_original(str(source))
    network, new = converted(original, method)
    checkpoints.save(network, target, about=about_converted(original, method, new))


def summary_of(network: AnyNetwork) -> str:
    """Say what was replaced, an operation a line; a UNet is built of pairs, and says how many."""
    found = [module for module in network.modules() if isinstance(module, EquivariantNetwork)]
    if found:
        return summary(found[0])
    assert isinstance(network, UNet)  # the others hold what was converted
    return f"{len(network.downs)} pairs of down and up layers have the sampling {network.sampling.name}"
