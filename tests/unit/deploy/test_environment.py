"""`.env.example` and the settings classes say the same."""

import re

from tests.support.env_example import PATH, SECTIONS, render


def test_the_example_is_what_the_settings_say() -> None:
    assert PATH.read_text() == render(), "write it anew: python -m tests.support.env_example"


def test_each_variable_stands_once_with_a_line_of_what_it_does() -> None:
    lines = PATH.read_text().splitlines()
    variables = [line for line in lines if re.match(r"#[A-Z0-9_]+=", line)]
    names = [line[1:].partition("=")[0] for line in variables]
    wanted = {name.upper() for settings in SECTIONS.values() for name in settings.model_fields}
    assert len(names) == len(set(names))
    assert set(names) == wanted
    for line in variables:
        assert re.match(r"# \S.{6,}", lines[lines.index(line) - 1])


def test_the_variables_of_the_contract_are_there() -> None:
    text = PATH.read_text()
    for name in (
        *("KAFKA_SERVER", "KAFKA_IMAGE_TOPIC", "KAFKA_DITHER_TOPIC"),
        *("CLOUDINARY_CLOUD_NAME", "CLOUDINARY_API_KEY", "CLOUDINARY_API_SECRET"),
        *("POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_USER", "POSTGRES_PORT", "POSTGRES_HOST"),
    ):
        assert f"\n#{name}=" in text


def test_a_variable_says_the_same_in_every_class_that_has_it() -> None:
    said: dict[str, str | None] = {}
    for settings in SECTIONS.values():
        for name, field in settings.model_fields.items():
            assert said.setdefault(name, field.description) == field.description, name
