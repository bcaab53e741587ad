"""Templates as answers, with the headers that every answer of the page has."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from scim_asgi.admin.page import words
from scim_asgi.admin.page.visits import Visit
from scim_asgi.redaction import redacted

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""No answer is kept: it may hold personal data, or a token."""

_NAVIGATION = (
    ("Overview", ()),
    ("Set up", ("setup",)),
    ("Tokens", ("tokens",)),
    ("Attributes", ("mapping",)),
    ("Groups and roles", ("roles",)),
    ("Users", ("users",)),
    ("Log", ("log",)),
)


def _without_tokens(value: Any) -> Any:
    """Return what a template shows without tokens, but for what it has marked as ready."""
    return redacted(value) if type(value) is str else value


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("scim_asgi.admin.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_without_tokens,
    )
    environment.filters.update(words.FILTERS)
    return environment


_templates = _environment()


def render(
    visit: Visit, template: str, status: int = 200, *, section: str = "", **values: Any
) -> Response:
    """Return a page.

    Args:
        visit: Who looks at it.
        template: The template's name.
        status: The HTTP status.
        section: To which part of the page it belongs; empty for what the template's name says.
        values: What the template is given.
    """
    current = section or template.partition(".")[0].partition("-")[0]
    html = _templates.get_template(template).render(
        visit=visit,
        url=visit.url,
        can_manage=visit.actor.can_manage,
        organization_id=visit.organization_id,
        navigation=[
            (title, visit.url(*path), (path or ("overview",))[0] == current)
            for title, path in _NAVIGATION
        ],
        **{"done": words.DONE.get(visit.query.get("done")), **values},
    )
    return Response(html, status, HEADERS, "text/html")


def render_problem(up: str, status: int, title: str, text: str) -> Response:
    """Return a page that says why there is none."""
    html = _templates.get_template("problem.html").render(
        home=f"{up}directory-sync", asset=f"{up}directory-sync/static", title=title, text=text
    )
    return Response(html, status, HEADERS, "text/html")


def see_other(url: str) -> Response:
    """Return the answer to a form: look there."""
    return Response(status_code=303, headers={**HEADERS, "Location": url})
