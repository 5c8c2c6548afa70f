"""Tests of the formats of what is reconstructed."""
