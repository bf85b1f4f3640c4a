"""Messages on a socket between a service and a worker: a JSON header, then bytes.

Sockets stay in Python's blocking mode, and ``limit`` sets how long the kernel lets a call wait.
Python's own timeouts take three system calls for each, and between them the thread gives way to
others.
"""

import json
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

Header = Mapping[str, Any]

_SIZES = struct.Struct("!IQ")  # bytes of the header, bytes of the data
_TIME = struct.Struct("ll")  # seconds and microseconds
# Headers are filled up with blanks to this size, so that one call receives most of them whole.
_HEADER_LEAST = 1024 - _SIZES.size
_HEADER_MOST = 1 << 20


class Closed(Exception):
    """The other side is gone."""


def limit(channel: socket.socket, seconds: float) -> None:
    """From now on each call on the socket waits at most so long."""
    whole, rest = divmod(max(seconds, 0.001), 1)  # 0 would be for ever
    time_allowed = _TIME.pack(int(whole), int(rest * 1_000_000))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        channel.setsockopt(socket.SOL_SOCKET, option, time_allowed)


def send(channel: socket.socket, header: Header, data: bytes) -> None:
    """Raises ``Closed``, or ``TimeoutError`` after the limit."""
    text = json.dumps(header).encode().ljust(_HEADER_LEAST)
    begin = _SIZES.pack(len(text), len(data)) + text
    try:
        sent = channel.sendmsg([begin, data])
        if sent < len(begin) + len(data):
            channel.sendall(memoryview(begin + data)[sent:])
    except BlockingIOError as error:
        raise TimeoutError from error
    except OSError as error:
        raise Closed from error


def receive(
    channel: socket.socket, *, most: int, deadline: float | None = None
) -> tuple[Header, bytes]:
    """Wait for a message with at most ``most`` bytes of data.

    deadline: by ``time.monotonic``; None: each call waits as ``limit`` says. Raises ``Closed``,
    also for a message that is none, and ``TimeoutError``.
    """
    begin = _exactly(channel, _SIZES.size + _HEADER_LEAST, deadline)
    size, length = _SIZES.unpack_from(begin)
    if not _HEADER_LEAST <= size <= _HEADER_MOST or length > most:
        raise Closed
    text = begin[_SIZES.size :]
    if size > _HEADER_LEAST:
        text += _exactly(channel, size - _HEADER_LEAST, deadline)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Closed from error
    if not isinstance(header, dict):
        raise Closed
    return header, _exactly(channel, length, deadline)


def is_closed(channel: socket.socket) -> bool:
    """Whether the other side, which has nothing to say now, has closed the socket."""
    try:
        return channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytes:
    pieces: list[bytes] = []
    while size:
        if deadline is not None:
            limit(channel, deadline - time.monotonic())
        try:
            # The kernel fills one block, if no signal ends the call early: the data is copied once.
            piece = channel.recv(size, socket.MSG_WAITALL)
        except BlockingIOError as error:
            raise TimeoutError from error
        except OSError as error:
            raise Closed from error
        if not piece:
            raise Closed
        pieces.append(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
