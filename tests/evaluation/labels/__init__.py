"""Tests of the evaluation of classifiers and segmenters."""
