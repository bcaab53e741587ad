"""The first request: whether anything else can be looked at at all."""

from __future__ import annotations

from urllib.parse import urlsplit

from scim_asgi.doctor.answers import Answer, in_words
from scim_asgi.doctor.examination import FIRST_PATH, Examination
from scim_asgi.doctor.tls import shake_hands
from scim_asgi.remote import shown

_KNOWN_AGENT = "Okta SCIM Client 1.0.0"
_WALLS = ("cloudflare", "akamai", "incapsula", "imperva", "awselb", "big-ip", "sucuri", "barracuda")
_GUESSES = ("/v2", "/scim/v2", "/scim")
_FEW_DAYS = 14


def check_first(exam: Examination) -> bool:
    """Send the first request and say what stands in its way.

    Returns:
        Whether the server answers as a SCIM server, so that going on makes sense.
    """
    answer = exam.client.get(FIRST_PATH)
    if answer.trouble is not None:
        exam.fail(answer.trouble.check, answer.trouble.seen, answer.trouble.advice)
        return False
    exam.ok("reach", f"In {answer.seconds * 1000:.0f} ms.")
    _check_tls(exam)
    exam.first = _let_in(exam, answer)
    return _is_well(exam, exam.first)


def _check_tls(exam: Examination) -> None:
    if exam.base.scheme != "https":
        exam.skip("tls", "The URL is not https.")
        return
    hands = shake_hands(exam.base.host, exam.base.port, exam.timeout)
    if hands.speaks_tls_1_2 is False:
        exam.fail(
            "tls",
            "The certificate is trusted, but TLS 1.2 is refused.",
            "Allow TLS 1.2 beside 1.3: it is the version that Entra names.",
            ("entra",),
        )
    elif hands.days_left is not None and hands.days_left < _FEW_DAYS:
        exam.warn(
            "tls",
            f"The certificate ends in {hands.days_left:.0f} days.",
            "Renew it, and look whether it renews itself.",
        )
    else:
        exam.ok("tls", "Trusted from here.")


def _let_in(exam: Examination, answer: Answer) -> Answer:
    """Return the answer of a request that is let in, trying other words where it is not."""
    if answer.status not in (400, 403, 406, 415, 503) or "detail" in answer.body:
        return answer
    other = exam.client.get(FIRST_PATH, user_agent=_KNOWN_AGENT)
    if _speaks_scim(other):
        exam.fail(
            "user-agent",
            f"A User-Agent that is not known is answered {in_words(answer)}; Okta's is let in.",
            "Let the firewall pass every User-Agent, and none, to the SCIM paths: the token is"
            " what protects them.",
        )
        exam.client.user_agent = _KNOWN_AGENT
        return other
    other = exam.client.get(FIRST_PATH, accept=None)
    if _speaks_scim(other):
        exam.fail(
            "accept",
            f"“Accept: {exam.client.accept}” is answered {in_words(answer)}.",
            "Answer application/scim+json whatever Accept says; never 406.",
        )
        exam.client.accept = "*/*"
        return other
    return answer


def _speaks_scim(answer: Answer) -> bool:
    return answer.is_list or (answer.status == 401 and bool(answer.body))


def _is_well(exam: Examination, answer: Answer) -> bool:
    if 300 <= answer.status < 400:
        _redirected(exam, answer)
        return False
    exam.ok("redirect", "None.")
    if answer.is_html:
        _page(exam, answer)
        return False
    exam.ok("html", "JSON.")
    if answer.status >= 500:
        exam.fail(
            "server-errors",
            f"The first request is answered {in_words(answer)}.",
            "The server's log has the reason; 502, 503 and 504 mostly come from the proxy, when"
            " the server behind it is down.",
        )
    elif answer.status in (401, 403):
        return _refused(exam, answer)
    elif not answer.is_list:
        _elsewhere(exam, answer)
    elif exam.token is None:
        exam.fail(
            "token-refused",
            "Users are listed to anybody, without a token.",
            "Close this at once: requests without a valid token have to be answered 401.",
        )
    else:
        exam.ok("token", "Accepted.")
        exam.ok("base-url", "A list of users.")
    return answer.is_list


def _redirected(exam: Examination, answer: Answer) -> None:
    target = answer.headers.get("location", "")
    try:
        parts = urlsplit(target)
    except ValueError:
        parts = urlsplit("")
    words = target.casefold()
    if parts.scheme == "https" and exam.base.scheme == "http" and parts.hostname == exam.base.host:
        advice = "Give directories the https URL."
    elif any(each in words for each in ("login", "signin", "sign-in", "auth", "sso")):
        advice = "A login stands in front: let the SCIM paths past it, the token protects them."
    elif parts.path.rstrip("/") == urlsplit(answer.url).path.rstrip("/"):
        advice = "Switch off the redirect that adds or takes a slash; answer both."
    else:
        advice = "Give directories the URL that the redirect leads to, or switch it off."
    exam.fail(
        "redirect",
        f"The answer is {answer.status}, a redirect to {shown(target) or 'nowhere'}.",
        f"{advice} Directories do not follow redirects, or lose the token on the way.",
    )


def _page(exam: Examination, answer: Answer) -> None:
    marks = " ".join((answer.headers.get("server", ""), answer.headers.get("via", ""))).casefold()
    if any(each in marks for each in _WALLS) or answer.status in (403, 406, 429):
        advice = (
            "A firewall or proxy answers in the server's place: look in its log for this request"
            " and let the SCIM paths through."
        )
    elif answer.status == 401:
        advice = (
            "The proxy wants a password of its own (Basic authentication): let the SCIM paths past"
            " it, the token protects them."
        )
    elif answer.status == 200:
        advice = (
            "The single-page application or a login page answers for paths that nobody else"
            " takes: route the SCIM path to the server, and mind its prefix."
        )
    elif answer.status >= 500:
        advice = "The proxy does not reach the server behind it: look whether that one runs."
    else:
        advice = "Another application answers here: look at the URL and the proxy's routes."
    exam.fail("html", f"The answer is {in_words(answer)}.", advice)


def _refused(exam: Examination, answer: Answer) -> bool:
    """Say why the token is not taken; go on without one where none was given."""
    if exam.token is None:
        exam.skip("token", "None was given: only what can be seen without is looked at.")
        return True
    bare = exam.client.get(FIRST_PATH, authorization=exam.token)
    if bare.is_list:
        exam.fail(
            "token-scheme",
            "The token is accepted only without “Bearer” in front of it.",
            "Accept “Authorization: Bearer …”: it is what directories send.",
        )
        exam.skip("token", "See below.")
        return False
    if answer.status == 403:
        advice = (
            "The token is known but may not do this, or a firewall refuses: a SCIM server answers"
            " 401 for a token that is wrong."
        )
    elif answer.headers.get("www-authenticate", "").casefold().startswith("basic"):
        advice = (
            "The server, or the proxy in front of it, wants a user name and password (Basic), not"
            " a bearer token: let the SCIM paths past it, or accept bearer tokens."
        )
    else:
        advice = (
            "It is mistyped, cut off, of another deployment, expired or revoked: issue a new one"
            " and paste it whole. If it is right, look whether the proxy takes the Authorization"
            " header away."
        )
    exam.fail("token", f"The token is refused: {in_words(answer)}.", advice)
    return False


def _elsewhere(exam: Examination, answer: Answer) -> None:
    found = next((each for each in _GUESSES if _is_scim_at(exam, each)), None)
    if found is not None:
        advice = f"SCIM seems to be at {exam.base.text}{found}: give directories that URL."
    elif answer.status in (404, 405):
        advice = (
            "Look at the mount's prefix and at the proxy's routes: directories ask for"
            f" {exam.base.path}/Users."
        )
    else:
        advice = "The server does not answer a plain list of users: its log says why."
    exam.fail("base-url", f"A list of users is answered {in_words(answer)}.", advice)


def _is_scim_at(exam: Examination, path: str) -> bool:
    answer = exam.client.get(f"{path}{FIRST_PATH}")
    return answer.is_list or (answer.status == 401 and "schemas" in answer.body)
