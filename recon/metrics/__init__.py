"""Metrics: pure functions over torch and the standard library alone."""

from recon.metrics.equivariance import EquivarianceError, equivariance_error

__all__ = ["EquivarianceError", "equivariance_error"]
