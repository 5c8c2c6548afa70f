"""Tests of DICOM in and out."""
