"""A network as MONAI's configurations name it: the class, and the arguments that build it again."""

from collections.abc import Mapping
from typing import TypeAlias

from recon.clinical.identity import Identity
from recon.nn.converted import Converted
from recon.nn.unet import UNet
from recon.records import Word

TARGET = "_target_"

Bundled: TypeAlias = UNet | Converted


def network_words(network: Bundled, identity: Identity) -> dict[str, Word]:
    """Say how a network is built that takes and gives intensities."""
    return {
        TARGET: "recon.nn.scaled.ScaledNetwork",
        "network": _inner(network),
        "scaling": {TARGET: "recon.nn.scaled.Scaling", **identity.scaling.words},  # type: ignore[dict-item]
    }


def _inner(network: Bundled) -> dict[str, Word]:
    arguments: dict[str, Word] = dict(network.arguments)  # type: ignore[arg-type]  # they are words
    if isinstance(sampling := arguments["sampling"], Mapping):
        arguments["sampling"] = {TARGET: "recon.samplings.sampling_from_words", "words": sampling}
    if isinstance(network, UNet):
        return {TARGET: "recon.UNet", **arguments}
    factory = network.factory.removesuffix("()").replace(":", ".")
    settings: Mapping[str, Word] = network.settings or {}  # type: ignore[assignment]  # they are words
    return {TARGET: "recon.nn.converted.Converted", "network": {TARGET: factory, **settings}, **arguments}
