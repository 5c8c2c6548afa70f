"""Modules: blurs, selectors, sampling pairs, the U-Net, classifiers, segmenters, and conversion. Needs torch alone."""

from recon.nn.anchor import Anchor
from recon.nn.blurs import AdaptiveBlur, FixedBlur, make_blur
from recon.nn.canonical import Canonical
from recon.nn.conversion import EquivariantNetwork, make_equivariant, replacements, summary, with_one_phase
from recon.nn.converted import Converted
from recon.nn.convolution import Convolution
from recon.nn.inspection import selection_margin, with_fixed_phases
from recon.nn.labels import Classifier, Segmenter, transfer_weights
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
    "Canonical",
    "Classifier",
    "Converted",
    "Convolution",
    "Down",
    "EquivariantNetwork",
    "ExactInstanceNorm",
    "FixedBlur",
    "FixedSelector",
    "LearnedSelector",
    "NormSelector",
    "Phase",
    "Segmenter",
    "Selector",
    "UNet",
    "Up",
    "make_blur",
    "make_equivariant",
    "replacements",
    "sampling_pair",
    "selection_margin",
    "summary",
    "temperature_at",
    "transfer_weights",
    "with_fixed_phases",
    "with_one_phase",
]
