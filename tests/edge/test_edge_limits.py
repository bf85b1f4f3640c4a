"""What one client may take, while others are served."""

import threading
from contextlib import ExitStack

from tests.edge.running import Edge, ask, read_all
from tests.edge.service import UUID

SLOW_SOCKETS = 500
FLOOD = 3000
UNDER_WAY = 120


def statuses_of(edge: Edge, count: int, client: str) -> set[int]:
    session = edge.http.session(client)
    found = {ask(session, "GET", f"/images/{UUID}").status for _ in range(count)}
    session.close()
    return found


def test_slow_sockets_are_closed_and_hinder_nobody(edge: Edge) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(edge.http.connect("127.0.2.1")) for _ in range(SLOW_SOCKETS)]
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
        assert statuses_of(edge, 50, client="127.0.2.2") == {200}
        # The edge closes them, or this waits for longer than a socket here may.
        assert {read_all(connection) for connection in slow} == {b""}


def test_a_flood_is_refused_and_others_are_served(edge: Edge) -> None:
    flooded: list[int] = []

    def flood() -> None:
        session = edge.http.session("127.0.3.1")
        path = "/files/33333333-d9cb-469f-a165-70867728950e.png"
        for _ in range(FLOOD // 4):
            reply = ask(session, "GET", path)
            if reply.status == 429:
                assert reply.headers["content-type"] == "application/problem+json"
                assert reply.headers["retry-after"] == "1"
            flooded.append(reply.status)
        session.close()

    floods = [threading.Thread(target=flood) for _ in range(4)]
    for thread in floods:
        thread.start()
    assert statuses_of(edge, 50, client="127.0.3.2") == {200}
    for thread in floods:
        thread.join()
    assert len(flooded) == FLOOD
    assert set(flooded) == {200, 429}


def test_requests_under_way_are_bounded(edge: Edge) -> None:
    """Each sends less of its body than it said, which the edge waits for."""
    head = f"POST /images/{UUID}/2 HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{{"
    with ExitStack() as stack:
        slow = [stack.enter_context(edge.http.connect("127.0.4.1")) for _ in range(UNDER_WAY)]
        for connection in slow:
            connection.sendall(head.encode())
        answers = [read_all(connection)[:12] for connection in slow]
    assert answers.count(b"HTTP/1.1 429") == UNDER_WAY - 100
    assert answers.count(b"") == 100  # closed for want of a body
