"""Attribute mapping: a SCIM User becomes the fields of the host's account."""
