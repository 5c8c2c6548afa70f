"""Tests of the conversion of other networks."""
