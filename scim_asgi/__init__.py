"""SCIM 2.0 provisioning for an ASGI product."""
