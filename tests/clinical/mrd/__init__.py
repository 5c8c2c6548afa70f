"""Tests of MRD raw data: files, streams, the server."""
