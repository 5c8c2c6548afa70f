"""Tests of recon.report.labels, and of what the rest of the report makes of its records."""
