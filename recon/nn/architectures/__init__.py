"""Plain classifiers and segmenters of the papers, from images (B, C, H, W) to logits."""

from recon.nn.architectures.table import CLASSIFIERS, SEGMENTERS, Architecture

__all__ = ["CLASSIFIERS", "SEGMENTERS", "Architecture"]
