"""The Compose files, the Dockerfile and the Procfile name only what exists."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.env_example import SECTIONS

PROJECT = Path(__file__).parents[3]
EDGE = PROJECT / "deploy" / "edge"
SYSTEM, TESTS = "docker-compose.yml", "docker-compose-test.yml"
OURS = {"gateway", "upload", "dither", "notification", "topics", "migrations"}
PORTS = {"gateway": 8000, "upload": 8001, "dither": 8002, "notification": 8003}
VARIABLES = {name.upper() for settings in SECTIONS.values() for name in settings.model_fields}


def compose(name: str) -> dict[str, Any]:
    document = yaml.safe_load((PROJECT / name).read_text())
    assert isinstance(document, dict)
    return document


def module_of(command: list[str]) -> str:
    assert command[:2] == ["python", "-m"], command
    return command[2]


def test_every_module_that_a_service_runs_is_there() -> None:
    services = compose(SYSTEM)["services"]
    for name in OURS:
        module = module_of(services[name]["command"])
        assert importlib.util.find_spec(module), f"{name} runs {module}"
    for package in services["migrations"]["command"][3:]:
        assert (PROJECT / package / "migrations").is_dir()


def test_every_variable_that_a_service_is_given_is_a_setting() -> None:
    services = compose(SYSTEM)["services"]
    for name in OURS:
        unknown = services[name]["environment"].keys() - VARIABLES
        assert not unknown, f"{name}: {unknown}"
    known = VARIABLES | {"PYTHON_IMAGE", "DEBIAN_IMAGE", "EDGE_PUBLISH_HTTP", "EDGE_PUBLISH_HTTPS"}
    known |= edge_variables()
    for file in (SYSTEM, TESTS):
        named = set(re.findall(r"\$\{([A-Z0-9_]+)", (PROJECT / file).read_text()))
        assert named <= known, f"{file}: {named - known}"


def edge_variables() -> set[str]:
    return set(re.findall(r"\$\{([A-Z0-9_]+):=", (EDGE / "start").read_text()))


def test_the_edge_is_given_what_it_reads_and_leads_to_the_gateway() -> None:
    edge = compose(SYSTEM)["services"]["edge"]
    assert edge["profiles"] == ["edge"]
    assert edge["environment"].keys() <= edge_variables()
    assert edge["environment"]["EDGE_GATEWAYS"] == f"gateway:{PORTS['gateway']}"
    documented = (PROJECT / "docs" / "edge.md").read_text()
    assert {name for name in edge_variables() if f"`{name}`" not in documented} == set()


def test_ports_and_addresses_fit_together() -> None:
    services = compose(SYSTEM)["services"]
    for name, port in PORTS.items():
        environment = services[name]["environment"]
        assert environment["PORT"] == str(port)
        for other in PORTS.keys() - {"gateway"}:
            url = f"http://{other}:{PORTS[other]}"
            assert environment[f"{other.upper()}_SERVICE_URL"] == url
    published = {port for service in services.values() for port in service.get("ports", [])}
    assert published == {
        "127.0.0.1:8000:8000",
        "127.0.0.1:8025:8025",
        "${EDGE_PUBLISH_HTTP:-127.0.0.1:8080}:8080",
        "${EDGE_PUBLISH_HTTPS:-127.0.0.1:8443}:8443",
    }


def test_whoever_is_waited_for_exists_and_can_become_what_is_waited_for() -> None:
    for file in (SYSTEM, TESTS):
        document = compose(file)
        services = document["services"]
        system = compose(SYSTEM)["services"]
        for service in services.values():
            for name, wait in service.get("depends_on", {}).items():
                other = services[name]
                if "extends" in other:
                    other = system[other["extends"]["service"]]
                if wait["condition"] == "service_completed_successfully":
                    assert other["restart"] == "no"
                else:
                    assert wait["condition"] == "service_healthy"
                    assert "healthcheck" in other or "build" in other
        for service in services.values():
            for volume in service.get("volumes", []):
                assert volume.partition(":")[0] in document["volumes"]


def test_a_process_that_is_broken_into_can_do_little() -> None:
    services = compose(SYSTEM)["services"]
    for name in OURS:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    for name, service in services.items():
        assert "mem_limit" in service, name
        assert "no-new-privileges:true" in service["security_opt"], name
    assert "files:/data:ro" in services["notification"]["volumes"]
    assert "volumes" not in services["gateway"]


def test_each_process_has_its_own_secrets_only() -> None:
    services = compose(SYSTEM)["services"]
    for name in ("upload", "dither", "notification"):
        environment = services[name]["environment"]
        assert environment["POSTGRES_USER"] == f"{name}_service"
        secret = f"{name.upper()}_POSTGRES_PASSWORD"
        assert environment["POSTGRES_PASSWORD"].startswith("${" + secret + ":?")
    text = {name: json.dumps(services[name]["environment"]) for name in OURS}
    assert "POSTGRES" not in text["gateway"]
    assert {name for name in OURS if "${POSTGRES_PASSWORD" in text[name]} == {"migrations"}
    assert {name for name in OURS if "${MAIL_SECRET" in text[name]} == {"notification"}
    assert {name for name in OURS if "${SMTP_PASSWORD" in text[name]} == {"notification"}


def test_no_password_has_a_default_and_one_command_makes_all(tmp_path: Path) -> None:
    text = (PROJECT / SYSTEM).read_text()
    wanted = set(re.findall(r"\$\{([A-Z0-9_]+):\?", text))
    assert not re.search(r"PASSWORD:-[^}]", text)
    file = tmp_path / ".env"
    file.write_text("MAIL_SECRET=mine\n")
    order = ["sh", str(PROJECT / "deploy" / "secrets"), str(file)]
    for _ in range(2):
        subprocess.run(order, check=True, capture_output=True)
    lines = dict(line.split("=") for line in file.read_text().splitlines())
    assert lines.keys() == wanted
    assert lines.pop("MAIL_SECRET") == "mine"
    assert len(set(lines.values())) == len(lines)
    assert all(re.fullmatch("[0-9a-f]{64}", secret) for secret in lines.values())
    subprocess.run([*order[:2], str(tmp_path / "new")], check=True, capture_output=True)
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("mode", [0o777, 0o555])
def test_kernels_are_copied_to_where_they_can_be_written(mode: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        kernels = Path(directory) / "image"
        kernels.mkdir()
        (kernels / "one.nbi").write_text("compiled")
        Path(directory).chmod(0o777)
        kernels.chmod(mode)
        order = ["-s", "--", "sh", "-c", 'cat "$NUMBA_CACHE_DIR"/*.nbi; echo " $NUMBA_CACHE_DIR"']
        done = subprocess.run(
            ["sh", *order],
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
            user=65534 if os.geteuid() == 0 else None,  # root may write everywhere
            # Not by its name: another user may not enter the project's directory.
            input=(PROJECT / "deploy" / "entrypoint").read_text(),
            env={"PATH": os.environ["PATH"], "NUMBA_CACHE_DIR": str(kernels), "TMPDIR": directory},
        )
        used = kernels if mode == 0o777 else Path(directory) / "kernels"
        assert done.stdout == f"compiled {used}\n"


def test_brokers_make_no_topics_by_themselves() -> None:
    kafka = compose(SYSTEM)["services"]["kafka"]["environment"]
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


@pytest.mark.parametrize("file", [SYSTEM, TESTS])
def test_the_files_keep_to_the_compose_schema(file: str) -> None:
    """`compose-spec.json` is that of the Compose Specification (October 2026, Apache License 2.0),
    unchanged, as check-jsonschema 0.39.0 brings it."""
    schema = json.loads(Path(__file__).with_name("compose-spec.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(compose(file))


def test_the_tests_have_containers_and_volumes_of_their_own() -> None:
    assert compose(TESTS)["name"] == "dither-test"


def test_the_procfile_runs_what_is_there() -> None:
    lines = (PROJECT / "Procfile").read_text().splitlines()
    processes = dict(line.split(": ", 1) for line in lines)
    assert processes.keys() == {"release", "web", "upload", "dither", "notification"}
    for command in processes.values():
        for module in re.findall(r"python -m (\S+)", command):
            assert importlib.util.find_spec(module)


def test_the_image_holds_every_package_and_runs_as_nobody_special() -> None:
    text = (PROJECT / "Dockerfile").read_text()
    image = text[text.rindex("\nFROM ") :]
    for package in ("shared", "upload_service", "dither_service", "notification_service"):
        assert f"COPY {package} {package}" in image
    assert "COPY api_gateway api_gateway" in image
    assert "COPY frontend frontend" in image
    assert re.search(r"^USER 10001", image, re.MULTILINE)
    assert "--require-hashes" in text


@pytest.mark.parametrize("file", ["Dockerfile", "deploy/edge/Dockerfile", "tests/Dockerfile"])
def test_the_dockerfiles_are_lint_clean(file: str) -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("hadolint is not installed here")
    done = subprocess.run(
        [hadolint, str(PROJECT / file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
