"""Acme: a small product that its customers' directories provision."""
