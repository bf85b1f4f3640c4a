"""Requests made from the public OpenAPI document, allowed ones and others, to a running system.

Every answer is one that the document describes, within a deadline; no process ends, and the work
that the requests have left behind is done. A failure prints its request as a curl command.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api_gateway.keys import new_key
from tests.abuse.test_strangers import Caller
from tests.fuzz.mutation import mutant
from tests.fuzz.samples import images
from tests.fuzz.scale import chosen_scale, chosen_seed
from tests.support.broker import Broker
from tests.support.system import System, running_system, wait_for

SCALE, SEED = chosen_scale(), chosen_seed()
DEADLINE_SECONDS = 60.0  # of a request, on a busy machine
WORK_SECONDS = 600.0  # until all that was asked for is dithered, or has failed
AS_DESCRIBED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DITHER = "/images/{uuid}/{channels}"  # its body has the options
KEY, CONFIGURED = new_key("shop", "read,write,operate", {})
# Half of the requests are the owner's, who is an operator too, to reach as much as can be.
KEYS: list[dict[str, str]] = [{"X-API-Key": KEY}, {"X-API-Key": KEY}, {}, {"X-API-Key": "other"}]
PART = dict.fromkeys(("width", "height", "shown_width", "shown_height"), 9)
NUMBERS = st.integers(0, 9_999)  # of damaged files
Case = schemathesis.Case[Any]
Operation = schemathesis.APIOperation[Any, Any, Any, Any]


@pytest.fixture(scope="module")
def system(
    broker: Broker, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """As on the internet: everything has an owner."""
    environment = {
        "ACCESS": "owned",
        "PRINCIPAL_SECRET": "a secret of thirty-two characters",
        "GATEWAY_API_KEYS": CONFIGURED,
    }
    with running_system(tmp_path_factory.mktemp("owned"), broker, database, environment) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def pids(system: System) -> dict[str, int]:
    """Of each service, before anything was asked."""
    return pids_of(system)


def pids_of(system: System) -> dict[str, int]:
    processes = {name: child.process for name, child in system.services.children.items()}
    return {name: process.pid for name, process in processes.items() if process is not None}


def operations(system: System) -> list[Operation]:
    document = requests.get(f"{system.url}/openapi.json", timeout=30).json()
    paths = schemathesis.openapi.from_dict(document)
    return [operation for methods in paths.values() for operation in methods.values()]


def known_parameters(owner: Caller) -> dict[str, str]:
    """Path parameters of an image that has been dithered."""
    uuid = owner.upload(email="ada@example.org")["uuid"]
    return {"uuid": uuid, "dither_id": owner.dithered(uuid)["dithers"][0]["dither_id"]}


@st.composite
def cases_of(
    draw: st.DrawFn,
    operation: Operation,
    known: Mapping[str, str],
    options: st.SearchStrategy[dict[str, Any]],
) -> Case:
    """With what random text does not hit: a key that is known, an image that is there, files that
    are images, and options that there are."""
    case: Case = draw(st.one_of([operation.as_strategy(mode) for mode in GenerationMode]))
    case.headers.update(draw(st.sampled_from(KEYS)))
    if draw(st.booleans()):
        for name in known.keys() & (case.path_parameters or {}).keys():
            case.path_parameters[name] = known[name]
    if isinstance(case.body, dict):
        body: dict[str, Any] = {**case.body}
        if "file" in body and (file := draw(files())) is not None:
            body["file"] = [file] if isinstance(body["file"], list) else file
        if draw(st.booleans()):
            case.query, body = {}, with_options(case.path, body, draw(options))
        case.body = body
    return case


def with_options(path: str, body: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """A body that is allowed, if its file is: most of a service's work comes after that."""
    if path == DITHER:
        return options
    if "file" not in body:
        return body | {"options": options}
    if path.endswith("/palette"):
        return {"file": body["file"]}
    if not path.startswith("/previews/"):
        return {"file": body["file"], "options": json.dumps(options)}
    wish = {"options": options, **({"part": PART} if path.endswith("/part") else {})}
    return {"file": body["file"], "request": json.dumps(wish)}


@st.composite
def options_of(draw: st.DrawFn, dither: Operation) -> dict[str, Any]:
    """A few of the options, with values that the document allows."""
    body = draw(dither.as_strategy(GenerationMode.POSITIVE)).body
    options = body if isinstance(body, dict) else {}
    few = draw(st.sets(st.sampled_from([*options]), max_size=3)) if options else ()
    return {name: options[name] for name in sorted(few)}


@st.composite
def files(draw: st.DrawFn) -> bytes | None:
    """A whole file or a damaged one; None: as Schemathesis made it."""
    kind = draw(st.sampled_from(["random", "whole", "damaged"]))
    if kind == "random":
        return None
    name = draw(st.sampled_from([*images()]))
    return images()[name] if kind == "whole" else mutant(images(), name, draw(NUMBERS), SEED)


def known_to(operation: Operation, image: dict[str, str], doomed: dict[str, str]) -> dict[str, str]:
    """The path parameters of an image that a request of this operation may hit."""
    if operation.path.endswith("/events"):
        return {}  # the stream of an image that is there does not end
    return doomed if operation.method == "delete" else image


def test_every_answer_is_as_described(system: System, subtests: pytest.Subtests) -> None:
    owner = Caller(system, X_API_Key=KEY)
    image, doomed = known_parameters(owner), known_parameters(owner)
    described = operations(system)
    each = SCALE.cases // len(described) + 1
    [dither] = [operation for operation in described if operation.path == DITHER]
    options = options_of(dither)
    asked = count()

    for operation in described:

        @seed(SEED)
        @settings(
            max_examples=each,
            derandomize=False,  # the seed decides
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases_of(operation, known_to(operation, image, doomed), options))
        def answered(case: Case) -> None:
            next(asked)
            case.call_and_validate(system.url, checks=AS_DESCRIBED, timeout=DEADLINE_SECONDS)

        with subtests.test(operation.label, seed=SEED):
            answered()
    assert next(asked) > 0.8 * SCALE.cases  # some operations have few different requests


@pytest.mark.parametrize("phase", ["coverage", "stateful"])
def test_every_answer_to_the_command_is_as_described(
    system: System, phase: str, tmp_path: Path
) -> None:
    """``coverage``: each parameter at, below and above its bounds, and left out; other methods.
    ``stateful``: what one answer names is asked for next, and after it was deleted.
    """
    checks = [check.__name__ for check in AS_DESCRIBED] + {
        "coverage": ["unsupported_method", "allow_header_conformance"],
        "stateful": ["use_after_free", "ensure_resource_availability"],
    }[phase]
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{system.url}/openapi.json",
        f"--phases={phase}",
        f"--checks={','.join(checks)}",
        f"--seed={SEED}",
        f"--max-examples={SCALE.scenarios}",
        f"--request-timeout={DEADLINE_SECONDS}",
        f"--header=X-API-Key: {KEY}",
        "--exclude-path-regex=/events$",  # the stream of an image that is there does not end
        "--continue-on-failure",
        "--no-color",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def statuses(system: System) -> set[str]:
    """Of the newest dithers, whoever has them."""
    page = Caller(system, X_API_Key=KEY).ask("GET", "/dithers?limit=100").json()
    return {dither["status"] for dither in page["items"]}


def test_nothing_has_ended_and_all_work_is_done(system: System, pids: dict[str, int]) -> None:
    assert pids_of(system) == pids
    for name in pids:
        assert "Traceback" not in system.log(name), name
        assert "a worker process died" not in system.log(name), name
    system.dithered(system.upload(images()["png"])["uuid"])
    wait_for(lambda: "queued" not in statuses(system), "end of all work", seconds=WORK_SECONDS)
    health = requests.get(f"{system.url}/health", timeout=30)
    assert health.json()["status"] == "ok", health.text
