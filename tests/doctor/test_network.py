"""What goes wrong before a SCIM server is reached: names, ports, TLS, time."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from starlette.types import Receive, Scope, Send

from scim_asgi.doctor import Level, Report, UnusableTarget, diagnose
from tests.doctor.conftest import Site, roots
from tests.doctor.proxy import Breakage, Reply
from tests.doctor.test_breakages import error, when
from tests.servers import serving


def finding(report: Report, check: str) -> str:
    return next(each.seen for each in report.findings if each.id == check)


@contextmanager
def tls_site(
    site: Site, folder: Path, certificate: trustme.LeafCert, **settings: Any
) -> Iterator[str]:
    """Serve the deployment with a certificate and yield its base URL."""
    chain = folder / "chain.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(chain)
    with serving(site.proxy, ssl_certfile=chain, lifespan="off", **settings) as origin:
        yield f"{origin.replace('http:', 'https:')}/scim/v2"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that this machine trusts for the time of a test."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority


def days(number: float) -> datetime:
    return datetime.now(tz=UTC) + timedelta(days=number)


def test_a_certificate_that_is_trusted_is_fine(
    site: Site, tmp_path: Path, authority: trustme.CA
) -> None:
    with tls_site(site, tmp_path, authority.issue_cert("127.0.0.1")) as url:
        report = site.examined(url, site.token)
    assert {} == roots(report)
    assert not report.failures
    assert "Trusted from here." == finding(report, "tls")
    assert "https" == finding(report, "url-https")


def test_a_certificate_of_nobody_is_not_trusted(site: Site, tmp_path: Path) -> None:
    with tls_site(site, tmp_path, trustme.CA().issue_cert("127.0.0.1")) as url:
        report = site.examined(url, site.token)
    assert {"tls": "failure"} == roots(report)
    assert "not trusted" in finding(report, "tls")
    assert 1 == report.requests
    assert not report.complete


def test_a_certificate_that_has_expired_is_named_so(
    site: Site, tmp_path: Path, authority: trustme.CA
) -> None:
    certificate = authority.issue_cert("127.0.0.1", not_before=days(-9), not_after=days(-1))
    with tls_site(site, tmp_path, certificate) as url:
        report = site.examined(url, site.token)
    assert {"tls": "failure"} == roots(report)
    assert "expired" in finding(report, "tls")


def test_a_certificate_for_another_host_is_named_so(
    site: Site, tmp_path: Path, authority: trustme.CA
) -> None:
    with tls_site(site, tmp_path, authority.issue_cert("other.test")) as url:
        report = site.examined(url, site.token)
    assert {"tls": "failure"} == roots(report)
    assert 'not for "127.0.0.1"' in finding(report, "tls")


def test_a_certificate_that_ends_soon_is_warned_of(
    site: Site, tmp_path: Path, authority: trustme.CA
) -> None:
    certificate = authority.issue_cert("127.0.0.1", not_after=days(3.5))
    with tls_site(site, tmp_path, certificate) as url:
        assert {"tls": "warning"} == roots(site.examined(url, site.token))


def test_a_server_without_tls_1_2_is_a_failure_for_entra(
    site: Site, tmp_path: Path, authority: trustme.CA
) -> None:
    def newest_only(config: Any, make: Any) -> ssl.SSLContext:
        context: ssl.SSLContext = make()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context

    certificate = authority.issue_cert("127.0.0.1")
    with tls_site(site, tmp_path, certificate, ssl_context_factory=newest_only) as url:
        report = site.examined(url, site.token)
    assert {"tls": "failure"} == roots(report)
    (failure,) = [each for each in report.failures if each.id == "tls"]
    assert ("entra",) == failure.directories


def test_https_to_a_port_that_speaks_http_is_named_so(site: Site) -> None:
    report = site.examined(site.url.replace("http:", "https:"), site.token)
    assert {"tls": "failure"} == roots(report)
    assert "plain http" in next(each.advice for each in report.failures if each.id == "tls")


def test_http_to_a_port_that_speaks_tls_ends_with_a_failure(
    site: Site, tmp_path: Path, authority: trustme.CA
) -> None:
    with tls_site(site, tmp_path, authority.issue_cert("127.0.0.1")) as url:
        report = site.examined(url.replace("https:", "http:"), site.token)
    assert {"reach": "failure"} == roots(report)


def test_a_closed_port_is_named_so() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        report = diagnose(f"http://127.0.0.1:{port}/scim/v2", "token")
    assert {"reach": "failure"} == roots(report)
    assert "refused" in finding(report, "reach")
    assert all(("reach",) == each.causes for each in report.failures if each.id != "reach")


def test_a_name_that_does_not_exist_is_named_so() -> None:
    report = diagnose("https://scim.nowhere.invalid/scim/v2", "token")
    assert {"reach": "failure"} == roots(report)
    assert "DNS" in finding(report, "reach")


async def _silent(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _endless(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while scope["type"] == "http":
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("app", [_silent, _endless])
def test_a_server_that_does_not_come_to_an_end_is_given_up(app: Any) -> None:
    with serving(app, lifespan="off", timeout_graceful_shutdown=1) as origin:
        report = diagnose(f"{origin}/scim/v2", "token", timeout=0.3)
    assert {"reach": "failure"} == roots(report)
    assert "within 0.3 s" in finding(report, "reach")


def test_an_answer_without_an_end_is_read_only_so_far(site: Site) -> None:
    big = when(lambda _: True, lambda: Reply(200, {}, b"[" * (9 * 2**20)))
    assert {"base-url": "failure"} == roots(site.broken(big))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://scim.acme.invalid/scim/v2", {"url-https", "reach"}),
        ("https://my_product.acme.invalid/scim/v2", {"url-underscore", "reach"}),
        ("https://acme.invalid/scim/v2/Users", {"url-path", "reach"}),
        ("https://acme.invalid/scim//v2", {"url-path", "reach"}),
        ("https://acme.invalid/scim/v2/", {"url-path", "reach"}),
    ],
)
def test_what_is_wrong_with_the_url_is_seen_in_it(url: str, found: set[str]) -> None:
    report = diagnose(url, "token")
    assert found == {
        each.id
        for each in report.findings
        if each.level in (Level.WARNING, Level.FAILURE) and not each.causes
    }


@pytest.mark.parametrize(
    ("url", "token", "message"),
    [
        ("acme.test/scim/v2", "token", "https://product.example"),
        ("ftp://acme.test/scim/v2", "token", "https://product.example"),
        ("https://acme.test:port/", "token", "cannot be read"),
        ("https://acme..test/", "token", "host"),
        (f"https://{'a' * 64}.test/", "token", "host"),
        ("https://acme.test/a b", "token", "spaces"),
        ("https://user:secret@acme.test/", "token", "password"),
        ("https://acme.test/scim/v2", "Bearer scim_x", "without “Bearer”"),
        ("https://acme.test/scim/v2", "scim_x\n", "line breaks"),
        ("https://acme.test/scim/v2", "", "empty"),
        ("https://acme.test/scim/v2", "töken", "characters"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    url: str, token: str, message: str
) -> None:
    with pytest.raises(UnusableTarget, match=message) as caught:
        diagnose(url, token)
    assert "secret" not in str(caught.value)


def test_the_right_url_is_guessed_where_the_prefix_is_missing(site: Site) -> None:
    report = site.examined(site.origin, site.token)
    assert {"base-url": "failure"} == roots(report)
    assert site.url in next(each.advice for each in report.failures if each.id == "base-url")


def test_a_slash_at_the_end_of_the_url_makes_doubled_slashes_matter(site: Site) -> None:
    site.proxy.breakage = when(lambda scope: "//" in scope["path"], lambda: error(404))
    report = site.examined(f"{site.url}/", site.token)
    assert {"url-path": "warning", "slashes": "failure"} == roots(report)


def test_the_flag_in_the_url_is_left_away(site: Site) -> None:
    report = site.examined(f"{site.url}?aadOptscim062020", site.token)
    assert {} == roots(report)
    assert site.url == report.url


def test_without_a_token_what_can_be_seen_is_checked(site: Site) -> None:
    report = site.examined(site.url, None)
    assert {} == roots(report)
    assert not report.failures
    assert not report.with_token
    site.proxy.breakage = when(lambda scope: "//" in scope["path"], lambda: error(404))
    assert {"slashes": "warning"} == roots(site.examined(site.url, None))


def test_a_wrong_token_is_said_with_the_servers_own_words(site: Site) -> None:
    report = site.examined(site.url, "scim_wrong")
    assert {"token": "failure"} == roots(report)
    assert "mistyped, revoked or expired" in finding(report, "token")
    assert "scim_wrong" not in repr(report)


def test_slow_answers_are_warned_of(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scim_asgi.doctor.checks.wire._SLOW", 0.3)

    def slow(scope: Scope) -> None:
        if "/Schemas" in scope["path"]:
            time.sleep(0.4)

    report = site.broken(Breakage(instead=slow))
    assert {"speed": "warning"} == roots(report)


def test_a_deployment_without_people_leaves_open_what_cannot_be_judged(site: Site) -> None:
    report = site.examined(site.url, site.empty_token)
    assert {} == roots(report)
    assert not report.failures
    skipped = {each.id for each in report.findings if each.level is Level.SKIPPED}
    assert {"filter-ignored", "filter-finds", "paging", "users-complete"} <= skipped
