"""Tests of bundles: what they hold, and what MONAI's own commands make of them."""
