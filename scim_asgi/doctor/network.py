"""Why a connection failed, in plain words."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from scim_asgi.doctor.answers import NetworkTrouble
from scim_asgi.remote import shown

_EXPIRED = 10
_NOT_YET_VALID = 9
_HOST_MISMATCH = (62, 64)


def network_trouble(error: Exception, host: str, seconds: float) -> NetworkTrouble:
    """Return what an exception of httpx means.

    Args:
        error: The exception.
        host: The host that was asked.
        seconds: How long was waited at most.
    """
    found = next((known for each in _causes(error) if (known := _known(each, host))), None)
    if found is not None:
        return found
    if isinstance(error, httpx.RemoteProtocolError) and "location" in str(error):
        return NetworkTrouble(
            "redirect",
            "The answer is a redirect to something that is no URL.",
            "Look where the proxy's redirects come from; directories do not follow them.",
        )
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return NetworkTrouble(
            "reach",
            f"There is no answer within {seconds:g} s.",
            "Look whether a firewall drops connections, and whether the server is busy: its log"
            " shows whether the request arrived. --timeout waits longer.",
        )
    return NetworkTrouble(
        "reach",
        f"The connection broke: {shown(str(error)) or type(error).__name__}.",
        "Look at the log of the proxy in front of the server, then at the server's own.",
    )


def _known(error: BaseException, host: str) -> NetworkTrouble | None:
    """Return what one of the causes means, None where it says nothing by itself."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error, host)
    if isinstance(error, ssl.SSLError):
        return _tls(error)
    if isinstance(error, socket.gaierror):
        return NetworkTrouble(
            "reach",
            f'The name "{host}" is not found in DNS.',
            "Look for a typing mistake in the URL; else add the DNS record, or wait until it has"
            " spread.",
        )
    if isinstance(error, ConnectionRefusedError):
        return NetworkTrouble(
            "reach",
            "The connection is refused.",
            "Nothing listens at this host and port: start the server, or correct the port; look"
            " at the firewall.",
        )
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _certificate(error: ssl.SSLCertVerificationError, host: str) -> NetworkTrouble:
    if error.verify_code == _EXPIRED:
        seen, advice = "The certificate has expired.", "Renew it, and let it renew itself."
    elif error.verify_code == _NOT_YET_VALID:
        seen = "The certificate is not valid yet."
        advice = "Look at the clocks of this machine and of the issuer."
    elif error.verify_code in _HOST_MISMATCH:
        seen = f'The certificate is not for "{host}".'
        advice = "Use the name that is in the certificate, or have one issued for this name."
    else:
        seen = f"The certificate is not trusted: {shown(error.verify_message)}."
        advice = (
            "Directories trust public authorities only: install a certificate of one, with its"
            " intermediate certificates."
        )
    return NetworkTrouble("tls", seen, advice)


def _tls(error: ssl.SSLError) -> NetworkTrouble:
    reason = shown(str(error.reason or error))
    if "WRONG_VERSION_NUMBER" in reason or "HTTP_REQUEST" in reason:
        advice = "This port speaks plain http: correct the port, or put TLS in front of it."
    else:
        advice = "Look at the TLS settings of the proxy; TLS 1.2 has to be among the versions."
    return NetworkTrouble("tls", f"There is no TLS connection: {reason}.", advice)
