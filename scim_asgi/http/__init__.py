"""ASGI: bytes in, bytes out."""
