"""GET requests as directories send them, with an eye on time and number; never a write."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import httpx

from scim_asgi.doctor.answers import Answer
from scim_asgi.doctor.network import network_trouble
from scim_asgi.remote import BaseUrl, authorization, decode, whole_seconds

MAX_REQUESTS = 120
"""How many requests are sent at most."""
_MAX_BODY = 8 * 2**20
_PAUSE = 5.0
_PATIENCE = 3
_SCIM = "application/scim+json"
USER_AGENT = "scim-asgi check"


class Stop(Exception):
    """No more is to be asked of this server: it throttles, is silent, or was asked enough."""


class Client:
    """Sends GET requests below a base URL.

    Args:
        base: The base URL.
        token: The token, None for requests without one.
        timeout: Seconds that one request may take, as a whole.
        per_second: How many requests a second are sent at most.
    """

    def __init__(
        self, base: BaseUrl, token: str | None, *, timeout: float, per_second: float
    ) -> None:
        self.base = base
        self.token = token
        self.user_agent = USER_AGENT
        self.accept = _SCIM
        self.sent = 0
        self.slowest = 0.0
        self.throttled: list[Answer] = []
        self.answers: list[Answer] = []
        self._timeout = timeout
        self._gap = 1 / per_second
        self._next = 0.0
        self._http = httpx.Client(timeout=timeout, follow_redirects=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **headers: str | None) -> Answer:
        """Ask for a path below the base URL as this doctor: token, User-Agent and Accept.

        Args:
            path: The path and query.
            headers: Further headers, ``_`` for ``-``; None leaves one out.

        Raises:
            Stop: Enough was asked, or the server throttles or is silent.
        """
        chosen = {"User-Agent": self.user_agent, "Accept": self.accept, **authorization(self.token)}
        for name, value in headers.items():
            chosen.pop(canonical := name.replace("_", "-").title(), None)
            if value is not None:
                chosen[canonical] = value
        return self.exactly(f"{self.base.text}{path}", chosen)

    def exactly(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask for a URL with these headers and none beside; once more after a short 429.

        Raises:
            Stop: Enough was asked, or the server throttles or is silent.
        """
        answer = self._once(url, headers)
        if answer.status == 429:
            self.throttled.append(answer)
            time.sleep(_pause(answer))
            answer = self._once(url, headers)
            if answer.status == 429:
                self.throttled.append(answer)
            if answer.status == 429 or len(self.throttled) >= _PATIENCE:
                raise Stop
        return answer

    def _once(self, url: str, headers: Mapping[str, str]) -> Answer:
        if self.sent >= MAX_REQUESTS:
            raise Stop
        time.sleep(max(0.0, self._next - time.monotonic()))
        self.sent += 1
        begun = time.monotonic()
        self._next = begun + self._gap
        try:
            answer = self._read(url, headers, begun)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            trouble = network_trouble(error, self.base.host, self._timeout)
            answer = Answer(url=url, trouble=trouble, seconds=time.monotonic() - begun)
        self.slowest = max(self.slowest, answer.seconds)
        self.answers.append(answer)
        if sum(each.trouble is not None for each in self.answers) >= _PATIENCE:
            raise Stop
        return answer

    def _read(self, url: str, headers: Mapping[str, str], begun: float) -> Answer:
        request = httpx.Request("GET", url, headers=headers)
        response = self._http.send(request, stream=True)
        at, size, chunks = time.time(), 0, []
        try:
            for chunk in response.iter_bytes():
                size += len(chunk)
                chunks.append(chunk)
                if size > _MAX_BODY:
                    break
                if time.monotonic() - begun > self._timeout:
                    raise TimeoutError
        finally:
            response.close()
        body = b"".join(chunks)
        return Answer(
            url=url,
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            value=decode(body),
            start=body[:4096],
            seconds=time.monotonic() - begun,
            at=at,
        )


def _pause(answer: Answer) -> float:
    seconds = whole_seconds(answer.headers.get("retry-after"))
    return 1.0 if seconds is None else min(float(seconds), _PAUSE)


def skew_of(answer: Answer) -> float | None:
    """Return how many seconds the server's clock is ahead of ours; None without a Date."""
    try:
        date = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError, TypeError):
        return None
    return date.timestamp() - answer.at
