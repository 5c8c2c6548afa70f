"""Tests of recon.nn."""
