"""What a request can be refused with: one class for each kind of error (RFC 7644 section 3.12)."""

from __future__ import annotations

from typing import ClassVar

from scim_asgi.errors import ScimAsgiError
from scim_asgi.redaction import shown

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"
_LONGEST = 2000


class ScimError(ScimAsgiError):
    """A refusal that the client is told about.

    Args:
        detail: What is wrong, where, and what to do, for the admin who reads it in the directory;
            tokens in it are left out.

    Attributes:
        status: The HTTP status code.
        scim_type: The keyword of RFC 7644 table 9, or None where the status has none.
        headers: HTTP headers that belong to the answer.
        is_logged: Whether the provisioning log has it.
    """

    status: ClassVar[int] = 500
    scim_type: ClassVar[str | None] = None

    def __init__(self, detail: str) -> None:
        detail = shown(detail, _LONGEST)
        super().__init__(detail)
        self.detail = detail
        self.headers: dict[str, str] = {}
        self.is_logged = False

    def body(self) -> dict[str, object]:
        """Return the SCIM Error message as a JSON-able object; its status is a string."""
        body: dict[str, object] = {"schemas": [ERROR_SCHEMA], "status": str(self.status)}
        if self.scim_type is not None:
            body["scimType"] = self.scim_type
        body["detail"] = self.detail
        return body


class InvalidFilter(ScimError):
    """A filter that does not parse, or an operator that does not fit the attribute's type."""

    status = 400
    scim_type = "invalidFilter"


class Uniqueness(ScimError):
    """A value that is in use or reserved."""

    status = 409
    scim_type = "uniqueness"


class Mutability(ScimError):
    """A change of something that is read-only, immutable or required."""

    status = 400
    scim_type = "mutability"


class InvalidSyntax(ScimError):
    """A body that is not JSON, or not the message that the endpoint takes."""

    status = 400
    scim_type = "invalidSyntax"


class InvalidPath(ScimError):
    """A PATCH path that does not parse or names no attribute."""

    status = 400
    scim_type = "invalidPath"


class NoTarget(ScimError):
    """A PATCH operation whose path yields nothing that could be operated on."""

    status = 400
    scim_type = "noTarget"


class InvalidValue(ScimError):
    """A value that is missing, of the wrong type, or against the schema."""

    status = 400
    scim_type = "invalidValue"


class TooMany(ScimError):
    """A filter that this server is not willing to work out (RFC 7644 table 9)."""

    status = 400
    scim_type = "tooMany"


class InvalidCursor(ScimError):
    """A cursor that this server did not issue for this query (RFC 9865 section 2.1)."""

    status = 400
    scim_type = "invalidCursor"


class ExpiredCursor(ScimError):
    """A cursor that was issued too long ago (RFC 9865 section 2.1)."""

    status = 400
    scim_type = "expiredCursor"


class InvalidCount(ScimError):
    """A count that changed in the middle of a cursor walk (RFC 9865 section 2.1)."""

    status = 400
    scim_type = "invalidCount"


class Unauthorized(ScimError):
    """No credentials, or credentials that are not valid.

    Args:
        detail: For the admin.
        challenge: The value of the ``WWW-Authenticate`` header (RFC 6750 section 3).
    """

    status = 401

    def __init__(self, detail: str, challenge: str) -> None:
        super().__init__(detail)
        self.headers["WWW-Authenticate"] = challenge


class Forbidden(ScimError):
    """Something that these credentials may not do."""

    status = 403


class NotFound(ScimError):
    """No such endpoint or resource."""

    status = 404


class MethodNotAllowed(ScimError):
    """A method that the endpoint does not have.

    Args:
        detail: For the admin.
        allow: The methods that it has.
    """

    status = 405

    def __init__(self, detail: str, allow: tuple[str, ...]) -> None:
        super().__init__(detail)
        self.headers["Allow"] = ", ".join(allow)


class Conflict(ScimError):
    """Something that cannot be done in the present state, uniqueness aside."""

    status = 409


class PreconditionFailed(ScimError):
    """If-Match or If-None-Match did not hold (RFC 9110 section 13)."""

    status = 412


class PayloadTooLarge(ScimError):
    """A body, or a number of operations, over the limit that the detail names."""

    status = 413


class UriTooLong(ScimError):
    """A query string over the limit."""

    status = 414


class UnsupportedMediaType(ScimError):
    """A body that is not JSON by its Content-Type."""

    status = 415


class TooManyRequests(ScimError):
    """Over the rate limit (RFC 6585 section 4).

    Args:
        detail: For the admin.
        retry_after: Whole seconds to wait.
    """

    status = 429

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.headers["Retry-After"] = str(retry_after)


class InternalError(ScimError):
    """Something broke here; the log has the traceback, the client does not."""

    status = 500


class NotSupported(ScimError):
    """An optional part of the protocol that this server does not have."""

    status = 501


class Unavailable(ScimError):
    """Not now.

    Args:
        detail: For the admin.
        retry_after: Whole seconds to wait.
    """

    status = 503

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.headers["Retry-After"] = str(retry_after)
