"""The checks; each notes one finding for each id that it is about."""
