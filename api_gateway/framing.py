"""Which requests are refused because it would not be certain what they are, or where they end.

llhttp (inside httptools) refuses most of what is ambiguous; the rest is refused here (RFC 9112).
"""

import re

from api_gateway.remembering import remembers
from api_gateway.request import Request

_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
MAX_TARGET_BYTES = 8 * 1024
_TARGET = re.compile(rb"/[!\"$-~]*")


class Rejected(Exception):
    """What came is no request that can be answered; the connection ends."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@remembers(1024)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


def check(request: Request, target: bytes) -> None:
    """Raises Rejected. Several fields of one name are a list here, which no field below may be."""
    fields = request.fields
    host = fields.get(b"host")
    if host is None:
        if request.http11:
            raise Rejected(400, "A request needs a Host field.")
    elif not _is_host(host):
        raise Rejected(400, "A request needs one valid Host field.")
    coding = fields.get(b"transfer-encoding")
    if coding is not None and (not request.http11 or coding.lower() != b"chunked"):
        raise Rejected(400, "The only transfer coding taken is chunked, of HTTP/1.1.")
    expected = fields.get(b"expect")
    if expected is not None and expected.lower() != b"100-continue":
        raise Rejected(417, "Only 100-continue can be expected.")
    if len(target) > MAX_TARGET_BYTES:
        raise Rejected(414, f"The request target is too long: at most {MAX_TARGET_BYTES} bytes.")
    if not _TARGET.fullmatch(target) and (request.method, target) != ("OPTIONS", b"*"):
        raise Rejected(400, "The request target must be a path.")
