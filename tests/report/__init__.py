"""Tests of recon.report, one file for each module."""
