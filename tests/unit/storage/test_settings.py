import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.storage import LocalStorage, StorageSettings, build_storage
from shared.storage.cloudinary import CloudinaryStorage
from shared.storage.s3 import S3Storage

CREDENTIALS = {
    "CLOUDINARY_CLOUD_NAME": "cloud",
    "CLOUDINARY_API_KEY": "key",
    "CLOUDINARY_API_SECRET": "s3cret",
}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in StorageSettings.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)


def test_without_credentials_files_go_to_local_disk_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        storage = build_storage(StorageSettings(data_dir=tmp_path))
    assert isinstance(storage, LocalStorage)
    assert storage.path("images/6ba7b810-9dad-11d1-80b4-00c04fd430c8.png").is_relative_to(tmp_path)
    assert "local disk" in caplog.text


def test_with_credentials_they_go_to_cloudinary(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    settings = StorageSettings()
    assert isinstance(build_storage(settings), CloudinaryStorage)
    assert "s3cret" not in repr(settings)


def test_empty_variables_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CREDENTIALS, "CLOUDINARY_UPLOAD_PREFIX", "STORAGE_TIMEOUT_SECONDS", "DATA_DIR"):
        monkeypatch.setenv(name, "")
    settings = StorageSettings()
    assert settings.chosen_storage == "local"
    assert settings.data_dir == Path("data")


@pytest.mark.parametrize("missing", CREDENTIALS)
def test_a_part_of_the_credentials_is_an_error(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in CREDENTIALS.keys() - {missing}:
        monkeypatch.setenv(name, CREDENTIALS[name])
    with pytest.raises(ValidationError, match=f"{missing} must be set as well"):
        StorageSettings()


def test_s3_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**CREDENTIALS, "STORAGE": "s3", "S3_BUCKET": "pictures"}.items():
        monkeypatch.setenv(name, value)
    assert isinstance(build_storage(StorageSettings()), S3Storage)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"STORAGE": "s3"}, "S3_BUCKET must be set when STORAGE is s3"),
        ({"STORAGE": "cloudinary"}, "CLOUDINARY_URL must be set when STORAGE is cloudinary"),
        (
            {"S3_ACCESS_KEY_ID": "key"},
            "S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be set together",
        ),
        ({"S3_BUCKET": "Not_a_bucket"}, "3 to 63 small letters"),
    ],
)
def test_what_is_missing_or_wrong_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=sentence) as ended:
        StorageSettings.load()
    assert "\n" not in str(ended.value)


def test_the_disk_may_be_chosen_although_cloudinary_could_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {**CREDENTIALS, "STORAGE": "local", "DATA_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    assert isinstance(build_storage(StorageSettings()), LocalStorage)


@pytest.mark.parametrize(
    ("rest", "delivery_url", "private_cdn"),
    [
        ("", "https://res.cloudinary.com", False),
        ("?private_cdn=true", "https://cloud-res.cloudinary.com", True),
        ("/pictures.example.org", "https://pictures.example.org", True),
        ("?secure_distribution=pictures.example.org", "https://pictures.example.org", True),
    ],
)
def test_a_private_cdn_may_be_in_cloudinarys_url(
    monkeypatch: pytest.MonkeyPatch, rest: str, delivery_url: str, private_cdn: bool
) -> None:
    monkeypatch.setenv("CLOUDINARY_URL", f"cloudinary://key:secret@cloud{rest}")
    settings = StorageSettings()
    assert settings.cloudinary_delivery_url == delivery_url
    assert settings.cloudinary_private_cdn is private_cdn


def test_a_private_cdn_by_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**CREDENTIALS, "CLOUDINARY_PRIVATE_CDN": "true"}.items():
        monkeypatch.setenv(name, value)
    assert StorageSettings().cloudinary_delivery_url == "https://cloud-res.cloudinary.com"
    monkeypatch.setenv("CLOUDINARY_DELIVERY_URL", "https://pictures.example.org")
    assert StorageSettings().cloudinary_delivery_url == "https://pictures.example.org"


def test_every_variable_is_described() -> None:
    assert all(field.description for field in StorageSettings.model_fields.values())
