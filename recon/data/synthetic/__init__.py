"""Synthetic data sets in the true file formats: anatomy from recon.data.scenes, measured as scanners do."""
