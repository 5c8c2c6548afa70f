"""Evaluation: networks and data in, records out."""
