"""Endpoints of the reconciliation: deliver again, and release what is held."""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.routes import SCIM, Asked, Route, answer


class ReconcileBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is delivered: what differs, or with `everything` every account."""

    everything: bool = False


class ReconcileAnswer(Struct, frozen=True, kw_only=True):
    """What has begun.

    Attributes:
        since: When it began, in Unix milliseconds.
        pending: How many accounts there were to deliver then.
    """

    organization_id: str
    since: int
    pending: int


class ReleaseAnswer(Struct, frozen=True, kw_only=True):
    """How many held closings are let through now."""

    organization_id: str
    released: int


async def reconcile(asked: Asked) -> Response:
    wanted: ReconcileBody = asked.body
    reconciliation = asked.runtime.reconciliation
    since = await reconciliation.redeliver(
        asked.organization_id, everything=wanted.everything, by=asked.by
    )
    left = await reconciliation.status(asked.organization_id, since=since)
    begun = ReconcileAnswer(
        organization_id=asked.organization_id, since=since, pending=left.pending
    )
    return answer(begun, 202)


async def release(asked: Asked) -> Response:
    released = await asked.runtime.reconciliation.release(asked.organization_id, by=asked.by)
    return answer(ReleaseAnswer(organization_id=asked.organization_id, released=released))


ROUTES = (
    Route(
        method="POST",
        path=f"{SCIM}/reconcile",
        name="reconcile",
        summary="Deliver again what the product has not confirmed, or everything.",
        needs="manage",
        handler=reconcile,
        body=ReconcileBody,
        is_body_optional=True,
        answer=ReconcileAnswer,
        status=202,
    ),
    Route(
        method="POST",
        path=f"{SCIM}/release",
        name="release",
        summary="Let the deactivations and deletions through that the guard holds.",
        needs="manage",
        handler=release,
        answer=ReleaseAnswer,
    ),
)
