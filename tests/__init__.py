"""The tests of recon, in the order of its folders."""
