"""A wrong setting is one sentence that names its variable, for every variable of every process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import pytest

from api_gateway.settings import GatewaySettings
from dither_service.settings import DitherSettings
from notification_service.settings import NotificationSettings
from shared.roles import RoleSettings
from shared.settings import KafkaSettings, Settings
from upload_service.settings import UploadSettings

PROCESSES: list[type[Settings]] = [
    *(GatewaySettings, UploadSettings, DitherSettings, NotificationSettings, RoleSettings)
]
MARK = "hunter2"  # a part of each wrong value that no sentence may show
BEGIN = "-----BEGIN CERTIFICATE-----\\n"
# Texts that are wrong, and the other variables that are needed for them to matter.
WRONG: dict[str, tuple[str, dict[str, str]]] = {
    "public_url": (f"ftp://{MARK}", {}),
    "principal_secret": (MARK, {"ACCESS": "owned"}),
    "kafka_server": (f"kafka://{MARK}:9092", {}),
    "kafka_url": (f"{MARK}:9092", {}),
    "otel_exporter_otlp_endpoint": (f"http://me:{MARK}@collector:4318", {}),
    "otel_exporter_otlp_headers": (f"a=b, {MARK}", {}),
    "kafka_ssl_ca": (BEGIN + MARK, {}),
    "kafka_trusted_cert": (f"/{MARK}.pem", {}),
    "kafka_client_cert": (MARK, {}),
    "kafka_client_cert_key": (MARK, {}),
    "kafka_sasl_username": (
        MARK,
        {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "PLAIN"},
    ),
    "kafka_sasl_password": (
        MARK,
        {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "PLAIN"},
    ),
    "kafka_oauth_token_url": (f"https://me:{MARK}@example.org", {}),
    "kafka_oauth_client_id": (
        MARK,
        {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "OAUTHBEARER"},
    ),
    "kafka_oauth_client_secret": (
        MARK,
        {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "OAUTHBEARER"},
    ),
    "kafka_oauth_extensions": (MARK, {}),
    "kafka_oauth_hook": (f"{MARK}.token", {}),
    "kafka_image_topic": (f"{MARK} images", {}),
    "kafka_dither_topic": (f"{MARK}/dithers", {}),
    "kafka_dead_letter_topic": (f"{MARK}é", {}),
    "kafka_prefix": (f"{MARK}:", {}),
    "database_url": (f"postgres://u:{MARK}%zz@host/db", {}),
    "cloudinary_url": (f"cloudinary://{MARK}@cloud", {}),
    "cloudinary_cloud_name": (f"https://{MARK}", {}),
    "cloudinary_api_key": (MARK, {}),
    "cloudinary_api_secret": (MARK, {}),
    "cloudinary_upload_prefix": (f"https://me:{MARK}@example.org", {}),
    "cloudinary_delivery_url": (MARK, {}),
    "cloudinary_folder": (f"/{MARK}", {}),
    "s3_bucket": (f"{MARK}_", {}),
    "s3_endpoint": (f"https://me:{MARK}@example.org", {}),
    "s3_prefix": (f"/{MARK}", {}),
    "s3_access_key_id": (MARK, {}),
    "s3_secret_access_key": (MARK, {}),
    "upload_service_url": (f"http://me:{MARK}@upload:8001", {}),
    "dither_service_url": (f"http://me:{MARK}@dither:8002", {}),
    "notification_service_url": (MARK, {}),
    "dither_url_hosts": ("https://example.org", {}),
    "smtp_username": (MARK, {}),
    "smtp_password": (MARK, {}),
    "smtp_ca": (f"/{MARK}.pem", {}),
    "mail_from": (MARK, {}),
    "mail_secret": (MARK, {}),
    "gateway_api_keys": (MARK, {"ACCESS": "keys", "PRINCIPAL_SECRET": "x" * 32}),
    "gateway_trusted_proxies": ("10.0.0.1/99", {}),
    "gateway_cors_origins": (MARK, {}),
    "gateway_cors_headers": (f"{MARK}:", {}),
}
# Every text may be right: the other side decides, or (HOST) the system when it is listened to.
ANY_TEXT = {
    *("host", "kafka_group_prefix", "kafka_oauth_scope", "smtp_host", "data_dir", "frontend_dir"),
    *("s3_region", "otel_exporter_otlp_headers"),
    *("postgres_host", "postgres_db", "postgres_user", "postgres_password"),
    *("upload_postgres_password", "dither_postgres_password", "notification_postgres_password"),
}


def kinds(annotation: Any) -> Iterator[Any]:
    """The types of a field, without None and without constraints."""
    origin = get_origin(annotation)
    if origin is Literal:
        yield Literal
    elif origin is None:
        yield annotation
    else:
        parts = get_args(annotation)
        for part in parts if origin is Union or "Union" in str(origin) else parts[:1]:
            yield from kinds(part)


def cases() -> Iterator[Any]:
    for process in PROCESSES:
        for name, field in process.model_fields.items():
            if name in ANY_TEXT:
                continue
            if {int, float, bool, Literal} & set(kinds(field.annotation)):
                wrong: tuple[str, dict[str, str]] = (MARK, {})
            else:
                wrong = WRONG[name]  # a new text needs a wrong value here, or is in ANY_TEXT
            yield pytest.param(process, name, *wrong, id=f"{process.__name__}-{name}")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for process in PROCESSES:
        for name in process.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(("process", "name", "value", "others"), list(cases()))
def test_a_wrong_value_is_one_sentence_with_the_name_and_without_the_value(
    monkeypatch: pytest.MonkeyPatch,
    process: type[Settings],
    name: str,
    value: str,
    others: dict[str, str],
) -> None:
    for variable, text in {name.upper(): value, **others}.items():
        monkeypatch.setenv(variable, text)
    with pytest.raises(SystemExit) as ended:
        process.load()
    sentence = str(ended.value)
    assert name.upper() in sentence
    assert MARK not in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("process", "name"),
    [
        pytest.param(process, name, id=f"{process.__name__}-{name}")
        for process in PROCESSES
        for name, field in process.model_fields.items()
        if {int, float} & set(kinds(field.annotation))
    ],
)
def test_a_number_below_its_bound_is_refused(
    monkeypatch: pytest.MonkeyPatch, process: type[Settings], name: str
) -> None:
    monkeypatch.setenv(name.upper(), "-7")
    with pytest.raises(SystemExit, match=rf"^{name.upper()} must be .*(equal to|than) "):
        process.load()


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eighty")
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(SystemExit) as ended:
        UploadSettings.load()
    assert {line.split()[0] for line in str(ended.value).splitlines()} == {"PORT", "LOG_FORMAT"}


@pytest.mark.parametrize("level", ["info", "INFO", "Info"])
@pytest.mark.parametrize("process", [*PROCESSES, KafkaSettings])
def test_a_level_is_understood_in_any_case(
    monkeypatch: pytest.MonkeyPatch, process: type[Settings], level: str
) -> None:
    monkeypatch.setenv("LOG_LEVEL", level)
    assert process.load().log_level == "INFO"


@pytest.mark.parametrize("process", PROCESSES)
def test_no_check_replaces_another_by_having_its_name(process: type[Settings]) -> None:
    blocks = [block for block in process.__mro__ if issubclass(block, Settings)]
    checks = [
        name
        for block in blocks
        for name, value in vars(block).items()
        if isinstance(value, classmethod) or name in block.__pydantic_decorators__.model_validators
    ]
    assert len(checks) > 5 or process is RoleSettings
    assert sorted(checks) == sorted(set(checks))


def test_a_file_of_variables_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"LOG_LEVEL=\xff")
    with pytest.raises(SystemExit, match=r"^\.env cannot be read"):
        Settings.load()


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("api_gateway.main", "PORT", "eighty"),
        ("upload_service.main", "CLOUDINARY_URL", f"cloud:{MARK}"),
        ("dither_service.main", "KAFKA_CLIENT_CERT_KEY", MARK),
        ("notification_service.main", "DATABASE_URL", f"mysql://me:{MARK}@host/db"),
        ("shared.kafka.topics", "KAFKA_URL", MARK),
        ("shared.kafka.deadletters", "KAFKA_SERVER", f"kafka://{MARK}"),
        ("shared.migrations", "DATABASE_URL", f"postgres://{MARK}/db?sslmode=yes"),
    ],
)
def test_a_process_ends_with_the_sentence_alone(
    tmp_path: Path, module: str, name: str, value: str
) -> None:
    arguments = {"shared.kafka.deadletters": ["list"], "shared.migrations": ["upload_service"]}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments.get(module, [])],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3]), name: value},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert name in done.stderr
    assert MARK not in done.stderr
