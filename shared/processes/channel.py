"""Messages on a socket between a service and a worker: a JSON header, then bytes."""

import json
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

Header = Mapping[str, Any]

_SIZES = struct.Struct("!IQ")  # bytes of the header, bytes of the data
_HEADER_MOST = 1 << 20
_PIECE = 1 << 20


class Closed(Exception):
    """The other side is gone."""


def send(channel: socket.socket, header: Header, data: bytes) -> None:
    """Raises ``Closed``, or ``TimeoutError`` if the socket has a timeout."""
    text = json.dumps(header).encode()
    try:
        channel.sendall(_SIZES.pack(len(text), len(data)) + text)
        if data:
            channel.sendall(data)
    except TimeoutError:
        raise
    except OSError as error:
        raise Closed from error


def receive(
    channel: socket.socket, *, most: int, deadline: float | None = None
) -> tuple[Header, bytes]:
    """Wait for a message with at most ``most`` bytes of data.

    deadline: by ``time.monotonic``. Raises ``Closed``, also for a message that is none, and
    ``TimeoutError`` after the deadline.
    """
    size, length = _SIZES.unpack(_exactly(channel, _SIZES.size, deadline))
    if size > _HEADER_MOST or length > most:
        raise Closed
    text = _exactly(channel, size, deadline)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Closed from error
    if not isinstance(header, dict):
        raise Closed
    return header, _exactly(channel, length, deadline)


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytes:
    pieces: list[bytes] = []
    while size:
        if deadline is not None:
            channel.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            # Without a deadline, the kernel fills one block: the data is copied once.
            whole = size if deadline is None else min(size, _PIECE)
            piece = channel.recv(whole, socket.MSG_WAITALL)
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed from error
        if not piece:
            raise Closed
        pieces.append(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
