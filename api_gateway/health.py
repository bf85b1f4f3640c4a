"""How the services are: for a load balancer the status code, for a person the details."""

import asyncio
from collections.abc import Mapping
from typing import Any

from api_gateway.upstream import Upstream, UpstreamError

TIMEOUT_SECONDS = 2
_WORDS = frozenset({"ok", "degraded", "down"})


class SystemHealth:
    """Asks all services at once; however many ask it at once, each service is asked once."""

    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        self._upstreams = upstreams
        self._looking: asyncio.Task[dict[str, Any]] | None = None

    async def look(self) -> dict[str, Any]:
        """``status`` is ``ok`` when all services' are."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> dict[str, Any]:
        answers = await asyncio.gather(*map(_service_health, self._upstreams.values()))
        is_well = all(service["status"] == "ok" for service in answers)
        services = dict(zip(self._upstreams, answers, strict=True))
        return {"status": "ok" if is_well else "degraded", "services": services}


async def _service_health(upstream: Upstream) -> dict[str, Any]:
    service: dict[str, Any] = {"status": "down"}
    try:
        status, said = await upstream.fetch("/health", TIMEOUT_SECONDS)
    except UpstreamError as error:
        service["detail"] = str(error)
    else:
        service["status"] = "ok" if status == 200 else "degraded"
        service |= _told(said)
    in_rotation = sum(replica.breaker.closed for replica in upstream.replicas)
    return service | {"replicas": {"total": len(upstream.replicas), "in_rotation": in_rotation}}


def _told(said: Any) -> dict[str, Any]:
    """What a service says of itself and its parts, as words: no addresses, no libraries' errors."""
    try:
        words = {name: part["status"] for name, part in said.get("parts", {}).items()}
        status = said.get("status")
    except (TypeError, KeyError, AttributeError):
        return {}
    parts = {name: word for name, word in words.items() if word in _WORDS}
    told = {"status": status} if status in _WORDS else {}
    return told | ({"parts": parts} if parts else {})
