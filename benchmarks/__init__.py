"""Measurements of scim-asgi; `make bench` runs them all."""
