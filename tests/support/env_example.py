"""Writes ``.env.example`` from the settings classes: ``python -m tests.support.env_example``."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from api_gateway.settings import GatewaySettings
from dither_service.settings import DitherSettings
from notification_service.settings import NotificationSettings
from shared.roles import RoleSettings
from shared.settings import (
    AccessSettings,
    DatabaseSettings,
    HttpSettings,
    KafkaSettings,
    OwnerSettings,
    Settings,
)
from shared.storage.settings import StorageSettings
from upload_service.settings import UploadSettings

PATH = Path(__file__).parents[2] / ".env.example"

HEAD = """\
# Every variable there is, each with what it does and its default. Copy this file to .env, and take
# the # away from what you set. Without any of them, `make run` brings everything along. Two
# defaults differ by service: PORT (upload 8001, dither 8002, notification 8003) and
# DATABASE_POOL_SIZE (notification 1).
"""

# In this order; a variable is listed in the first section that has it.
SECTIONS: dict[str, type[Settings]] = {
    "Every process": HttpSettings,
    "Access": AccessSettings,
    "Owners": OwnerSettings,
    "Kafka": KafkaSettings,
    "Postgres": DatabaseSettings,
    "Postgres' roles (migrations job)": RoleSettings,
    "Files": StorageSettings,
    "Upload service": UploadSettings,
    "Dither service": DitherSettings,
    "Notification service": NotificationSettings,
    "Gateway": GatewaySettings,
}


def render() -> str:
    """The text of the file."""
    written: set[str] = set()
    parts = [HEAD]
    for title, settings in SECTIONS.items():
        fields = {n: f for n, f in settings.model_fields.items() if n not in written}
        written |= fields.keys()
        if fields:
            lines = [line for name, field in fields.items() for line in _lines(name, field)]
            parts.append("\n".join([f"# --- {title}", "", *lines]))
    return "\n".join(parts)


def _lines(name: str, field: FieldInfo) -> list[str]:
    assert field.description, f"{name} has no description"
    return [f"# {field.description}", f"#{name.upper()}={_text(field.default)}", ""]


def _text(default: Any) -> str:
    if default is None or default is PydanticUndefined:
        return ""
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    return str(default).lower() if isinstance(default, bool) else str(default)


if __name__ == "__main__":
    PATH.write_text(render())
