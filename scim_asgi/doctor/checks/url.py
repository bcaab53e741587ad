"""What can be seen in the URL alone."""

from __future__ import annotations

import ipaddress
import socket

from scim_asgi.doctor.examination import Examination

_LAST_WORDS = ("users", "groups", "serviceproviderconfig", "schemas", "resourcetypes", "bulk")


def check_url(exam: Examination) -> None:
    """Check scheme, host and path of the base URL."""
    addresses = _addresses(exam.base.host, exam.base.port)
    is_local = bool(addresses) and all(each.is_loopback for each in addresses)
    _check_https(exam, is_local=is_local)
    _check_public(exam, addresses)
    _check_underscore(exam)
    _check_path(exam)


def _addresses(host: str, port: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    except (OSError, UnicodeError, ValueError):
        return []


def _check_https(exam: Examination, *, is_local: bool) -> None:
    if exam.base.scheme == "https":
        exam.ok("url-https", "https")
    elif is_local:
        exam.warn("url-https", "http, on this machine.", "Fine for trying; directories want https.")
    else:
        exam.fail(
            "url-https",
            "http: the token and everybody's data cross the network in the clear.",
            "Put TLS in front of the server and give directories the https URL; they refuse http.",
        )


def _check_public(
    exam: Examination, addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address]
) -> None:
    hidden = [each for each in addresses if not each.is_global]
    if not addresses:
        exam.skip("url-public", "The name is not found from here.")
    elif hidden:
        exam.warn(
            "url-public",
            f"{exam.base.host} has the address {hidden[0]} from here, which is not public.",
            "Directories in the cloud need a name with a public address; a tunnel does for trials.",
        )
    else:
        exam.ok("url-public", str(addresses[0]))


def _check_underscore(exam: Examination) -> None:
    if "_" in exam.base.text:
        exam.fail(
            "url-underscore",
            "There is an underscore in the URL.",
            "Okta does not take such a URL: serve the same under a host and path without one.",
        )
    else:
        exam.ok("url-underscore", "None.")


def _check_path(exam: Examination) -> None:
    last = exam.base.path.rpartition("/")[2].casefold()
    if last in _LAST_WORDS:
        exam.fail(
            "url-path",
            f'The URL ends in "{last}", which directories add themselves.',
            "Give directories the URL without it.",
        )
    elif "//" in exam.base.path:
        exam.warn("url-path", "The path has a doubled slash.", "Write the URL without it.")
    elif exam.base.slash:
        exam.warn(
            "url-path",
            "The URL ends in a slash; some directories then ask for //Users.",
            "Give directories the URL without it.",
        )
    elif exam.base.query:
        exam.ok("url-path", f"“?{exam.base.query[:60]}” was left away for these checks.")
    else:
        exam.ok("url-path", exam.base.path or "/")
