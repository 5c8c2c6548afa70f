"""Conversion: any network becomes equivariant, with its weights kept."""

from recon.nn.conversion.convert import make_equivariant
from recon.nn.conversion.network import EquivariantNetwork, replacements, summary, with_one_phase

__all__ = ["EquivariantNetwork", "make_equivariant", "replacements", "summary", "with_one_phase"]
