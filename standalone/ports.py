"""Ports for servers of our own."""

import random
import socket

# Below what Linux and macOS give to outgoing connections: a port from there may be taken by a
# client while its server restarts, even by one that is trying to reach this very server.
_FIRST, _LAST = 15_000, 32_000
_given: set[int] = set()  # by this process: whoever has one may not listen on it yet


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens; given once, and ours over a restart."""
    while True:
        port = random.randint(_FIRST, _LAST)  # noqa: S311 - no secret
        if port in _given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
