"""Metrics: pure functions over torch and the standard library alone."""

from recon.metrics.consistency import circular_consistency, circular_pair, crop_consistency
from recon.metrics.equivariance import EquivarianceError, disagreement, equivariance_error, equivariance_pair
from recon.metrics.every_shift import correct_within, table_by_shift, variation
from recon.metrics.labels import (
    accuracy,
    agreement,
    chosen_labels,
    confusion_matrix,
    correct_labels,
    mean_iou,
    overlaps,
    true_probabilities,
)
from recon.metrics.quality import Quality, image_quality, nmse, psnr, ssim, ssim_loss, volume_quality

__all__ = [
    "EquivarianceError",
    "Quality",
    "accuracy",
    "agreement",
    "chosen_labels",
    "circular_consistency",
    "circular_pair",
    "confusion_matrix",
    "correct_labels",
    "correct_within",
    "crop_consistency",
    "disagreement",
    "equivariance_error",
    "equivariance_pair",
    "image_quality",
    "mean_iou",
    "nmse",
    "overlaps",
    "psnr",
    "ssim",
    "ssim_loss",
    "table_by_shift",
    "true_probabilities",
    "variation",
    "volume_quality",
]
