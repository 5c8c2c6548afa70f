"""Trained networks as files that run without recon: written, opened where they will run, measured, and then named."""

from recon.clinical.export.exporting import export_network
from recon.clinical.export.verifying import TOLERANCE, ExportFailedError
from recon.clinical.export.wishes import FORMATS, Check, Exported, Wishes

__all__ = ["FORMATS", "TOLERANCE", "Check", "ExportFailedError", "Exported", "Wishes", "export_network"]
