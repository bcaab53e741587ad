"""The use case of a bulk request: each operation as if it had come alone (RFC 7644 section 3.7)."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from msgspec.structs import replace

from scim_asgi.protocol.bulk import (
    BulkOperation,
    BulkRequest,
    in_order,
    mentioned,
    references,
    resolved,
    resolved_text,
    without,
)
from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.errors import (
    Conflict,
    InternalError,
    InvalidValue,
    MethodNotAllowed,
    NotFound,
    ScimError,
)
from scim_asgi.protocol.messages import BULK_RESPONSE, PATCH_OP
from scim_asgi.protocol.projection import project
from scim_asgi.provisioning.answers import Answer
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.preconditions import Preconditions, read_tags
from scim_asgi.provisioning.service import Service
from scim_asgi.redaction import shown

logger = logging.getLogger("scim_asgi")

_ANY_VERSION = Preconditions()


class Bulk:
    """Carries out bulk requests.

    Args:
        service: What carries out each operation.
        registry: The resource types.
    """

    def __init__(self, service: Service, registry: Registry) -> None:
        self._service = service
        self._registry = registry

    async def run(self, caller: Caller, request: BulkRequest) -> dict[str, Any]:
        """Carry the operations out and return the BulkResponse, in the order of the request."""
        return await _Run(self._service, self._registry, caller, request).response()


class _Run:
    """One bulk request on its way.

    `_ids` are the bulkIds whose resources are there, `_answers` what became of the operations
    so far, and `_waiting` attributes of created resources that mention one that is not there yet.
    """

    def __init__(
        self, service: Service, registry: Registry, caller: Caller, request: BulkRequest
    ) -> None:
        self._service = service
        self._registry = registry
        self._caller = caller
        self._request = request
        self._ids: dict[str, str] = {}
        self._answers: dict[int, Answer | ScimError] = {}
        self._waiting: dict[int, dict[str, Any]] = {}
        self._makers = {
            each.bulk_id: index
            for index, each in enumerate(request.operations)
            if isinstance(each, BulkOperation) and each.method == "POST"
        }

    async def response(self) -> dict[str, Any]:
        limit = self._request.fail_on_errors
        errors = 0
        for index in in_order(self._request.operations):
            if limit is not None and errors >= limit:
                break
            await self._try(index)
            errors += isinstance(self._answers[index], ScimError)
            await self._complete_all(self._complete_now())
        await self._complete_all(list(self._waiting))
        entries = [self._entry(index) for index in sorted(self._answers)]
        return {"schemas": [BULK_RESPONSE], "Operations": entries}

    async def _try(self, index: int) -> None:
        operation = self._request.operations[index]
        caller = self._caller
        if isinstance(operation, BulkOperation):
            caller = replace(caller, method=operation.method, path=operation.path[:500])
        try:
            self._answers[index] = await self._carry_out(caller, index)
        except ScimError as error:
            self._answers[index] = error
            if not error.is_logged:
                await self._service.log_refusal(caller, error)
        except Exception:
            logger.exception("Operation %d of a bulk request failed.", index)
            msg = "The server failed; its log says why. Try again, or tell its operator."
            self._answers[index] = InternalError(msg)

    async def _carry_out(self, caller: Caller, index: int) -> Answer:
        operation = self._readable(index)
        definition, resource_id = self._target(operation)
        data, later = self._split(operation, self._missing(operation))
        if operation.method == "POST":
            answer = await self._service.create(caller, definition, data, project(definition))
            assert operation.bulk_id is not None
            assert answer.resource is not None
            self._ids[operation.bulk_id] = answer.resource["id"]
            if later:
                self._waiting[index] = later
            return answer
        conditions = Preconditions(if_match=read_tags(operation.version))
        if operation.method == "DELETE":
            return await self._service.delete(caller, definition, resource_id, conditions)
        change = self._service.replace if operation.method == "PUT" else self._service.patch
        return await change(caller, definition, resource_id, data, project(definition), conditions)

    def _readable(self, index: int) -> BulkOperation:
        operation = self._request.operations[index]
        if isinstance(operation, ScimError):
            raise operation
        return operation

    def _target(self, operation: BulkOperation) -> tuple[ResourceDefinition, str]:
        """Return the type and the id that an operation's path names, the id "" for a POST."""
        endpoint, _, resource_id = operation.path.strip("/").partition("/")
        definition = self._registry.by_endpoint.get(f"/{endpoint}")
        if definition is None or "/" in resource_id:
            msg = f'There is no endpoint "{operation.path[:200]}" for a bulk operation.'
            raise NotFound(msg)
        if (operation.method == "POST") == bool(resource_id):
            allowed = ("PUT", "PATCH", "DELETE") if resource_id else ("POST",)
            msg = f'"{operation.path[:200]}" takes {", ".join(allowed)}, not {operation.method}.'
            raise MethodNotAllowed(msg, allowed)
        return definition, self._known(resource_id)

    def _known(self, resource_id: str) -> str:
        try:
            return resolved_text(resource_id, self._ids)
        except KeyError as error:
            raise self._unresolved(error.args[0]) from None

    def _missing(self, operation: BulkOperation) -> set[str]:
        """Return the bulkIds that an operation mentions and that a later one makes.

        Raises:
            InvalidValue: No operation has a bulkId that it mentions.
            Conflict: The operation that has it failed.
        """
        missing = references(operation) - self._ids.keys()
        for name in sorted(missing):
            if name not in self._makers or self._makers[name] in self._answers:
                raise self._unresolved(name)
        return missing

    def _unresolved(self, name: str) -> ScimError:
        if name in self._makers:
            return Conflict(f'The operation with the bulkId "{name[:100]}" was not carried out.')
        return InvalidValue(f'No operation of this request has the bulkId "{name[:100]}".')

    def _split(
        self, operation: BulkOperation, missing: set[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the data with ids in it, and what of a new resource has to wait."""
        if not isinstance(operation.data, dict):
            return {}, {}
        data, later = without(operation.data, missing) if missing else (operation.data, {})
        return resolved(data, self._ids), later

    def _complete_now(self) -> list[int]:
        """Return the created resources for which nothing is missing any more."""
        return [
            index for index, later in self._waiting.items() if mentioned(later) <= self._ids.keys()
        ]

    async def _complete_all(self, indexes: list[int]) -> None:
        for index in indexes:
            await self._complete(index, self._waiting.pop(index))

    async def _complete(self, index: int, later: dict[str, Any]) -> None:
        """Add to a created resource what had to wait; take it back when that cannot be done."""
        operation, answer = self._request.operations[index], self._answers[index]
        assert isinstance(operation, BulkOperation)
        assert isinstance(answer, Answer)
        definition, _ = self._target(operation)
        resource_id = self._ids[operation.bulk_id or ""]
        caller = replace(self._caller, method="PATCH", path=f"{definition.endpoint}/{resource_id}")
        try:
            change = {"op": "replace", "value": resolved(later, self._ids)}
            body = {"schemas": [PATCH_OP], "Operations": [change]}
            changed = await self._service.patch(
                caller, definition, resource_id, body, project(definition), _ANY_VERSION
            )
            self._answers[index] = replace(answer, etag=changed.etag)
        except KeyError as error:
            self._answers[index] = self._unresolved(error.args[0])
        except ScimError as error:
            self._answers[index] = error
        if isinstance(self._answers[index], ScimError):
            caller = replace(caller, method="DELETE")
            # What the host does not let go of stays, and is logged as every refusal is.
            with contextlib.suppress(ScimError):
                await self._service.delete(caller, definition, resource_id, _ANY_VERSION)

    def _entry(self, index: int) -> dict[str, Any]:
        """Return what the response says of an operation."""
        operation, answer = self._request.operations[index], self._answers[index]
        entry: dict[str, Any] = {}
        if isinstance(operation, BulkOperation):
            entry["method"] = operation.method
            if operation.bulk_id is not None:
                entry["bulkId"] = operation.bulk_id
            if operation.method != "POST":
                entry["location"] = self._location(operation)
        if isinstance(answer, ScimError):
            return {**entry, "status": str(answer.status), "response": answer.body()}
        if answer.location is not None:
            entry["location"] = answer.location
        if answer.etag is not None:
            entry["version"] = answer.etag
        return {**entry, "status": str(answer.status)}

    def _location(self, operation: BulkOperation) -> str:
        path = operation.path.strip("/")
        with contextlib.suppress(KeyError):
            path = resolved_text(path, self._ids)
        return f"{self._caller.base_url}/{shown(path, 500)}"
