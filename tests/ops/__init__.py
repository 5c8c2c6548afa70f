"""Tests of recon.ops, one file for each module."""
