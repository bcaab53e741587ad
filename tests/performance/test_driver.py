"""The load of the benchmarks: what it takes for an answer, and what it does not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from benchmarks.driver import Client, Driver, Request, Unexpected, Worker, body_of
from benchmarks.servers import serving

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


@contextmanager
def answering(answer: Callable[[bytes], list[bytes]]) -> Iterator[int]:
    """Serve one connection after the other; each request gets some pieces of bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    peer, _ = listening.accept()
                except OSError:
                    return
                with peer:
                    while request := peer.recv(65536):
                        for piece in answer(request):
                            peer.sendall(piece)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_an_answer_may_come_in_pieces() -> None:
    with answering(lambda _: [OK[:9], OK[9:30], OK[30:-1], OK[-1:]]) as port:
        client = Client(port)
        assert [b"hi", b"hi"] == client.ask_all([Request(b"GET"), Request(b"GET")])
        client.close()


def test_an_answer_may_be_chunked_and_may_be_empty() -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
    )
    empty = b"HTTP/1.1 204 No Content\r\n\r\n"
    with answering(lambda request: [chunked if request == b"GET" else empty]) as port:
        client = Client(port)
        bodies = client.ask_all([Request(b"GET"), Request(b"PATCH", b"204"), Request(b"GET")])
        assert [b"abcd", b"", b"abcd"] == bodies
        client.close()


def test_another_status_than_the_expected_one_ends_it() -> None:
    with answering(lambda _: [OK.replace(b"200", b"429")]) as port:
        client = Client(port)
        with pytest.raises(Unexpected, match="was answered 429 and not 200: b'hi'"):
            client.ask(Request(b"GET / HTTP/1.1"))
        client.close()


def test_a_connection_that_is_closed_ends_it() -> None:
    with serving("benchmarks.bare:create") as server:
        client = Client(server.port)
        asked = Request(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        client.ask(asked)
        with pytest.raises(ConnectionError):
            client.ask(asked)
        client.close()


def test_what_does_not_count_is_in_neither_times_nor_rate() -> None:
    def work() -> Worker:
        yield Request(b"GET")
        yield Request(b"GET", counted=False)
        yield Request(b"GET")

    with answering(lambda _: [OK]) as port:
        driver = Driver(port, 1)
        found = driver.run([work()])
        driver.close()
    assert (2, 3) == (len(found.times), found.answers)
    assert found.seconds >= sum(found.times)


def test_many_connections_share_the_requests_and_every_one_is_answered() -> None:
    with serving("benchmarks.bare:create") as server:
        driver = Driver(server.port, 16)
        requests = iter([Request(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")] * 500)
        found = driver.send(requests, 60)
        driver.close()
        assert server.cpu_seconds() > 0
        assert 0 < server.memory()[0] <= server.memory()[1]
    assert 500 == found.answers
    assert 0 < found.at(0.5) <= found.at(0.99)


def test_a_body_is_what_follows_the_head() -> None:
    assert b"hi" == body_of(OK)
