"""Modules: blurs, selectors, sampling pairs and the U-Net. Imports torch and the standard library alone."""

from recon.nn.anchor import Anchor
from recon.nn.blurs import AdaptiveBlur, FixedBlur, make_blur
from recon.nn.convolution import Convolution
from recon.nn.inspection import selection_margin, with_fixed_phases
from recon.nn.norms import ExactInstanceNorm
from recon.nn.sampling import Down, Up, sampling_pair
from recon.nn.selectors import (
    FixedSelector,
    LearnedSelector,
    NormSelector,
    Phase,
    Selector,
    temperature_at,
)
from recon.nn.unet import UNet

__all__ = [
    "AdaptiveBlur",
    "Anchor",
    "Convolution",
    "Down",
    "ExactInstanceNorm",
    "FixedBlur",
    "FixedSelector",
    "LearnedSelector",
    "NormSelector",
    "Phase",
    "Selector",
    "UNet",
    "Up",
    "make_blur",
    "sampling_pair",
    "selection_margin",
    "temperature_at",
    "with_fixed_phases",
]
