"""Data sets as they are on disk, synthetic ones in the same formats, and what brings them to a network."""
