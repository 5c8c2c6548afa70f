"""Tests of converting networks that are there."""
