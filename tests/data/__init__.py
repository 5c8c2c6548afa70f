"""Tests of recon.data, one file for each module."""
