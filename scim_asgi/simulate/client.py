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

from scim_asgi.remote import authorization, shown
from scim_asgi.simulate.answers import detail_of, json_object, pause_of
from scim_asgi.simulate.report import Refused, Report

_LONGEST_WAIT = 30.0
_FIRST_WAIT = 1.0
_LONGEST_PAUSE = 5.0
_FIRST_PAUSE = 0.1
_SILENCE = 10
_DOWN = (0, 502, 504)


class Failure(Exception):
    """What the product counts as a failure; the object is tried again in the next cycle.

    Args:
        text: What failed, in words.
        passing: Whether it may well work in a moment: no answer, 429, 502, 503 or 504.
    """

    def __init__(self, text: str, *, passing: bool = False) -> None:
        super().__init__(text)
        self.passing = passing


class Stopped(Exception):
    """The product would not go on: the message says why, for its admin."""


def pause_after(failures: int) -> float:
    """Return how many seconds to wait behind so many failures in a row: 0.1 s, doubled up to 5."""
    return min(_FIRST_PAUSE * float(2 ** min(failures - 1, 10)), _LONGEST_PAUSE)


class NoAnswer(Struct, frozen=True):
    """Why there is no answer, in words, and whether there may well be one in a moment."""

    why: str
    passing: bool = True


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
        token: The bearer token, None for none.
        manners: How the product speaks.
        report: Where it is written down.
        on_exchange: Is told of every request and its answer.

    Attributes:
        served: How many requests the server has answered other than by 502, 503 and 504.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        token: str | None,
        manners: Manners,
        report: Report,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._manners = manners
        self._report = report
        self._on_exchange = on_exchange
        self._headers = {**authorization(token), **manners.headers}
        self.served = 0
        self._unserved = 0

    @property
    def is_silent(self) -> bool:
        """Whether many requests in a row were not answered, or by a proxy that misses the server.

        A product then breaks off what it does and comes back later.
        """
        return self._unserved >= _SILENCE

    def come_back(self) -> None:
        """Begin anew after a silence."""
        self._unserved = 0

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
            if isinstance(answer, NoAnswer):
                self._refused(method, target, 0, answer.why, expected=False)
                if not (self._manners.reconnects and answer.passing) or attempt == last:
                    raise Failure(f"{method} {target}: {answer.why}", passing=answer.passing)
                await asyncio.sleep(0.05 * 2 ** min(attempt, 4))
            elif answer.status_code in self._manners.busy and attempt < last:
                self._refused(method, target, answer.status_code, detail_of(answer), expected=True)
                await asyncio.sleep(self._pause(answer, attempt))
            else:
                break
        assert isinstance(answer, httpx.Response)
        return self._taken(method, target, answer, expect)

    async def _once(
        self, method: str, target: str, content: bytes | None
    ) -> httpx.Response | NoAnswer:
        """Send once; return the answer, or why there is none."""
        self._report.requests += 1
        began = time.perf_counter()
        answer = await self._answer(method, target, content)
        status = 0 if isinstance(answer, NoAnswer) else answer.status_code
        if status in _DOWN:
            self._unserved += 1
        elif status != 503:
            self.served, self._unserved = self.served + 1, 0
        if self._on_exchange is not None:
            milliseconds = (time.perf_counter() - began) * 1e3
            self._on_exchange(Exchange(method, shown(target, 2000), status, milliseconds))
        return answer

    async def _answer(
        self, method: str, target: str, content: bytes | None
    ) -> httpx.Response | NoAnswer:
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
            return NoAnswer(f"no answer within {self._manners.timeout:g} s")
        except (httpx.TransportError, OSError) as error:
            return NoAnswer(f"the connection broke ({type(error).__name__})")
        except (httpx.DecodingError, httpx.InvalidURL, UnicodeError) as error:
            return NoAnswer(why_of(error), passing=False)

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
            raise Failure(msg, passing=answer.status_code in (429, 503, *_DOWN))
        if not answer.content:
            return Reply(answer.status_code, {})
        body = json_object(target, answer)
        if isinstance(body, str):
            raise Failure(f"{method} {target}: {body}")
        return Reply(answer.status_code, body)

    def _refused(
        self, method: str, target: str, status: int, detail: str, *, expected: bool
    ) -> None:
        self._report.refused.append(Refused(f"{method} {target}", status, detail, expected))


def why_of(error: Exception) -> str:
    """Return in words what is wrong with an answer or an id that httpx cannot handle."""
    if isinstance(error, httpx.DecodingError):
        return "the answer is not encoded as its Content-Encoding says"
    return "the server's id makes no URL"
