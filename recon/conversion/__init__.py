"""Converting networks that are there: their weights under another sampling, measured before and after, and written."""
