"""A model as a MONAI bundle: a folder of weights, configurations and documents that MONAI's own commands run."""

from recon.clinical.bundle.writing import write_bundle

__all__ = ["write_bundle"]
