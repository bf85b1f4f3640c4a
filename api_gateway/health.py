"""How the services are: for a load balancer the status code, for a person the details."""

import asyncio
import json
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
        answers = await asyncio.gather(*(_service_health(u) for u in self._upstreams.values()))
        healthy = all(service["status"] == "ok" for service in answers)
        return {
            "status": "ok" if healthy else "degraded",
            "services": dict(zip(self._upstreams, answers, strict=True)),
        }


async def _service_health(upstream: Upstream) -> dict[str, Any]:
    service: dict[str, Any] = {"status": "down"}
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answer = await upstream.fetch("/health", TIMEOUT_SECONDS)
    except TimeoutError:
        service["detail"] = f"It did not answer within {TIMEOUT_SECONDS} s."
    except UpstreamError as error:
        service["detail"] = str(error)
    else:
        service["status"] = "ok" if answer.status == 200 else "degraded"
        service |= _told(answer.body)
    in_rotation = sum(replica.breaker.closed for replica in upstream.replicas)
    service["replicas"] = {"total": len(upstream.replicas), "in_rotation": in_rotation}
    return service


def _told(body: bytes) -> dict[str, Any]:
    """What a service says of itself and its parts, as words: no addresses, no libraries' errors."""
    try:
        said = json.loads(body)
        parts = {name: part["status"] for name, part in said.get("parts", {}).items()}
        status = said.get("status")
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
    told: dict[str, Any] = {"status": status} if status in _WORDS else {}
    if words := {name: word for name, word in parts.items() if word in _WORDS}:
        told["parts"] = words
    return told
