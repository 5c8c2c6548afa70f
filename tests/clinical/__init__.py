"""Tests of what carries a network into the clinic."""
