"""Whole experiments: data made, networks trained and measured, and the report written, in one call."""
