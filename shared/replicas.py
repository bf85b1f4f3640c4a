"""Calls between services: to any replica of a service, the next one if one does not answer."""

import itertools

import urllib3

from shared.context import REQUEST_ID_HEADER, TRACEPARENT, current_origin
from shared.failures import TransientFailure
from shared.principal import EVERYBODY, PRINCIPAL_HEADER, Principals

_LARGEST_ANSWER = 1024 * 1024


class Replicas:
    """``addresses``: those of the service's replicas, with commas between them.

    The caller is an operator for that service: a service may do what is anybody's.
    """

    def __init__(self, addresses: str, timeout_seconds: float, principals: Principals) -> None:
        self._addresses = [part.strip().rstrip("/") for part in addresses.split(",")]
        self._turns = itertools.count()
        self._timeout = urllib3.Timeout(connect=timeout_seconds / 2, read=timeout_seconds)
        self._principals = principals
        self._pool = urllib3.PoolManager(maxsize=8)

    def request(self, method: str, path: str) -> tuple[int, bytes]:
        """The status and the body, at most 1 MB of it. Raises ``TransientFailure``."""
        for _ in self._addresses:
            base = self._addresses[next(self._turns) % len(self._addresses)]
            try:
                return self._ask(method, base + path)
            except urllib3.exceptions.HTTPError:
                continue
        raise TransientFailure("the service that is asked does not answer")

    def _ask(self, method: str, url: str) -> tuple[int, bytes]:
        headers = {PRINCIPAL_HEADER: self._principals.sign(EVERYBODY)}
        request_id, traceparent = current_origin()
        if request_id is not None:
            headers[REQUEST_ID_HEADER] = request_id
        if traceparent is not None:
            headers[TRACEPARENT] = traceparent
        response = self._pool.request(
            method,
            url,
            headers=headers,
            redirect=False,
            retries=False,
            timeout=self._timeout,
            preload_content=False,
        )
        try:
            return response.status, response.read(_LARGEST_ANSWER)
        finally:
            response.release_conn()
