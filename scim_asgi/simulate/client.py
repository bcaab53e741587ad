"""Requests as a directory sends them: its headers, its spelling of URLs, its patience."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import msgspec
from msgspec import Struct

from scim_asgi.simulate.report import Refused, Report

_LONGEST_WAIT = 30.0
_FIRST_WAIT = 1.0


class Failure(Exception):
    """What the product counts as a failure; the object is tried again in the next cycle.

    Args:
        text: What failed, in words.
        passing: Whether it may well work in a moment: no answer, 429 or 503.
    """

    def __init__(self, text: str, *, passing: bool = False) -> None:
        super().__init__(text)
        self.passing = passing


class Stopped(Exception):
    """The product would not go on: the message says why, for its admin."""


class Reply(Struct, frozen=True):
    """An answer that the product takes.

    Attributes:
        status: The HTTP status.
        body: The JSON object; empty where there was no body.
    """

    status: int
    body: dict[str, Any]

    @property
    def id(self) -> str:
        """The id of the resource that was answered.

        Raises:
            Failure: It has none.
        """
        found = self.body.get("id")
        if not isinstance(found, str):
            raise Failure("the answer has no id")
        return found


class Page(Struct, frozen=True):
    """A ListResponse that can be relied on: whole numbers, and resources with ids."""

    total: int
    resources: list[dict[str, Any]]


def page_of(body: Mapping[str, Any]) -> Page | None:
    """Return the page that a body holds, None where it is no ListResponse."""
    total, resources = body.get("totalResults"), body.get("Resources") or []
    if not isinstance(total, int) or not isinstance(resources, list):
        return None
    whole = all(isinstance(each, dict) and isinstance(each.get("id"), str) for each in resources)
    return Page(total, resources) if whole else None


class Exchange(Struct, frozen=True):
    """One request of the product and what came of it.

    Attributes:
        method: The HTTP method.
        target: Path and query, below the base URL.
        status: The HTTP status; 0 where there was no answer.
        milliseconds: How long it took.
    """

    method: str
    target: str
    status: int
    milliseconds: float


class Manners(Struct, frozen=True, kw_only=True):
    """How a product speaks HTTP.

    Attributes:
        headers: Headers of every request.
        body_type: The Content-Type of requests with a body; None for none at all.
        get_type: The Content-Type that its GETs carry all the same, or None.
        plus: Whether spaces in queries are ``+``.
        flag: What it puts behind every URL, such as ``aadOptscim062020``.
        timeout: Seconds after which it gives an answer up.
        busy: Statuses after which it waits and asks again.
        attempts: How many times it asks at most.
        reconnects: Whether it asks again at once when a connection breaks.
    """

    headers: dict[str, str] = {}
    body_type: str | None = "application/scim+json"
    get_type: str | None = None
    plus: bool = False
    flag: str | None = None
    timeout: float = 60.0
    busy: tuple[int, ...] = (429,)
    attempts: int = 10
    reconnects: bool = False


class Client:
    """Sends requests below a base URL and writes down what came back.

    Args:
        http: The connections.
        url: The base URL.
        token: The bearer token.
        manners: How the product speaks.
        report: Where it is written down.
        on_exchange: Is told of every request and its answer.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        token: str,
        manners: Manners,
        report: Report,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._manners = manners
        self._report = report
        self._on_exchange = on_exchange
        self._headers = {"Authorization": f"Bearer {token}", **manners.headers}

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Sequence[tuple[str, str]] = (),
        expect: Sequence[int] = (200,),
        attempts: int | None = None,
    ) -> Reply:
        """Send a request, again where the product does so, and return the answer.

        Args:
            method: The HTTP method.
            path: The path below the base URL.
            body: The JSON object to send.
            query: Names and values, still unescaped.
            expect: The statuses with which the product goes on.
            attempts: How many times it is sent at most, where that differs from the manners.

        Raises:
            Failure: The answer has another status, is no JSON object, or did not come.
        """
        target = self._target(path, query)
        content = None if body is None else msgspec.json.encode(body)
        last = (attempts or self._manners.attempts) - 1
        for attempt in range(last + 1):
            answer = await self._once(method, target, content)
            if isinstance(answer, str):
                self._refused(method, target, 0, answer, expected=False)
                if not self._manners.reconnects or attempt == last:
                    raise Failure(f"{method} {target}: {answer}", passing=True)
                await asyncio.sleep(0.05 * 2 ** min(attempt, 4))
            elif answer.status_code in self._manners.busy and attempt < last:
                self._refused(method, target, answer.status_code, detail_of(answer), expected=True)
                await asyncio.sleep(self._pause(answer, attempt))
            else:
                break
        assert isinstance(answer, httpx.Response)
        return self._taken(method, target, answer, expect)

    async def _once(self, method: str, target: str, content: bytes | None) -> httpx.Response | str:
        """Send once; return the answer, or in words why there is none."""
        self._report.requests += 1
        began = time.perf_counter()
        answer = await self._answer(method, target, content)
        if self._on_exchange is not None:
            status = 0 if isinstance(answer, str) else answer.status_code
            milliseconds = (time.perf_counter() - began) * 1e3
            self._on_exchange(Exchange(method, target, status, milliseconds))
        return answer

    async def _answer(
        self, method: str, target: str, content: bytes | None
    ) -> httpx.Response | str:
        kind = self._manners.get_type if content is None else self._manners.body_type
        headers = self._headers if kind is None else {**self._headers, "Content-Type": kind}
        try:
            return await self._http.request(
                method,
                f"{self._url}{target}",
                content=content,
                headers=headers,
                timeout=self._manners.timeout,
            )
        except httpx.TimeoutException:
            return f"no answer within {self._manners.timeout:g} s"
        except httpx.TransportError as error:
            return f"the connection broke ({type(error).__name__})"

    def _target(self, path: str, query: Sequence[tuple[str, str]]) -> str:
        escape = quote_plus if self._manners.plus else quote
        pairs = [f"{name}={escape(value, safe='')}" for name, value in query]
        if self._manners.flag is not None:
            pairs.append(self._manners.flag)
        return f"{path}?{'&'.join(pairs)}" if pairs else path

    def _pause(self, answer: httpx.Response, attempt: int) -> float:
        said = pause_of(answer)
        if said is not None:
            return said
        self._report.failures.append(
            f"{answer.status_code} without a whole number of seconds in Retry-After: "
            "directories then wait for minutes"
        )
        return min(_FIRST_WAIT * float(2**attempt), _LONGEST_WAIT)

    def _taken(
        self, method: str, target: str, answer: httpx.Response, expect: Sequence[int]
    ) -> Reply:
        expected = answer.status_code in expect
        if not answer.is_success:
            self._refused(method, target, answer.status_code, detail_of(answer), expected=expected)
        if not expected:
            msg = f"{method} {target}: {answer.status_code} {detail_of(answer)}"
            raise Failure(msg, passing=answer.status_code in (429, 503))
        if not answer.content:
            return Reply(answer.status_code, {})
        body = json_object(answer)
        if body is None:
            raise Failure(f"{method} {target}: the answer is no JSON object: {detail_of(answer)}")
        return Reply(answer.status_code, body)

    def _refused(
        self, method: str, target: str, status: int, detail: str, *, expected: bool
    ) -> None:
        self._report.refused.append(Refused(f"{method} {target}", status, detail, expected))


def pause_of(answer: httpx.Response) -> float | None:
    """Return for how many seconds an answer asks to wait, None where it does not say so."""
    said = answer.headers.get("retry-after", "")
    return min(float(said), _LONGEST_WAIT) if said.isdecimal() else None


def json_object(answer: httpx.Response) -> dict[str, Any] | None:
    """Return the JSON object in an answer, None where there is none."""
    try:
        body = msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return body if isinstance(body, dict) else None


def detail_of(answer: httpx.Response) -> str:
    """Return what an answer says in words."""
    body = json_object(answer)
    said = None if body is None else body.get("detail")
    return str(said)[:500] if said else answer.text[:200]
