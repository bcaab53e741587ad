"""SCIM 2.0 itself (RFC 7643, RFC 7644), as pure functions over plain values."""
