"""Metrics: pure functions over torch and the standard library alone."""

from recon.metrics.equivariance import EquivarianceError, disagreement, equivariance_error, equivariance_pair
from recon.metrics.quality import Quality, image_quality, nmse, psnr, ssim, ssim_loss, volume_quality

__all__ = [
    "EquivarianceError",
    "Quality",
    "disagreement",
    "equivariance_error",
    "equivariance_pair",
    "image_quality",
    "nmse",
    "psnr",
    "ssim",
    "ssim_loss",
    "volume_quality",
]
