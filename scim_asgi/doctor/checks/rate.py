"""What is known of the rate limit when all has been asked."""

from __future__ import annotations

from scim_asgi.doctor.examination import Examination
from scim_asgi.remote import shown, whole_seconds


def check_rate_limit(exam: Examination) -> None:
    """Say what is known of the rate limit from all answers."""
    client = exam.client
    if not client.throttled:
        limits = sorted(
            f"{name}: {shown(value, 40)}"
            for answer in client.answers[:1]
            for name, value in answer.headers.items()
            if "ratelimit-limit" in name or "rate-limit-limit" in name
        )
        seen = f"No 429 in {client.sent} requests" + (f"; {', '.join(limits)}." if limits else ".")
        exam.ok("rate-limit", seen)
        return
    bad = [
        each for each in client.throttled if whole_seconds(each.headers.get("retry-after")) is None
    ]
    if bad:
        value = bad[0].headers.get("retry-after")
        told = "no Retry-After" if value is None else f"“Retry-After: {shown(value, 40)}”"
        exam.fail(
            "rate-limit",
            f"Some of {client.sent} requests were answered 429, with {told}.",
            "Send Retry-After in whole seconds: Okta waits five minutes where it is anything"
            " else. Entra needs 25 requests a second.",
        )
    elif client.answers[-1].status == 429:
        exam.fail(
            "rate-limit",
            f"The server kept answering 429, {client.throttled[-1].headers['retry-after']} s to"
            f" wait, after {client.sent} requests.",
            "Raise the limit for the SCIM paths: Entra needs 25 requests a second.",
        )
    else:
        exam.warn(
            "rate-limit",
            f"{len(client.throttled)} of {client.sent} requests were answered 429.",
            "Raise the limit for the SCIM paths: Entra needs 25 requests a second.",
        )
