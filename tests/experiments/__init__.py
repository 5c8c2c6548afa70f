"""Tests of recon.experiments."""
