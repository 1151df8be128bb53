"""A load generator: some connections that are never idle, each answer of which is looked at."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: A path with its query, and what the body of its answer must pass.
Request = tuple[str, Callable[[bytes], bool]]


class WrongAnswer(Exception):
    """An answer was not the one that was asked for."""


@dataclass
class Connection:
    """One connection, and what it waits for."""

    socket: socket.socket
    asked: Request
    received: bytearray


def drive(
    port: int, requests: Iterator[Request], key: str, seconds: float, *, connections: int = 8,
    method: str = "GET",
) -> tuple[int, float]:  # fmt: skip
    """Return how many requests a server answers, as many as connections at least, and the seconds.

    :raises WrongAnswer: naming the first request whose answer is not right.
    """
    head = f" HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Token {key}\r\n\r\n"
    selector = selectors.DefaultSelector()

    def ask(connection: Connection) -> None:
        connection.asked = next(requests)
        connection.received.clear()
        connection.socket.sendall(f"{method} {connection.asked[0]}{head}".encode())

    for _ in range(connections):
        opened = socket.create_connection(("127.0.0.1", port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(opened, ("", bool), bytearray())
        selector.register(opened, selectors.EVENT_READ, connection)
        ask(connection)
    answered, begun = 0, time.perf_counter()
    while (now := time.perf_counter()) < begun + seconds or answered < connections:
        for event, _ in selector.select(timeout=30):
            if _is_whole(event.data):
                answered += 1
                ask(event.data)
    for event in list(selector.get_map().values()):
        event.data.socket.close()
    selector.close()
    return answered, now - begun


def _is_whole(connection: Connection) -> bool:
    """Receive what has come, and look at it when it is all."""
    piece = connection.socket.recv(2**18)
    connection.received += piece
    end = connection.received.find(b"\r\n\r\n") + 4
    head = bytes(connection.received[:end]).lower()
    start = head.find(b"content-length:")
    if end > 3 and start >= 0:
        length = int(head[start + 15 : head.index(b"\r", start)])
        if len(connection.received) < end + length:
            return False
        path, is_right = connection.asked
        body = bytes(connection.received[end:])
        if not head.startswith(b"http/1.1 200") or not is_right(body):
            raise WrongAnswer(f"{path}: {head[:40]!r} {body[:200]!r}")
        return True
    if not piece:
        raise WrongAnswer(f"{connection.asked[0]}: the connection was closed")
    return False
