"""Wrong and missing tokens, and what is not there: refusals that have to be SCIM errors."""

from __future__ import annotations

from uuid import uuid4

from scim_asgi.doctor.answers import Answer, in_words, texts
from scim_asgi.doctor.examination import FIRST_PATH, Examination
from scim_asgi.protocol.errors import ERROR_SCHEMA

_FORM = (
    f'Answer with a JSON object: schemas ["{ERROR_SCHEMA}"], status as text, detail for the'
    " directory's admin, as application/scim+json."
)
_IDS = ("00919288221112222", "010011000111010110010011101010")


def check_tokens(exam: Examination) -> None:
    """Check that wrong and missing tokens are refused, and how."""
    wrong = exam.client.get(FIRST_PATH, authorization=f"Bearer {uuid4().hex}")
    missing = exam.client.get(FIRST_PATH, authorization=None)
    for words, answer in (("A wrong token", wrong), ("A missing token", missing)):
        if answer.status == 200:
            exam.fail(
                "token-refused",
                f"{words} is accepted.",
                "Close this at once: requests without a valid token have to be answered 401.",
            )
            return
        if answer.status != 401:
            exam.fail(
                "token-refused",
                f"{words} is answered {in_words(answer)}, not 401.",
                "Answer 401: directories tell a wrong token from other trouble by it.",
            )
            return
    for words, answer in (("a wrong token", wrong), ("a missing token", missing)):
        lack = lack_of_error(answer)
        if lack:
            exam.fail("token-refused", f"The 401 for {words} {lack}.", _FORM, ("okta",))
            return
    if "bearer" not in wrong.headers.get("www-authenticate", "").casefold():
        exam.warn(
            "token-refused",
            "The 401 has no “WWW-Authenticate: Bearer”.",
            "Send that header with every 401.",
            ("entra",),
        )
    exam.ok("token-refused", "401 and a SCIM error.")


def check_token_scheme(exam: Examination) -> None:
    """Look whether the token alone is taken too, as one setting of Okta's sends it."""
    if exam.token is None:
        exam.skip("token-scheme", "No token was given.")
        return
    bare = exam.client.get(FIRST_PATH, authorization=exam.token)
    if bare.is_list:
        exam.ok("token-scheme", "The token is taken with “Bearer” and alone.")
    else:
        exam.ok(
            "token-scheme",
            "Only with “Bearer”: in Okta choose the method that sends it, not “Header”.",
        )


def check_not_found(exam: Examination) -> None:
    """Ask for users who cannot exist, by ids of several shapes."""
    for unknown in (str(uuid4()), *_IDS):
        answer = exam.client.get(f"/Users/{unknown}")
        if answer.status != 404:
            exam.fail(
                "not-found",
                f"The unknown id {unknown} is answered {in_words(answer)}, not 404.",
                "Answer 404 for every id that is not there, whatever it looks like.",
            )
            return
        lack = lack_of_error(answer)
        if lack:
            exam.fail("not-found", f"The 404 {lack}.", _FORM, ("okta",))
            return
    exam.ok("not-found", "404 and a SCIM error.")


def lack_of_error(answer: Answer) -> str:
    """Return what an answer lacks of a SCIM Error message, empty when nothing."""
    if answer.is_html:
        return "comes with a web page"
    if not answer.body:
        return "has no JSON object as its body"
    if ERROR_SCHEMA not in texts(answer.body.get("schemas")):
        return "does not name the Error schema"
    if answer.body.get("status") != str(answer.status):
        return f'has no "status": "{answer.status}"'
    if not answer.body.get("detail"):
        return "has no detail"
    return ""
