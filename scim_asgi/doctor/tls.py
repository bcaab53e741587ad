"""What a TLS handshake tells beside the answer: versions, and how long the certificate lasts."""

from __future__ import annotations

import socket
import ssl
import time

import httpx
from msgspec import Struct


class Handshake(Struct, frozen=True):
    """One handshake, limited to TLS 1.2.

    Attributes:
        speaks_tls_1_2: Whether it came about; None when it could not be tried from here.
        days_left: Days for which the certificate is still valid.
    """

    speaks_tls_1_2: bool | None
    days_left: float | None = None


def shake_hands(host: str, port: int, timeout: float) -> Handshake:
    """Connect to a host with TLS 1.2 and no other version, and hang up."""
    context = httpx.create_ssl_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        with (
            socket.create_connection((host, port), timeout) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            until = str((wrapped.getpeercert() or {}).get("notAfter", ""))
            left = (ssl.cert_time_to_seconds(until) - time.time()) / 86_400 if until else None
            return Handshake(speaks_tls_1_2=True, days_left=left)
    except ssl.SSLCertVerificationError:
        return Handshake(speaks_tls_1_2=None)
    except ssl.SSLError:
        return Handshake(speaks_tls_1_2=False)
    except OSError:
        return Handshake(speaks_tls_1_2=None)
