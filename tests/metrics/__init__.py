"""Tests of recon.metrics, one file for each module."""
