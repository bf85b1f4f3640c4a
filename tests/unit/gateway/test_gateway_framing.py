"""Which heads are refused, and what a request's answer looks like on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_gateway.framing import Rejected, check
from api_gateway.headers import Headers
from api_gateway.request import Request

HOST = (b"host", b"example.org")


class Wire:
    """The connection's part: what was written, and how it ended."""

    def __init__(self) -> None:
        self.written = b""
        self.finished_with: Request | None = None
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        """There is always room."""

    def resume_reading(self) -> None:
        """There is nothing to read."""

    def finished(self, request: Request) -> None:
        self.finished_with = request

    def abort(self) -> None:
        self.aborted = True


def a_request(
    headers: Headers, *, method: str = "GET", target: bytes = b"/images", http11: bool = True
) -> tuple[Request, Wire]:
    wire = Wire()
    request = Request(
        wire,
        peer="192.0.2.1",
        method=method,
        target=target,
        headers=headers,
        http11=http11,
        keep_alive=http11,
    )
    return request, wire


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 400),
        ([HOST, HOST], 400),
        ([(b"host", b"")], 400),
        ([(b"host", b"a/b")], 400),
        ([(b"host", b"a" * 256)], 400),
        ([(b"host", b"user@example.org")], 400),
        ([HOST, (b"transfer-encoding", b"gzip, chunked")], 400),
        ([HOST, (b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")], 400),
        ([HOST, (b"transfer-encoding", b"identity")], 400),
        ([HOST, (b"expect", b"200-ok")], 417),
        ([HOST, (b"expect", b"100-continue"), (b"expect", b"100-continue")], 417),
    ],
)
def test_heads_that_are_refused(headers: Headers, status: int) -> None:
    with pytest.raises(Rejected) as caught:
        check(a_request(headers)[0], b"/images")
    assert caught.value.status == status


@pytest.mark.parametrize(
    "target", [b"http://example.org/", b"*", b"", b"images", b"/a b", b"/\xff"]
)
def test_targets_that_are_refused(target: bytes) -> None:
    with pytest.raises(Rejected):
        check(a_request([HOST], target=target)[0], target)


@pytest.mark.parametrize(
    ("headers", "method", "target", "http11"),
    [
        ([HOST], "GET", b"/images?a=b", True),
        ([(b"host", b"[::1]:8000")], "GET", b"/", True),
        ([], "GET", b"/", False),
        ([HOST], "OPTIONS", b"*", True),
        ([HOST, (b"transfer-encoding", b"Chunked")], "POST", b"/images", True),
        ([HOST, (b"expect", b"100-Continue"), (b"content-length", b"3")], "POST", b"/", True),
    ],
)
def test_heads_that_are_taken(headers: Headers, method: str, target: bytes, http11: bool) -> None:
    check(a_request(headers, method=method, target=target, http11=http11)[0], target)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_an_answer_ends_where_its_head_says(parts: list[bytes], known: bool, http11: bool) -> None:
    request, wire = a_request([HOST], http11=http11)
    body = b"".join(parts)
    request.start(200, b"a: b\r\n", len(body) if known else None)
    for i, part in enumerate(parts):
        request.write(part, more=i < len(parts) - 1)
    head, _, rest = wire.written.partition(b"\r\n\r\n")
    assert wire.finished_with is request
    assert request.complete
    assert request.sent_bytes == len(body)
    if known:
        assert b"content-length: %d" % len(body) in head
        assert rest == body
    elif http11:
        assert b"transfer-encoding: chunked" in head
        assert rest.endswith(b"0\r\n\r\n")
        assert sum(int(line, 16) for line in _chunk_sizes(rest)) == len(body)
    else:
        assert rest == body
    assert (b"connection: close" in head) != request.keep_alive
    assert request.keep_alive == http11


def _chunk_sizes(rest: bytes) -> list[bytes]:
    sizes = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        sizes.append(size)
        rest = rest[int(size, 16) + 2 :]
    return sizes


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
def test_answers_without_a_body(method: str, status: int) -> None:
    request, wire = a_request([HOST], method=method)
    request.start(status, b"", 5)
    request.write(b"never")
    assert wire.written.endswith(b"\r\n\r\n")
    assert (b"content-length: 5" in wire.written) == (status != 204)
    assert request.sent_bytes == 0


def test_an_answer_shorter_than_it_said_breaks_the_connection() -> None:
    request, wire = a_request([HOST])
    request.start(200, b"", 5)
    request.write(b"abc")
    assert wire.aborted
    assert wire.finished_with is None


def test_an_answer_that_was_begun_and_left_breaks_the_connection() -> None:
    request, wire = a_request([HOST])
    request.start(200, b"", None)
    request.write(b"abc", more=True)
    request.settle()
    assert wire.aborted


def test_a_request_whose_body_was_not_read_is_the_connections_last() -> None:
    request, wire = a_request([HOST, (b"content-length", b"3")], method="POST")
    request.start(413, b"", 0)
    request.write(b"")
    assert b"connection: close" in wire.written
