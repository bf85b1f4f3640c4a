"""The health of the services: the status code for a load balancer, the details for a person."""

import asyncio
from collections.abc import Mapping
from typing import Any

from api_gateway.upstream import Upstream, UpstreamError

TIMEOUT_SECONDS = 2
_WORDS = frozenset({"ok", "degraded", "down"})
EXAMPLE = {
    "status": "ok",
    "services": {
        "upload": {
            "status": "ok",
            "parts": {"database": "ok", "storage": "ok"},
            "replicas": {"total": 1, "in_rotation": 1},
        }
    },
}


async def system_health(upstreams: Mapping[str, Upstream]) -> dict[str, Any]:
    """Asks all services concurrently; ``status`` is ``ok`` if it is ``ok`` for all of them."""
    answers = await asyncio.gather(*map(_service_health, upstreams.values()))
    is_well = all(service["status"] == "ok" for service in answers)
    services = dict(zip(upstreams, answers, strict=True))
    return {"status": "ok" if is_well else "degraded", "services": services}


async def _service_health(upstream: Upstream) -> dict[str, Any]:
    replicas = {
        "total": len(upstream.replicas),
        "in_rotation": sum(replica.in_rotation for replica in upstream.replicas),
    }
    try:
        status, said = await upstream.fetch("/health", TIMEOUT_SECONDS)
    except UpstreamError as error:
        return {"status": "down", "detail": str(error), "replicas": replicas}
    return {"status": "ok" if status == 200 else "degraded", **_told(said), "replicas": replicas}


def _told(said: Any) -> dict[str, Any]:
    """The states of a service and its parts, without addresses or error texts of libraries."""
    try:
        words = {name: part["status"] for name, part in said.get("parts", {}).items()}
        status = said.get("status")
    except (TypeError, KeyError, AttributeError):
        return {}
    parts = {name: word for name, word in words.items() if word in _WORDS}
    return {"status": status, "parts": parts} if status in _WORDS else {"parts": parts}
