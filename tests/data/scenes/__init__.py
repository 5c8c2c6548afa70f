"""Tests of recon.data.scenes, one file for each scene."""
