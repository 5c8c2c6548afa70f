"""Tests of recon.data.inspection."""
