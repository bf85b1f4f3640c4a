"""What the settings of every process have, and how a wrong value is told."""

import re
from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.logs import LogFormat

FILE = ".env"


class Settings(BaseSettings):
    """The settings of every process."""

    # Values stay out of errors: many are secrets.
    model_config = SettingsConfigDict(
        extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    log_format: LogFormat = Field("json", description="json, or text for a terminal")

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, name: Any) -> Any:
        return name.upper() if isinstance(name, str) else name

    @classmethod
    def load(cls) -> Self:
        """Read the environment and ``.env``. Ends the process with a sentence for each error."""
        try:
            return cls(_env_file=FILE)
        except ValidationError as error:
            raise SystemExit("\n".join(_sentences(error))) from None
        except (OSError, UnicodeDecodeError):
            raise SystemExit(f"{FILE} cannot be read; it must be a text file in UTF-8") from None


def _sentences(error: ValidationError) -> Iterator[str]:
    """What is wrong with which variable, never its value."""
    for detail in error.errors(include_url=False, include_input=False):
        name = "_".join(map(str, detail["loc"])).upper()
        text = re.sub(r"^(Input|String|Value) should ", "must ", detail["msg"])
        text = text.removeprefix("Value error, ")
        if text.startswith("must "):
            yield f"{name} {text}"
        else:
            yield text if name in text else f"{name}: {text}"
