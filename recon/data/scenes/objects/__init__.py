"""Objects in front of backgrounds: shapes filled with patterns, drawn in colour from random numbers."""
