"""How the services are: for a load balancer the status code, for a person the details."""

import asyncio
import json
from typing import Any

from api_gateway.connection import UpstreamError
from api_gateway.upstream import Upstream

TIMEOUT_SECONDS = 2


async def system_health(upstreams: dict[str, Upstream]) -> dict[str, Any]:
    """Ask every service at once. ``status`` is ``ok`` when all of them are."""
    answers = await asyncio.gather(*(_service_health(u) for u in upstreams.values()))
    services = dict(zip(upstreams, answers, strict=True))
    healthy = all(service["status"] == "ok" for service in answers)
    return {"status": "ok" if healthy else "degraded", "services": services}


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
        service.update(_summary(answer.body))
    in_rotation = sum(replica.breaker.closed for replica in upstream.replicas)
    service["replicas"] = {"total": len(upstream.replicas), "in_rotation": in_rotation}
    return service


def _summary(body: bytes) -> dict[str, Any]:
    """What a service says of its parts, as words: no addresses, no messages of its libraries."""
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(said, dict):
        return {}
    parts: dict[str, str] = {}
    for group in [said, *(v for v in said.values() if isinstance(v, dict))]:
        for name, value in group.items():
            word = value.get("status") if isinstance(value, dict) else value
            if isinstance(word, bool):
                word = "ok" if word else "down"
            if isinstance(word, str) and word.isidentifier() and name not in {"status", "service"}:
                parts[name] = word
    return {"parts": parts} if parts else {}
