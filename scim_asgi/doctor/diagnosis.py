"""The examination as a whole."""

from __future__ import annotations

from scim_asgi.doctor.catalogue import CHECKS
from scim_asgi.doctor.checks.connections import conclude_connections, try_connections
from scim_asgi.doctor.checks.discovery import check_discovery
from scim_asgi.doctor.checks.filters import check_filters
from scim_asgi.doctor.checks.first import check_first
from scim_asgi.doctor.checks.pages import check_pages
from scim_asgi.doctor.checks.rate import check_rate_limit
from scim_asgi.doctor.checks.resources import check_groups, check_ids, check_users
from scim_asgi.doctor.checks.tokens import check_not_found, check_token_scheme, check_tokens
from scim_asgi.doctor.checks.url import check_url
from scim_asgi.doctor.checks.variants import check_variants
from scim_asgi.doctor.checks.wire import check_answers
from scim_asgi.doctor.client import Stop
from scim_asgi.doctor.examination import Examination
from scim_asgi.doctor.findings import Report
from scim_asgi.remote import read_base_url, sendable

ENTRA_RATE = 25.0
"""Requests a second that Entra wants a server to bear."""


def diagnose(
    url: str, token: str | None = None, *, timeout: float = 10.0, per_second: float = ENTRA_RATE
) -> Report:
    """Examine a SCIM deployment by GET requests; nothing is written.

    Args:
        url: The base URL, as directories are given it.
        token: The bearer token, None to look only at what can be seen without.
        timeout: Seconds that one request may take.
        per_second: How many requests a second are sent at most.

    Raises:
        UnusableTarget: The URL is none, or the token cannot be sent in a header.
    """
    exam = Examination(read_base_url(url), sendable(token), timeout=timeout, per_second=per_second)
    tried: dict[str, str] | None = None
    complete = False
    try:
        check_url(exam)
        if check_first(exam):
            tried = _look_closer(exam)
            complete = True
    except Stop:
        pass
    finally:
        exam.client.close()
    check_answers(exam)
    if exam.client.answers:
        check_rate_limit(exam)
    conclude_connections(exam, tried)
    return _report(exam, complete=complete)


def _look_closer(exam: Examination) -> dict[str, str] | None:
    check_tokens(exam)
    check_variants(exam)
    if exam.token is None:
        return None
    check_token_scheme(exam)
    check_not_found(exam)
    check_filters(exam)
    check_pages(exam)
    check_users(exam)
    check_ids(exam)
    check_groups(exam)
    check_discovery(exam)
    return try_connections(exam)


def _report(exam: Examination, *, complete: bool) -> Report:
    order = list(CHECKS)
    found = sorted(exam.findings.values(), key=lambda each: order.index(each.id))
    return Report(
        url=exam.base.text,
        with_token=exam.token is not None,
        complete=complete,
        requests=exam.client.sent,
        findings=tuple(found),
    )
