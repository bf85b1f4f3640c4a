"""What every service does around its routes: errors as problems, request ids, limits, health."""

import asyncio
import json
import logging
import urllib.request
from typing import Annotated
from uuid import UUID

import pytest
from fastapi import FastAPI, Path, Request
from prometheus_client import REGISTRY, Gauge
from pydantic import SecretStr

from shared.context import current_request_id
from shared.exposition import Metrics
from shared.failures import TransientFailure
from shared.health import Health, Part
from shared.http import BodyLimit, RequestScope, create_app, until_gone
from shared.principal import EVERYBODY, PRINCIPAL_HEADER, Principal, Principals
from shared.problems import (
    PROBLEM_JSON,
    Problem,
    Unavailable,
    locate_problem_types,
    problem_body,
)
from shared.settings import AccessSettings
from shared.storage import StorageUnavailableError
from standalone.ports import free_port
from tests.unit.shared_http.asgi import Answer, call

LIMIT = 1000
SETTINGS = AccessSettings()  # open, on this machine alone
OWNED = AccessSettings(access="owned", principal_secret=SecretStr("s" * 32))


@pytest.fixture
def app() -> FastAPI:
    """A service with one route for each way to end."""
    app = create_app("Test service", Health("test", {"database": lambda: Part("ok")}), SETTINGS)
    app.add_middleware(BodyLimit, max_bytes=LIMIT)
    errors: dict[str, Exception] = {
        "problem": Problem(409, "It is taken; choose another.", extra={"taken": ["a"]}),
        "busy": Unavailable("Too many at once.", retry_after=7),
        "away": TransientFailure("password=hunter2 host=10.0.0.7"),
        "storage": StorageUnavailableError("secret key 123"),
        "bug": ZeroDivisionError("/srv/app.py line 7"),
    }

    @app.get("/ends/{how}")
    def ends(how: str) -> None:
        raise errors[how]

    @app.get("/things/{uuid}/{channels}")
    def get_thing(uuid: UUID, channels: Annotated[int, Path(ge=2, le=256)]) -> str:
        return f"{uuid} {channels}"

    @app.delete("/things/{uuid}/{channels}")
    def delete_thing(uuid: UUID, channels: int) -> None:
        """Another method at the same address."""

    @app.post("/body")
    async def take_body(request: Request) -> int:
        return len(await request.body())

    @app.get("/request-id")
    def tell_request_id() -> str | None:
        return current_request_id()

    return app


def problem(answer: Answer, status: int) -> str:
    """The problem's sentence; asserts that it is one, and whole."""
    assert answer.status == status
    assert answer.headers["content-type"] == PROBLEM_JSON
    body = answer.json()
    assert body["status"] == status
    assert body["type"] == f"/docs/problems/{status}"
    assert body["title"]
    assert "Traceback" not in answer.body.decode()
    return str(body["detail"])


def test_a_problem_is_told_with_its_sentence_and_more(app: FastAPI) -> None:
    answer = call(app, "/ends/problem")
    assert problem(answer, 409) == "It is taken; choose another."
    assert answer.json()["taken"] == ["a"]


def test_extra_members_never_replace_the_standard_ones() -> None:
    body = json.loads(problem_body(422, "No.", {"status": 200, "detail": "Yes.", "errors": []}))
    assert (body["status"], body["detail"], body["errors"]) == (422, "No.", [])


def test_a_problems_type_is_below_the_path_of_public_url() -> None:
    locate_problem_types("/dither")
    try:
        assert json.loads(problem_body(404, "No."))["type"] == "/dither/docs/problems/404"
    finally:
        locate_problem_types("")


def test_busy_says_when_to_come_again(app: FastAPI) -> None:
    answer = call(app, "/ends/busy")
    assert problem(answer, 503) == "Too many at once."
    assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize("how", ["away", "storage"])
def test_what_is_down_is_a_503_that_tells_no_internals(app: FastAPI, how: str) -> None:
    answer = call(app, f"/ends/{how}")
    assert "not available at the moment" in problem(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    assert "hunter2" not in answer.body.decode()
    assert "secret" not in answer.body.decode()


def test_a_bug_is_logged_and_not_shown(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    answer = call(app, "/ends/bug")
    assert "logged" in problem(answer, 500)
    assert "app.py" not in answer.body.decode()
    assert isinstance(answer.error, ZeroDivisionError)
    assert any(record.exc_info for record in caplog.records)


def test_an_unknown_address(app: FastAPI) -> None:
    assert problem(call(app, "/nowhere"), 404)


def test_a_wrong_method_is_told_the_right_ones(app: FastAPI) -> None:
    uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    answer = call(app, f"/things/{uuid}/2", method="PUT")
    assert "PUT is not allowed here" in problem(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == {"GET", "DELETE"}


@pytest.mark.parametrize(
    ("path", "field"),
    [("/things/none/2", "uuid"), *((f"/things/{UUID(int=1)}/{c}", "channels") for c in "1x0")],
)
def test_a_value_that_is_not_taken_is_named(app: FastAPI, path: str, field: str) -> None:
    answer = call(app, path)
    assert problem(answer, 422).startswith(f"{field}: ")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large(app: FastAPI, declared: bool) -> None:
    parts = [b"x" * 400] * 3
    headers = {"content-length": "1200"} if declared else {}
    answer = call(app, "/body", method="POST", body=parts, headers=headers)
    assert "at most 1,000 bytes" in problem(answer, 413)


def test_a_body_as_large_as_allowed(app: FastAPI) -> None:
    answer = call(app, "/body", method="POST", body=[b"x" * 500] * 2)
    assert (answer.status, answer.json()) == (200, LIMIT)


def test_a_client_that_leaves_is_no_error_of_ours(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = call(RequestScope(app), "/body", method="POST", body=[b"half"], leaves=True)
    assert answer.error is None
    assert [record.levelno for record in caplog.records] == [logging.INFO]
    assert vars(caplog.records[0])["access"]["status"] == 499


@pytest.mark.parametrize("given", ["a-request.id_1", "0" * 64])
def test_a_harmless_request_id_is_kept(app: FastAPI, given: str) -> None:
    answer = call(RequestScope(app), "/request-id", headers={"X-Request-ID": given})
    assert (answer.json(), answer.headers["x-request-id"]) == (given, given)


@pytest.mark.parametrize(
    "given", ["", "short", "0" * 65, "with space", 'quote"quote', "a=b&c=d%0a"]
)
def test_any_other_is_replaced(app: FastAPI, given: str) -> None:
    answer = call(RequestScope(app), "/request-id", headers={"X-Request-ID": given})
    assert answer.json() == answer.headers["x-request-id"] != given


def test_a_problem_names_its_request(app: FastAPI) -> None:
    answer = call(RequestScope(app), "/nowhere", headers={"X-Request-ID": "request-1234"})
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "request-1234"


def test_each_request_is_one_log_line(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for path in ("/request-id", "/nowhere", "/live", "/health", "/metrics"):
            call(RequestScope(app), path)
    found = [vars(r)["access"] for r in caplog.records if r.message == "request"]
    assert [(line["path"], line["status"]) for line in found] == [
        ("/request-id", 200),
        ("/nowhere", 404),
    ]


def test_health_and_metrics(app: FastAPI) -> None:
    health = call(app, "/health")
    assert (health.status, health.json()["status"]) == (200, "ok")
    assert health.headers["cache-control"] == "no-store"
    call(RequestScope(app), "/things/none/2")
    metrics = call(app, "/metrics").body.decode()
    assert 'route="/things/{uuid}/{channels}",status="422"' in metrics


def test_a_process_lives_while_its_database_is_away() -> None:
    asked = list[str]()

    def check() -> Part:
        asked.append("database")
        raise TransientFailure("no answer")

    app = create_app("Test service", Health("test", {"database": check}), OWNED)
    assert call(app, "/live").status == 204
    assert asked == []
    assert call(app, "/health").status == 503


def owned_app() -> FastAPI:
    return create_app("Test service", Health("test", {"database": lambda: Part("ok")}), OWNED)


@pytest.mark.parametrize(("scopes", "status"), [((), 401), (("read", "write"), 403)])
def test_strangers_see_neither_metrics_nor_parts(scopes: tuple[str, ...], status: int) -> None:
    stranger = Principal("key:shop" if scopes else None, frozenset(scopes))
    headers = {PRINCIPAL_HEADER: Principals(OWNED).sign(stranger)}
    assert call(owned_app(), "/health", headers=headers).json() == {"status": "ok"}
    problem(call(owned_app(), "/metrics", headers=headers), status)


def test_an_operator_sees_metrics_and_parts() -> None:
    headers = {PRINCIPAL_HEADER: Principals(OWNED).sign(EVERYBODY)}
    assert call(owned_app(), "/health", headers=headers).json()["parts"] == {
        "database": {"status": "ok"}
    }
    assert call(owned_app(), "/metrics", headers=headers).status == 200


def test_open_to_a_network_metrics_and_parts_are_for_nobody() -> None:
    settings = AccessSettings(access="open", host="0.0.0.0")
    app = create_app("Test service", Health("test", {}), settings)
    assert call(app, "/health").json() == {"status": "ok"}
    assert "METRICS_PORT" in problem(call(app, "/metrics"), 403)


def test_the_port_for_metrics_asks_for_nothing_and_shows_the_current_values() -> None:
    port = free_port()
    value = Gauge("unit_test_value", "Set when metrics are asked for")
    Metrics(lambda: value.set(7)).serve(AccessSettings(metrics_port=port))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert "unit_test_value 7.0" in answer.read().decode()
    REGISTRY.unregister(value)


def test_metrics_are_brought_up_to_date_when_asked_for() -> None:
    age = Gauge("unit_test_age", "Set by a check", registry=None)

    def check() -> Part:
        age.set(7)
        return Part("ok")

    call(create_app("Test service", Health("test", {"outbox": check}), SETTINGS), "/metrics")
    [family] = age.collect()
    assert family.samples[0].value == 7


def test_work_ends_when_the_client_goes(app: FastAPI) -> None:
    ended: list[str] = []

    @app.get("/long")
    async def long(request: Request) -> None:
        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("cancelled")

        await until_gone(request, work())

    assert call(app, "/long").status == 499
    assert ended == ["cancelled"]


def test_work_that_is_done_before_the_client_goes_is_the_answer(app: FastAPI) -> None:
    @app.get("/short")
    async def short(request: Request) -> str:
        async def work() -> str:
            return "done"

        return await until_gone(request, work())

    assert call(app, "/short").json() == "done"


def test_a_path_may_take_larger_bodies() -> None:
    app = create_app("Test service", Health("test", {}), SETTINGS)
    app.add_middleware(BodyLimit, max_bytes=LIMIT, larger={"/files": 2 * LIMIT})

    @app.post("/{where}")
    async def take(where: str, request: Request) -> int:
        return len(await request.body())

    two_parts = [bytes(LIMIT), bytes(LIMIT)]
    assert call(app, "/files", method="POST", body=two_parts).json() == 2 * LIMIT
    assert "1,000 bytes" in problem(call(app, "/file", method="POST", body=two_parts), 413)
    more = call(app, "/files", method="POST", body=[*two_parts, b"x"])
    assert "2,000 bytes" in problem(more, 413)
