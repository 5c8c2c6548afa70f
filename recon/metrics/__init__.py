"""Metrics: pure functions over torch and the standard library alone."""

from recon.metrics.equivariance import EquivarianceError, equivariance_error
from recon.metrics.quality import Quality, image_quality, nmse, psnr, ssim, ssim_loss, volume_quality

__all__ = [
    "EquivarianceError",
    "Quality",
    "equivariance_error",
    "image_quality",
    "nmse",
    "psnr",
    "ssim",
    "ssim_loss",
    "volume_quality",
]
