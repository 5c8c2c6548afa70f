"""The temperature of learned selections, which a schedule lowers while a network trains."""

from torch import nn

from recon.errors import ConfigError
from recon.nn.selectors import LearnedSelector


def set_temperature(network: nn.Module, temperature: float) -> None:
    """Set the temperature of the Gumbel-softmax of every learned selection in a network."""
    if not temperature > 0:
        raise ConfigError(f"temperature must be positive, got {temperature!r}")
    for module in network.modules():
        if isinstance(module, LearnedSelector):
            module.temperature.fill_(temperature)
