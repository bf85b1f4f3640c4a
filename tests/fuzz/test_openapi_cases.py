"""Requests made from the public OpenAPI document, allowed ones and others, to a running system.

Every answer is one that the document describes, within a deadline; no process ends, and the work
that the requests have left behind is done. A failure prints its request as a curl command.
"""

from collections.abc import Mapping
from itertools import count
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

from tests.fuzz.mutation import mutant
from tests.fuzz.samples import images
from tests.fuzz.scale import chosen_scale, chosen_seed
from tests.support.system import System

SCALE, SEED = chosen_scale(), chosen_seed()
DEADLINE_SECONDS = 60.0  # of a request, on a busy machine
AS_DESCRIBED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NUMBERS = st.integers(0, 9_999)  # of damaged files
Case = schemathesis.Case
Operation = schemathesis.APIOperation[Any, Any, Any, Any]


@pytest.fixture(scope="module", autouse=True)
def pids(system: System) -> dict[str, int]:
    """Of each service, before anything was asked."""
    return pids_of(system)


def pids_of(system: System) -> dict[str, int]:
    processes = {name: child.process for name, child in system.services.children.items()}
    return {name: process.pid for name, process in processes.items() if process is not None}


def operations(system: System) -> list[Operation]:
    document = requests.get(f"{system.url}/openapi.json", timeout=30).json()
    return [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]


def known_parameters(system: System) -> dict[str, str]:
    """Path parameters of an image that has been dithered."""
    uuid = system.upload(images()["png"], email="ada@example.org")["uuid"]
    image = system.dithered(uuid)
    return {"uuid": uuid, "dither_id": image["dithers"][0]["dither_id"]}


@st.composite
def cases_of(draw: st.DrawFn, operation: Operation, known: Mapping[str, str]) -> Case:
    """With what random text does not hit: an image that is there, and files that are images."""
    case: Case = draw(st.one_of([operation.as_strategy(mode) for mode in GenerationMode]))
    if draw(st.booleans()):
        for name in known.keys() & (case.path_parameters or {}).keys():
            case.path_parameters[name] = known[name]
    if isinstance(case.body, dict) and "file" in case.body:
        file = draw(files()) or case.body["file"]
        case.body["file"] = [file] if isinstance(case.body["file"], list) else file
    return case


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
    image, doomed = known_parameters(system), known_parameters(system)
    described = operations(system)
    each = SCALE.cases // len(described) + 1
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
        @given(case=cases_of(operation, known_to(operation, image, doomed)))
        def answered(case: Case) -> None:
            next(asked)
            case.call_and_validate(system.url, checks=AS_DESCRIBED, timeout=DEADLINE_SECONDS)

        with subtests.test(operation.label):
            answered()
    assert next(asked) >= SCALE.cases // 2, "some operations have few different requests"


def test_nothing_has_ended_and_all_work_is_done(system: System, pids: dict[str, int]) -> None:
    assert pids_of(system) == pids
    for name in pids:
        assert "Traceback" not in system.log(name), name
        assert "a worker process died" not in system.log(name), name
    uuid = system.upload(images()["png"])["uuid"]
    system.dithered(uuid)
    health = requests.get(f"{system.url}/health", timeout=30)
    assert health.json()["status"] == "ok", health.text
