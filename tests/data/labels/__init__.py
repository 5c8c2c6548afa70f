"""Tests of recon.data.labels, one file for each module."""
