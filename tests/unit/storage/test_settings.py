import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.storage import LocalStorage, StorageSettings, build_storage
from shared.storage.cloudinary import CloudinaryStorage

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
    assert settings.uses_cloudinary
    assert isinstance(build_storage(settings), CloudinaryStorage)
    assert "s3cret" not in repr(settings)


def test_empty_variables_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CREDENTIALS, "CLOUDINARY_UPLOAD_PREFIX", "STORAGE_TIMEOUT_SECONDS", "DATA_DIR"):
        monkeypatch.setenv(name, "")
    settings = StorageSettings()
    assert not settings.uses_cloudinary
    assert settings.data_dir == Path("data")


@pytest.mark.parametrize("missing", CREDENTIALS)
def test_a_part_of_the_credentials_is_an_error(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in CREDENTIALS.keys() - {missing}:
        monkeypatch.setenv(name, CREDENTIALS[name])
    with pytest.raises(ValidationError, match=f"{missing} must be set as well"):
        StorageSettings()


def test_every_variable_is_described() -> None:
    assert all(field.description for field in StorageSettings.model_fields.values())
