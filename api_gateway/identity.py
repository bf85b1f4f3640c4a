"""Who asks, found out once a request."""

from collections.abc import Mapping
from dataclasses import dataclass

from api_gateway.headers import Fields


@dataclass(slots=True)
class Identity:
    """``account`` is whom limits count: the API key if there is one, else the client's network."""

    headers: Fields
    fields: Mapping[bytes, bytes]
    peer: str
    client: str
    trusted: bool
    key: str | None
    account: str
